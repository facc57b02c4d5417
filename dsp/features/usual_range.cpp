#include "dsp/features/usual_range.h"

#include <array>
#include <utility>

namespace cardiograd::dsp {
namespace {

constexpr std::array<std::pair<std::string_view, UsualRange>, 7> kUsual = {{{"rr_mean_ms", {600, 1000}},
                                                                            {"rr_median_ms", {600, 1000}},
                                                                            {"hr_min_bpm", {60, 100}},
                                                                            {"hr_max_bpm", {60, 100}},
                                                                            {"hr_mean_bpm", {60, 100}},
                                                                            {"qrs_duration_mean_ms", {70, 110}},
                                                                            {"qt_mean_ms", {350, 450}}}};

}  // namespace

std::optional<UsualRange> usual_range(std::string_view column) {
  for (const auto& [name, range] : kUsual)
    if (name == column) return range;
  return std::nullopt;
}

}  // namespace cardiograd::dsp
