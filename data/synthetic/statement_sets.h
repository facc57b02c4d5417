// Which diagnostic statements PTB-XL's records carry together, and how often.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace cardiograd::data::synthetic {

struct StatementSet {
  std::string_view codes;  // separated by blanks; empty: no diagnostic statement
  int records;
};

// Sets of three and more records, the most frequent first.
std::span<const StatementSet> frequent_statement_sets();

// What the rarer sets contain, statement by statement, and how many records have such a set.
std::span<const StatementSet> rare_statements();
int rare_set_records();

}  // namespace cardiograd::data::synthetic
