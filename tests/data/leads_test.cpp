#include "data/leads.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

TEST(Leads, AnyOrderAndCase) {
  const auto positions =
      match_standard_leads({"v6", "VX", "AVL", "i", "ii", "iii", "avr", "aVF", "V1", "v2", "V3", "v4", "V5"}, "r");
  EXPECT_EQ(positions, (std::array<std::size_t, 12>{3, 4, 5, 6, 2, 7, 8, 9, 10, 11, 12, 0}));
}

TEST(Leads, MissingAndDoubledLeadsAreNamed) {
  std::vector<std::string> names(kStandardLeads.begin(), kStandardLeads.end());
  auto doubled = names;
  doubled.push_back("avr");
  expect_error([&] { match_standard_leads(doubled, "rec.hea"); }, {"rec.hea", "lead aVR", "twice"});
  names.erase(names.begin() + 3);
  names.pop_back();
  expect_error([&] { match_standard_leads(names, "rec.hea"); }, {"rec.hea", "lead aVR, V6 missing", "V5"});
}

}  // namespace
}  // namespace cardiograd::data
