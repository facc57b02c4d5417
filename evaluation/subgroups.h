// Is the model as good for everyone? The figures of one evaluation again for parts of its records: age groups and sex.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluation/bootstrap.h"
#include "evaluation/metrics.h"

namespace cardiograd::evaluation {

struct Subgroup {
  std::string criterion;              // "age" or "sex"
  std::string name;                   // "under 40", "female"
  std::vector<std::int64_t> members;  // record numbers, ascending; may be empty
};

// Under 40, 40-59, 60-79, 80 and over; male, female; and "not recorded" for each where that occurs. Ages in years (NaN:
// not recorded), sex 0 male, 1 female (anything else: not recorded); one of each per record.
std::vector<Subgroup> age_and_sex_groups(std::span<const float> ages, std::span<const float> sexes);

struct SubgroupResult {
  Subgroup group;
  Metrics metrics;  // of the members alone; everything 0 when there are none
  BootstrapAuc auc;
};

// Throws what compute_metrics() and bootstrap_auc() throw, and Error for a member that is no record.
std::vector<SubgroupResult> evaluate_subgroups(const Predictions& predictions, std::span<const float> thresholds,
                                               const std::vector<Subgroup>& groups,
                                               const BootstrapSettings& bootstrap = {});

}  // namespace cardiograd::evaluation
