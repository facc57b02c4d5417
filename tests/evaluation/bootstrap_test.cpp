#include "evaluation/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/philox.h"
#include "base/threads.h"

namespace cardiograd::evaluation {
namespace {

struct Sample {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
  std::int64_t records = 0;
  std::int64_t classes = 0;
  Predictions predictions() const { return {scores, labels, records, classes, {}}; }
};

// Positives score higher by `separation` standard deviations; `steps` > 0 rounds to that many steps (ties). Class c has
// positives with probability 1 / (c + 2).
Sample make_sample(std::int64_t records, std::int64_t classes, double separation, double steps, std::uint64_t seed) {
  Sample sample;
  sample.records = records;
  sample.classes = classes;
  PhiloxStream random(seed);
  for (std::int64_t i = 0; i < records * classes; ++i) {
    const bool label = random.uniform() < 1.0 / static_cast<double>(i % classes + 2);
    double score = 1.0 / (1.0 + std::exp(-(random.normal() + (label ? separation : 0.0))));
    if (steps > 0.0) score = std::round(score * steps) / steps;
    sample.labels.push_back(label ? 1 : 0);
    sample.scores.push_back(static_cast<float>(score));
  }
  return sample;
}

// The AUC by its definition: all pairs of a positive and a negative, each as often as both were drawn.
double auc_of_all_pairs(const Sample& sample, std::int64_t column, const std::vector<std::uint32_t>& weights) {
  double wins = 0.0;
  double pairs = 0.0;
  for (std::int64_t p = 0; p < sample.records; ++p) {
    const auto positive = static_cast<std::size_t>(p * sample.classes + column);
    if (sample.labels[positive] == 0) continue;
    for (std::int64_t n = 0; n < sample.records; ++n) {
      const auto negative = static_cast<std::size_t>(n * sample.classes + column);
      if (sample.labels[negative] != 0) continue;
      const double pair = double{static_cast<double>(weights[static_cast<std::size_t>(p)])} *
                          static_cast<double>(weights[static_cast<std::size_t>(n)]);
      const float difference = sample.scores[positive] - sample.scores[negative];
      wins += pair * (difference > 0.0F ? 1.0 : (difference == 0.0F ? 0.5 : 0.0));
      pairs += pair;
    }
  }
  return wins / pairs;  // NaN where an outcome was not drawn
}

// Linear interpolation between order statistics, NaN left out.
double percentile(std::vector<double> values, double percent) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  std::sort(values.begin(), values.end());
  const double at = percent / 100.0 * static_cast<double>(values.size() - 1);
  const double below = values[static_cast<std::size_t>(std::floor(at))];
  const double above = values[static_cast<std::size_t>(std::ceil(at))];
  return below + (above - below) * (at - std::floor(at));
}

void expect_near(double value, double expected, double tolerance, const std::string& what) {
  EXPECT_TRUE(std::abs(value - expected) <= tolerance) << what << " is " << value << ", expected " << expected;
}

TEST(Bootstrap, WeightsAreDrawsWithReplacement) {
  for (const std::int64_t records : {1, 2, 31, 1000}) {
    const std::vector<std::uint32_t> weights = bootstrap_weights(records, 5, 3);
    EXPECT_EQ(std::accumulate(weights.begin(), weights.end(), std::int64_t{0}), records);
    EXPECT_EQ(weights, bootstrap_weights(records, 5, 3));
  }
  EXPECT_NE(bootstrap_weights(31, 5, 3), bootstrap_weights(31, 5, 4));
  EXPECT_NE(bootstrap_weights(31, 5, 3), bootstrap_weights(31, 6, 3));
  const std::vector<std::uint32_t> weights = bootstrap_weights(100000, 0, 0);
  const auto missed = static_cast<double>(std::count(weights.begin(), weights.end(), 0U));
  expect_near(missed / 100000.0, std::exp(-1.0), 0.005, "fraction of records not drawn");
  EXPECT_THROW(bootstrap_weights(0, 0, 0), Error);
}

TEST(Bootstrap, EqualsAllPairsOnEveryDraw) {
  // The last classes have so few positives that some draws lose them; column 3 never has any.
  Sample sample = make_sample(37, 8, 1.0, 10.0, 11);
  for (std::size_t i = 3; i < sample.labels.size(); i += 8) sample.labels[i] = 0;
  BootstrapSettings settings;
  settings.draws = 61;
  settings.seed = 99;
  const BootstrapAuc result = bootstrap_auc(sample.predictions(), settings);
  ASSERT_EQ(result.classes.size(), 8U);

  std::vector<std::vector<double>> by_class(8);
  std::vector<double> macro;
  std::int64_t incomplete = 0;
  for (std::int64_t draw = 0; draw < settings.draws; ++draw) {
    const std::vector<std::uint32_t> weights = bootstrap_weights(37, settings.seed, draw);
    double sum = 0.0;
    double counted = 0.0;
    for (std::int64_t c = 0; c < 8; ++c) {
      const double auc = auc_of_all_pairs(sample, c, weights);
      by_class[static_cast<std::size_t>(c)].push_back(auc);
      if (std::isnan(auc)) continue;
      sum += auc;
      counted += 1.0;
    }
    macro.push_back(sum / counted);
    incomplete += counted < 7.0 ? 1 : 0;
  }
  EXPECT_GT(incomplete, 0);
  EXPECT_LT(incomplete, settings.draws);
  EXPECT_EQ(result.incomplete_draws, incomplete);
  const std::vector<std::uint32_t> once(37, 1U);
  for (std::int64_t c = 0; c < 8; ++c) {
    const Interval& interval = result.classes[static_cast<std::size_t>(c)];
    const std::vector<double>& values = by_class[static_cast<std::size_t>(c)];
    EXPECT_EQ(interval.draws, std::count_if(values.begin(), values.end(), [](double v) { return !std::isnan(v); }));
    if (c == 3) {
      EXPECT_EQ(interval.draws, 0);
      EXPECT_TRUE(std::isnan(interval.value) && std::isnan(interval.low) && std::isnan(interval.high));
      continue;
    }
    const std::string what = "class " + std::to_string(c);
    expect_near(interval.value, auc_of_all_pairs(sample, c, once), 1e-14, what);
    expect_near(interval.low, percentile(values, 2.5), 1e-14, what + " low");
    expect_near(interval.high, percentile(values, 97.5), 1e-14, what + " high");
  }
  EXPECT_EQ(result.macro.value, macro_auc(sample.predictions()).value);
  EXPECT_EQ(result.macro.draws, settings.draws);
  expect_near(result.macro.low, percentile(macro, 2.5), 1e-14, "macro low");
  expect_near(result.macro.high, percentile(macro, 97.5), 1e-14, "macro high");
}

// DeLong, DeLong and Clarke-Pearson (1988): the standard error of an AUC from its placement values.
double delong_error(const Sample& sample) {
  std::vector<double> positive_placements;
  std::vector<double> negative_placements;
  for (std::size_t i = 0; i < sample.scores.size(); ++i) {
    double wins = 0.0;
    double others = 0.0;
    for (std::size_t j = 0; j < sample.scores.size(); ++j) {
      if (sample.labels[j] == sample.labels[i]) continue;
      others += 1.0;
      wins += sample.scores[i] > sample.scores[j] ? 1.0 : (sample.scores[i] == sample.scores[j] ? 0.5 : 0.0);
    }
    (sample.labels[i] != 0 ? positive_placements : negative_placements).push_back(wins / others);
  }
  double variance = 0.0;
  for (const std::vector<double>& placements : {positive_placements, negative_placements}) {
    const auto count = static_cast<double>(placements.size());
    const double mean = std::accumulate(placements.begin(), placements.end(), 0.0) / count;
    double squares = 0.0;
    for (const double value : placements) squares += (value - mean) * (value - mean);
    variance += squares / (count - 1.0) / count;
  }
  return std::sqrt(variance);
}

TEST(Bootstrap, WidthAgreesWithDeLong) {
  const Sample sample = make_sample(601, 1, 1.2, 0.0, 4);
  BootstrapSettings settings;
  settings.draws = 4000;
  const BootstrapAuc result = bootstrap_auc(sample.predictions(), settings);
  const double error = delong_error(sample);
  expect_near((result.classes[0].high - result.classes[0].low) / (2.0 * 1.959964), error, 0.08 * error, "width");
  EXPECT_TRUE(result.classes[0].low < result.classes[0].value && result.classes[0].value < result.classes[0].high);
  EXPECT_EQ(result.macro.low, result.classes[0].low);  // one class: the macro mean is its own
  settings.level = 0.5;
  const BootstrapAuc half = bootstrap_auc(sample.predictions(), settings);
  expect_near((half.macro.high - half.macro.low) / (2.0 * 0.67449), error, 0.08 * error, "width at 50 %");
}

TEST(Bootstrap, DoesNotDependOnThreads) {
  const Sample sample = make_sample(101, 5, 1.0, 20.0, 6);
  const int before = thread_count();
  std::vector<double> first;
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    BootstrapSettings settings;
    settings.draws = 83;
    settings.seed = 3;
    const BootstrapAuc result = bootstrap_auc(sample.predictions(), settings);
    std::vector<double> values{result.macro.value, result.macro.low, result.macro.high};
    for (const Interval& one : result.classes) values.insert(values.end(), {one.value, one.low, one.high});
    if (first.empty()) first = values;
    EXPECT_EQ(values, first) << threads << " threads";
  }
  set_thread_count(before);
}

TEST(Bootstrap, DifferenceIsPaired) {
  const Sample good = make_sample(151, 3, 1.6, 0.0, 8);
  Sample worse = good;
  PhiloxStream noise(77);
  for (float& score : worse.scores) score = 0.6F * score + 0.4F * static_cast<float>(noise.uniform());
  BootstrapSettings settings;
  settings.draws = 301;
  settings.seed = 12;
  const BootstrapDifference result = bootstrap_difference(good.predictions(), worse.predictions(), settings);
  std::vector<double> macro;
  std::int64_t not_above = 0;
  for (std::int64_t draw = 0; draw < settings.draws; ++draw) {
    const std::vector<std::uint32_t> weights = bootstrap_weights(151, settings.seed, draw);
    double sum = 0.0;
    for (std::int64_t c = 0; c < 3; ++c)
      sum += auc_of_all_pairs(good, c, weights) - auc_of_all_pairs(worse, c, weights);
    macro.push_back(sum / 3.0);
    not_above += sum <= 0.0 ? 1 : 0;
  }
  expect_near(result.macro.low, percentile(macro, 2.5), 1e-13, "low");
  expect_near(result.macro.high, percentile(macro, 97.5), 1e-13, "high");
  expect_near(result.macro.value, macro_auc(good.predictions()).value - macro_auc(worse.predictions()).value, 1e-15,
              "difference");
  EXPECT_TRUE(result.macro.low > 0.0);
  expect_near(result.macro.p_value, std::min(1.0, 2.0 * static_cast<double>(1 + not_above) / 302.0), 1e-15, "p");

  // Narrower than what unpaired intervals would allow, and the mirror image the other way round.
  const BootstrapAuc alone = bootstrap_auc(good.predictions(), settings);
  const BootstrapAuc other = bootstrap_auc(worse.predictions(), settings);
  EXPECT_TRUE(result.macro.high - result.macro.low <
              0.9 * std::hypot(alone.macro.high - alone.macro.low, other.macro.high - other.macro.low));
  const BootstrapDifference mirrored = bootstrap_difference(worse.predictions(), good.predictions(), settings);
  expect_near(mirrored.macro.low, -result.macro.high, 1e-15, "mirrored low");
  EXPECT_EQ(mirrored.macro.p_value, result.macro.p_value);

  // A hundred draws show no p below 2 / 101, however far apart the two are.
  Sample wrong = good;
  for (float& score : wrong.scores) score = -score;
  const BootstrapDifference apart =
      bootstrap_difference(good.predictions(), wrong.predictions(), {.draws = 100, .seed = 12});
  EXPECT_TRUE(apart.macro.low > 0.3);
  expect_near(apart.macro.p_value, 2.0 / 101.0, 1e-15, "smallest p");

  const BootstrapDifference same = bootstrap_difference(good.predictions(), good.predictions(), settings);
  EXPECT_EQ(same.macro.low, 0.0);
  EXPECT_EQ(same.macro.high, 0.0);
  EXPECT_EQ(same.macro.p_value, 1.0);
}

TEST(Bootstrap, NoDrawsNoInterval) {
  const Sample sample = make_sample(31, 2, 1.0, 0.0, 2);
  BootstrapSettings settings;
  settings.draws = 0;
  const BootstrapAuc result = bootstrap_auc(sample.predictions(), settings);
  EXPECT_EQ(result.macro.value, macro_auc(sample.predictions()).value);
  EXPECT_TRUE(std::isnan(result.macro.low));
  EXPECT_EQ(result.macro.draws, 0);
}

TEST(Bootstrap, Errors) {
  const Sample sample = make_sample(31, 2, 1.0, 0.0, 2);
  EXPECT_THROW(bootstrap_auc(sample.predictions(), {-1, 0, 0.95}), Error);
  EXPECT_THROW(bootstrap_auc(sample.predictions(), {10, 0, 1.0}), Error);
  EXPECT_THROW(bootstrap_auc(sample.predictions(), {10, 0, std::nan("")}), Error);
  Sample relabeled = sample;
  relabeled.labels[41] ^= 1;
  try {
    bootstrap_difference(sample.predictions(), relabeled.predictions());
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the two score sets disagree about the label of record 20, class 1");
  }
  EXPECT_THROW(bootstrap_difference(sample.predictions(), make_sample(30, 2, 1.0, 0.0, 2).predictions()), Error);
}

}  // namespace
}  // namespace cardiograd::evaluation
