// The 44 diagnostic statements of PTB-XL: what each changes in a heart. docs/synthetic-ecg.md is the table with the
// sources.
#pragma once

#include <span>
#include <string_view>

#include "base/philox.h"
#include "data/synthetic/heart.h"

namespace cardiograd::data::synthetic {

// Severities are uniform numbers to this power: slight forms are more frequent than severe ones.
inline constexpr double kSeverityExponent = 3.5;

// What a statement may look at and change.
struct Change {
  Heart& heart;
  const ecg::Person& person;
  const LeadVectors& leads;  // the patient's
  double severity;           // 0 just there, 1 severe
  PhiloxStream& random;
};

struct StatementEffect {
  std::string_view code;
  void (*apply)(Change&);  // nullptr: NORM, which changes nothing
};

// All 44, in the order in which they must be applied: voltage and axis first, then infarcts, ventricular conduction
// (which replaces QRS), repolarization, atria and AV conduction last.
std::span<const StatementEffect> statement_effects();

// Whether both can be told from one ECG; false for pairs that exclude each other (left and right bundle branch block,
// NORM and an infarct, ...).
bool compatible(std::string_view one, std::string_view other);

// The groups, one file each.
void left_ventricular_hypertrophy(Change&);
void right_ventricular_hypertrophy(Change&);
void septal_hypertrophy(Change&);
void left_atrial_enlargement(Change&);
void right_atrial_enlargement(Change&);

// Conduction: fascicles, bundle branches, accessory pathway, AV node.
void left_anterior_fascicular_block(Change&);
void left_posterior_fascicular_block(Change&);
void unspecific_ventricular_delay(Change&);
void incomplete_right_bundle_branch_block(Change&);
void complete_right_bundle_branch_block(Change&);
void incomplete_left_bundle_branch_block(Change&);
void complete_left_bundle_branch_block(Change&);
void preexcitation(Change&);
void first_degree_av_block(Change&);
void second_degree_av_block(Change&);
void third_degree_av_block(Change&);

// Directions from the heart's middle towards a wall, in Frank's axes.
namespace wall {
inline const Vector3 kInferior{-0.10, 1.00, 0.10};
inline const Vector3 kInferolateral{0.65, 0.80, 0.15};
inline const Vector3 kInferoposterior{0.00, 0.75, 0.65};
inline const Vector3 kInferoposterolateral{0.50, 0.65, 0.60};
inline const Vector3 kAnteroseptal{-0.15, 0.00, -1.00};
inline const Vector3 kAnterior{0.35, -0.05, -0.95};
inline const Vector3 kAnterolateral{0.80, -0.20, -0.60};
inline const Vector3 kLateral{0.95, -0.35, 0.15};
inline const Vector3 kPosterior{0.00, 0.10, 1.00};
inline const Vector3 kApex{0.70, 0.45, -0.45};  // where T points: for changes without a territory
}  // namespace wall

// Infarct, subendocardial injury and ischaemia of a wall.
void infarct(Change&, const Vector3& wall);
void subendocardial_injury(Change&, const Vector3& wall);
void ischaemia(Change&, const Vector3& wall);

// Changes of ST, T and QT without a territory.
void unspecific_ischaemia(Change&);
void nondiagnostic_t(Change&);
void unspecific_st(Change&);
void digitalis(Change&);
void long_qt(Change&);
void aneurysm(Change&);
void electrolytes(Change&);

// The direction scaled so that the lead of the standard body that sees it best shows 1 mV per mV.
Vector3 per_best_lead(const Vector3& direction);

}  // namespace cardiograd::data::synthetic
