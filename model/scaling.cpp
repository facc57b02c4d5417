#include "model/scaling.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"
#include "base/threads.h"

namespace cardiograd::model {
namespace {

struct Moments {
  double count = 0;
  double mean = 0;
  double squares = 0;  // of deviations from the mean

  // Chan, Golub and LeVeque's rule.
  void merge(const Moments& other) {
    if (other.count == 0) return;
    const double total = count + other.count;
    const double delta = other.mean - mean;
    mean += delta * other.count / total;
    squares += other.squares + delta * delta * count * other.count / total;
    count = total;
  }
};

Moments moments_of(const std::vector<double>& values) {
  Moments moments;
  moments.count = static_cast<double>(values.size());
  if (values.empty()) return moments;
  for (const double value : values) moments.mean += value;
  moments.mean /= moments.count;
  for (const double value : values) moments.squares += (value - moments.mean) * (value - moments.mean);
  return moments;
}

double deviation(const Moments& moments) {
  return moments.count > 0 ? std::sqrt(moments.squares / moments.count) : 0;
}

// numpy.nanmedian of finite values; `values` is reordered.
double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

std::size_t column_of(std::span<const std::string> names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw Error(fmt::format("the model uses the feature '{}', which this dataset does not offer", name),
                "Evaluate with the version of the program that trained the model.");
  return static_cast<std::size_t>(found - names.begin());
}

double feature_at(const data::Dataset& set, std::int64_t record, std::size_t column) {
  return static_cast<double>(set.features[static_cast<std::size_t>(record) * set.feature_names.size() + column]);
}

}  // namespace

namespace {

// Of each lead of one record, its valid samples.
void add_moments(const data::Dataset& set, std::int64_t record, Moments* of_leads) {
  const auto leads = static_cast<std::size_t>(set.leads);
  const data::RecordSignal signal = set.signal_of(record);
  std::vector<double> values;
  for (std::size_t lead = 0; lead < leads; ++lead) {
    const double scale = static_cast<double>(set.scales[static_cast<std::size_t>(record) * leads + lead]);
    values.clear();
    for (std::int64_t t = 0; t < set.samples; ++t) {
      const std::int16_t value = signal.data()[static_cast<std::size_t>(t) * leads + lead];
      if (value != data::kInvalidInt16) values.push_back(value * scale);
    }
    of_leads[lead] = moments_of(values);
  }
}

}  // namespace

SignalScaling fit_signal_scaling(const data::Dataset& set, const std::vector<std::int64_t>& rows, bool over_leads) {
  constexpr std::size_t kAtOnce = 4096;  // records; the order of the sums does not depend on it
  const auto leads = static_cast<std::size_t>(set.leads);
  std::vector<Moments> totals(leads);
  for (std::size_t first = 0; first < rows.size(); first += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, rows.size() - first);
    std::vector<Moments> parts(count * leads);
    parallel_for(static_cast<std::int64_t>(count), [&](std::int64_t i) {
      const auto index = static_cast<std::size_t>(i);
      add_moments(set, rows[first + index], parts.data() + index * leads);
    });
    for (std::size_t lead = 0; lead < leads; ++lead)
      for (std::size_t index = 0; index < count; ++index) totals[lead].merge(parts[index * leads + lead]);
  }
  if (over_leads) {
    Moments all;
    for (const Moments& total : totals) all.merge(total);
    totals.assign(leads, all);
  }
  SignalScaling scaling;
  for (const Moments& total : totals) {
    const double sd = deviation(total);
    scaling.mean.push_back(total.mean);
    scaling.sd.push_back(sd > 0 ? sd : 1);
  }
  return scaling;
}

SignalScaling identity_scaling(std::int64_t leads) {
  const auto count = static_cast<std::size_t>(leads);
  return {std::vector<double>(count, 0), std::vector<double>(count, 1)};
}

FeatureScaling fit_feature_scaling(const data::Dataset& set, const std::vector<std::int64_t>& rows,
                                   bool missing_flags) {
  FeatureScaling scaling;
  scaling.missing_flags = missing_flags;
  std::vector<std::string> dropped;
  for (std::size_t column = 0; column < set.feature_names.size(); ++column) {
    std::vector<double> values;
    for (const std::int64_t row : rows)
      if (const double value = feature_at(set, row, column); std::isfinite(value)) values.push_back(value);
    if (values.empty()) {
      dropped.push_back(set.feature_names[column]);
      continue;
    }
    const double median = median_of(values);
    values.resize(rows.size(), median);
    const Moments moments = moments_of(values);
    scaling.names.push_back(set.feature_names[column]);
    scaling.median.push_back(median);
    scaling.mean.push_back(moments.mean);
    scaling.sd.push_back(deviation(moments));
  }
  if (!dropped.empty()) log_info("features missing in every training record, left out: {}", fmt::join(dropped, ", "));
  return scaling;
}

std::vector<float> scaled_features(const FeatureScaling& scaling, std::span<const std::string> names,
                                   std::span<const float> features) {
  const std::size_t count = scaling.names.size();
  const std::size_t records = names.empty() ? 0 : features.size() / names.size();
  const auto width = static_cast<std::size_t>(scaling.width());
  std::vector<float> scaled(records * width);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t column = column_of(names, scaling.names[i]);
    for (std::size_t record = 0; record < records; ++record) {
      const double raw = static_cast<double>(features[record * names.size() + column]);
      const bool missing = !std::isfinite(raw);
      const double value = ((missing ? scaling.median[i] : raw) - scaling.mean[i]) / (scaling.sd[i] + kFeatureSdGuard);
      float* row = scaled.data() + record * width;
      row[i] = static_cast<float>(std::clamp(value, -kMaxFeatureDeviations, kMaxFeatureDeviations));
      if (scaling.missing_flags) row[count + i] = missing ? 1.0F : 0.0F;
    }
  }
  return scaled;
}

}  // namespace cardiograd::model
