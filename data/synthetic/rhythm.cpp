#include "data/synthetic/rhythm.h"

#include <algorithm>
#include <cmath>

namespace cardiograd::data::synthetic {
namespace {

constexpr double kTwoPi = 6.283185307179586;
constexpr double kMargin = 2.5;  // Seconds before the record at which the rhythm starts, so that block has its history.

// Times at which the sinus node fires: every interval is the mean times one plus the two bands and a little noise.
std::vector<double> sinus_times(const Heart& heart, const Respiration& respiration, double seconds,
                                PhiloxStream& random) {
  const double mean = 60 / heart.rate_bpm;
  const double slow_phase = kTwoPi * random.uniform();
  const double slow_hz = std::clamp(0.1 + 0.01 * random.normal(), 0.07, 0.13);
  std::vector<double> times;
  double t = -kMargin - mean * random.uniform();
  while (t < seconds + 0.5) {
    times.push_back(t);
    const double slow = std::sin(kTwoPi * slow_hz * t + slow_phase);
    const double noise = 0.006 * std::clamp(random.normal(), -2.5, 2.5);
    t += mean * (1 + heart.lf_fraction * slow - heart.hf_fraction * respiration.at(t) + noise);
  }
  return times;
}

// Atrial fibrillation: intervals without memory, none shorter than the AV node lets through.
std::vector<Beat> fibrillating(const Heart& heart, double seconds, PhiloxStream& random) {
  std::vector<Beat> beats;
  const double mean = 60 / heart.rate_bpm;
  double interval = mean;
  double t = -kMargin;
  while (t < seconds + 0.5) {
    beats.push_back({.has_p = false, .qrs_onset_s = t, .cycle_s = 0.5 * (interval + mean)});
    interval = std::max(0.33, mean * std::exp(0.20 * std::clamp(random.normal(), -2.2, 2.2)));
    t += interval;
  }
  return beats;
}

// Third degree: the atria keep the sinus node's time, the ventricles their own.
std::vector<Beat> dissociated(const Heart& heart, const std::vector<double>& sinus, double seconds,
                              PhiloxStream& random) {
  std::vector<Beat> beats;
  beats.reserve(2 * sinus.size());
  for (const double t : sinus) beats.push_back({.has_qrs = false, .p_onset_s = t});
  const double cycle = 60 / heart.escape_bpm;
  double t = -kMargin - cycle * random.uniform();
  while (t < seconds + 0.5) {
    beats.push_back({.has_p = false, .ectopic = !heart.escape_narrow, .qrs_onset_s = t, .cycle_s = cycle});
    t += cycle * (1 + 0.01 * random.normal());
  }
  return beats;
}

// PR of the k-th P wave since the last dropped beat, and whether it is the dropped one.
struct Conduction {
  double pr_s;
  bool dropped;
};
Conduction conduct(const Heart& heart, int k) {
  switch (heart.av) {
    case AvConduction::kWenckebach:  // PR grows by less and less, then a beat is missing.
      return {heart.pr_s + 0.07 * (1 - std::pow(0.5, k)) * 2, k == heart.av_group - 1};
    case AvConduction::kMobitz:
      return {heart.pr_s, k == heart.av_group - 1};
    case AvConduction::kTwoToOne:
      return {heart.pr_s, k == 1};
    default:
      return {heart.pr_s, false};
  }
}

std::vector<Beat> conducted_beats(const Heart& heart, const std::vector<double>& sinus, PhiloxStream& random) {
  std::vector<Beat> beats;
  const int group = heart.av == AvConduction::kTwoToOne ? 2 : heart.av_group;
  int k = static_cast<int>(random.below(static_cast<std::uint32_t>(group)));
  double previous_qrs = sinus.front() - 60 / heart.rate_bpm;
  for (const double p : sinus) {
    const Conduction conduction = conduct(heart, k);
    const double pr = conduction.pr_s + 0.002 * std::clamp(random.normal(), -2.0, 2.0);
    k = conduction.dropped ? 0 : std::min(k + 1, 1000);
    Beat beat{.has_qrs = !conduction.dropped, .p_onset_s = p, .qrs_onset_s = p + pr};
    if (beat.has_qrs) {
      beat.cycle_s = beat.qrs_onset_s - previous_qrs;
      previous_qrs = beat.qrs_onset_s;
    }
    beats.push_back(beat);
  }
  return beats;
}

// A sinus beat inside the record gives way to one that the ventricles begin too early; the next comes in its own time.
void make_premature(std::vector<Beat>& beats, double seconds, PhiloxStream& random) {
  std::vector<std::size_t> candidates;
  for (std::size_t i = 2; i + 1 < beats.size(); ++i)
    if (beats[i].qrs_onset_s > 0.8 && beats[i].qrs_onset_s < seconds - 0.8 && !beats[i].ectopic &&
        !beats[i - 1].ectopic && !beats[i + 1].ectopic)
      candidates.push_back(i);
  if (candidates.empty()) return;
  Beat& beat = beats[candidates[random.below(static_cast<std::uint32_t>(candidates.size()))]];
  const double early = beat.cycle_s * random.uniform(0.25, 0.40);
  beat.qrs_onset_s -= early;
  beat.cycle_s -= early;
  beat.ectopic = true;
  beat.has_p = false;  // The sinus P falls into the ectopic QRS or T and is not seen.
}

}  // namespace

double Respiration::at(double t) const {
  return std::sin(kTwoPi * rate_hz * t + phase);
}

Respiration draw_respiration(PhiloxStream& random) {
  Respiration respiration;
  respiration.rate_hz = std::clamp(0.25 + 0.045 * random.normal(), 0.15, 0.40);
  respiration.phase = kTwoPi * random.uniform();
  respiration.depth = std::exp(0.35 * std::clamp(random.normal(), -2.0, 2.0));
  return respiration;
}

std::vector<Beat> make_rhythm(const Heart& heart, const Respiration& respiration, const RhythmOptions& options,
                              double seconds, PhiloxStream& random) {
  if (heart.fibrillation) return fibrillating(heart, seconds, random);
  const std::vector<double> sinus = sinus_times(heart, respiration, seconds, random);
  std::vector<Beat> beats;
  if (heart.av == AvConduction::kComplete) {
    beats = dissociated(heart, sinus, seconds, random);
  } else {
    beats = conducted_beats(heart, sinus, random);
    if (heart.av == AvConduction::kNormal)
      for (int i = 0; i < options.premature_beats; ++i) make_premature(beats, seconds, random);
  }
  const auto start = [](const Beat& beat) { return beat.has_p ? beat.p_onset_s : beat.qrs_onset_s; };
  std::stable_sort(beats.begin(), beats.end(), [&](const Beat& a, const Beat& b) { return start(a) < start(b); });
  return beats;
}

}  // namespace cardiograd::data::synthetic
