// One patient's heart: what a beat of it looks like, and how fast it goes.
#pragma once

#include <array>

#include "base/philox.h"
#include "data/synthetic/wave.h"
#include "ecg/person.h"

namespace cardiograd::data::synthetic {

// What the ventricles do in one beat.
struct VentricularBeat {
  Waves qrs;             // QRS onset (global, 2 %) at 0 once finish() was called
  double qrs_end_s = 0;  // set by finish()
  Waves t;               // T end (global, 2 %) at 0 once finish() was called; at a cycle of 1 s
  // ST level at the J point, 60 ms and 120 ms behind it. Not part of the T wave.
  std::array<Vector3, 3> st{Vector3::Zero(), Vector3::Zero(), Vector3::Zero()};
  Vector3 u = Vector3::Zero();  // the U wave's peak
};

enum class AvConduction { kNormal, kWenckebach, kMobitz, kTwoToOne, kComplete };

struct Heart {
  Waves p;                    // P onset (global, 2 %) at 0 once finish() was called
  VentricularBeat conducted;  // of beats that come from the atria
  VentricularBeat ectopic;    // of beats that begin in the ventricles

  double rate_bpm = 70;       // of the sinus node
  double pr_s = 0.15;         // P onset to QRS onset
  double qtc_s = 0.4;         // QRS onset to T end at a cycle of 1 s; others by Fridericia's cube root
  double lf_fraction = 0.02;  // amplitude of the slow (0.1 Hz) variation of RR
  double hf_fraction = 0.02;  // and of that with respiration
  AvConduction av = AvConduction::kNormal;
  int av_group = 4;            // P waves per dropped beat in second-degree block
  double escape_bpm = 40;      // in third-degree block
  bool escape_narrow = true;   // from the AV junction, else from a ventricle
  bool fibrillation = false;   // of the atria: no P, irregular RR
  double fibrillation_mv = 0;  // height of the f waves
};

// A healthy heart of that age and sex. What it varies in stays within normal limits: PR 125-195 ms, QRS below 106 ms,
// frontal axis -25 to 85 degrees, Sokolow-Lyon below 3.45 mV, QTc below 445 ms. `leads` are the patient's.
Heart normal_heart(const ecg::Person& person, const LeadVectors& leads, PhiloxStream& random);

// Puts the origins of P, QRS and T where their comments say.
void finish(Heart& heart, const LeadVectors& leads);

// Mean frontal axis of the QRS area, degrees, 0 towards I, 90 towards aVF.
double frontal_axis(const Waves& qrs, const LeadVectors& leads);

// Turns the QRS in the frontal plane until its axis is `degrees`.
void set_frontal_axis(Waves& qrs, const LeadVectors& leads, double degrees);

// Stretches or shortens to a global duration in seconds.
void set_duration(Waves& waves, const LeadVectors& leads, double seconds);

// S in V1 plus the taller R of V5 and V6, mV (Sokolow and Lyon, Am. Heart J. 37:161, 1949).
double sokolow_lyon(const Waves& qrs, const LeadVectors& leads);

// Lowest and highest voltage of a lead.
struct Deflections {
  double lowest;
  double highest;
};
Deflections deflections(const Waves& waves, const Eigen::RowVector3d& lead);

}  // namespace cardiograd::data::synthetic
