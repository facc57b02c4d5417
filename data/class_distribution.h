// How many records carry each diagnostic class: the five superclasses, and within each its subclasses (the paper's
// Figure 1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/ptbxl.h"
#include "data/scp_codes.h"

namespace cardiograd::data {

struct SubclassCount {
  std::string name;
  std::int64_t records = 0;
};

struct SuperclassCount {
  std::string name;
  std::int64_t records = 0;               // with at least one statement of the superclass
  std::vector<SubclassCount> subclasses;  // by name; those without records too
};

struct ClassDistribution {
  std::int64_t records = 0;                   // rows of the table
  std::int64_t unlabeled = 0;                 // of them without any diagnostic statement
  std::vector<SuperclassCount> superclasses;  // by name
};

// A record with several statements counts once in each class that they name.
ClassDistribution class_distribution(const PtbxlDatabase& database, const ScpTable& statements);

}  // namespace cardiograd::data
