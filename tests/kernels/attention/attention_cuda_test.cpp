// Attention's paths on the GPU at lengths and widths around their tiles, in every precision.
#if defined(CARDIOGRAD_DEVICE_CODE)
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/attention/attention_spec.h"
#include "kernels/op_table.h"
#include "tests/kernels/attention/attention_calls.h"
#include "tests/kernels/device_calls.h"

namespace cardiograd::kernels {
namespace {

class AttentionOnDevice : public DeviceTest {
#if defined(CARDIOGRAD_SIMT)
 protected:
  void TearDown() override {
    simt::settings() = {};
  }
#endif
};

template <KernelSpec Spec>
void expect_agreement(const AttentionShape& s, const std::vector<Values>& call) {
  const OpCase test = bind_case<Spec>(s);
  const std::vector<Values> expected = run(test, Implementation::kReference64, call);
  const std::vector<Values> plain = run(test, Implementation::kReference32, call);
  const std::vector<Values> got = DeviceCall(test, call).run();
  for (std::size_t i = 0; i < call.size(); ++i) {
    if (!is_written(test.buffers[i])) continue;
    const double allowed = allowed_error(Spec::tolerance(s), plain[i].real, expected[i].real);
    const double error = relative_error(got[i].real, expected[i].real);
    EXPECT_TRUE(error <= allowed) << Spec::kName << " " << test.buffers[i].name << " at " << test.shape << ", "
                                  << test.path << ": error " << error << ", allowed " << allowed;
  }
}

void expect_agreement(const AttentionShape& s) {
  const OpCase forward = bind_case<AttentionForward>(s);
  const std::vector<Values> call = random_call(forward, 3);
  expect_agreement<AttentionForward>(s, call);
  expect_agreement<AttentionBackward>(s, backward_call(s, run(forward, Implementation::kReference64, call)));
}

TEST_F(AttentionOnDevice, LengthsAroundTheTiles) {
  for (const std::int64_t time : {1, 7, 32, 64, 125, 128, 129, 200, 300}) {
    for (const Precision precision : kPrecisions) {
      AttentionShape s = shape_of(time, 32, precision);
      s.batch = 1;
      expect_agreement(s);
    }
  }
}

TEST_F(AttentionOnDevice, WidthsAroundTheSlices) {
  for (const std::int64_t width : {1, 5, 8, 16, 40, 64, 128, 160}) {
    for (const Precision precision : kPrecisions) expect_agreement(shape_of(37, width, precision));
  }
}

TEST_F(AttentionOnDevice, LongAndWide) {
  std::size_t i = 0;
  for (const std::int64_t time : {129, 200}) {
    for (const std::int64_t width : {5, 40, 64, 128, 160}) {
      AttentionShape s = shape_of(time, width, kPrecisions[i++ % 3]);
      s.batch = 1;
      s.heads = 1;
      expect_agreement(s);
    }
  }
}

TEST_F(AttentionOnDevice, RoundedModesAreNoWorseThanPlainLoops) {
  expect_no_more_than_twice_the_plain_error(
      [](const OpCase& test, const std::vector<Values>& call) { return DeviceCall(test, call).run(); });
}

TEST_F(AttentionOnDevice, WideAccessesNeedNotBeAligned) {
  AttentionShape s = shape_of(33, 32, Precision::kBf16);
  for (const Precision precision : kPrecisions) {
    s.precision = precision;
    const OpCase test = bind_case<AttentionForward>(s);
    std::vector<Values> call = random_call(test, 3);
    for (Values& values : call) values.offset = 0;
    const std::vector<Values> aligned = DeviceCall(test, call).run();
    for (Values& values : call) values.offset = 1;
    const std::vector<Values> shifted = DeviceCall(test, call).run();
    for (std::size_t i = 0; i < call.size(); ++i) EXPECT_EQ(aligned[i].real, shifted[i].real);
  }
}

#if defined(CARDIOGRAD_SIMT)
TEST_F(AttentionOnDevice, PathsByShapeAndGpu) {
  const auto paths = [](const AttentionShape& s) {
    return std::string(attention_forward_path(s)) + " " + attention_backward_path(s);
  };
  EXPECT_EQ(paths(shape_of(125, 32, Precision::kFp32)), "ffma ffma");
  EXPECT_EQ(paths(shape_of(125, 64, Precision::kFp32)), "ffma tile");
  EXPECT_EQ(paths(shape_of(125, 129, Precision::kFp32)), "tile tile");
  EXPECT_EQ(paths(shape_of(125, 32, Precision::kBf16)), "mma mma");
  EXPECT_EQ(paths(shape_of(125, 128, Precision::kTf32)), "mma tile");
  EXPECT_EQ(paths(shape_of(70000, 32, Precision::kTf32)), "tile tile");
  simt::settings().gpu = simt::kSm75;
  EXPECT_EQ(paths(shape_of(125, 32, Precision::kBf16)), "ffma ffma");
}

TEST_F(AttentionOnDevice, GpusWithoutTensorCoresRoundAlike) {
  simt::settings().gpu = simt::kSm75;
  for (const Precision precision : kPrecisions) expect_agreement(shape_of(70, 32, precision));
}
#endif

}  // namespace
}  // namespace cardiograd::kernels

#endif
