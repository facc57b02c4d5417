#include "data/leads.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace cardiograd::data {
namespace {

bool same_lead(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::array<std::size_t, kStandardLeadCount> match_standard_leads(const std::vector<std::string>& names,
                                                                 const std::string& record) {
  std::array<std::size_t, kStandardLeadCount> positions{};
  std::vector<std::string_view> missing;
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead) {
    const auto matches = [&](const std::string& name) { return same_lead(name, kStandardLeads[lead]); };
    const auto first = std::find_if(names.begin(), names.end(), matches);
    if (first == names.end()) {
      missing.push_back(kStandardLeads[lead]);
      continue;
    }
    if (std::find_if(first + 1, names.end(), matches) != names.end())
      throw Error(fmt::format("{}: lead {} is there twice", record, kStandardLeads[lead]),
                  "Correct the lead names in the header: each of the twelve must be there once.");
    positions[lead] = static_cast<std::size_t>(first - names.begin());
  }
  if (!missing.empty())
    throw Error(fmt::format("{}: lead {} missing among {}", record, fmt::join(missing, ", "), fmt::join(names, ", ")),
                "Expected the twelve standard leads, in any order.");
  return positions;
}

std::optional<std::size_t> standard_lead(std::string_view name) {
  std::string key;
  for (const unsigned char c : name) {
    if (std::isalnum(c) != 0) {
      key += static_cast<char>(std::tolower(c));
    } else if ((key.empty() && c == '-') || c >= 0x80) {
      return std::nullopt;  // Cabrera's -aVR is aVR upside down.
    }
  }
  for (const std::string_view prefix : {"mdc", "ecg", "ekg", "lead"})
    if (key.starts_with(prefix)) key.erase(0, prefix.size());
  static constexpr std::array<std::array<std::string_view, 4>, kStandardLeadCount> kNames = {
      {{"i", "d1", "di", "l1"},
       {"ii", "d2", "dii", "l2"},
       {"iii", "d3", "diii", "l3"},
       {"avr"},
       {"avl"},
       {"avf"},
       {"v1", "c1"},
       {"v2", "c2"},
       {"v3", "c3"},
       {"v4", "c4"},
       {"v5", "c5"},
       {"v6", "c6"}}};
  if (key.empty()) return std::nullopt;
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead)
    if (std::find(kNames[lead].begin(), kNames[lead].end(), key) != kNames[lead].end()) return lead;
  return std::nullopt;
}

}  // namespace cardiograd::data
