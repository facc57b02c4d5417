#include "model/ensemble.h"

#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace cardiograd::model {

void check_ensemble(const std::vector<Member>& members) {
  const Member& first = members.front();
  for (std::size_t i = 1; i < members.size(); ++i) {
    for (std::size_t before = 0; before < i; ++before)
      if (members[before].file == members[i].file)
        throw UsageError(fmt::format("--model {} is there twice", members[i].file), "Give each model once.");
    const auto& classes = members[i].description.class_names;
    if (classes != first.description.class_names)
      throw Error(fmt::format("{} has the classes {}, and {} has {}", members[i].file, fmt::join(classes, " "),
                              first.file, fmt::join(first.description.class_names, " ")),
                  "Join models of one task.");
  }
}

std::vector<std::int64_t> shared_val_folds(const std::vector<Member>& members) {
  const ModelDescription& first = members.front().description;
  if (first.data_hash.empty()) return {};
  for (const Member& member : members)
    if (member.description.val_folds != first.val_folds || member.description.data_hash != first.data_hash) return {};
  return first.val_folds;
}

std::vector<float> mean_of(const std::vector<std::vector<float>>& lists) {
  std::vector<double> sums(lists.front().size());
  for (const std::vector<float>& list : lists) {
    if (list.size() != sums.size()) throw std::logic_error("mean_of: lists of different lengths");
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(list[i]);
  }
  std::vector<float> means;
  means.reserve(sums.size());
  for (const double sum : sums) means.push_back(static_cast<float>(sum / static_cast<double>(lists.size())));
  return means;
}

}  // namespace cardiograd::model
