#include "data/synthetic/record.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <Eigen/Geometry>
#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"
#include "data/synthetic/body.h"
#include "data/synthetic/rhythm.h"
#include "data/synthetic/statements.h"
#include "ecg/leads.h"
#include "ecg/twelve_leads.h"

namespace cardiograd::data::synthetic {
namespace {

constexpr double kTwoPi = 6.283185307179586;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kVisible = 0.005;  // mV: a wave that stays below it in a lead has no boundaries there.

using random_streams::Synthetic;

PhiloxStream stream(const RecordPlan& plan, Synthetic use, std::int64_t number, std::uint64_t part = 0) {
  return PhiloxStream(plan.seed, random_streams::synthetic(use, static_cast<std::uint64_t>(number), part));
}

// The waves of one beat, in record time, turned and scaled by the breath.
struct PlacedBeat {
  Waves p, qrs, t, rest;  // rest: ST and U, which have no boundaries of their own
};

void check_statements(const RecordPlan& plan) {
  const auto effects = statement_effects();
  for (std::size_t i = 0; i < plan.statements.size(); ++i) {
    const std::string& code = plan.statements[i];
    if (std::none_of(effects.begin(), effects.end(), [&](const auto& effect) { return effect.code == code; }))
      throw Error(fmt::format("statement '{}' is none of the {} diagnostic ones", code, effects.size()),
                  "The codes are those of scp_statements.csv with diagnostic = 1.");
    if (std::find(plan.statements.begin(), plan.statements.begin() + static_cast<std::ptrdiff_t>(i), code) !=
        plan.statements.begin() + static_cast<std::ptrdiff_t>(i))
      throw Error(fmt::format("statement '{}' is named twice", code), "Name each statement once.");
  }
}

double draw_severity(PhiloxStream& random) {
  return std::pow(random.uniform(), kSeverityExponent);
}

Heart draw_heart(const RecordPlan& plan, const LeadVectors& leads, std::vector<double>& severities) {
  PhiloxStream random = stream(plan, Synthetic::kHeart, plan.patient);
  Heart heart = normal_heart(plan.person, leads, random);
  severities.assign(plan.statements.size(), 0);
  const auto effects = statement_effects();
  for (std::size_t k = 0; k < effects.size(); ++k) {
    const auto at = std::find(plan.statements.begin(), plan.statements.end(), effects[k].code);
    if (at == plan.statements.end() || effects[k].apply == nullptr) continue;
    // A stream of its own for each statement: what one draws does not change another.
    PhiloxStream own = stream(plan, Synthetic::kSeverity, plan.patient, k + 1);
    double& severity = severities[static_cast<std::size_t>(at - plan.statements.begin())];
    severity = draw_severity(own);
    Change change{heart, plan.person, leads, severity, own};
    effects[k].apply(change);
  }
  if (plan.fibrillation) {
    PhiloxStream own = stream(plan, Synthetic::kSeverity, plan.patient, 0);
    heart.fibrillation = true;
    heart.fibrillation_mv = own.uniform(0.02, 0.07);
    heart.rate_bpm = std::clamp(heart.rate_bpm + 18 + 14 * own.normal(), 55.0, 130.0);
  }
  finish(heart, leads);
  return heart;
}

// Fridericia's cube root, held where it was measured.
double qt_factor(double cycle_s) {
  return std::cbrt(std::clamp(cycle_s, 0.45, 1.5));
}

PlacedBeat place(const Heart& heart, const Beat& beat, const Respiration& respiration) {
  PlacedBeat placed;
  if (beat.has_p) {
    placed.p = heart.p;
    shift(placed.p, beat.p_onset_s);
  }
  if (beat.has_qrs) {
    const VentricularBeat& source = beat.ectopic ? heart.ectopic : heart.conducted;
    const double factor = qt_factor(beat.cycle_s);
    const double qrs_end = source.qrs_end_s;
    // Room for ST and T behind a wide QRS.
    const double qt = std::max(heart.qtc_s * factor + (beat.ectopic ? 0.04 : 0.0), qrs_end + 0.19 * factor);
    placed.qrs = source.qrs;
    placed.t = source.t;
    stretch(placed.t, factor);
    shift(placed.t, qt);
    const double to_t = qt - qrs_end;  // J point to T end
    for (int i = 0; i < 3; ++i)
      placed.rest.push_back(
          {qrs_end + (0.05 + 0.17 * i) * to_t, 0.105 * to_t, 0.85 * source.st[static_cast<std::size_t>(i)]});
    placed.rest.push_back({qt + 0.06 * factor, 0.035 * factor, source.u});
    for (Waves* waves : {&placed.qrs, &placed.t, &placed.rest}) shift(*waves, beat.qrs_onset_s);
  }
  // Breathing in lowers the diaphragm: the heart stands steeper, and farther from the electrodes.
  const double breath = respiration.depth * respiration.at(beat.has_qrs ? beat.qrs_onset_s : beat.p_onset_s);
  const Eigen::Matrix3d turn =
      (1 - 0.025 * breath) * Eigen::AngleAxisd(0.05 * breath, Vector3::UnitZ()).toRotationMatrix();
  for (Waves* waves : {&placed.p, &placed.qrs, &placed.t, &placed.rest})
    for (Gaussian& wave : *waves) wave.amplitude = turn * wave.amplitude;
  return placed;
}

void add_to_dipole(Eigen::ArrayX3d& dipole, const Waves& waves) {
  for (const Gaussian& wave : waves) {
    const double reach = 6 * wave.sigma_s;
    const auto from = std::max<Eigen::Index>(0, static_cast<Eigen::Index>(std::ceil((wave.time_s - reach) * kRate)));
    const auto to =
        std::min<Eigen::Index>(dipole.rows() - 1, static_cast<Eigen::Index>(std::floor((wave.time_s + reach) * kRate)));
    for (Eigen::Index i = from; i <= to; ++i) {
      const double u = (static_cast<double>(i) / kRate - wave.time_s) / wave.sigma_s;
      dipole.row(i) += std::exp(-0.5 * u * u) * wave.amplitude.transpose().array();
    }
  }
}

// Three wavelets of neighboring frequency that beat against each other, best seen in V1 and II.
void add_fibrillation(Eigen::ArrayX3d& dipole, double height, PhiloxStream& random) {
  const Vector3 direction(-0.25, 0.55, -0.55);
  const double hz = random.uniform(5.0, 7.5);
  for (int k = 0; k < 3; ++k) {
    const double own = hz + 0.5 * (k - 1) + 0.1 * random.normal();
    const double phase = kTwoPi * random.uniform();
    const Vector3 amplitude =
        0.5 * height * (direction + 0.25 * Vector3(random.normal(), random.normal(), random.normal()));
    for (Eigen::Index i = 0; i < dipole.rows(); ++i)
      dipole.row(i) += std::sin(kTwoPi * own * static_cast<double>(i) / kRate + phase) * amplitude.transpose().array();
  }
}

ecg::Wave inside_record(const WaveExtent& extent, double visible) {
  if (!(std::abs(extent.peak) >= visible) || extent.peak_s < 0 || extent.peak_s >= kSeconds) return {};
  const auto inside = [](double t) { return t >= 0 && t < kSeconds ? t : kMissing; };
  return {inside(extent.onset_s), extent.peak_s, inside(extent.offset_s)};
}

// The boundaries of one beat, first of all leads together, then lead by lead. Returns whether any wave peaks inside.
bool add_truth(std::vector<TrueBeat>& truth, const PlacedBeat& beat, const LeadVectors& leads, int number) {
  std::vector<TrueBeat> rows;
  bool any = false;
  for (int lead = -1; lead < static_cast<int>(ecg::kStandardLeadCount); ++lead) {
    const auto wave = [&](const Waves& waves) {
      if (waves.empty()) return ecg::Wave{};
      return inside_record(lead < 0 ? global_extent(waves, leads) : lead_extent(waves, leads.row(lead)), kVisible);
    };
    rows.push_back({lead, number, wave(beat.p), wave(beat.qrs), wave(beat.t)});
    const TrueBeat& row = rows.back();
    if (lead < 0) any = std::isfinite(row.p.peak_s) || std::isfinite(row.qrs.peak_s) || std::isfinite(row.t.peak_s);
    if (!any) return false;
  }
  truth.insert(truth.end(), rows.begin(), rows.end());
  return true;
}

double mean_rate(const std::vector<Beat>& beats) {
  double first = kMissing;
  double last = kMissing;
  int count = 0;
  for (const Beat& beat : beats) {
    if (!beat.has_qrs || beat.qrs_onset_s < 0 || beat.qrs_onset_s >= kSeconds) continue;
    if (count++ == 0) first = beat.qrs_onset_s;
    last = beat.qrs_onset_s;
  }
  return count < 2 ? 0 : 60 * (count - 1) / (last - first);
}

}  // namespace

SyntheticRecord synthesize_record(const RecordPlan& plan) {
  check_statements(plan);
  PhiloxStream body_random = stream(plan, Synthetic::kBody, plan.patient);
  const Body body = draw_body(plan.person.female(), body_random);
  const LeadVectors leads = lead_vectors(body);
  SyntheticRecord record;
  const Heart heart = draw_heart(plan, leads, record.severities);
  record.frontal_axis_deg = frontal_axis(heart.conducted.qrs, leads);

  PhiloxStream random = stream(plan, Synthetic::kRhythm, plan.record);
  const Respiration respiration = draw_respiration(random);
  const std::vector<Beat> beats =
      make_rhythm(heart, respiration, {.premature_beats = plan.premature_beats}, kSeconds, random);
  record.rate_bpm = mean_rate(beats);

  Eigen::ArrayX3d dipole = Eigen::ArrayX3d::Zero(static_cast<Eigen::Index>(kSeconds * kRate), 3);
  int number = 1;
  for (const Beat& beat : beats) {
    const PlacedBeat placed = place(heart, beat, respiration);
    for (const Waves* waves : {&placed.p, &placed.qrs, &placed.t, &placed.rest}) add_to_dipole(dipole, *waves);
    if (plan.with_truth && add_truth(record.truth, placed, leads, number)) ++number;
  }
  if (heart.fibrillation) add_fibrillation(dipole, heart.fibrillation_mv, random);

  // lazyProduct: Eigen would start threads for the other.
  Eigen::ArrayXXd electrodes = dipole.matrix().lazyProduct(body.transpose()).array();
  PhiloxStream noise_random = stream(plan, Synthetic::kNoise, plan.record);
  record.remarks = add_noise(electrodes, kRate, plan.noise, respiration, noise_random);
  // The recorder's AC coupling.
  electrodes.rowwise() -= electrodes.colwise().mean().eval();
  record.signal = ecg::complete_leads(independent_leads(electrodes));
  return record;
}

Eigen::ArrayXXd to_100_hz(const Eigen::ArrayXXd& signal) {
  // A Hamming-windowed sinc, -6 dB at 42 Hz, below -50 dB from 50 Hz on.
  constexpr int kHalf = 100;
  constexpr int kFactor = 5;
  static const Eigen::ArrayXd taps = [] {
    Eigen::ArrayXd values(2 * kHalf + 1);
    for (int k = -kHalf; k <= kHalf; ++k) {
      const double x = kTwoPi * 42 / kRate * k;
      values[k + kHalf] = (k == 0 ? 1.0 : std::sin(x) / x) * (0.54 + 0.46 * std::cos(kTwoPi / 2 * k / kHalf));
    }
    return Eigen::ArrayXd(values / values.sum());
  }();
  constexpr Eigen::Index kIndependent[] = {0, 1, 6, 7, 8, 9, 10, 11};
  const Eigen::Index samples = signal.rows();
  Eigen::ArrayXXd low((samples + kFactor - 1) / kFactor, 8);
  Eigen::ArrayXd padded(samples + 2 * kHalf);
  for (Eigen::Index lead = 0; lead < 8; ++lead) {
    const auto column = signal.col(kIndependent[lead]);
    padded << Eigen::ArrayXd::Constant(kHalf, column[0]), column, Eigen::ArrayXd::Constant(kHalf, column[samples - 1]);
    for (Eigen::Index i = 0; i < low.rows(); ++i)
      low(i, lead) = (padded.segment(kFactor * i, 2 * kHalf + 1) * taps).sum();
  }
  return ecg::complete_leads(low);
}

}  // namespace cardiograd::data::synthetic
