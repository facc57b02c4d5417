#include "bench/desk/desk.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "bench/desk/check.h"
#include "bench/desk/sweeps.h"
#include "kernels/kernel_spec.h"
#include "kernels/op_table.h"
#include "tests/common/expect_error.h"

namespace cardiograd::bench {
namespace {

// y = x^2 + 1 in three kernels: a right one, one that is wrong in one element, one that leaves NaN there.
struct BoxShape {
  std::int64_t rows = 1;
};
template <class Real>
void box_ref(const BoxShape& s, const Real* x, Real* y) {
  for (std::int64_t i = 0; i < s.rows; ++i) y[i] = x[i] * x[i] + 1;
}
void box_right(const BoxShape& s, const float* x, float* y) {
  box_ref(s, x, y);
}
void box_wrong(const BoxShape& s, const float* x, float* y) {
  box_ref(s, x, y);
  y[s.rows - 1] += 0.01F;
}
void box_unwritten(const BoxShape& s, const float* x, float* y) {
  box_ref(BoxShape{s.rows - 1}, x, y);
}
void box_cuda(const BoxShape& /*s*/, const float* /*x*/, float* /*y*/, kernels::Stream /*stream*/) {}

template <auto kKernel>
struct BoxSpec {
  using Shape = BoxShape;
  static constexpr const char* kName = "box_forward";
  static constexpr const char* kGradientOf = "";
  static constexpr double kTolerance = 1e-6;
  static constexpr std::vector<kernels::BufferSpec> buffers(const BoxShape& s) {
    return {{"x", {s.rows}}, {"y", {s.rows}, kernels::Role::kOutput}};
  }
  static kernels::Cost cost(const BoxShape& s) {
    return {2 * static_cast<double>(s.rows), kernels::least_bytes(buffers(s))};
  }
  static BoxShape sample(kernels::ShapeSampler& draw) { return {draw.size(1, 9)}; }
  static std::vector<BoxShape> workload() { return {{100}}; }
  static std::string describe(const BoxShape& s) { return "rows" + std::to_string(s.rows); }
  static const char* path(const BoxShape& s) { return s.rows > 50 ? "long" : "short"; }
  static constexpr auto reference = [](auto... a) { box_ref(a...); };
  static constexpr auto cpu = kKernel;
  static constexpr auto cuda = box_cuda;
};

DeskOptions quick() {
  DeskOptions options;
  options.timing.max_seconds = 0.001;
  options.timing.round_seconds = 1e-4;
  return options;
}

template <auto kKernel>
std::vector<Row> measure_box(const DeskOptions& options = quick(), const Roof& roof = {1e9, 1e9}) {
  const kernels::Op op = kernels::make_op<BoxSpec<kKernel>>();
  return measure_case(*open_machine(Device::kCpu), roof, op, op.workload().front(), options);
}

TEST(Desk, AKernelThatAgreesIsTimedHotAndCold) {
  const std::vector<Row> rows = measure_box<box_right>();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].temperature, Temperature::kHot);
  EXPECT_EQ(rows[1].temperature, Temperature::kCold);
  for (const Row& row : rows) {
    EXPECT_TRUE(row.checked);
    EXPECT_FALSE(failed(row));
    EXPECT_TRUE(row.seconds > 0);
    EXPECT_TRUE(row.spread >= 0);
    EXPECT_TRUE(row.workload);
    EXPECT_EQ(row.path, "");  // It is of the CUDA launcher.
    EXPECT_EQ(row.variant, "shipped");
    EXPECT_EQ(row.opponent, "");
    // The roof: 200 operations take 0.2, 800 bytes 0.8 microseconds.
    EXPECT_TRUE(std::abs(row.percent_of_roof - 100 * 8e-7 / row.seconds) < 1e-6);
    EXPECT_TRUE(std::isnan(row.percent_of_best_opponent));
  }
}

TEST(Desk, AKernelThatFailsItsCheckIsNotTimed) {
  for (const auto& rows : {measure_box<box_wrong>(), measure_box<box_unwritten>()}) {
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_TRUE(failed(rows[0]));
    EXPECT_FALSE(rows[0].checked);
    EXPECT_TRUE(std::isnan(rows[0].seconds));
    EXPECT_NE(rows[0].note.find("FAILED its check: y"), std::string::npos) << rows[0].note;
  }
}

TEST(Desk, AnUnknownVariantAndAMissingPrecisionAreRefused) {
  DeskOptions options = quick();
  options.variant = "shippd";
  testing::expect_error([&] { measure_box<box_right>(options); }, {"unknown variant 'shippd'"});
  const kernels::Op op = kernels::make_op<BoxSpec<box_right>>();
  testing::expect_error([&] { in_precision(op, op.workload().front(), Precision::kBf16); }, {"no precision bf16"});
}

TEST(Desk, OpponentsAreTimedBesideAndTheFastestIsTheMeasure) {
  const kernels::Op& op = *kernels::find_op("linear_forward");
  DeskOptions options = quick();
  options.temperatures = {Temperature::kHot};
  const auto rows = measure_case(*open_machine(Device::kCpu), {}, op,
                                 op.workload().front().with("rows=8,inputs=16,outputs=8"), options);
  double best = Row::kNone;
  for (const Row& row : rows)
    if (!row.opponent.empty()) best = std::fmin(best, row.seconds);
  ASSERT_GE(rows.size(), 2U);
  EXPECT_TRUE(rows[0].opponent.empty());
  EXPECT_FALSE(rows[0].workload);
  EXPECT_TRUE(std::abs(rows[0].percent_of_best_opponent - 100 * best / rows[0].seconds) < 1e-6);
  EXPECT_TRUE(std::isnan(rows[0].percent_of_roof));  // It was not measured.
}

TEST(Desk, ALargeShapeIsCheckedAtFewerRecords) {
  const kernels::Op& op = *kernels::find_op("conv1d_forward");
  const kernels::OpCase work = op.workload().front();
  EXPECT_EQ(smaller_case(work, 0).shape, work.shape);
  EXPECT_EQ(smaller_case(work, 1e12).shape, work.shape);
  EXPECT_EQ(smaller_case(work, work.cost.flop / 8).shape, work.with("batch=8").shape);
  EXPECT_EQ(smaller_case(work, 1).shape, work.with("batch=2").shape);
  const kernels::Op& flat = *kernels::find_op("relu_forward");
  EXPECT_EQ(smaller_case(flat.workload().front(), 1).shape, flat.workload().front().shape);
  DeskOptions options = quick();
  options.max_check_flop = 20;
  const std::vector<Row> rows = measure_box<box_right>(options);
  EXPECT_EQ(rows.front().note, "checked at rows10");
}

TEST(Desk, InputsOfAGradientAreWhatItsForwardDirectionMakes) {
  const kernels::Op& op = *kernels::find_op("layer_norm_backward");
  const kernels::OpCase work = op.workload().front().with("rows=3,width=16");
  const HostBuffers inputs = make_inputs(op, work, 5);  // x, gamma, mean, rstd, ...
  for (int row = 0; row < 3; ++row) {
    double mean = 0;
    for (int i = 0; i < 16; ++i) mean += static_cast<double>(inputs[0].floats()[16 * row + i]) / 16;
    EXPECT_TRUE(std::abs(mean - static_cast<double>(inputs[2].floats()[row])) < 1e-6);
  }
}

TEST(Results, TheJsonHasTheDocumentedLayout) {
  Context context = {.commit = "0123456789ab",
                     .command = "kernel --op box",
                     .cpu = "a processor",
                     .gpu = "",
                     .driver = "",
                     .clocks = "",
                     .device = Device::kCpu,
                     .precision = Precision::kFp32,
                     .threads = 2,
                     .roof = {2e11, 4e10}};
  std::vector<Row> rows = measure_box<box_right>();
  rows.push_back(measure_box<box_wrong>().front());
  const auto json = nlohmann::json::parse(results_json(context, rows));
  for (const char* key : {"date", "commit", "device", "cpu", "gpu", "driver", "clocks", "precision", "command",
                          "roof_gflops", "roof_gbs", "threads", "opponents"})
    EXPECT_TRUE(json.at("context").contains(key)) << key;
  EXPECT_EQ(json.at("context").at("roof_gflops"), 200);
  EXPECT_EQ(json.at("context").at("roof_gbs"), 40);
  ASSERT_EQ(json.at("benchmarks").size(), 3U);
  const std::vector<std::string> keys = {
      "op",        "shape",       "workload", "variant", "opponent",        "device",
      "precision", "temperature", "path",     "seconds", "spread",          "stable",
      "flop",      "bytes",       "gflops",   "gbs",     "percent_of_roof", "percent_of_best_opponent",
      "checked",   "note"};
  for (const auto& row : json.at("benchmarks")) {
    EXPECT_EQ(row.size(), keys.size());
    for (const std::string& key : keys) EXPECT_TRUE(row.contains(key)) << key;
  }
  const auto& hot = json.at("benchmarks").at(0);
  EXPECT_EQ(hot.at("temperature"), "hot");
  EXPECT_EQ(hot.at("flop"), 200);
  EXPECT_EQ(hot.at("bytes"), 800);
  EXPECT_TRUE(std::abs(hot.at("gbs").get<double>() - 800 / hot.at("seconds").get<double>() / 1e9) < 1e-9);
  const auto& wrong = json.at("benchmarks").at(2);
  EXPECT_TRUE(wrong.at("seconds").is_null());
  EXPECT_TRUE(wrong.at("gflops").is_null());
  EXPECT_EQ(wrong.at("checked"), false);
  context.roof = {};
  EXPECT_TRUE(nlohmann::json::parse(results_json(context, {})).at("context").at("roof_gbs").is_null());
}

TEST(Results, TheTableNamesWhatFailedAndWhatIsNotStable) {
  Row row = measure_box<box_right>().front();
  row.stable = false;
  const std::string table = results_table({row, measure_box<box_wrong>().front()}, {});
  EXPECT_NE(table.find("NOT STABLE"), std::string::npos) << table;
  EXPECT_NE(table.find("FAILED its check"), std::string::npos) << table;
}

TEST(Sweeps, EveryDeclaredShapeHasSomethingToCompute) {
  for (const kernels::Op& op : kernels::op_table()) {
    const auto cases = sweep_cases(op);
    EXPECT_GE(cases.size(), op.workload().size()) << op.name;
    for (const kernels::OpCase& work : cases)
      for (const kernels::BufferSpec& buffer : work.buffers) EXPECT_GT(buffer.count(), 0) << op.name << work.shape;
  }
  EXPECT_GT(sweep_cases(*kernels::find_op("attention_backward")).size(), 10U);
}

}  // namespace
}  // namespace cardiograd::bench
