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

}  // namespace cardiograd::data
