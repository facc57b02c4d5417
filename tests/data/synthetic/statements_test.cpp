// Each of the 44 statements changes what docs/synthetic-ecg.md says, and the same patients without it do not show it.
#include "data/synthetic/statements.h"

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "data/synthetic/population.h"
#include "tests/data/helpers.h"
#include "tests/data/synthetic/measured_beat.h"

namespace cardiograd::data::synthetic {
namespace {

using testing::LeadMeasure;
using testing::measure;
using testing::MeasuredBeat;
using testing::noise_free;
using namespace testing;  // the names of the leads

constexpr std::int64_t kPatients = 30;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// What one statement must do to one measured quantity.
struct Criterion {
  const char* code;
  const char* quantity;
  double (*value)(const MeasuredBeat&);
  // Every patient with the statement lies above (or below, where `change` is negative) the limit, and every one without
  // it on the other side; NaN: none, because normal hearts differ too much.
  double limit;
  // The least change from the same patient without the statement, with its sign.
  double change;
};

template <int... leads>
double initial(const MeasuredBeat& b) {
  return b.mean(&LeadMeasure::initial_mean, {leads...});
}
template <int... leads>
double st(const MeasuredBeat& b) {
  return b.mean(&LeadMeasure::st60, {leads...});
}
template <int... leads>
double t_wave(const MeasuredBeat& b) {
  return b.mean(&LeadMeasure::t, {leads...});
}
double pr(const MeasuredBeat& b) {
  return b.pr;
}
double qrs(const MeasuredBeat& b) {
  return b.qrs;
}
double qtc(const MeasuredBeat& b) {
  return b.qtc;
}
double axis(const MeasuredBeat& b) {
  return b.axis;
}
double p_duration(const MeasuredBeat& b) {
  return b.p_duration;
}
double p_ii(const MeasuredBeat& b) {
  return b.lead[kII].p_high;
}
double p_v1_low(const MeasuredBeat& b) {
  return b.lead[kLeadV1].p_low;
}
double sokolow(const MeasuredBeat& b) {
  return b.sokolow();
}
double r_v1(const MeasuredBeat& b) {
  return b.lead[kLeadV1].high;
}
double r_minus_s_v1(const MeasuredBeat& b) {
  return b.lead[kLeadV1].high + b.lead[kLeadV1].low;
}
double r_prime_v1(const MeasuredBeat& b) {
  return b.lead[kLeadV1].terminal_high;
}
double end_v1(const MeasuredBeat& b) {
  return b.lead[kLeadV1].terminal_mean;
}
double s_v6(const MeasuredBeat& b) {
  return b.lead[kLeadV6].low;
}
double q_v6(const MeasuredBeat& b) {
  return b.lead[kLeadV6].initial_low;
}
double q_lateral(const MeasuredBeat& b) {
  return b.mean(&LeadMeasure::initial_low, {kI, kAvl, kLeadV5, kLeadV6});
}
double sag(const MeasuredBeat& b) {
  return b.mean(&LeadMeasure::st60, {kII, kLeadV4, kLeadV5, kLeadV6}) -
         b.mean(&LeadMeasure::st20, {kII, kLeadV4, kLeadV5, kLeadV6});
}
double apical_t(const MeasuredBeat& b) {
  return t_wave<kII, kLeadV4, kLeadV5, kLeadV6>(b);
}
double apical_st(const MeasuredBeat& b) {
  return st<kII, kLeadV4, kLeadV5, kLeadV6>(b);
}

// Durations in seconds, voltages in mV, axes in degrees.
const std::vector<Criterion> kCriteria = {
    {"LVH", "S V1 + R V5/V6", sokolow, 3.48, 0.15},
    {"SEHYP", "Q in I, aVL, V5, V6", q_lateral, kNone, -0.10},
    {"RVH", "R in V1", r_v1, 0.7, 0.2},
    {"RVH", "R - S in V1", r_minus_s_v1, kNone, 0.4},
    {"RVH", "axis", axis, 90, 10},
    {"LAO/LAE", "P duration", p_duration, 0.12, 0.012},
    {"LAO/LAE", "end of P in V1", p_v1_low, kNone, -0.025},
    {"RAO/RAE", "P in II", p_ii, 0.25, 0.05},
    {"LAFB", "axis", axis, -45, -25},
    {"LPFB", "axis", axis, 100, 15},
    {"IVCD", "QRS duration", qrs, 0.110, 0.008},
    {"IRBBB", "QRS duration", qrs, 0.1055, 0.0005},
    {"IRBBB", "end of QRS in V1", end_v1, kNone, 0.02},
    {"CRBBB", "QRS duration", qrs, 0.120, 0.012},
    {"CRBBB", "R' in V1", r_prime_v1, 0.2, 0.2},
    {"CRBBB", "S in V6", s_v6, kNone, -0.06},
    {"ILBBB", "QRS duration", qrs, 0.106, 0.003},
    {"ILBBB", "septal q in V6", q_v6, -0.02, 0.02},
    {"CLBBB", "QRS duration", qrs, 0.120, 0.012},
    {"CLBBB", "septal q in V6", q_v6, -0.02, 0.02},
    {"CLBBB", "ST in I, V5, V6", st<kI, kLeadV5, kLeadV6>, kNone, -0.04},
    {"WPW", "PR", pr, 0.120, -0.01},
    {"WPW", "QRS duration", qrs, 0.110, 0.01},
    {"1AVB", "PR", pr, 0.200, 0.010},
    {"IMI", "beginning of QRS in II, III, aVF", initial<kII, kIII, kAvf>, kNone, -0.03},
    {"ILMI", "beginning of QRS in II, aVF, V5, V6", initial<kII, kAvf, kLeadV5, kLeadV6>, kNone, -0.03},
    {"IPMI", "beginning of QRS in II, III, aVF", initial<kII, kIII, kAvf>, kNone, -0.03},
    {"IPMI", "beginning of QRS in V1, V2", initial<kLeadV1, kLeadV2>, kNone, 0.03},
    {"IPLMI", "beginning of QRS in II, aVF, V6", initial<kII, kAvf, kLeadV6>, kNone, -0.03},
    {"IPLMI", "beginning of QRS in V1, V2", initial<kLeadV1, kLeadV2>, kNone, 0.03},
    {"ASMI", "beginning of QRS in V1, V2, V3", initial<kLeadV1, kLeadV2, kLeadV3>, kNone, -0.03},
    {"AMI", "beginning of QRS in V2, V3, V4", initial<kLeadV2, kLeadV3, kLeadV4>, kNone, -0.03},
    {"ALMI", "beginning of QRS in V3, V4, V5", initial<kLeadV3, kLeadV4, kLeadV5>, kNone, -0.03},
    {"LMI", "beginning of QRS in I, aVL, V6", initial<kI, kAvl, kLeadV6>, kNone, -0.03},
    {"PMI", "beginning of QRS in V1, V2, V3", initial<kLeadV1, kLeadV2, kLeadV3>, kNone, 0.03},
    {"ANEUR", "ST in V2, V3, V4", st<kLeadV2, kLeadV3, kLeadV4>, 0.1, 0.09},
    {"ANEUR", "T in V2, V3, V4", t_wave<kLeadV2, kLeadV3, kLeadV4>, kNone, -0.1},
    {"NDT", "T in II, V4, V5, V6", apical_t, kNone, -0.05},
    {"NST_", "ST in II, V4, V5, V6", apical_st, -0.015, -0.025},
    {"DIG", "ST in II, V4, V5, V6", apical_st, -0.015, -0.035},
    {"DIG", "sag of ST", sag, kNone, -0.01},
    {"DIG", "QTc", qtc, kNone, -0.01},
    {"ISC_", "T in II, V4, V5, V6", apical_t, 0.0, -0.15},
    {"ISC_", "ST in II, V4, V5, V6", apical_st, kNone, -0.015},
    {"ISCAL", "T in V3, V4, V5", t_wave<kLeadV3, kLeadV4, kLeadV5>, kNone, -0.15},
    {"ISCAS", "T in V1, V2, V3", t_wave<kLeadV1, kLeadV2, kLeadV3>, kNone, -0.12},
    {"ISCAN", "T in V2, V3, V4", t_wave<kLeadV2, kLeadV3, kLeadV4>, kNone, -0.15},
    {"ISCLA", "T in I, aVL, V5, V6", t_wave<kI, kAvl, kLeadV5, kLeadV6>, kNone, -0.10},
    {"ISCIN", "T in II, III, aVF", t_wave<kII, kIII, kAvf>, kNone, -0.12},
    {"ISCIL", "T in II, aVF, V5, V6", t_wave<kII, kAvf, kLeadV5, kLeadV6>, 0.05, -0.15},
    {"INJAS", "ST in V1, V2, V3", st<kLeadV1, kLeadV2, kLeadV3>, -0.05, -0.045},
    {"INJAL", "ST in V3, V4, V5", st<kLeadV3, kLeadV4, kLeadV5>, -0.035, -0.045},
    {"INJLA", "ST in I, aVL, V5, V6", st<kI, kAvl, kLeadV5, kLeadV6>, -0.035, -0.045},
    {"INJIN", "ST in II, III, aVF", st<kII, kIII, kAvf>, -0.035, -0.045},
    {"INJIL", "ST in II, aVF, V5, V6", st<kII, kAvf, kLeadV5, kLeadV6>, -0.035, -0.045},
    {"LNGQT", "QTc", qtc, 0.460, 0.03},
};

const std::vector<MeasuredBeat>& normals() {
  static const std::vector<MeasuredBeat> beats = [] {
    std::vector<MeasuredBeat> result;
    for (std::int64_t i = 1; i <= kPatients; ++i) result.push_back(measure(noise_free(i, {"NORM"})));
    return result;
  }();
  return beats;
}

std::ostream& operator<<(std::ostream& out, const Criterion& c) {
  return out << c.code << ": " << c.quantity;
}

class StatementTest : public ::testing::TestWithParam<Criterion> {};

TEST_P(StatementTest, ChangesWhatItSays) {
  const Criterion& c = GetParam();
  const double sign = c.change < 0 ? -1 : 1;
  for (std::int64_t i = 1; i <= kPatients; ++i) {
    const double with = c.value(measure(noise_free(i, {c.code})));
    const double without = c.value(normals()[static_cast<std::size_t>(i - 1)]);
    SCOPED_TRACE(fmt::format("{}: {}", c.code, c.quantity));
    EXPECT_TRUE(sign * (with - without) >= sign * c.change) << "patient " << i << ": " << without << " -> " << with;
    if (std::isnan(c.limit)) continue;
    EXPECT_TRUE(sign * with > sign * c.limit) << "patient " << i << " with it: " << with;
    EXPECT_TRUE(sign * without < sign * c.limit) << "patient " << i << " without it: " << without;
  }
}

// What none of the criteria above covers has tests of its own: below, or in record_test.cpp.
TEST(Statements, EveryOneIsTested) {
  std::set<std::string> tested = {"NORM", "EL", "2AVB", "3AVB"};
  for (const Criterion& c : kCriteria) tested.insert(c.code);
  for (const StatementEffect& effect : statement_effects()) EXPECT_TRUE(tested.contains(std::string(effect.code)));
  EXPECT_EQ(tested.size(), statement_effects().size());
}

TEST(Statements, NormalStaysWithinNormalLimits) {
  for (const MeasuredBeat& beat : normals()) {
    EXPECT_TRUE(beat.pr > 0.12 && beat.pr < 0.20) << beat.pr;
    EXPECT_TRUE(beat.p_duration < 0.115) << beat.p_duration;
    EXPECT_TRUE(beat.qrs > 0.07 && beat.qrs < 0.107) << beat.qrs;
    EXPECT_TRUE(beat.qtc > 0.35 && beat.qtc < 0.45) << beat.qtc;
    EXPECT_TRUE(beat.axis > -30 && beat.axis < 90) << beat.axis;
    EXPECT_TRUE(beat.lead[kAvr].t < 0 && beat.lead[kLeadV5].t > 0);
    EXPECT_TRUE(beat.lead[kLeadV1].low < -beat.lead[kLeadV1].high) << "rS in V1";
  }
}

// One of three pictures: potassium high or low, calcium low.
TEST(Statements, ElectrolytesShowOneOfThreePictures) {
  int seen[3] = {0, 0, 0};
  for (std::int64_t i = 1; i <= kPatients; ++i) {
    const MeasuredBeat with = measure(noise_free(i, {"EL"}));
    const MeasuredBeat& without = normals()[static_cast<std::size_t>(i - 1)];
    const bool tented = apical_t(with) > 1.4 * apical_t(without) && with.t_duration < 0.8 * without.t_duration;
    const bool u_wave = with.u - without.u > 0.05 && apical_t(with) < 0.6 * apical_t(without);
    const bool long_st =
        with.j_to_t_onset - without.j_to_t_onset > 0.02 && std::abs(with.t_duration - without.t_duration) < 0.02;
    EXPECT_EQ(tented + u_wave + long_st, 1) << "patient " << i;
    seen[0] += tented;
    seen[1] += u_wave;
    seen[2] += long_st;
  }
  for (const int count : seen) EXPECT_GE(count, 2);
}

TEST(Statements, ExclusionIsMutual) {
  for (const StatementEffect& one : statement_effects())
    for (const StatementEffect& other : statement_effects())
      EXPECT_EQ(compatible(one.code, other.code), compatible(other.code, one.code));
  EXPECT_FALSE(compatible("CLBBB", "CRBBB"));
  EXPECT_FALSE(compatible("NORM", "IMI"));
  EXPECT_TRUE(compatible("IMI", "LAFB"));
}

INSTANTIATE_TEST_SUITE_P(All, StatementTest, ::testing::ValuesIn(kCriteria),
                         [](const ::testing::TestParamInfo<Criterion>& info) {
                           std::string name = fmt::format("{}_{}", info.param.code, info.index);
                           std::erase(name, '/');
                           return name;
                         });

}  // namespace
}  // namespace cardiograd::data::synthetic
