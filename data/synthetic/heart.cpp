#include "data/synthetic/heart.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Geometry>

namespace cardiograd::data::synthetic {
namespace {

constexpr double kDegree = 3.14159265358979323846 / 180;

// Normal within two standard deviations.
double bounded_normal(PhiloxStream& random) {
  return std::clamp(random.normal(), -2.0, 2.0);
}

// A copy turned by a random few degrees and scaled by a random few per cent.
Vector3 varied(const Vector3& v, double fraction, PhiloxStream& random) {
  const Vector3 noise(bounded_normal(random), bounded_normal(random), bounded_normal(random));
  return v * std::exp(fraction * bounded_normal(random)) + 0.7 * fraction * v.norm() * noise;
}

// Septum (right, anterior), apex (left, anterior), free wall (left, down, back), base (up, right, back): the four
// instantaneous vectors of normal ventricular activation (Durrer et al., Circulation 41:899, 1970).
Waves normal_qrs(PhiloxStream& random) {
  Waves qrs = {{-0.024, 0.0075, {-0.15, -0.05, -0.13}},
               {-0.008, 0.0080, {0.50, 0.33, -0.36}},
               {0.006, 0.0095, {0.92, 0.53, 0.72}},
               {0.026, 0.0088, {-0.19, -0.09, 0.54}}};
  for (Gaussian& wave : qrs) {
    wave.amplitude = varied(wave.amplitude, 0.16, random);
    wave.time_s += 0.0015 * bounded_normal(random);
  }
  scale(qrs, std::exp(0.16 * bounded_normal(random)));
  return qrs;
}

// Right atrium (down, a little anterior), then left atrium (left, back).
Waves normal_p(PhiloxStream& random) {
  Waves p = {{0.0, 0.0130, {0.028, 0.085, -0.028}}, {0.026, 0.0135, {0.058, 0.043, 0.038}}};
  for (Gaussian& wave : p) wave.amplitude = varied(wave.amplitude, 0.15, random);
  scale(p, std::exp(0.18 * bounded_normal(random)));
  stretch(p, 1 + 0.05 * bounded_normal(random));
  return p;
}

// A slow rise and a faster fall.
Waves t_wave(const Vector3& peak) {
  return {{-0.020, 0.038, 0.42 * peak}, {0.0, 0.025, 0.72 * peak}};
}

Vector3 normal_t(const ecg::Person& person, PhiloxStream& random) {
  const double size = 0.33 * std::exp(0.30 * bounded_normal(random)) * (person.female() ? 0.85 : 1.05) *
                      (1 - 0.004 * (person.age - 50));
  return size * varied({0.76, 0.48, -0.48}, 0.14, random);
}

// A beat that begins in the muscle of a ventricle: slow throughout, ST and T against it.
VentricularBeat ventricular_beat(PhiloxStream& random) {
  VentricularBeat beat;
  const double side = random.uniform() < 0.5 ? 1.0 : -1.0;
  const Vector3 direction =
      Vector3(0.8 * side, 0.5 * bounded_normal(random), 0.5 * side + 0.3 * random.normal()).normalized();
  const double size = 1.3 * std::exp(0.2 * bounded_normal(random));
  const Vector3 sideways = Vector3(0, 1, 0).cross(direction);
  beat.qrs = {{0.035, 0.016, 0.5 * size * direction},
              {0.075, 0.020, size * (direction + 0.2 * sideways)},
              {0.115, 0.018, 0.4 * size * (direction - 0.5 * sideways)}};
  beat.t = t_wave(-0.45 * size * direction);
  beat.st = {-0.10 * size * direction, -0.14 * size * direction, -0.2 * size * direction};
  return beat;
}

}  // namespace

Deflections deflections(const Waves& waves, const Eigen::RowVector3d& lead) {
  const WaveExtent extent = lead_extent(waves, lead);
  Deflections result{0, 0};
  const int steps = static_cast<int>((extent.offset_s - extent.onset_s) / 0.001);
  for (int i = 0; i <= steps; ++i) {
    const double t = extent.onset_s + 0.001 * i;
    const double value = lead.dot(dipole_at(waves, t).transpose());
    result.lowest = std::min(result.lowest, value);
    result.highest = std::max(result.highest, value);
  }
  return result;
}

double sokolow_lyon(const Waves& qrs, const LeadVectors& leads) {
  const double r = std::max(deflections(qrs, leads.row(10)).highest, deflections(qrs, leads.row(11)).highest);
  return r - deflections(qrs, leads.row(6)).lowest;
}

double frontal_axis(const Waves& qrs, const LeadVectors& leads) {
  Vector3 area = Vector3::Zero();
  for (const Gaussian& wave : qrs) area += wave.sigma_s * wave.amplitude;
  return std::atan2(leads.row(5).dot(area.transpose()), leads.row(0).dot(area.transpose())) / kDegree;
}

void set_frontal_axis(Waves& qrs, const LeadVectors& leads, double degrees) {
  // Turned in the plane that I and aVF see. They are not orthogonal on a real body: the turn is approached in steps.
  const Vector3 lead_i = leads.row(0);
  const Vector3 lead_avf = leads.row(5);
  const Vector3 normal = lead_i.cross(lead_avf).normalized();
  for (int step = 0; step < 8; ++step) {
    const double missing = std::remainder(degrees - frontal_axis(qrs, leads), 360.0);
    const Eigen::Matrix3d turn = Eigen::AngleAxisd(missing * kDegree, normal).toRotationMatrix();
    for (Gaussian& wave : qrs) wave.amplitude = turn * wave.amplitude;
  }
}

void set_duration(Waves& waves, const LeadVectors& leads, double seconds) {
  const WaveExtent extent = global_extent(waves, leads);
  stretch(waves, seconds / (extent.offset_s - extent.onset_s), extent.onset_s);
}

Heart normal_heart(const ecg::Person& person, const LeadVectors& leads, PhiloxStream& random) {
  Heart heart;
  const double age = person.age;
  heart.rate_bpm = std::clamp(70 + 11.5 * random.normal() + (person.female() ? 3 : 0), 47.0, 104.0);
  heart.pr_s = std::clamp(0.150 + 0.0004 * (age - 50) + 0.018 * random.normal(), 0.125, 0.195);
  heart.qtc_s = std::clamp(0.402 + (person.female() ? 0.010 : 0.0) + 0.016 * random.normal(), 0.360, 0.440);
  const double vagal = std::exp(-0.02 * (age - 30)) * std::exp(0.4 * bounded_normal(random));
  heart.hf_fraction = std::min(0.10, 0.030 * vagal);
  heart.lf_fraction = std::min(0.06, 0.022 * vagal);

  heart.conducted.qrs = normal_qrs(random);
  set_frontal_axis(heart.conducted.qrs, leads, std::clamp(44 - 0.45 * (age - 50) + 20 * random.normal(), -25.0, 82.0));
  set_duration(heart.conducted.qrs, leads,
               std::clamp((person.female() ? 0.089 : 0.094) + 0.007 * random.normal(), 0.074, 0.105));
  const double voltage = sokolow_lyon(heart.conducted.qrs, leads);
  if (voltage > 3.2) scale(heart.conducted.qrs, (3.2 + 0.2 * random.uniform()) / voltage);
  heart.conducted.t = t_wave(normal_t(person, random));
  // The young heart's ST begins a little above the line (early repolarization).
  const double early = std::max(0.0, 0.04 - 0.0006 * age + 0.025 * bounded_normal(random)) - 0.006 * random.uniform();
  heart.conducted.st = {early * Vector3(0.6, 0.4, -0.7), early * Vector3(0.5, 0.3, -0.8),
                        early * Vector3(0.5, 0.3, -0.6)};
  heart.conducted.u = std::max(0.0, 0.012 + 0.01 * bounded_normal(random)) * Vector3(0.5, 0.2, -0.8);
  heart.p = normal_p(random);
  heart.ectopic = ventricular_beat(random);
  heart.escape_bpm = 45;
  return heart;
}

void finish(Heart& heart, const LeadVectors& leads) {
  shift(heart.p, -global_extent(heart.p, leads).onset_s);
  for (VentricularBeat* beat : {&heart.conducted, &heart.ectopic}) {
    const WaveExtent qrs = global_extent(beat->qrs, leads);
    shift(beat->qrs, -qrs.onset_s);
    beat->qrs_end_s = qrs.offset_s - qrs.onset_s;
    shift(beat->t, -global_extent(beat->t, leads).offset_s);
  }
}

}  // namespace cardiograd::data::synthetic
