// Tests of every CUDA kernel, made from the op table: against the double reference at odd sizes with poisoned outputs
// and misaligned pointers, and equal bits from call to call. In the preset simt that is done in every order of threads
// and blocks; in the preset cuda on the GPU, where there is one.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/op_table.h"
#include "tests/kernels/op_calls.h"

#if defined(CARDIOGRAD_DEVICE_CODE)
#include "tests/kernels/device_calls.h"

namespace cardiograd::kernels {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kShapesPerOp = 4;
#else
constexpr std::uint64_t kShapesPerOp = 12;
#endif

// An order in which to run the threads; its name is for messages.
struct Way {
  std::string name;
#if defined(CARDIOGRAD_SIMT)
  simt::Settings settings;
#endif
};

std::vector<Way> ways() {
#if defined(CARDIOGRAD_SIMT)
  using simt::Order;
  return {{"forward", {.order = Order::kForward}},
          {"reverse, on a GPU with more shared memory", {.gpu = simt::kSm90, .order = Order::kReverse}},
          {"random", {.order = Order::kRandom, .seed = 5}},
          {"two host threads", {.threads = 2}}};
#else
  return {{"first"}, {"second"}};
#endif
}

class EveryCudaOp : public ::testing::TestWithParam<Op> {
 protected:
  void SetUp() override {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU: " << cudaGetErrorString(status);
  }
#if defined(CARDIOGRAD_SIMT)
  void TearDown() override {
    simt::settings() = {};
  }
#endif
};

// The shipped kernels and, from the same shapes, their variants.
std::vector<OpCase> versions(const OpCase& shipped) {
  std::vector<OpCase> all = {shipped};
  for (const BoundVariant& variant : shipped.cuda_variants) {
    all.push_back(shipped);
    all.back().shape += ", variant " + variant.name;
    all.back().tolerance = std::max(shipped.tolerance, variant.tolerance);
    all.back().run = [run = variant.run](Implementation, void* const* pointers) { run(pointers); };
  }
  return all;
}

bool equal_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

TEST_P(EveryCudaOp, AgreesWithTheDoubleReferenceInEveryOrder) {
  const Op& op = GetParam();
  for (std::uint64_t seed = 0; seed < kShapesPerOp; ++seed) {
    const OpCase shipped = op.sample(seed);
    const std::vector<Values> call = random_call(shipped, seed);
    const std::vector<Values> expected = run(shipped, Implementation::kReference64, call);
    const std::vector<Values> plain = run(shipped, Implementation::kReference32, call);
    for (const OpCase& test : versions(shipped)) {
      std::vector<Values> first;
      for (const Way& way : ways()) {
#if defined(CARDIOGRAD_SIMT)
        simt::settings() = way.settings;
#endif
        const std::vector<Values> got = DeviceCall(test, call).run();
        if (first.empty()) first = got;
        for (std::size_t i = 0; i < test.buffers.size(); ++i) {
          const std::string what =
              op.name + " " + std::string(test.buffers[i].name) + " at " + test.shape + ", " + way.name;
          EXPECT_TRUE(equal_bits(got[i].real, first[i].real)) << what << ": other bits than the first time";
          if (!is_written(test.buffers[i])) {
            EXPECT_TRUE(equal_bits(got[i].real, call[i].real)) << what << ": an input was changed";
            continue;
          }
          EXPECT_EQ(got[i].bytes, expected[i].bytes) << what;
          const double allowed = allowed_error(test.tolerance, plain[i].real, expected[i].real);
          const double error = relative_error(got[i].real, expected[i].real);
          EXPECT_TRUE(error <= allowed) << what << ": error " << error << ", allowed " << allowed;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, EveryCudaOp, ::testing::ValuesIn(op_table()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace cardiograd::kernels

#else

namespace cardiograd::kernels {
namespace {

TEST(EveryCudaOp, IsAClearErrorInABuildWithoutDeviceCode) {
  const OpCase test = op_table().front().sample(0);
  try {
    test.run(Implementation::kCuda, nullptr);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no CUDA kernels"), std::string::npos);
    EXPECT_FALSE(error.hint().empty());
  }
}

}  // namespace
}  // namespace cardiograd::kernels

#endif
