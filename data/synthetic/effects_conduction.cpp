// Conduction in the ventricles, and from the atria to them.
#include <algorithm>
#include <cmath>

#include "data/synthetic/statements.h"

namespace cardiograd::data::synthetic {
namespace {

// How large the ventricles' vectors are, relative to the usual: what replaces QRS keeps it.
double size_of(const Waves& qrs) {
  double largest = 0;
  for (const Gaussian& wave : qrs) largest = std::max(largest, wave.amplitude.norm());
  return std::clamp(largest / 1.15, 0.55, 2.0);
}

// T turned against a QRS vector, as late activation makes it.
void discordant(VentricularBeat& beat, const Vector3& main, double fraction) {
  scale(beat.t, 0.35);
  const double size = fraction * main.norm();
  const Vector3 away = -main.normalized();
  for (Gaussian& wave : beat.t) wave.amplitude += (wave.time_s < -0.01 ? 0.42 : 0.72) * size * away;
  beat.st[0] += 0.10 * size * away;
  beat.st[1] += 0.22 * size * away;
  beat.st[2] += 0.35 * size * away;
}

// Terminal activation of the right ventricle alone: rightward and forward.
void right_bundle_branch_block(Change& c, double duration, double r_prime) {
  Waves& qrs = c.heart.conducted.qrs;
  const WaveExtent extent = global_extent(qrs, c.leads);
  const double sigma = 0.0125 + 0.004 * (duration - 0.105) / 0.04;
  const Vector3 direction = Vector3(-0.45, -0.02, -0.62 + 0.08 * c.random.normal()).normalized();
  // The normal end of QRS makes way.
  for (Gaussian& wave : qrs)
    if (wave.time_s > 0.018) wave.amplitude *= 0.6;
  qrs.push_back({extent.onset_s + duration - 2.5 * sigma, sigma, r_prime * per_best_lead(direction)});
  set_duration(qrs, c.leads, duration);
}

void left_bundle_branch_block(Change& c, double duration, double notch, double discord) {
  VentricularBeat& beat = c.heart.conducted;
  const double g = size_of(beat.qrs);
  const double tilt = 0.25 * c.random.normal();
  // From the right ventricle through the septum (left and back from the start: no q in V6, hardly an r in V1), then
  // slowly through the left one, with a plateau or notch (Strauss et al., Am. J. Cardiol. 107:927, 2011).
  const Vector3 main = g * Vector3(0.88, 0.30 + 0.5 * tilt, 0.80);
  beat.qrs = {{0.030, 0.0115, g * Vector3(0.38, 0.16, 0.06)},
              {0.056, 0.0135, main * 0.95},
              {0.056 + 0.030 * notch, 0.014, main * 0.9},
              {0.062 + 0.062 * notch, 0.013, g * Vector3(0.42, -0.02, 0.55)}};
  set_duration(beat.qrs, c.leads, duration);
  discordant(beat, main, discord);
}

}  // namespace

void left_anterior_fascicular_block(Change& c) {
  Waves& qrs = c.heart.conducted.qrs;
  // First down and right (q in aVL, r in III), then up and left: axis -45 degrees and beyond.
  set_frontal_axis(qrs, c.leads, -49 - 22 * c.severity);
  for (int step = 0; step < 3; ++step) {
    Vector3& first = qrs.front().amplitude;
    first.x() = std::min(first.x(), -0.10);
    first.y() = std::max(first.y(), 0.20 + 0.1 * c.severity);
    set_frontal_axis(qrs, c.leads, -49 - 22 * c.severity);
  }
  stretch(qrs, 1.04);
}

void left_posterior_fascicular_block(Change& c) {
  Waves& qrs = c.heart.conducted.qrs;
  // First up and left (r in I, q in III), then down and right: axis beyond 100 degrees.
  const double axis = 104 + 24 * c.severity;
  set_frontal_axis(qrs, c.leads, axis);
  for (int step = 0; step < 3; ++step) {
    Vector3& first = qrs.front().amplitude;
    first.x() = std::max(first.x(), 0.12);
    first.y() = std::min(first.y(), -0.20 - 0.1 * c.severity);
    set_frontal_axis(qrs, c.leads, axis);
  }
  stretch(qrs, 1.04);
}

void unspecific_ventricular_delay(Change& c) {
  Waves& qrs = c.heart.conducted.qrs;
  // Slow throughout, a notch in the middle of the main vector, the form of neither bundle branch block.
  auto main = std::max_element(qrs.begin(), qrs.end(), [](const Gaussian& a, const Gaussian& b) {
    return a.amplitude.squaredNorm() < b.amplitude.squaredNorm();
  });
  const Gaussian half{main->time_s - 0.007, 0.6 * main->sigma_s, 0.72 * main->amplitude};
  main->time_s += 0.011;
  main->sigma_s *= 0.8;
  main->amplitude *= 0.82;
  qrs.push_back(half);
  set_duration(qrs, c.leads, 0.112 + 0.022 * c.severity);
}

void incomplete_right_bundle_branch_block(Change& c) {
  right_bundle_branch_block(c, 0.106 + 0.011 * c.severity, 0.16 + 0.25 * c.severity);
}

void complete_right_bundle_branch_block(Change& c) {
  right_bundle_branch_block(c, 0.123 + 0.030 * c.severity, 0.45 + 0.5 * c.severity);
  const Vector3 right = per_best_lead({-0.45, 0.0, -0.62});
  for (Gaussian& wave : c.heart.conducted.t) wave.amplitude -= (0.16 + 0.1 * c.severity) * right;
  c.heart.conducted.st[1] -= 0.04 * right;
  c.heart.conducted.st[2] -= 0.06 * right;
}

void incomplete_left_bundle_branch_block(Change& c) {
  left_bundle_branch_block(c, 0.108 + 0.010 * c.severity, 0.7, 0.10);
}

void complete_left_bundle_branch_block(Change& c) {
  left_bundle_branch_block(c, 0.123 + 0.036 * c.severity, 1.0, 0.28 + 0.1 * c.severity);
}

void preexcitation(Change& c) {
  VentricularBeat& beat = c.heart.conducted;
  // Accessory pathway of the left free wall, posteroseptal, or of the right side (Milstein et al., PACE 10:555, 1987).
  const Vector3 ways[] = {{-0.30, 0.60, -0.70}, {0.55, -0.65, -0.50}, {0.90, 0.20, 0.35}};
  const Vector3 direction = ways[c.random.below(3)].normalized();
  const double size = 0.30 + 0.25 * c.severity;
  const double onset = global_extent(beat.qrs, c.leads).onset_s;
  beat.qrs.push_back({onset - 0.006, 0.0150, 0.7 * size * direction});
  beat.qrs.push_back({onset + 0.014, 0.0110, size * direction});
  set_duration(beat.qrs, c.leads, 0.116 + 0.034 * c.severity);
  c.heart.pr_s = 0.088 + 0.024 * c.random.uniform();
  stretch(c.heart.p, 0.80);  // P must have ended when the delta wave begins.
  for (Gaussian& wave : beat.t) wave.amplitude -= (0.12 + 0.2 * c.severity) * direction;
  beat.st[2] -= 0.06 * direction;
}

void first_degree_av_block(Change& c) {
  c.heart.pr_s = 0.205 + 0.10 * c.severity;
  c.heart.rate_bpm = std::min(c.heart.rate_bpm, 90.0);
}

void second_degree_av_block(Change& c) {
  const double kind = c.random.uniform();
  c.heart.av = kind < 0.6 ? AvConduction::kWenckebach : kind < 0.8 ? AvConduction::kMobitz : AvConduction::kTwoToOne;
  c.heart.av_group = 3 + static_cast<int>(c.random.below(2));
  c.heart.pr_s = std::max(c.heart.pr_s, 0.16 + 0.04 * c.severity);
  c.heart.rate_bpm = std::clamp(c.heart.rate_bpm, 60.0, 92.0);
}

void third_degree_av_block(Change& c) {
  c.heart.av = AvConduction::kComplete;
  c.heart.rate_bpm = std::clamp(c.heart.rate_bpm + 8, 66.0, 105.0);
  c.heart.escape_bpm = 50 - 20 * c.severity;
  c.heart.escape_narrow = c.severity < 0.6;  // The lower the origin, the slower and the wider.
}

}  // namespace cardiograd::data::synthetic
