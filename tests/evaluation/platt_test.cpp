#include "evaluation/platt.h"

#include <cmath>
#include <fstream>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/philox.h"
#include "tests/common/expect_error.h"

namespace cardiograd::evaluation {
namespace {

using cardiograd::testing::expect_error;

// With the source's labels.
double loss(const PlattData& data, const PlattScaling& scaling) {
  double positives = 0;
  for (const std::uint8_t label : data.labels) positives += label;
  const double negatives = static_cast<double>(data.labels.size()) - positives;
  const std::vector<double> p = platt_probabilities(data, scaling);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double target = data.labels[i] != 0 ? (positives + 1) / (positives + 2) : 1 / (negatives + 2);
    sum -= target * std::log(p[i]) + (1 - target) * std::log1p(-p[i]);
  }
  return sum / static_cast<double>(p.size());
}

void expect_a_minimum(const PlattData& data, const PlattScaling& best) {
  const double least = loss(data, best);
  for (const double step : {-1e-3, 1e-3}) {
    EXPECT_TRUE(loss(data, {best.slope * (1 + step), best.offset}) > least);
    EXPECT_TRUE(loss(data, {best.slope, best.offset + step}) > least);
    EXPECT_TRUE(loss(data, {best.slope * (1 + step), best.offset - step}) > least);
  }
}

PlattData many_windows(bool largest) {
  PhiloxStream random(5, 0);
  PlattData data{.windows = 7, .largest = largest};
  for (int i = 0; i < 300; ++i) {
    const double center = 3 * random.normal();
    for (int w = 0; w < 7; ++w) data.logits.push_back(center + random.normal());
    data.labels.push_back(random.uniform() < 1 / (1 + std::exp(1 - center / 4)) ? 1 : 0);
  }
  return data;
}

TEST(Platt, EqualsScikitLearn) {
  std::ifstream file(CARDIOGRAD_TESTS_DIR "/evaluation/golden/platt.json");
  const nlohmann::json cases = nlohmann::json::parse(file);
  ASSERT_EQ(cases.size(), 4U);
  for (const nlohmann::json& one : cases) {
    const PlattData data{.logits = one.at("logits").get<std::vector<double>>(),
                         .labels = one.at("labels").get<std::vector<std::uint8_t>>()};
    const PlattScaling got = fit_platt(data);
    const double slope = one.at("slope").get<double>(), offset = one.at("offset").get<double>();
    EXPECT_TRUE(std::abs(got.slope - slope) <= 2e-3 * (1 + slope)) << one.at("name") << ": " << got.slope;
    EXPECT_TRUE(std::abs(got.offset - offset) <= 2e-3 * (1 + std::abs(offset))) << one.at("name") << ": " << got.offset;
    EXPECT_TRUE(loss(data, got) <= loss(data, {slope, offset}) + 1e-12);
    expect_a_minimum(data, got);
  }
}

TEST(Platt, JoinsWindows) {
  for (const bool largest : {false, true}) {
    const PlattData data = many_windows(largest);
    const PlattScaling best = fit_platt(data);
    EXPECT_TRUE(best.slope > 0.05 && best.slope < 0.7) << best.slope;  // they were drawn with a quarter of the logit
    expect_a_minimum(data, best);
  }
}

TEST(Platt, TheLargestWindowIsTheRecords) {
  const PlattData data{.logits = {0, 2, -1, 1}, .labels = {1, 0}, .windows = 2, .largest = true};
  const std::vector<double> p = platt_probabilities(data, {.slope = 2, .offset = -1});
  EXPECT_DOUBLE_EQ(p[0], 1 / (1 + std::exp(-3.0)));
  EXPECT_DOUBLE_EQ(p[1], 1 / (1 + std::exp(-1.0)));
}

// Where logits order records the wrong way round, the order stays.
TEST(Platt, TheOrderStays) {
  PlattData data;
  for (int i = 0; i < 40; ++i) {
    data.logits.push_back(i - 20);
    data.labels.push_back(i < 20 ? 1 : 0);
  }
  const PlattScaling got = fit_platt(data);
  EXPECT_TRUE(got.slope > 0) << got.slope;
  EXPECT_TRUE(std::abs(got.offset) < 0.1) << got.offset;
}

TEST(Platt, RefusesWhatCannotBeFitted) {
  expect_error([] { fit_platt({.logits = {1, 2}, .labels = {1, 1}}); }, {"2 positives of 2 records"});
  expect_error([] { fit_platt({.logits = {1, 2}, .labels = {0, 0}}); }, {"0 positives of 2 records"});
  expect_error([] { fit_platt({.logits = {1, 2, 3}, .labels = {0, 1}}); }, {"3 logits of 2 records"});
  expect_error([] { fit_platt({.logits = {1, std::nan("")}, .labels = {0, 1}}); }, {"not finite"});
}

}  // namespace
}  // namespace cardiograd::evaluation
