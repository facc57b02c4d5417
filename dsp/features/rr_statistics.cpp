#include "dsp/features/rr_statistics.h"

#include <algorithm>
#include <cmath>

#include "dsp/statistics.h"

namespace cardiograd::dsp {

IntervalRuns rr_intervals_ms(std::span<const double> beat_times_s, std::span<const Gap> gaps_s) {
  IntervalRuns runs(1);
  auto gap = gaps_s.begin();
  for (std::size_t i = 1; i < beat_times_s.size(); ++i) {
    const double from = beat_times_s[i - 1], to = beat_times_s[i], rr = 1000.0 * (to - from);
    while (gap != gaps_s.end() && gap->end_s <= from) ++gap;
    const bool broken = gap != gaps_s.end() && gap->begin_s < to;
    if (!broken && rr >= kMinRrMs && rr <= kMaxRrMs) {
      runs.back().push_back(rr);
    } else if (!runs.back().empty()) {
      runs.emplace_back();
    }
  }
  if (runs.back().empty()) runs.pop_back();
  return runs;
}

RrStatistics rr_statistics(const IntervalRuns& runs) {
  constexpr double kLongDifference = 60.0;  // The 60 of pNN60, in ms.
  std::vector<double> rr, hr, differences;
  for (const std::vector<double>& run : runs) {
    rr.insert(rr.end(), run.begin(), run.end());
    for (std::size_t i = 1; i < run.size(); ++i) differences.push_back(run[i] - run[i - 1]);
  }
  for (const double interval : rr) hr.push_back(60000.0 / interval);

  RrStatistics s;
  s.rr_mean_ms = mean(rr);
  s.rr_median_ms = median(rr);
  s.rr_diff_min_ms = differences.empty() ? kMissing : *std::min_element(differences.begin(), differences.end());
  double squares = 0.0, above = 0.0;
  for (const double d : differences) {
    squares += d * d;
    above += std::abs(d) > kLongDifference ? 1.0 : 0.0;
  }
  const auto count = static_cast<double>(differences.size());
  s.rr_pnn60_pct = differences.empty() ? kMissing : 100.0 * above / count;
  s.rr_rmssd_ms = differences.empty() ? kMissing : std::sqrt(squares / count);
  s.hr_min_bpm = hr.empty() ? kMissing : *std::min_element(hr.begin(), hr.end());
  s.hr_max_bpm = hr.empty() ? kMissing : *std::max_element(hr.begin(), hr.end());
  s.hr_mean_bpm = mean(hr);
  s.hr_sd_bpm = sample_sd(hr);
  return s;
}

}  // namespace cardiograd::dsp
