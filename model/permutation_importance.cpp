#include "model/permutation_importance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "base/error.h"
#include "base/philox.h"
#include "base/random_streams.h"
#include "engine/autograd.h"
#include "evaluation/metrics.h"

namespace cardiograd::model {
namespace {

constexpr std::int64_t kMaxRepeats = 100'000;

void check(const std::vector<float>& features, std::int64_t width, const std::vector<FeatureColumns>& groups,
           std::int64_t records, const PermutationSettings& settings) {
  if (width < 1 || features.size() != static_cast<std::size_t>(records * width))
    throw Error(fmt::format("{} feature values, expected {} records x {} columns", features.size(), records, width));
  if (settings.repeats < 1 || settings.repeats > kMaxRepeats)
    throw Error(fmt::format("{} shuffles per feature, expected 1 to {}", settings.repeats, kMaxRepeats));
  for (const FeatureColumns& group : groups)
    for (const std::int64_t column : group.columns)
      if (column < 0 || column >= width)
        throw Error(fmt::format("feature {} has column {}, expected 0 to {}", group.name, column, width - 1));
}

std::vector<float> shuffled(const std::vector<float>& features, std::int64_t width, const FeatureColumns& group,
                            std::uint64_t seed, std::uint64_t stream) {
  const auto stride = static_cast<std::size_t>(width);
  std::vector<std::uint32_t> from(features.size() / stride);
  std::iota(from.begin(), from.end(), 0U);
  PhiloxStream(seed, stream).shuffle(from);
  std::vector<float> result = features;
  for (const std::int64_t column : group.columns)
    for (std::size_t record = 0; record < from.size(); ++record)
      result[record * stride + static_cast<std::size_t>(column)] =
          features[from[record] * stride + static_cast<std::size_t>(column)];
  return result;
}

FeatureImportance summarize(const std::string& name, const std::vector<double>& drops) {
  FeatureImportance result{name, 0, 0};
  const auto count = static_cast<double>(drops.size());
  for (const double drop : drops) result.drop += drop / count;
  double squares = 0;
  for (const double drop : drops) squares += (drop - result.drop) * (drop - result.drop);
  if (drops.size() > 1) result.sd = std::sqrt(squares / (count - 1));
  return result;
}

std::vector<FeatureColumns> columns_of(const FeatureScaling& scaling) {
  std::vector<FeatureColumns> groups;
  const auto count = static_cast<std::int64_t>(scaling.names.size());
  for (std::int64_t i = 0; i < count; ++i) {
    groups.push_back({scaling.names[static_cast<std::size_t>(i)], {i}});
    if (scaling.missing_flags) groups.back().columns.push_back(count + i);
  }
  if (count > 1) {
    groups.push_back({kAllFeatures, {}});
    for (std::int64_t column = 0; column < scaling.width(); ++column) groups.back().columns.push_back(column);
  }
  return groups;
}

}  // namespace

PermutationImportance permutation_importance(const std::vector<float>& features, std::int64_t width,
                                             const std::vector<FeatureColumns>& groups, const FeatureScorer& scorer,
                                             std::span<const std::uint8_t> labels, std::int64_t classes,
                                             const PermutationSettings& settings) {
  if (classes < 1) throw Error(fmt::format("{} classes, expected one or more", classes));
  const auto records = static_cast<std::int64_t>(labels.size()) / classes;
  check(features, width, groups, records, settings);
  const auto auc_of = [&](const std::vector<float>& values) {
    const std::vector<float> scores = scorer(values);
    return evaluation::macro_auc({scores, labels, records, classes, {}}).value;
  };
  PermutationImportance result;
  result.settings = settings;
  result.macro_auc = auc_of(features);
  if (std::isnan(result.macro_auc)) return result;
  const auto repeats = static_cast<std::uint64_t>(settings.repeats);
  for (std::size_t f = 0; f < groups.size(); ++f) {
    std::vector<double> drops;
    for (std::uint64_t r = 0; r < repeats; ++r)
      drops.push_back(result.macro_auc -
                      auc_of(shuffled(features, width, groups[f], settings.seed,
                                      random_streams::permutation(f * std::uint64_t{kMaxRepeats} + r))));
    result.features.push_back(summarize(groups[f].name, drops));
  }
  return result;
}

PermutationImportance permutation_importance(Model& net, const DataLoader& loader, const FeatureScaling& scaling,
                                             const std::vector<std::int64_t>& rows, std::int64_t batch_size,
                                             std::span<const std::uint8_t> labels,
                                             const PermutationSettings& settings) {
  if (scaling.width() == 0) throw Error("a model without features has no feature importance");
  const NoGrad no_grad;
  net.set_training(false);
  std::vector<float> encoded;
  std::vector<std::int64_t> dims = {static_cast<std::int64_t>(rows.size())};
  std::vector<float> features;
  for (std::size_t first = 0; first < rows.size(); first += static_cast<std::size_t>(batch_size)) {
    const Batch batch = loader.batch(rows, first, std::min(static_cast<std::size_t>(batch_size), rows.size() - first));
    const Tensor part = net.encode(batch.signals);
    if (first == 0)
      for (int i = 1; i < part.shape().dims(); ++i) dims.push_back(part.dim(i));
    const std::vector<float> summary = part.values();
    const std::vector<float> values = batch.features.values();
    encoded.insert(encoded.end(), summary.begin(), summary.end());
    features.insert(features.end(), values.begin(), values.end());
  }
  const auto records = static_cast<std::int64_t>(rows.size());
  const Tensor summaries = Tensor::from(encoded, Shape(dims)).to(loader.device());
  const FeatureScorer scorer = [&](const std::vector<float>& values) {
    const Tensor columns = Tensor::from(values, {records, scaling.width()}).to(loader.device());
    std::vector<float> scores = net.classify(summaries, columns).values();
    for (float& score : scores) score = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(score))));
    return scores;
  };
  return permutation_importance(features, scaling.width(), columns_of(scaling), scorer, labels, net.shape().classes,
                                settings);
}

}  // namespace cardiograd::model
