// Hypertrophy of the ventricles and enlargement of the atria.
#include <algorithm>
#include <cmath>

#include "data/synthetic/statements.h"

namespace cardiograd::data::synthetic {

void left_ventricular_hypertrophy(Change& c) {
  Waves& qrs = c.heart.conducted.qrs;
  // More muscle in the free wall: later, larger, further left and back (Sokolow-Lyon above 3.5 mV).
  for (Gaussian& wave : qrs) {
    if (wave.time_s > 0 && wave.amplitude.x() > 0) wave.amplitude += wave.amplitude.norm() * Vector3(0.12, -0.05, 0.22);
  }
  const double wanted = 3.62 + 1.5 * c.severity * c.random.uniform(0.6, 1.0);
  for (int step = 0; step < 3; ++step) scale(qrs, wanted / sokolow_lyon(qrs, c.leads));
  stretch(qrs, 1.03 + 0.05 * c.severity);
  // Strain: ST and T turn away from the main vector.
  const double strain = std::max(0.0, c.severity - 0.25) * c.random.uniform(0.3, 1.2);
  const Vector3 away = -per_best_lead({0.8, 0.35, 0.25});
  c.heart.conducted.st[0] += 0.10 * strain * away;
  c.heart.conducted.st[1] += 0.14 * strain * away;
  c.heart.conducted.st[2] += 0.16 * strain * away;
  scale(c.heart.conducted.t, 1 - 0.6 * strain);
  for (Gaussian& wave : c.heart.conducted.t) wave.amplitude += 0.25 * strain * away;
}

void septal_hypertrophy(Change& c) {
  // The first vector, right and forward, grows and comes early: deep narrow Q in I, aVL, V5, V6, tall R in V1, V2.
  Waves& qrs = c.heart.conducted.qrs;
  const double q = 0.31 + 0.3 * c.severity;
  qrs.push_back({qrs.front().time_s, 0.0075, q * Vector3(-0.80, 0.10, -0.55)});
}

void right_ventricular_hypertrophy(Change& c) {
  Waves& qrs = c.heart.conducted.qrs;
  for (Gaussian& wave : qrs) {
    if (wave.amplitude.x() > 0) wave.amplitude.x() *= 0.62 - 0.2 * c.severity;
  }
  set_frontal_axis(qrs, c.leads, 98 + 30 * c.severity + 6 * c.random.uniform());
  // The right ventricle's own vector, right and forward, until R in V1 is at least 0.75 mV and above S.
  const double wanted = 0.75 + 0.6 * c.severity;
  const double time = qrs.front().time_s + 0.024;
  for (int step = 0; step < 40; ++step) {
    const Deflections v1 = deflections(qrs, c.leads.row(6));
    if (v1.highest >= wanted && v1.highest > -1.15 * v1.lowest) break;
    for (Gaussian& wave : qrs)
      if (wave.amplitude.z() > 0) wave.amplitude.z() *= 0.94;
    qrs.push_back({time, 0.011, Vector3(-0.035, 0.02, -0.055)});
  }
  const Vector3 right = per_best_lead({-0.5, 0.1, -0.8});
  const double strain = (0.3 + 0.7 * c.severity) * c.random.uniform(0.5, 1.0);
  c.heart.conducted.st[1] -= 0.05 * strain * right;
  c.heart.conducted.st[2] -= 0.08 * strain * right;
  for (Gaussian& wave : c.heart.conducted.t) wave.amplitude -= 0.20 * strain * right;
}

void left_atrial_enlargement(Change& c) {
  // The left atrium is late and large: P of 120 ms and more, two humps, deep terminal part in V1 (Morris, 1964).
  Waves& p = c.heart.p;
  const Vector3 left = p.back().amplitude;
  p.back() = {p.front().time_s + 0.046 + 0.014 * c.severity, 0.0165,
              (1.3 + 0.5 * c.severity) * left + Vector3(0.010, 0.0, 0.050)};
  set_duration(p, c.leads, 0.122 + 0.028 * c.severity);
  c.heart.pr_s = std::max(c.heart.pr_s, 0.150);
}

void right_atrial_enlargement(Change& c) {
  // Tall pointed P of normal duration, above 0.25 mV in II, initial part in V1 high.
  Waves& p = c.heart.p;
  p.front().amplitude += Vector3(0.0, 0.10, -0.05);
  const double wanted = 0.27 + 0.13 * c.severity;
  for (int step = 0; step < 3; ++step)
    p.front().amplitude *= std::max(0.5, wanted / std::max(0.02, deflections(p, c.leads.row(1)).highest));
}

}  // namespace cardiograd::data::synthetic
