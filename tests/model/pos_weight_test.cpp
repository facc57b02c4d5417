#include "model/pos_weight.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"

namespace cardiograd::model {
namespace {

// PTB-XL 1.0.3, folds 1 to 8, records with at least one diagnostic label: N = 17,084. The expected weights were
// computed apart from this code, to three decimals.
TEST(ClassWeights, OfPtbXl) {
  struct Row {
    const char* name;
    std::int64_t positives;
    double weight;
  };
  const Row rows[] = {{"NORM", 7596, 1.093}, {"MI", 4379, 1.531},  {"STTC", 4186, 1.569},      {"CD", 3907, 1.626},
                      {"HYP", 2119, 2.186},  {"IMI", 2618, 1.981}, {"AMI", 2466, 2.038},       {"STTC", 1792, 2.357},
                      {"LVH", 1708, 2.408},  {"ISC_", 1019, 3.0},  {"LAFB/LPFB", 1437, 2.599}, {"PMI", 13, 3.0}};
  for (const Row& row : rows)
    EXPECT_TRUE(std::abs(pos_weight(row.positives, 17084) - row.weight) <= 5.1e-4) << row.name;
  const PosWeightSettings uncapped{0.4, 1e-9, 1e9};
  EXPECT_TRUE(std::abs(pos_weight(13, 17084, uncapped) - 17.7) <= 0.05);
  EXPECT_TRUE(std::abs(pos_weight(24, 17084, uncapped) - 13.8) <= 0.05);
}

TEST(ClassWeights, ClippedOnBothSides) {
  EXPECT_EQ(pos_weight(0, 100), 3.0);
  EXPECT_EQ(pos_weight(100, 100), 0.8);
  EXPECT_EQ(pos_weight(99, 100), 0.8);
  EXPECT_TRUE(std::abs(pos_weight(50, 100) - 1.0) <= 1e-9);
}

TEST(ClassWeights, FromLabels) {
  const std::vector<std::string> names{"a", "b", "c"};
  const std::vector<std::uint8_t> labels{1, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1};
  const std::vector<float> weights = pos_weight(labels, names);
  ASSERT_EQ(weights.size(), 3U);
  EXPECT_FLOAT_EQ(weights[0], 0.8F);                                          // 4 of 5: 0.574, clipped
  EXPECT_FLOAT_EQ(weights[1], static_cast<float>(std::pow(4.0, 0.4)));        // 1 of 5
  EXPECT_FLOAT_EQ(weights[2], static_cast<float>(std::pow(2.0 / 3.0, 0.4)));  // 3 of 5
}

std::string message_of(const std::vector<std::uint8_t>& labels, const std::vector<std::string>& names) {
  try {
    pos_weight(labels, names);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ClassWeights, Errors) {
  EXPECT_EQ(message_of({1, 0, 1, 0}, {"a", "b"}), "no positives among 2 training records for the class: b");
  EXPECT_EQ(message_of({1, 0, 0, 1, 0, 0}, {"a", "b", "c"}),
            "no positives among 2 training records for the classes: b, c");
  EXPECT_EQ(message_of({1, 0, 1}, {"a", "b"}), "3 labels for 2 classes, expected records x classes");
  EXPECT_EQ(message_of({}, {"a", "b"}), "0 labels for 2 classes, expected records x classes");
  EXPECT_EQ(message_of({1, 1, 1, 7}, {"a", "b"}), "the label of training record 1, class 'b' is 7, expected 0 or 1");
  EXPECT_THROW(pos_weight(5, 4), Error);
  EXPECT_THROW(pos_weight(-1, 4), Error);
  EXPECT_THROW(pos_weight(1, 4, {0.4, 3.0, 0.8}), Error);
}

}  // namespace
}  // namespace cardiograd::model
