#include "ecg/leads.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace cardiograd::ecg {

bool same_lead(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<std::size_t> find_lead(std::span<const std::string> names, std::string_view wanted) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (same_lead(names[i], wanted)) return i;
  return std::nullopt;
}

bool are_standard_leads(std::span<const std::string> names) {
  return std::equal(names.begin(), names.end(), kStandardLeads.begin(), kStandardLeads.end());
}

std::array<std::size_t, kStandardLeadCount> match_standard_leads(std::span<const std::string> names,
                                                                 const std::string& record) {
  std::array<std::size_t, kStandardLeadCount> positions{};
  std::vector<std::string_view> missing;
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead) {
    const auto first = find_lead(names, kStandardLeads[lead]);
    if (!first) {
      missing.push_back(kStandardLeads[lead]);
      continue;
    }
    if (find_lead(names.subspan(*first + 1), kStandardLeads[lead]))
      throw Error(fmt::format("{}: lead {} is there twice", record, kStandardLeads[lead]),
                  "Correct the lead names in the header: each of the twelve must be there once.");
    positions[lead] = *first;
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

}  // namespace cardiograd::ecg
