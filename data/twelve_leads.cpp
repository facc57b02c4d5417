#include "data/twelve_leads.h"

#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "data/leads.h"

namespace cardiograd::data {
namespace {

constexpr std::size_t kLimbLeads = 6;
constexpr auto kLeads = static_cast<Eigen::Index>(kStandardLeadCount);

// Every limb lead as a sum of I and II.
constexpr std::array<std::array<double, 2>, kLimbLeads> kOfOneAndTwo = {
    {{1, 0}, {0, 1}, {-1, 1}, {-0.5, -0.5}, {1, -0.5}, {-0.5, 1}}};

using Places = std::array<std::optional<Eigen::Index>, kStandardLeadCount>;

Places find_leads(const Recording& source, TwelveLeads& result) {
  Places places;
  for (std::size_t i = 0; i < source.leads.size(); ++i) {
    const auto lead = standard_lead(source.leads[i]);
    if (!lead) {
      result.unused.push_back(source.leads[i]);
      continue;
    }
    if (places[*lead])
      throw Error(fmt::format("{}: lead {} is there twice, as '{}' and '{}'", source.name, kStandardLeads[*lead],
                              source.leads[static_cast<std::size_t>(*places[*lead])], source.leads[i]),
                  "Correct the lead names: each of the twelve must be there once.");
    places[*lead] = static_cast<Eigen::Index>(i);
  }
  return places;
}

// mV for voltages, else the unit that all leads in use share.
std::string common_unit(const Recording& source, const Places& places) {
  std::string unit, first;
  for (const auto& place : places) {
    if (!place) continue;
    const auto i = static_cast<std::size_t>(*place);
    const std::string own = millivolts_per_unit(source.units[i]) ? "mV" : source.units[i];
    if (!first.empty() && own != unit)
      throw Error(fmt::format("{}: lead {} is in '{}', lead {} in '{}'", source.name, source.leads[i], source.units[i],
                              first, unit),
                  "The leads of a record must share one unit, or all be voltages.");
    unit = own;
    first = source.leads[i];
  }
  return unit;
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
  const std::string unit = common_unit(source, places);
  Recording& recording = result.recording;
  recording.name = source.name;
  recording.rate = source.rate;
  recording.comments = source.comments;
  recording.signal.setConstant(source.signal.rows(), kLeads, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead) {
    recording.leads.emplace_back(kStandardLeads[lead]);
    recording.units.push_back(unit);
    if (!places[lead]) continue;
    const double factor = millivolts_per_unit(source.units[static_cast<std::size_t>(*places[lead])]).value_or(1.0);
    recording.signal.col(static_cast<Eigen::Index>(lead)) = source.signal.col(*places[lead]) * factor;
  }
  if (unit == "mV") derive(places, result);
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead) {
    bool there = places[lead].has_value();
    for (const DerivedLead& derived : result.derived) there = there || derived.lead == kStandardLeads[lead];
    if (!there) result.missing.emplace_back(kStandardLeads[lead]);
  }
  return result;
}

}  // namespace cardiograd::data
