#include "ecg/twelve_leads.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::ecg {
namespace {

constexpr std::size_t kLimbLeads = 6;
constexpr auto kLeads = static_cast<Eigen::Index>(kStandardLeadCount);

// Every limb lead as a sum of I and II.
constexpr std::array<std::array<double, 2>, kLimbLeads> kOfOneAndTwo = {
    {{1, 0}, {0, 1}, {-1, 1}, {-0.5, -0.5}, {1, -0.5}, {-0.5, 1}}};

using Places = std::array<std::optional<std::size_t>, kStandardLeadCount>;

Places find_leads(const Recording& source, TwelveLeads& result) {
  Places places;
  const auto leads = standard_leads(source.leads);
  for (std::size_t i = 0; i < source.leads.size(); ++i) {
    const auto& lead = leads[i];
    if (!lead) {
      result.unused.push_back(source.leads[i]);
      continue;
    }
    if (places[*lead])
      throw Error(fmt::format("{}: lead {} is there twice, as '{}' and '{}'", source.name, kStandardLeads[*lead],
                              source.leads[*places[*lead]], source.leads[i]),
                  "Correct the lead names: each of the twelve must be there once.");
    places[*lead] = i;
  }
  return places;
}

// "0.5 I - II": the terms of a sum.
std::string formula_text(double a, std::string_view lead_a, double b, std::string_view lead_b) {
  const auto term = [](double factor, std::string_view lead) {
    const double size = std::abs(factor);
    return size == 1 ? std::string(lead) : fmt::format("{:.3g} {}", size, lead);
  };
  if (a < 0 && b > 0) {
    std::swap(a, b);
    std::swap(lead_a, lead_b);
  }
  return fmt::format("{}{} {} {}", a < 0 ? "-" : "", term(a, lead_a), b < 0 ? '-' : '+', term(b, lead_b));
}

// Fills the limb leads that are missing from the first two that are there.
void derive(const Places& places, TwelveLeads& result) {
  std::vector<std::size_t> there;
  for (std::size_t lead = 0; lead < kLimbLeads; ++lead)
    if (places[lead]) there.push_back(lead);
  if (there.size() < 2 || there.size() == kLimbLeads) return;
  const std::size_t p = there[0], q = there[1];
  const auto& u = kOfOneAndTwo[p];
  const auto& v = kOfOneAndTwo[q];
  const double determinant = u[0] * v[1] - u[1] * v[0];  // Never 0: no two limb leads have one direction.
  for (std::size_t lead = 0; lead < kLimbLeads; ++lead) {
    if (places[lead]) continue;
    const auto& w = kOfOneAndTwo[lead];
    const double a = (w[0] * v[1] - w[1] * v[0]) / determinant;
    const double b = (u[0] * w[1] - u[1] * w[0]) / determinant;
    auto& signal = result.recording.signal;
    signal.col(static_cast<Eigen::Index>(lead)) =
        a * signal.col(static_cast<Eigen::Index>(p)) + b * signal.col(static_cast<Eigen::Index>(q));
    result.derived.push_back(
        {std::string(kStandardLeads[lead]), formula_text(a, kStandardLeads[p], b, kStandardLeads[q])});
  }
}

}  // namespace

TwelveLeads twelve_leads(const Recording& source) {
  TwelveLeads result;
  const Places places = find_leads(source, result);
  std::vector<std::string> units, names;
  for (const auto& place : places) {
    if (!place) continue;
    units.push_back(source.units[*place]);
    names.push_back(source.leads[*place]);
  }
  const std::string unit = units.empty() ? "" : require_common_unit(units, names, source.name);
  Recording& recording = result.recording;
  recording.name = source.name;
  recording.rate = source.rate;
  recording.comments = source.comments;
  recording.signal.setConstant(source.signal.rows(), kLeads, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead) {
    recording.leads.emplace_back(kStandardLeads[lead]);
    recording.units.push_back(unit);
    if (!places[lead]) continue;
    recording.signal.col(static_cast<Eigen::Index>(lead)) =
        millivolts_per_unit(source.units[*places[lead]]).value_or(1.0) *
        source.signal.col(static_cast<Eigen::Index>(*places[lead]));
  }
  if (unit == "mV") derive(places, result);
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead) {
    bool there = places[lead].has_value();
    for (const DerivedLead& derived : result.derived) there = there || derived.lead == kStandardLeads[lead];
    if (!there) result.missing.emplace_back(kStandardLeads[lead]);
  }
  return result;
}

TwelveLeads named_leads(const Recording& source, std::span<const std::string> wanted) {
  TwelveLeads twelve = twelve_leads(source);
  if (are_standard_leads(wanted)) return twelve;
  TwelveLeads result;
  std::vector<std::size_t> others;  // places in `source`
  for (const std::string& name : wanted)
    if (!standard_lead(name))
      if (const auto place = find_lead(source.leads, name)) others.push_back(*place);
  Recording other = select_leads(source, others);
  const auto there = [&twelve](std::string_view lead) {
    return std::find(twelve.missing.begin(), twelve.missing.end(), lead) == twelve.missing.end();
  };
  Recording& recording = result.recording;
  recording.name = source.name;
  recording.rate = source.rate;
  recording.comments = source.comments;
  recording.leads.assign(wanted.begin(), wanted.end());
  recording.signal.setConstant(source.signal.rows(), static_cast<Eigen::Index>(wanted.size()),
                               std::numeric_limits<double>::quiet_NaN());
  to_common_unit(other);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto column = recording.signal.col(static_cast<Eigen::Index>(i));
    if (const auto lead = standard_lead(wanted[i]); lead && there(kStandardLeads[*lead])) {
      column = twelve.recording.signal.col(static_cast<Eigen::Index>(*lead));
      recording.units.push_back(twelve.recording.units[*lead]);
      for (const DerivedLead& derived : twelve.derived)
        if (derived.lead == kStandardLeads[*lead]) result.derived.push_back({wanted[i], derived.formula});
    } else if (const auto place = find_lead(other.leads, wanted[i]); !lead && place) {
      column = other.signal.col(static_cast<Eigen::Index>(*place));
      recording.units.push_back(other.units[*place]);
    } else {
      result.missing.push_back(wanted[i]);
      recording.units.push_back(recording.units.empty() ? "mV" : recording.units.front());
    }
  }
  for (const std::string& name : twelve.unused)
    if (!find_lead(recording.leads, name)) result.unused.push_back(name);
  require_common_unit(recording.units, recording.leads, source.name);
  return result;
}

Eigen::ArrayXXd complete_leads(const Eigen::ArrayXXd& independent) {
  Eigen::ArrayXXd leads(independent.rows(), kLeads);
  leads.leftCols(2) = independent.leftCols(2);
  for (std::size_t lead = 2; lead < kLimbLeads; ++lead)
    leads.col(static_cast<Eigen::Index>(lead)) =
        kOfOneAndTwo[lead][0] * independent.col(0) + kOfOneAndTwo[lead][1] * independent.col(1);
  leads.rightCols(6) = independent.rightCols(6);
  return leads;
}

}  // namespace cardiograd::ecg
