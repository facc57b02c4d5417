// The kernels that a convolution with statistics takes, each at shapes that it takes and with aligned tensors, and
// values that its way to the variance has to bear.
#include "kernels/conv1d_statistics/conv1d_statistics.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/precision_words.h"
#include "kernels/op_table.h"

#if defined(CARDIOGRAD_DEVICE_CODE)
#include "tests/kernels/path_calls.h"

namespace cardiograd::kernels {
namespace {

using Conv1dStatistics = DeviceTest;

Conv1dStatisticsShape same(std::int64_t batch, std::int64_t time, std::int64_t inputs, std::int64_t outputs,
                           std::int64_t kernel) {
  return {{.batch = batch,
           .time = time,
           .input_channels = inputs,
           .output_channels = outputs,
           .kernel = kernel,
           .padding = (kernel - 1) / 2},
          0.1};
}

const Op& statistics_op() {
  return *find_op("conv1d_statistics_forward");
}

// The buffers of conv1d_statistics_forward.
enum Buffer { kX, kW, kB, kRunningMean, kRunningVar, kY, kMean, kVariance };

TEST_F(Conv1dStatistics, EachPrecisionTakesThemWithTheProductAtAlignedShapes) {
  const std::vector<Conv1dStatisticsShape> shapes = {
      same(2, 129, 12, 64, 7),   // the first layer's channels, one sample beyond a tile
      same(1, 256, 16, 128, 5),  // whole tiles
      same(3, 37, 32, 68, 3),    // a column tile of 4, warps without rows
      same(1, 2, 8, 4, 1),       // two rows in all
      same(100, 3, 4, 8, 5),     // a tree of two levels, its last group short
      {{.batch = 2, .time = 150, .input_channels = 16, .output_channels = 12, .kernel = 4, .padding = 5, .dilation = 9},
       0.25},
      {{.batch = 2, .time = 90, .input_channels = 24, .output_channels = 136, .kernel = 3, .padding = 0, .groups = 2},
       0.1},
  };
  for (Conv1dStatisticsShape s : shapes)
    for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16}) {
      s.precision = precision;
      expect_agreement(statistics_op(), s, std::string(word_of(precision)));
    }
}

TEST_F(Conv1dStatistics, OtherShapesTakeThePartsInTurn) {
  std::vector<Conv1dStatisticsShape> shapes = {same(2, 60, 13, 7, 5), same(1, 9, 1, 1, 9), same(1, 300, 8, 8, 301)};
  shapes.push_back({{.batch = 2,
                     .time = 60,
                     .input_channels = 6,
                     .output_channels = 9,
                     .kernel = 3,
                     .stride = 3,
                     .padding = 4,
                     .dilation = 2,
                     .groups = 3},
                    0.1});
  for (const Conv1dStatisticsShape& s : shapes) expect_agreement(statistics_op(), s, "parts");
}

// Pointers off 16 bytes take the parts whatever the path says.
TEST_F(Conv1dStatistics, TensorsOffAlignmentGiveTheSameConvolution) {
  const Conv1dStatisticsShape s = same(2, 140, 8, 12, 3);
  const OpCase test = statistics_op().bind(&s);
  std::vector<Values> call = random_call(test, 3);
  for (Values& values : call) values.offset = 0;
  const std::vector<Values> aligned = DeviceCall(test, call).run();
  call[kX].offset = 1;
  const std::vector<Values> off = DeviceCall(test, call).run();
  for (std::size_t i = 0; i < aligned.size(); ++i) {
    const double error = relative_error(off[i].real, aligned[i].real);
    EXPECT_TRUE(error <= 4e-6) << test.buffers[i].name << ": " << error;
  }
}

std::vector<Values> call_with(const OpCase& test, double bias) {
  std::vector<Values> call = random_call(test, 2);
  for (Values& values : call) values.offset = 0;
  for (double& value : call[kB].real) value = bias;
  return call;
}

// A bias of 10^4 beside a deviation of about 10^-2.
TEST_F(Conv1dStatistics, KeepASmallVarianceBesideALargeMean) {
  const Conv1dStatisticsShape s = same(3, 300, 8, 8, 3);
  const OpCase test = statistics_op().bind(&s);
  std::vector<Values> call = call_with(test, 1e4);
  for (double& weight : call[kW].real) weight = static_cast<float>(weight * 1e-2);
  const std::vector<Values> expected = run(test, Implementation::kReference64, call);
  const std::vector<Values> got = DeviceCall(test, call).run();
  for (const Buffer buffer : {kMean, kVariance}) {
    const double error = relative_error(got[buffer].real, expected[buffer].real);
    EXPECT_TRUE(error <= 2e-6) << test.buffers[buffer].name << ": " << error;
  }
}

TEST_F(Conv1dStatistics, AConstantChannelHasNoVariance) {
  const Conv1dStatisticsShape s = same(3, 200, 8, 8, 3);
  const OpCase test = statistics_op().bind(&s);
  std::vector<Values> call = call_with(test, -3);
  for (double& weight : call[kW].real) weight = 0;
  const std::vector<Values> got = DeviceCall(test, call).run();
  EXPECT_EQ(got[kMean].real, std::vector<double>(8, -3));
  EXPECT_EQ(got[kVariance].real, std::vector<double>(8, 0));
}

TEST_F(Conv1dStatistics, NanSpoilsItsChannelAndNoOther) {
  const Conv1dStatisticsShape s = same(2, 200, 4, 8, 1);
  const OpCase test = statistics_op().bind(&s);
  std::vector<Values> call = call_with(test, 0);
  call[kW].real[5] = std::numeric_limits<double>::quiet_NaN();  // from input channel 0 to output channel 5
  const std::vector<Values> got = DeviceCall(test, call).run();
  for (std::size_t c = 0; c < 8; ++c) {
    EXPECT_EQ(std::isnan(got[kMean].real[c]), c == 5) << c;
    EXPECT_EQ(std::isnan(got[kVariance].real[c]), c == 5) << c;
    EXPECT_EQ(std::isnan(got[kRunningVar].real[c]), c == 5) << c;
  }
}

#if defined(CARDIOGRAD_SIMT)
TEST_F(Conv1dStatistics, WithoutTensorCoresThePrecisionsAreEmulated) {
  simt::settings().gpu = simt::kSm75;
  Conv1dStatisticsShape s = same(2, 50, 8, 16, 3);
  expect_agreement(statistics_op(), s, "fp32");
  s.precision = Precision::kTf32;
  expect_agreement(statistics_op(), s, "parts");
  simt::settings() = {};
}
#endif

}  // namespace
}  // namespace cardiograd::kernels

#endif
