#include "model/prediction.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"

namespace cardiograd::model {
namespace {

Gpu small_gpu() {
  return {.name = "small",
          .title = "Small",
          .compute_capability = 87,
          .multiprocessors = 10,
          .clock_hz = 1e9,
          .tensor_clock_hz = 0.5e9,
          .dram_bytes_per_s = 100e9,
          .l2_bytes_per_s = 64e9,
          .issue = 4,
          .fp32 = 128,
          .fp64 = 2,
          .sfu = 16,
          .shared_bytes = 128,
          .tensor_tf32 = 128,
          .tensor_bf16 = 0};
}

KernelCosts costs_of(double blocks, double threads) {
  return {.kernel = "k",
          .launches = 1,
          .blocks = blocks,
          .threads = threads,
          .l2_sectors = 1e6,
          .dram_bytes = 5e6,
          .machine = {{86,
                       {.shortest = 5e5,
                        .instructions = 1e6,
                        .longest = 2e6,
                        .fp32 = 5e5,
                        .fp64 = 2e4,
                        .special = 1e5,
                        .tf32_products = 1e9,
                        .bf16_products = 1e9,
                        .shared_wavefronts = 2e5}}}};
}

void expect_seconds(const Terms& terms, Limit limit, double expected) {
  const double found = terms.seconds[static_cast<std::size_t>(limit)];
  EXPECT_TRUE(std::abs(found - expected) <= 1e-12 * expected + 1e-18) << limit_name(limit) << ": " << found;
}

// 25 blocks on 10 multiprocessors: the busiest has 3, 12 % of the work.
TEST(Prediction, TermsAreThoseOfTheBusiestMultiprocessor) {
  const KernelCosts costs = costs_of(25, 64);
  const Terms terms = terms_of(costs, costs.machine.at(86), small_gpu());
  expect_seconds(terms, Limit::kIssue, 30e-6);      // 120,000 / 4 per clock
  expect_seconds(terms, Limit::kFp32, 15e-6);       // 60,000 x 32 lanes / 128
  expect_seconds(terms, Limit::kFp64, 38.4e-6);     // 2,400 x 32 / 2
  expect_seconds(terms, Limit::kSpecial, 24e-6);    // 12,000 x 32 / 16
  expect_seconds(terms, Limit::kTensor, 1.875e-3);  // 1.2e8 / 128 at 0.5 GHz; no rate of bf16 is known
  expect_seconds(terms, Limit::kShared, 24e-6);     // 24,000 of 128 bytes / 128
  expect_seconds(terms, Limit::kL2, 500e-6);        // 32e6 bytes / 64e9 per s
  expect_seconds(terms, Limit::kDram, 50e-6);
  EXPECT_EQ(terms.limiter(), Limit::kTensor);
  EXPECT_EQ(terms.longest(), terms.seconds[static_cast<std::size_t>(Limit::kTensor)]);
}

TEST(Prediction, OneWarpIssuesOneInstructionPerClock) {
  const KernelCosts one_warp = costs_of(1, 20);
  expect_seconds(terms_of(one_warp, one_warp.machine.at(86), small_gpu()), Limit::kIssue, 1e-3);
  const KernelCosts two_blocks = costs_of(11, 32);  // two of them on the busiest
  expect_seconds(terms_of(two_blocks, two_blocks.machine.at(86), small_gpu()), Limit::kIssue, 1e6 * 2 / 11 / 2 / 1e9);
}

TEST(Prediction, MachineCodeIsTheNearest) {
  KernelCosts costs = costs_of(1, 32);
  costs.machine[90] = costs.machine.at(86);
  costs.machine[80] = costs.machine.at(86);
  Gpu gpu = small_gpu();
  EXPECT_EQ(machine_code_for(costs, gpu).first, 86);
  gpu.compute_capability = 90;
  EXPECT_EQ(machine_code_for(costs, gpu).first, 90);
  gpu.compute_capability = 89;  // of the generation of 86, though 90 is nearer
  EXPECT_EQ(machine_code_for(costs, gpu).first, 86);
  gpu.compute_capability = 75;
  EXPECT_EQ(machine_code_for(costs, gpu).first, 80);
  costs.machine.clear();
  EXPECT_THROW(machine_code_for(costs, gpu), Error);
}

constexpr const char* kTable = R"({"operations": [
  {"op": "f", "shape": "N64 T10", "fields": {"batch": 64, "time": 10}, "kernels": [
    {"kernel": "a", "launches": 2, "blocks": 100, "threads": 128, "l2_sectors": 0, "dram_bytes": 1000000, "machine": {"86":
      {"warp_instructions": [1000000, 4000000, 8000000], "fp32": 0, "fp64": 0, "sfu": 0, "tf32_products": 0,
       "bf16_products": 0, "shared_wavefronts": 0}}}]},
  {"op": "f", "shape": "N1 T10", "fields": {"batch": 1, "time": 10}, "kernels": [
    {"kernel": "b", "launches": 1, "blocks": 1, "threads": 128, "l2_sectors": 0, "dram_bytes": 0, "machine": {"86":
      {"warp_instructions": [1, 1, 1], "fp32": 0, "fp64": 0, "sfu": 0, "tf32_products": 0,
       "bf16_products": 0, "shared_wavefronts": 0}}}]},
  {"op": "g", "shape": "8x8", "fields": {"rows": 8}, "library": "cuBLASLt", "kernels": []},
  {"op": "g", "shape": "8x8 tf32", "fields": {"rows": 8}, "library": "cuBLASLt", "kernels": []},
  {"op": "h", "shape": "8", "fields": {"rows": 8}, "unknown": ["k on sm_86: no iterations of loop L1"]}]})";

KernelCall call_of(const std::string& op, const std::string& shape,
                   std::vector<std::pair<std::string, std::int64_t>> fields) {
  KernelCall call;
  call.op = op;
  call.work.shape = shape;
  call.work.fields = std::move(fields);
  call.work.cost = {.flop = 2.56e9, .bytes = 1e6};
  return call;
}

TEST(Prediction, OfACallSumsItsLaunches) {
  const CallPrediction prediction =
      CostTable(kTable, "t").predict(call_of("f", "N64 T10", {{"batch", 64}, {"time", 10}}), small_gpu());
  ASSERT_EQ(prediction.kernels.size(), 1U);
  EXPECT_EQ(prediction.launches(), 2);
  EXPECT_DOUBLE_EQ(prediction.seconds(), 2 * 4e6 / 10 / 4 / 1e9);
  EXPECT_DOUBLE_EQ(prediction.at_least(), 2 * 1e6 / 10 / 4 / 1e9);
  EXPECT_DOUBLE_EQ(prediction.at_most(), 2 * 8e6 / 10 / 4 / 1e9);
  EXPECT_EQ(prediction.slowest().limiter, Limit::kIssue);
  EXPECT_EQ(prediction.slowest().compute_capability, 86);
  EXPECT_EQ(prediction.note, "");
}

TEST(Prediction, OtherBatchesAreScaledFromTheNearest) {
  const CostTable table(kTable, "t");
  const CallPrediction half = table.predict(call_of("f", "N32 T10", {{"batch", 32}, {"time", 10}}), small_gpu());
  ASSERT_TRUE(half.known());
  EXPECT_EQ(half.slowest().kernel, "a");
  EXPECT_DOUBLE_EQ(half.seconds(), 2 * 2e6 / 10 / 4 / 1e9);
  EXPECT_EQ(half.note, "0.5 times N64 T10");
  EXPECT_EQ(table.predict(call_of("f", "N2 T10", {{"batch", 2}, {"time", 10}}), small_gpu()).slowest().kernel, "b");
}

TEST(Prediction, OtherShapesHaveNone) {
  const CostTable table(kTable, "t");
  for (const KernelCall& call : {call_of("f", "N64 T11", {{"batch", 64}, {"time", 11}}),
                                 call_of("f", "N32 T10 tf32", {{"batch", 32}, {"time", 10}}),
                                 call_of("f", "N32", {{"batch", 32}}), call_of("e", "N64 T10", {})}) {
    const CallPrediction prediction = table.predict(call, small_gpu());
    EXPECT_FALSE(prediction.known());
    EXPECT_NE(prediction.note.find("no prediction for " + call.op), std::string::npos) << prediction.note;
  }
  EXPECT_NE(table.predict(call_of("h", "8", {{"rows", 8}}), small_gpu()).note.find("no iterations of loop L1"),
            std::string::npos);
}

TEST(Prediction, OfALibraryIsItsFloor) {
  const CallPrediction prediction = CostTable(kTable, "t").predict(call_of("g", "8x8", {{"rows", 8}}), small_gpu());
  ASSERT_EQ(prediction.kernels.size(), 1U);
  EXPECT_TRUE(prediction.slowest().library);
  EXPECT_DOUBLE_EQ(prediction.seconds(), 1e-3);  // 2.56e9 / (2 x 128 x 10 x 1e9)
  EXPECT_EQ(prediction.slowest().limiter, Limit::kFp32);
  const CallPrediction rounded = CostTable(kTable, "t").predict(call_of("g", "8x8 tf32", {{"rows", 8}}), small_gpu());
  EXPECT_DOUBLE_EQ(rounded.seconds(), 2e-3);  // 2.56e9 / (2 x 128 x 10 x 0.5e9)
  EXPECT_EQ(rounded.slowest().limiter, Limit::kTensor);
}

TEST(Prediction, TablesThatAreNoneAreRefused) {
  for (const std::string text : {"", "[]", R"({"operations": [{"op": "f"}]})",
                                 R"({"operations": [{"op": "f", "shape": "", "fields": {}, "kernels": [{}]}]})"})
    EXPECT_THROW(CostTable(text, "file.json"), Error) << text;
}

TEST(Prediction, EveryKernelOfTheStepHasOne) {
  std::vector<KernelCall> calls;
  for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16})
    for (KernelCall& call : training_step_calls({}, 64, Device::kCuda, precision)) calls.push_back(std::move(call));
  for (const KernelCall& call : calls) {
    for (const Gpu& gpu : known_gpus()) {
      const CallPrediction prediction = CostTable::built_in().predict(call, gpu);
      ASSERT_TRUE(prediction.known()) << prediction.note << " (write it with bench/kernel_costs)";
      EXPECT_TRUE(prediction.seconds() > 0 && prediction.seconds() < 1) << call.op;
      EXPECT_TRUE(prediction.at_least() <= prediction.seconds()) << call.op;
    }
  }
}

}  // namespace
}  // namespace cardiograd::model
