#include "evaluation/subgroups.h"

#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::evaluation {
namespace {

constexpr float kMiddleAge = 40;
constexpr float kOlder = 60;
constexpr float kOldest = 80;

std::size_t age_group(float age) {
  if (!std::isfinite(age)) return 4;
  if (age < kMiddleAge) return 0;
  if (age < kOlder) return 1;
  return age < kOldest ? 2 : 3;
}

std::size_t sex_group(float sex) {
  if (sex == 0) return 0;
  return sex == 1 ? 1 : 2;
}

void append(std::vector<Subgroup>& all, std::vector<Subgroup>&& groups) {
  if (groups.back().members.empty()) groups.pop_back();  // Nobody is "not recorded".
  for (Subgroup& group : groups) all.push_back(std::move(group));
}

struct Rows {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
};

Rows take_rows(const Predictions& predictions, const std::vector<std::int64_t>& members) {
  Rows rows;
  const auto columns = static_cast<std::size_t>(predictions.classes);
  for (const std::int64_t member : members) {
    if (member < 0 || member >= predictions.records)
      throw Error(fmt::format("a subgroup names record {}, expected 0 to {}", member, predictions.records - 1));
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t at = static_cast<std::size_t>(member) * columns + c;
      rows.scores.push_back(predictions.scores[at]);
      rows.labels.push_back(predictions.labels[at]);
    }
  }
  return rows;
}

}  // namespace

std::vector<Subgroup> age_and_sex_groups(std::span<const float> ages, std::span<const float> sexes) {
  if (ages.size() != sexes.size())
    throw Error(fmt::format("{} ages and {} sexes, expected as many of each", ages.size(), sexes.size()));
  std::vector<Subgroup> by_age{{"age", "under 40", {}},
                               {"age", "40 to 59", {}},
                               {"age", "60 to 79", {}},
                               {"age", "80 and over", {}},
                               {"age", "not recorded", {}}};
  std::vector<Subgroup> by_sex{{"sex", "male", {}}, {"sex", "female", {}}, {"sex", "not recorded", {}}};
  for (std::size_t record = 0; record < ages.size(); ++record) {
    by_age[age_group(ages[record])].members.push_back(static_cast<std::int64_t>(record));
    by_sex[sex_group(sexes[record])].members.push_back(static_cast<std::int64_t>(record));
  }
  std::vector<Subgroup> all;
  append(all, std::move(by_age));
  append(all, std::move(by_sex));
  return all;
}

std::vector<SubgroupResult> evaluate_subgroups(const Predictions& predictions, std::span<const float> thresholds,
                                               const std::vector<Subgroup>& groups,
                                               const BootstrapSettings& bootstrap) {
  check_predictions(predictions);
  std::vector<SubgroupResult> results;
  for (const Subgroup& group : groups) {
    SubgroupResult result{group, {}, {}};
    if (!group.members.empty()) {
      const Rows rows = take_rows(predictions, group.members);
      const Predictions part{rows.scores, rows.labels, static_cast<std::int64_t>(group.members.size()),
                             predictions.classes, predictions.names};
      result.metrics = compute_metrics(part, thresholds);
      result.auc = bootstrap_auc(part, bootstrap);
    }
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace cardiograd::evaluation
