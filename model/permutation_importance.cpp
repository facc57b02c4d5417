#include "model/permutation_importance.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

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

struct EncodedRecords {
  Tensor summaries;             // of every window, record by record, on the loader's device
  std::vector<float> features;  // of every record
};

EncodedRecords encode(Model& net, const DataLoader& loader, const std::vector<std::int64_t>& rows,
                      const std::vector<std::int64_t>& windows, std::int64_t batch_size) {
  EncodedRecords records;
  std::vector<float> encoded;
  const std::size_t inputs = rows.size() * windows.size();
  std::vector<std::int64_t> dims = {static_cast<std::int64_t>(inputs)};
  for (std::size_t first = 0; first < inputs; first += static_cast<std::size_t>(batch_size)) {
    const std::size_t count = std::min(static_cast<std::size_t>(batch_size), inputs - first);
    std::vector<std::int64_t> some, starts;
    for (std::size_t i = first; i < first + count; ++i) {
      some.push_back(rows[i / windows.size()]);
      starts.push_back(windows[i % windows.size()]);
    }
    const Batch batch = loader.batch(some, 0, count, starts);
    const Tensor part = net.encode(batch.signals);
    if (first == 0)
      for (int i = 1; i < part.shape().dims(); ++i) dims.push_back(part.dim(i));
    const std::vector<float> summary = part.values();
    encoded.insert(encoded.end(), summary.begin(), summary.end());
  }
  records.summaries = Tensor::from(encoded, Shape(dims)).to(loader.device());
  const Tensor& features = loader.features();
  for (const std::int64_t row : rows)
    records.features.insert(records.features.end(), features.data() + row * features.dim(1),
                            features.data() + (row + 1) * features.dim(1));
  return records;
}

std::vector<float> rows_repeated(const std::vector<float>& rows, std::int64_t width, std::size_t times) {
  std::vector<float> repeated;
  for (auto row = rows.begin(); row != rows.end(); row += width)
    for (std::size_t i = 0; i < times; ++i) repeated.insert(repeated.end(), row, row + width);
  return repeated;
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
  const std::vector<std::int64_t> windows = crop_windows(loader.crops(), loader.samples());
  const EncodedRecords records = encode(net, loader, rows, windows, batch_size);
  const FeatureScorer scorer = [&](const std::vector<float>& values) {
    const std::vector<float> repeated =
        windows.size() == 1 ? values : rows_repeated(values, scaling.width(), windows.size());
    const Tensor columns =
        Tensor::from(repeated, {static_cast<std::int64_t>(rows.size() * windows.size()), scaling.width()})
            .to(loader.device());
    BatchScores scores;
    scores.logits = net.classify(records.summaries, columns).values();
    return join_batches(loader, rows.size(), std::move(scores)).probabilities;
  };
  return permutation_importance(records.features, scaling.width(), columns_of(scaling), scorer, labels,
                                net.shape().classes, settings);
}

}  // namespace cardiograd::model
