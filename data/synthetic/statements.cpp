#include "data/synthetic/statements.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "data/synthetic/body.h"

namespace cardiograd::data::synthetic {
namespace {

template <const Vector3& direction, void (*effect)(Change&, const Vector3&)>
void towards(Change& change) {
  effect(change, direction);
}

constexpr std::array<StatementEffect, 44> kEffects = {{
    {"NORM", nullptr},
    {"LVH", left_ventricular_hypertrophy},
    {"SEHYP", septal_hypertrophy},
    {"RVH", right_ventricular_hypertrophy},
    {"LAFB", left_anterior_fascicular_block},
    {"LPFB", left_posterior_fascicular_block},
    {"IMI", towards<wall::kInferior, infarct>},
    {"ILMI", towards<wall::kInferolateral, infarct>},
    {"IPMI", towards<wall::kInferoposterior, infarct>},
    {"IPLMI", towards<wall::kInferoposterolateral, infarct>},
    {"ASMI", towards<wall::kAnteroseptal, infarct>},
    {"AMI", towards<wall::kAnterior, infarct>},
    {"ALMI", towards<wall::kAnterolateral, infarct>},
    {"LMI", towards<wall::kLateral, infarct>},
    {"PMI", towards<wall::kPosterior, infarct>},
    {"ANEUR", aneurysm},
    {"IVCD", unspecific_ventricular_delay},
    {"IRBBB", incomplete_right_bundle_branch_block},
    {"CRBBB", complete_right_bundle_branch_block},
    {"ILBBB", incomplete_left_bundle_branch_block},
    {"CLBBB", complete_left_bundle_branch_block},
    {"WPW", preexcitation},
    {"NDT", nondiagnostic_t},
    {"NST_", unspecific_st},
    {"DIG", digitalis},
    {"EL", electrolytes},
    {"ISC_", unspecific_ischaemia},
    {"ISCAL", towards<wall::kAnterolateral, ischaemia>},
    {"ISCAS", towards<wall::kAnteroseptal, ischaemia>},
    {"ISCAN", towards<wall::kAnterior, ischaemia>},
    {"ISCLA", towards<wall::kLateral, ischaemia>},
    {"ISCIN", towards<wall::kInferior, ischaemia>},
    {"ISCIL", towards<wall::kInferolateral, ischaemia>},
    {"INJAS", towards<wall::kAnteroseptal, subendocardial_injury>},
    {"INJAL", towards<wall::kAnterolateral, subendocardial_injury>},
    {"INJLA", towards<wall::kLateral, subendocardial_injury>},
    {"INJIN", towards<wall::kInferior, subendocardial_injury>},
    {"INJIL", towards<wall::kInferolateral, subendocardial_injury>},
    {"LNGQT", long_qt},
    {"LAO/LAE", left_atrial_enlargement},
    {"RAO/RAE", right_atrial_enlargement},
    {"1AVB", first_degree_av_block},
    {"2AVB", second_degree_av_block},
    {"3AVB", third_degree_av_block},
}};

bool among(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

std::span<const StatementEffect> statement_effects() {
  return kEffects;
}

bool compatible(std::string_view one, std::string_view other) {
  if (one == other) return false;
  const auto both_in = [&](std::initializer_list<std::string_view> codes) {
    return among(one, codes) && among(other, codes);
  };
  // Each list: at most one of these.
  if (both_in({"CLBBB", "ILBBB", "CRBBB", "IRBBB", "IVCD", "WPW"})) return false;
  if (both_in({"CLBBB", "ILBBB", "WPW", "LAFB", "LPFB"})) return false;
  if (both_in({"1AVB", "2AVB", "3AVB", "WPW"})) return false;
  if (both_in({"RVH", "LAFB"}) || both_in({"LNGQT", "DIG"})) return false;
  // Beside "normal" PTB-XL has hardly more than slight delays of conduction.
  const auto beside_norm = [](std::string_view code) {
    return among(code, {"IRBBB", "IVCD", "LAFB", "1AVB", "LPFB", "CRBBB"});
  };
  if (one == "NORM") return beside_norm(other);
  if (other == "NORM") return beside_norm(one);
  return true;
}

Vector3 per_best_lead(const Vector3& direction) {
  static const LeadVectors leads = lead_vectors(standard_body());
  return direction / (leads * direction).cwiseAbs().maxCoeff();
}

}  // namespace cardiograd::data::synthetic
