#include "dsp/features.h"

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "dsp/r_peaks.h"
#include "dsp/rr_statistics.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

constexpr std::array kColumns = {
    FeatureColumn{"rr_mean_ms", "ms", "mean RR interval between consecutive beats, 250 to 3000 ms", "2 beats"},
    FeatureColumn{"rr_median_ms", "ms", "median RR interval", "2 beats"},
    FeatureColumn{"rr_diff_min_ms", "ms", "smallest signed difference of successive RR intervals", "3 beats"},
    FeatureColumn{"rr_pnn60_pct", "%", "successive RR differences of more than 60 ms", "3 beats"},
    FeatureColumn{"rr_rmssd_ms", "ms", "root mean square of the successive RR differences", "3 beats"},
    FeatureColumn{"hr_min_bpm", "1/min", "smallest 60000 / RR", "2 beats"},
    FeatureColumn{"hr_max_bpm", "1/min", "largest 60000 / RR", "2 beats"},
    FeatureColumn{"hr_mean_bpm", "1/min", "mean of 60000 / RR", "2 beats"},
    FeatureColumn{"hr_sd_bpm", "1/min", "sample SD of 60000 / RR", "3 beats"},
    FeatureColumn{"age_years", "years", "age as recorded, 300 (over 89) as 90", "a recorded age"},
    FeatureColumn{"sex", "", "0 male, 1 female", "a recorded sex"},
};

// Fills a row by column name.
class RowBuilder {
 public:
  RowBuilder() : row_{std::vector<double>(kColumns.size(), kMissing), std::vector<std::string>(kColumns.size())} {}

  // A value that is not finite is missing because of `reason`.
  void set(std::string_view column, double value, std::string_view reason) {
    std::size_t at = 0;
    while (kColumns[at].name != column) ++at;
    row_.values[at] = std::isfinite(value) ? value : kMissing;
    row_.reasons[at] = std::isfinite(value) ? "" : std::string(reason);
  }
  FeatureRow take() { return std::move(row_); }

 private:
  FeatureRow row_;
};

void add_rr(const RPeaks& peaks, RowBuilder& row) {
  const RrStatistics s = rr_statistics(rr_intervals_ms(peaks.times_s));
  const std::size_t beats = peaks.times_s.size();
  const auto why = [&](std::size_t needed) -> std::string {
    if (beats == 0) return peaks.reason;
    if (beats < needed) return fmt::format("{} beat{}, {} are needed", beats, beats == 1 ? "" : "s", needed);
    return fmt::format("fewer than {} successive RR intervals between 250 and 3000 ms", needed - 1);
  };
  row.set("rr_mean_ms", s.rr_mean_ms, why(2));
  row.set("rr_median_ms", s.rr_median_ms, why(2));
  row.set("rr_diff_min_ms", s.rr_diff_min_ms, why(3));
  row.set("rr_pnn60_pct", s.rr_pnn60_pct, why(3));
  row.set("rr_rmssd_ms", s.rr_rmssd_ms, why(3));
  row.set("hr_min_bpm", s.hr_min_bpm, why(2));
  row.set("hr_max_bpm", s.hr_max_bpm, why(2));
  row.set("hr_mean_bpm", s.hr_mean_bpm, why(2));
  row.set("hr_sd_bpm", s.hr_sd_bpm, why(3));
}

void add_person(double age_years, double sex, RowBuilder& row) {
  constexpr double kOver89 = 300.0, kAgeOver89 = 90.0, kOldest = 130.0;
  const double age = age_years == kOver89 ? kAgeOver89 : age_years;
  const bool possible = age >= 0.0 && age <= kOldest;
  row.set("age_years", possible ? age : kMissing,
          std::isnan(age_years) ? "not recorded" : fmt::format("{} is not an age", age_years));
  row.set("sex", sex == 0.0 || sex == 1.0 ? sex : kMissing,
          std::isnan(sex) ? "not recorded" : fmt::format("{} is neither 0 nor 1", sex));
}

}  // namespace

std::span<const FeatureColumn> feature_columns() {
  return kColumns;
}

FeatureRow compute_features(const Eigen::ArrayXXd& signal, double rate, [[maybe_unused]] std::string_view unit,
                            std::span<const std::string> lead_names, double age_years, double sex) {
  if (static_cast<Eigen::Index>(lead_names.size()) != signal.cols()) {
    throw Error(fmt::format("features: {} lead names for {} leads", lead_names.size(), signal.cols()),
                "Give one name for each column of the signal.");
  }
  RowBuilder row;
  add_rr(detect_r_peaks(signal, rate), row);
  add_person(age_years, sex, row);
  return row.take();
}

}  // namespace cardiograd::dsp
