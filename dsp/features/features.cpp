#include "dsp/features/features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "dsp/delineation/delineation.h"
#include "dsp/delineation/r_peaks.h"
#include "dsp/features/beat_features.h"
#include "dsp/features/entropy.h"
#include "dsp/features/rr_statistics.h"
#include "dsp/features/spectrum.h"
#include "dsp/features/wavelet.h"
#include "dsp/filters/gaps.h"
#include "dsp/filters/resample.h"
#include "dsp/statistics.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::dsp {
namespace {

// To add a column: a line here, a row.set() below, its value in the file that computes it, a test beside that. Then
// rerun scripts/studies/feature_distributions.py and correct the number of columns where `git grep -nw 29` finds it.
// Models name their columns, so old models keep working.
constexpr std::array kColumns = {
    FeatureColumn{"rr_mean_ms", "ms", "mean RR interval between consecutive beats, 180 to 3000 ms", "2 beats"},
    FeatureColumn{"rr_median_ms", "ms", "median RR interval", "2 beats"},
    FeatureColumn{"rr_diff_min_ms", "ms", "smallest signed difference of successive RR intervals", "3 beats"},
    FeatureColumn{"rr_pnn60_pct", "%", "successive RR differences of more than 60 ms", "3 beats"},
    FeatureColumn{"rr_rmssd_ms", "ms", "root mean square of the successive RR differences", "3 beats"},
    FeatureColumn{"qrs_duration_mean_ms", "ms", "mean QRS duration over all leads", "1 beat"},
    FeatureColumn{"qrs_duration_sd_ms", "ms", "sample SD of the QRS durations", "2 beats"},
    FeatureColumn{"qrs_amplitude_mean_mv", "mV", "mean of max - min within the QRS, lead II", "1 beat"},
    FeatureColumn{"qrs_amplitude_sd_mv", "mV", "sample SD of the QRS amplitudes, lead II", "2 beats"},
    FeatureColumn{"qrs_area_mean_mv_ms", "mV ms", "mean area between the QRS and its onset level, lead II", "1 beat"},
    FeatureColumn{"qrs_area_sd_mv_ms", "mV ms", "sample SD of the QRS areas, lead II", "2 beats"},
    FeatureColumn{"qrs_slope_mean_mv_s", "mV/s", "mean of the steepest slope within the QRS, lead II", "1 beat"},
    FeatureColumn{"qrs_slope_sd_mv_s", "mV/s", "sample SD of the steepest slopes, lead II", "2 beats"},
    FeatureColumn{"t_amplitude_mean_mv", "mV", "mean signed T amplitude from the level at QRS onset, lead II",
                  "1 T wave"},
    FeatureColumn{"t_alternans_uv", "uV",
                  "median over leads of max |median odd - median even beat|, R + 100 ms to T end", "8 regular beats"},
    FeatureColumn{"t_mpe", "",
                  "mean multiscale permutation entropy of T (order 3, delay 1, scales 1 to 3, 250 Hz), lead II",
                  "1 T wave"},
    FeatureColumn{"qt_mean_ms", "ms", "mean QT interval over all leads, 200 to 700 ms", "1 T wave"},
    FeatureColumn{"frequency_mean_hz", "Hz",
                  "centroid of the Welch spectrum (Hann, 2.56 s, half overlap), 0.5 to 45 Hz, lead II", "2.56 s"},
    FeatureColumn{"wavelet_entropy_l4", "nat",
                  "energy entropy of the db4 detail at level 4 (3.1 to 6.3 Hz) at 100 Hz, lead II", "2 s"},
    FeatureColumn{"wavelet_entropy_l3", "nat",
                  "energy entropy of the db4 detail at level 3 (6.3 to 12.5 Hz) at 100 Hz, lead II", "2 s"},
    FeatureColumn{"hr_min_bpm", "1/min", "smallest 60000 / RR", "2 beats"},
    FeatureColumn{"hr_max_bpm", "1/min", "largest 60000 / RR", "2 beats"},
    FeatureColumn{"hr_mean_bpm", "1/min", "mean of 60000 / RR", "2 beats"},
    FeatureColumn{"hr_sd_bpm", "1/min", "sample SD of 60000 / RR", "3 beats"},
    FeatureColumn{"p_correlation", "", "median Pearson correlation of pairs of P waves (64 points), lead II",
                  "2 P waves"},
    FeatureColumn{"p_sample_entropy", "nat",
                  "median sample entropy (m 2, r 0.2 SD) of P with 40 ms on either side at 500 Hz, lead II",
                  "1 P wave"},
    FeatureColumn{"p_approximate_entropy", "nat", "median approximate entropy of the same, lead II", "1 P wave"},
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
  const RrStatistics s = rr_statistics(rr_intervals_ms(peaks.times_s, peaks.gaps_s));
  const std::size_t beats = peaks.times_s.size();
  const auto why = [&](std::size_t needed) -> std::string {
    if (beats == 0) return peaks.reason;
    if (beats < needed) return fmt::format("{} beat{}, {} are needed", beats, beats == 1 ? "" : "s", needed);
    return fmt::format("fewer than {} successive RR intervals between {:g} and {:g} ms without missing samples",
                       needed - 1, kMinRrMs, kMaxRrMs);
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

// The leads that alternans is taken over: those of the standard twelve, else all.
std::vector<std::size_t> standard_leads(std::span<const std::string> names) {
  std::vector<std::size_t> leads;
  for (const std::string_view name : ecg::kStandardLeads) {
    if (const auto lead = ecg::find_lead(names, name)) leads.push_back(*lead);
  }
  for (std::size_t l = 0; leads.empty() && l < names.size(); ++l) leads.push_back(l);
  return leads;
}

// Voltages, in mV; missing where the signal has no voltage scale.
void add_voltages(const LeadFeatures& lead, double alternans, bool in_millivolts, const std::string& no_beat,
                  RowBuilder& row) {
  const auto set = [&](std::string_view column, double value, const std::string& reason) {
    row.set(column, in_millivolts ? value : kMissing, in_millivolts ? reason : "no scale");
  };
  const std::string one_beat = no_beat.empty() ? "1 beat, 2 are needed" : no_beat;
  set("qrs_amplitude_mean_mv", mean(lead.qrs_amplitude), no_beat);
  set("qrs_amplitude_sd_mv", sample_sd(lead.qrs_amplitude), one_beat);
  set("qrs_area_mean_mv_ms", mean(lead.qrs_area), no_beat);
  set("qrs_area_sd_mv_ms", sample_sd(lead.qrs_area), one_beat);
  set("qrs_slope_mean_mv_s", mean(lead.qrs_slope), no_beat);
  set("qrs_slope_sd_mv_s", sample_sd(lead.qrs_slope), one_beat);
  set("t_amplitude_mean_mv", mean(lead.t_amplitude), no_beat.empty() ? "no T wave found" : no_beat);
  set("t_alternans_uv", 1000.0 * alternans, no_beat.empty() ? "fewer than 4 odd and 4 even regular beats" : no_beat);
}

// The columns of P, QRS and T of one lead and of all; `lead` is empty where no QRS complex was found.
void add_waves(const LeadFeatures& lead, const Delineation& waves, const std::string& no_beat, RowBuilder& row) {
  const auto because = [&](const char* reason) { return no_beat.empty() ? std::string(reason) : no_beat; };
  const char* const no_p = no_p_reason(waves);
  const bool hidden = p_is_hidden(waves);
  const std::vector<double> durations = qrs_durations_ms(waves);
  row.set("qrs_duration_mean_ms", mean(durations), no_beat);
  row.set("qrs_duration_sd_ms", sample_sd(durations), because("1 beat, 2 are needed"));
  row.set("qt_mean_ms", mean(qt_intervals_ms(waves)), because("no QT interval between 200 and 700 ms"));
  row.set("t_mpe", mean(lead.t_mpe), because("no T wave found"));
  row.set("p_correlation", median(lead.p_correlations), because(hidden ? no_p : "fewer than 2 P waves"));
  row.set("p_sample_entropy", median(lead.p_sample_entropy), because(no_p));
  row.set("p_approximate_entropy", median(lead.p_approximate_entropy), because(no_p));
}

void add_person(const ecg::Person& person, RowBuilder& row) {
  const double age = person.age == ecg::kHiddenAge ? ecg::kAgeOver89 : person.age;
  const bool possible = age >= 0.0 && age <= ecg::kMaxAge;
  row.set("age_years", possible ? age : kMissing,
          std::isnan(person.age) ? "not recorded" : fmt::format("{} is not an age", person.age));
  row.set("sex", person.sex == ecg::kMale || person.sex == ecg::kFemale ? person.sex : kMissing,
          std::isnan(person.sex) ? "not recorded" : fmt::format("{} is neither 0 nor 1", person.sex));
}

void check(const ecg::Recording& recording) {
  const auto leads = static_cast<std::size_t>(recording.signal.cols());
  if (recording.leads.size() != leads || recording.units.size() != leads) {
    throw Error(fmt::format("features: {} lead names and {} units for {} leads", recording.leads.size(),
                            recording.units.size(), leads),
                "Give one name and one unit for each column of the signal.");
  }
}

// Whether converting to millivolts changes anything.
bool has_other_voltages(const ecg::Recording& recording) {
  return ecg::common_unit(recording.units) == "mV" &&
         std::any_of(recording.units.begin(), recording.units.end(),
                     [](const std::string& unit) { return ecg::canonical_unit(unit) != "mV"; });
}

}  // namespace

std::span<const FeatureColumn> feature_columns() {
  return kColumns;
}

FeatureRow compute_features(const ecg::Recording& recording, const ecg::Person& person) {
  check(recording);
  if (has_other_voltages(recording)) {
    ecg::Recording converted = recording;
    ecg::to_common_unit(converted);
    return compute_features(converted, person);
  }
  const Eigen::ArrayXXd& signal = recording.signal;
  const RPeaks peaks = detect_r_peaks(signal, recording.rate);
  if (!peaks.apart.empty()) {  // The columns are of the leads that were recorded together.
    ecg::Recording together = recording;
    for (const LeadsApart& set : peaks.apart) {
      for (const Eigen::Index lead : set.leads) together.signal.col(lead).setConstant(kMissing);
    }
    return compute_features(together, person);
  }
  FeatureSums sums(recording.leads, ecg::common_unit(recording.units) == "mV",
                   signal.rows() == 0 ? std::nullopt : lead_two(signal, recording.leads));
  Delineation waves;
  if (!peaks.times_s.empty()) {
    const WorkingSignal working = working_signal(signal, recording.rate);
    waves = delineate(working, peaks);
    sums.add_beats(working, waves);
  }
  if (sums.measured()) sums.add_samples(signal.col(static_cast<Eigen::Index>(*sums.measured())), recording.rate);
  return sums.row(peaks, waves, person);
}

FeatureSums::FeatureSums(std::vector<std::string> leads, bool in_millivolts, std::optional<std::size_t> preferred)
    : leads_(std::move(leads)), in_millivolts_(in_millivolts), measured_(preferred) {}

void FeatureSums::add_beats(const WorkingSignal& signal, const Delineation& waves) {
  const auto lead = measuring_lead(signal, waves, measured_);
  if (!has_qrs_) measured_ = lead;  // Of the first piece; others may lack it for a while.
  if (!lead || lead != measured_) return;
  has_qrs_ = true;
  LeadFeatures own = lead_features(signal, waves, *lead);
  const auto append = [](std::vector<double>& to, const std::vector<double>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(lead_.qrs_amplitude, own.qrs_amplitude);
  append(lead_.qrs_area, own.qrs_area);
  append(lead_.qrs_slope, own.qrs_slope);
  append(lead_.t_amplitude, own.t_amplitude);
  append(lead_.t_mpe, own.t_mpe);
  append(lead_.p_sample_entropy, own.p_sample_entropy);
  append(lead_.p_approximate_entropy, own.p_approximate_entropy);
  append(lead_.p_correlations, own.p_correlations);
  const double alternans = t_alternans(signal, waves, standard_leads(leads_));
  if (std::isfinite(alternans)) alternans_.push_back(alternans);
}

void FeatureSums::add_samples(const Eigen::ArrayXd& samples, double rate) {
  constexpr double kSegmentSeconds = 2.56, kWaveletSeconds = 2.0, kWaveletRate = 100.0;
  Eigen::ArrayXXd lead = samples;
  fill_gaps(lead.col(0));
  const auto seconds = static_cast<double>(lead.rows()) / rate;
  const int segment = static_cast<int>(std::lround(kSegmentSeconds * rate));
  why_centroid_ = why_wavelet_ = "the signal has no power";
  if (lead.rows() < segment) {
    why_centroid_ = fmt::format("{:.2f} s, 2.56 are needed", seconds);
  } else {
    const Spectrum own = welch({lead.data(), static_cast<std::size_t>(lead.rows())}, rate, segment);
    const Eigen::Index hop = segment - segment / 2, count = (lead.rows() - segment) / hop + 1;
    const auto segments = static_cast<double>(count);
    if (!spectrum_) {
      spectrum_ = own;
      first_segments_ = segments;
    } else {
      for (std::size_t k = 0; k < own.density.size(); ++k)
        spectrum_->density[k] += own.density[k] * (segments / first_segments_);
    }
  }
  if (seconds < kWaveletSeconds) {
    why_wavelet_ = fmt::format("{:.2f} s, 2 are needed", seconds);
    return;
  }
  // Rates are taken to a tenth of a hertz, those above 1 kHz to one.
  const double parts = rate <= 1000.0 ? 10.0 : 1.0;
  lead -= lead.mean();
  const Eigen::ArrayXXd at_100 =
      resample_poly(lead, static_cast<int>(parts * kWaveletRate), static_cast<int>(std::lround(parts * rate)));
  const auto levels = wavelet_decomposition({at_100.data(), static_cast<std::size_t>(at_100.rows())}, "db4", 4);
  const auto add = [](const std::vector<double>& details, std::vector<Part>& to) {
    double energy = 0.0;
    for (const double d : details) energy += d * d;
    if (const double entropy = energy_entropy(details); std::isfinite(entropy)) to.push_back({energy, entropy});
  };
  add(levels[2], level_3_);
  add(levels[3], level_4_);
}

double FeatureSums::entropy_of(const std::vector<Part>& parts) {
  double energy = 0.0, entropy = 0.0;
  for (const Part& part : parts) energy += part.energy;
  for (const Part& part : parts) {
    const double weight = part.energy / energy;
    if (weight > 0.0) entropy += weight * (part.entropy - std::log(weight));
  }
  return parts.empty() ? kMissing : entropy;
}

FeatureRow FeatureSums::row(const RPeaks& peaks, const Delineation& waves, const ecg::Person& person) const {
  constexpr double kLowHz = 0.5, kHighHz = 45.0;
  RowBuilder row;
  add_rr(peaks, row);
  const std::string no_beat = peaks.times_s.empty() ? peaks.reason
                              : has_qrs_            ? ""
                                                    : "not measurable: no QRS complex stands out of the other waves";
  add_voltages(lead_, median(alternans_), in_millivolts_, no_beat, row);
  add_waves(lead_, waves, no_beat, row);
  row.set("frequency_mean_hz", spectrum_ ? spectral_centroid(*spectrum_, kLowHz, kHighHz) : kMissing, why_centroid_);
  row.set("wavelet_entropy_l4", entropy_of(level_4_), why_wavelet_);
  row.set("wavelet_entropy_l3", entropy_of(level_3_), why_wavelet_);
  add_person(person, row);
  return row.take();
}

std::optional<std::size_t> lead_two(const Eigen::ArrayXXd& signal, std::span<const std::string> names) {
  const auto lead = ecg::find_lead(names, "II");
  if (!lead) return std::nullopt;
  const Eigen::ArrayXd column = signal.col(static_cast<Eigen::Index>(*lead));
  const Eigen::ArrayXd finite = column.isFinite().select(column, 0.0);
  const bool mostly = 2 * column.isFinite().count() > column.size();
  return mostly && finite.maxCoeff() > finite.minCoeff() ? lead : std::nullopt;
}

}  // namespace cardiograd::dsp
