// Infarcts, injury and ischaemia by territory, and changes of ST and T without one.
#include <algorithm>
#include <cmath>

#include "data/synthetic/statements.h"

namespace cardiograd::data::synthetic {
namespace {

// What points along `direction` in every wave, times `keep`.
void attenuate(Waves& waves, const Vector3& direction, double keep) {
  const Vector3 unit = direction.normalized();
  for (Gaussian& wave : waves) {
    const double along = wave.amplitude.dot(unit);
    if (along > 0) wave.amplitude -= (1 - keep) * along * unit;
  }
}

// T along `direction` gone, and `depth` mV (in the lead that sees it best) against it, with equal flanks.
void invert_t(VentricularBeat& beat, const Vector3& direction, double depth) {
  attenuate(beat.t, direction, 0.0);
  double end = beat.t.front().time_s;
  for (const Gaussian& wave : beat.t) end = std::max(end, wave.time_s);
  beat.t.push_back({end - 0.004, 0.029, -depth * per_best_lead(direction)});
}

void add_st(VentricularBeat& beat, const Vector3& direction, double j, double middle, double end) {
  const Vector3 unit = per_best_lead(direction);
  beat.st[0] += j * unit;
  beat.st[1] += middle * unit;
  beat.st[2] += end * unit;
}

// Little is left of an early repolarization where ST goes down.
void weaken_st(VentricularBeat& beat) {
  for (Vector3& level : beat.st) level *= 0.3;
}

// Forces towards the dead wall are missing in the first 40 ms: what remains points away from it.
void add_q(Change& c, const Vector3& wall, double depth) {
  Waves& qrs = c.heart.conducted.qrs;
  const double onset = global_extent(qrs, c.leads).onset_s;
  Waves early;
  for (Gaussian& wave : qrs) {
    if (wave.time_s - onset > 0.030) continue;
    early = {wave};
    attenuate(early, wall, 0.55);
    wave = early.front();
  }
  attenuate(qrs, wall, 0.92 - 0.40 * c.severity);
  qrs.push_back({onset + 0.025, 0.0105, -depth * per_best_lead(wall)});
}

}  // namespace

void infarct(Change& c, const Vector3& wall) {
  VentricularBeat& beat = c.heart.conducted;
  add_q(c, wall, 0.15 + 0.45 * c.severity);
  const double stage = c.random.uniform();
  if (stage < 0.25) {  // acute: elevation that runs into T
    const double st = 0.07 + 0.20 * c.severity;
    add_st(beat, wall, 0.8 * st, st, 1.1 * st);
  } else if (stage < 0.60) {  // recent: T inverted, ST almost back
    const double st = 0.04 * c.severity;
    add_st(beat, wall, st, st, 0.5 * st);
    invert_t(beat, wall, 0.05 + 0.22 * c.severity);
  } else {  // old: Q, and a flat T
    attenuate(beat.t, wall, 0.4);
  }
}

void subendocardial_injury(Change& c, const Vector3& wall) {
  // Horizontal ST depression over the wall.
  const double st = 0.10 + 0.16 * c.severity;
  weaken_st(c.heart.conducted);
  add_st(c.heart.conducted, wall, -0.9 * st, -st, -0.9 * st);
  attenuate(c.heart.conducted.t, wall, 0.6);
}

void ischaemia(Change& c, const Vector3& wall) {
  // T inverted and symmetrical over the wall, ST a little down.
  invert_t(c.heart.conducted, wall, 0.07 + 0.25 * c.severity);
  const double st = 0.02 + 0.05 * c.severity;
  add_st(c.heart.conducted, wall, -0.6 * st, -st, -st);
}

void unspecific_ischaemia(Change& c) {
  const double st = 0.04 + 0.12 * c.severity;
  add_st(c.heart.conducted, wall::kApex, -0.8 * st, -st, -st);
  invert_t(c.heart.conducted, wall::kApex, 0.065 + 0.22 * c.severity);
}

void nondiagnostic_t(Change& c) {
  // Low, flat or barely negative.
  scale(c.heart.conducted.t, 0.62 - 0.55 * c.severity);
  if (c.severity > 0.6)
    for (Gaussian& wave : c.heart.conducted.t) wave.amplitude -= 0.10 * (c.severity - 0.6) * per_best_lead(wall::kApex);
}

void unspecific_st(Change& c) {
  const double st = 0.062 + 0.07 * c.severity;
  weaken_st(c.heart.conducted);
  add_st(c.heart.conducted, wall::kApex, -st, -st, -0.8 * st);
  scale(c.heart.conducted.t, 0.8);
}

void digitalis(Change& c) {
  // The sagging ST: little at the J point, most before T; QT short, T low.
  const double st = 0.097 + 0.13 * c.severity;
  add_st(c.heart.conducted, wall::kApex, -0.35 * st, -st, -1.15 * st);
  scale(c.heart.conducted.t, 0.55 - 0.2 * c.severity);
  c.heart.qtc_s = std::max(0.335, c.heart.qtc_s - 0.030 - 0.025 * c.severity);
  if (c.heart.pr_s < 0.20) c.heart.pr_s = std::min(0.195, c.heart.pr_s + 0.02);
}

void long_qt(Change& c) {
  c.heart.qtc_s = 0.468 + 0.085 * c.severity;
  stretch(c.heart.conducted.t, 1.15 + 0.2 * c.severity);
}

void aneurysm(Change& c) {
  // ST that stays up over the anterior wall, convex, T turning negative, and the infarct's Q below it.
  add_q(c, wall::kAnterior, 0.30 + 0.25 * c.severity);
  const double st = 0.14 + 0.16 * c.severity;
  add_st(c.heart.conducted, wall::kAnterior, st, 1.05 * st, 0.7 * st);
  invert_t(c.heart.conducted, wall::kAnterior, 0.06 + 0.12 * c.severity);
}

void electrolytes(Change& c) {
  VentricularBeat& beat = c.heart.conducted;
  const double kind = c.random.uniform();
  if (kind < 0.4) {  // potassium high: T tall, narrow and pointed, P low, QRS wider
    scale(beat.t, 1.7 + 0.9 * c.severity);
    stretch(beat.t, 0.68);
    scale(c.heart.p, 0.6 - 0.3 * c.severity);
    stretch(beat.qrs, 1.06 + 0.1 * c.severity);
  } else if (kind < 0.8) {  // potassium low: T flat, ST down, U tall
    scale(beat.t, 0.45 - 0.25 * c.severity);
    add_st(beat, wall::kApex, -0.03, -0.05, -0.05);
    beat.u += (0.10 + 0.10 * c.severity) * per_best_lead({0.5, 0.2, -0.8});
  } else {  // calcium low: ST long, T as it was
    c.heart.qtc_s = 0.482 + 0.05 * c.severity;
  }
}

}  // namespace cardiograd::data::synthetic
