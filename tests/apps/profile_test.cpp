// The program profile as its users call it.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/apps/run_app.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::apps {
namespace {

using namespace cardiograd::testing;

TEST(Profile, FloorsFollowFromCostAndGpu) {
  const TemporaryFolder folder;
  const std::string file = (folder / "profile.json").string();
  expect_success(run_app("profile", {"--batch-size", "8", "--gpu", "slow:1:100", "--json", file}));
  const nlohmann::json json = nlohmann::json::parse(read_file(file));
  double step_floor = 0;
  for (const auto& kernel : json.at("kernels")) {
    const double arithmetic = kernel.at("flop").get<double>() / 1e12;
    const double memory = kernel.at("bytes").get<double>() / 100e9;
    const double floor = kernel.at("floor_s").at("slow");
    EXPECT_TRUE(floor >= 0.999 * std::max(arithmetic, memory) && floor <= 1.001 * std::max(arithmetic, memory))
        << kernel;
    step_floor += floor;
  }
  EXPECT_TRUE(step_floor > 0.009 && step_floor < 0.02) << step_floor;  // 9.6 GFLOP and 0.3 GB
}

TEST(Profile, LayersAddUpToTheSameStep) {
  const TemporaryFolder folder;
  const auto flop = [&](std::vector<std::string> arguments) {
    const std::string file = (folder / "profile.json").string();
    arguments.insert(arguments.end(), {"--batch-size", "4", "--json", file});
    expect_success(run_app("profile", arguments));
    const nlohmann::json json = nlohmann::json::parse(read_file(file));
    double sum = 0;
    for (const auto& kernel : json.at("kernels")) sum += kernel.at("flop").get<double>();
    return sum;
  };
  const double together = flop({});
  EXPECT_TRUE(together > 4e9) << together;
  EXPECT_TRUE(std::abs(flop({"--by-layer"}) - together) <= 1e-9 * together);
}

TEST(Profile, PredictionsAreNamedAndAboveTheirFloors) {
  const TemporaryFolder folder;
  const std::string file = (folder / "profile.json").string();
  const Outcome plain = run_app("profile", {"--gpu", "rtx-3050-8gb", "--json", file});
  expect_success(plain);
  EXPECT_NE(plain.out.find("predicted, not measured"), std::string::npos);
  EXPECT_NE(plain.out.find("largest losses on rtx-3050-8gb: "), std::string::npos);
  const nlohmann::json json = nlohmann::json::parse(read_file(file));
  double sum = 0;
  std::int64_t launches = 0;
  for (const auto& kernel : json.at("kernels")) {
    const auto& prediction = kernel.at("prediction").at("rtx-3050-8gb");
    const double seconds = prediction.at("predicted_s");
    const double floor = kernel.at("floor_s").at("rtx-3050-8gb");
    // Kernels that do not read all of an input may stay below the floor of the operation, by little.
    EXPECT_TRUE(seconds >= 0.98 * floor) << kernel.at("kernel");
    sum += seconds;
    launches += prediction.at("launches").get<std::int64_t>();
  }
  const auto& step = json.at("step").at("rtx-3050-8gb");
  EXPECT_TRUE(std::abs(step.at("predicted_s").get<double>() - sum) <= 1e-9 * sum);
  EXPECT_EQ(step.at("calls_without_prediction"), 0);
  EXPECT_EQ(step.at("launches"), launches);

  const std::string with_launches = (folder / "launches.json").string();
  expect_success(run_app("profile", {"--gpu", "rtx-3050-8gb", "--launch-us", "3", "--json", with_launches}));
  const nlohmann::json slower = nlohmann::json::parse(read_file(with_launches));
  const double difference = slower.at("step").at("rtx-3050-8gb").at("predicted_s").get<double>() - sum;
  EXPECT_TRUE(std::abs(difference - 3e-6 * static_cast<double>(launches)) <= 1e-9) << difference;
}

TEST(Profile, ShapesWithoutCountsHaveNoPrediction) {
  const Outcome result = run_app("profile", {"--samples", "500", "--gpu", "jetson-agx-orin-64gb"});
  expect_success(result);
  EXPECT_NE(result.out.find("no prediction for conv1d_statistics_forward at N64 T500 C12->64"), std::string::npos);
  EXPECT_NE(result.out.find("machine code for compute capability 86, the nearest to its 87"), std::string::npos);
  const Outcome half = run_app("profile", {"--batch-size", "32", "--gpu", "h100-sxm"});
  expect_success(half);
  EXPECT_NE(half.out.find("counts scaled from another size"), std::string::npos);
  EXPECT_EQ(half.out.find("no prediction for"), std::string::npos);
}

TEST(Profile, MeasuredTimesAreHeldAgainstPredictions) {
  const TemporaryFolder folder;
  const std::string file = (folder / "profile.json").string();
  const std::string measured = (folder / "measured.json").string();
  write_file(measured, R"({"benchmarks": [
    {"op": "gather_batch_forward", "shape": "N64 of 64 T1000 C12", "variant": "shipped", "temperature": "cold", "seconds": 2e-6},
    {"op": "gather_batch_forward", "shape": "N64 of 64 T1000 C12", "variant": "shipped", "temperature": "hot", "seconds": 1e-6},
    {"op": "gather_batch_forward", "shape": "N64 of 64 T1000 C12", "variant": "", "opponent": "cuDNN", "temperature": "cold", "seconds": 1e-6},
    {"op": "gather_batch_forward", "shape": "N64 of 64 T1000 C12", "variant": "naive", "temperature": "cold", "seconds": 1e-6}]})");
  const std::vector<std::string> arguments = {"--gpu", "h100-sxm", "--measured", measured, "--json", file};
  expect_success(run_app("profile", arguments));
  int found = 0;
  const nlohmann::json json = nlohmann::json::parse(read_file(file));
  for (const auto& kernel : json.at("kernels")) {
    if (!kernel.contains("measured_s")) continue;
    ++found;
    EXPECT_EQ(kernel.at("shape"), "N64 of 64 T1000 C12");
    EXPECT_DOUBLE_EQ(kernel.at("measured_s"), 2e-6);
    EXPECT_DOUBLE_EQ(kernel.at("measured_over_predicted"),
                     2e-6 / kernel.at("prediction").at("h100-sxm").at("predicted_s").get<double>());
  }
  EXPECT_EQ(found, 1);
  expect_failure(run_app("profile", {"--measured", measured}), 2, {"one --gpu"});
  write_file(
      measured,
      R"({"benchmarks": [{"op": "x", "shape": "1", "variant": "shipped", "temperature": "cold", "seconds": 1}]})");
  expect_failure(run_app("profile", arguments), 1, {"none of its times"});
  EXPECT_NE(run_app("profile", arguments).err.find("gather_batch_forward/N64"), std::string::npos);  // the hint
  write_file(
      measured,
      R"({"benchmarks": [{"op": "x", "shape": "1", "variant": "shipped", "temperature": "cold", "seconds": 0}]})");
  expect_failure(run_app("profile", arguments), 1, {"x/1 took 0 s"});
  const auto expect_other = [&](const char* content, std::string_view what) {
    write_file(measured, content);
    const Outcome outcome = run_app("profile", arguments);
    expect_failure(outcome, 1, {measured + ": no times of bench/kernel: ", what});
    EXPECT_EQ(outcome.err.find("json.exception"), std::string::npos) << outcome.err;
    expect_parts(outcome.err, {"hint: Write it with kernel --device cuda --json FILE."});
  };
  expect_other("r 1 100 10", "no JSON");
  expect_other("[]", "the file is [], expected an object with a key 'benchmarks'");
  expect_other("{}", "the file is {}, expected an object with a key 'benchmarks'");
  expect_other(R"({"benchmarks": 5})", "'benchmarks' is 5, expected a list");
  expect_other(R"({"benchmarks": [3]})", "benchmark 1 is 3, expected an object with a key 'variant'");
  expect_other(R"({"benchmarks": [{"op": "x"}]})", "expected an object with a key 'variant'");
  expect_other(
      R"({"benchmarks": [{"op": 1, "shape": "1", "variant": "shipped", "temperature": "cold", "seconds": 1}]})",
      "'op' of benchmark 1 is 1, expected a text");
  expect_other(
      R"({"benchmarks": [{"op": "x", "shape": "1", "variant": "shipped", "temperature": "cold", "seconds": "1"}]})",
      "x/1 took \"1\", expected a number");
}

// A step that runs, kernel by kernel; its trace is what Chrome and Perfetto read.
TEST(Profile, AStepThatRunsAddsUp) {
  const TemporaryFolder folder;
  const std::string file = (folder / "step.json").string();
  const std::string trace = (folder / "trace.json").string();
  const Outcome result = run_app("profile", {"--device", "cpu", "--batch-size", "2", "--samples", "64", "--steps", "3",
                                             "--threads", "1", "--json", file, "--trace", trace});
  expect_success(result);
  for (const char* part : {"conv1d_forward  N2 T64 C12->64", "% roof", "largest gaps:", "median of 3", "between them"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part;
  const nlohmann::json json = nlohmann::json::parse(read_file(file));
  double kernels = 0;
  double end = 0;
  for (const auto& kernel : json.at("kernels")) {
    EXPECT_TRUE(kernel.at("seconds").get<double>() >= 0);
    EXPECT_TRUE(kernel.at("start_s").get<double>() >= end) << "one after the other";
    end = kernel.at("start_s").get<double>() + kernel.at("seconds").get<double>() - 1e-9;
    kernels += kernel.at("seconds").get<double>();
  }
  EXPECT_TRUE(json.at("kernels").size() > 50) << json.at("kernels").size();
  const double whole = json.at("timed_step_s");
  EXPECT_TRUE(std::abs(kernels - json.at("kernels_s").get<double>()) <= 1e-9);
  EXPECT_TRUE(std::abs(kernels + json.at("between_s").get<double>() - whole) <= 1e-9);
  EXPECT_TRUE(end <= whole && json.at("step_s").get<double>() > 0);

  const nlohmann::json events = nlohmann::json::parse(read_file(trace)).at("traceEvents");
  std::size_t kernel_events = 0;
  double dur = 0;
  for (const auto& event : events) {
    if (event.at("ph") == "M") continue;
    EXPECT_EQ(event.at("ph"), "X");
    EXPECT_TRUE(event.at("ts").get<double>() >= 0 && event.at("dur").get<double>() >= 0);
    EXPECT_TRUE(event.at("pid").is_number_integer() && event.at("tid").is_number_integer());
    if (event.at("cat") != "kernel") continue;
    ++kernel_events;
    dur += event.at("dur").get<double>();
  }
  EXPECT_EQ(kernel_events, json.at("kernels").size());
  EXPECT_TRUE(std::abs(1e-6 * dur - kernels) <= 1e-9);
  expect_failure(run_app("profile", {"--trace", trace}), 2, {"--device"});
  expect_failure(run_app("profile", {"--device", "tpu"}), 2, {"device 'tpu'"});
}

TEST(Profile, MemoryIsPlannedByTensor) {
  const Outcome result = run_app("profile", {"--memory", "--batch-size", "4", "--records", "100"});
  expect_success(result);
  for (const char* part : {"conv1d_", "cnn.0", "without reuse", "resident", "largest batch", "  4 GB", "  8 GB"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << " in " << result.out;
  expect_failure(run_app("profile", {"--memory", "--device", "cpu"}), 2, {"--memory"});
}

TEST(Profile, OptionsWithoutAMeaningAreRefused) {
  const TemporaryFolder folder;
  const std::string json = (folder / "memory.json").string();
  expect_failure(run_app("profile", {"--memory", "--json", json}), 2, {"--json", "--memory"});
  EXPECT_FALSE(std::filesystem::exists(json));
  expect_failure(run_app("profile", {"--memory", "--gpu", "rtx-4090"}), 2, {"--gpu", "--memory"});
  expect_failure(run_app("profile", {"--memory", "--precision", "bf16"}), 2, {"--precision", "--memory"});
  expect_failure(run_app("profile", {"--device", "cpu", "--gpu", "rtx-4090"}), 2, {"--gpu rtx-4090 with --device cpu"});
  expect_failure(run_app("profile", {"--device", "cpu", "--launch-us", "2"}), 2, {"--launch-us", "--device"});
}

TEST(Profile, CountsCanComeFromAFile) {
  const TemporaryFolder folder;
  const std::string costs = (folder / "costs.json").string();
  write_file(costs, R"({"operations": []})");
  const Outcome result = run_app("profile", {"--costs", costs, "--gpu", "h100-sxm"});
  expect_success(result);
  EXPECT_NE(result.out.find("no prediction for gather_batch_forward"), std::string::npos);
  write_file(costs, "{");
  expect_failure(run_app("profile", {"--costs", costs}), 1, {costs});
}

TEST(Profile, WrongUse) {
  expect_failure(run_app("profile", {"--gpu", "rtx9000"}), 2, {"--gpu is 'rtx9000'", "rtx-3050-8gb"});
  for (const char* gpu : {"mine:0:100", "mine:inf:100", "mine:1:inf", "mine:nan:1", "foo:inf:1e999", "mine:1e999:1",
                          "mine:1:1e7", "mine:1e-400:1", "mine:-1:1", "mine:1:1x", "mine:1:", ":1:1", "mine:0x1:1"})
    expect_failure(run_app("profile", {"--gpu", gpu}), 2, {gpu, "numbers above 0 and up to 1e+06"});
  expect_failure(run_app("profile", {"--gpu", "mine:nan:100"}), 2, {"mine:nan:100"});
  expect_failure(run_app("profile", {"--gpu", "rtx-3050"}), 2, {"--gpu is 'rtx-3050'"});
  EXPECT_NE(run_app("profile", {"--gpu", "rtx-3050"}).err.find("Nearest: rtx-3050-6gb."), std::string::npos);
  expect_failure(run_app("profile", {"--gpu", "jetson-agx-orin-64gb", "--precision", "tf32"}), 2, {"no rate"});
  expect_failure(run_app("profile", {"--precision", "fp8"}), 2, {"--precision", "bf16"});
  expect_failure(run_app("profile", {"--batch-size", "1"}), 2, {"--batch-size"});
  expect_failure(run_app("profile", {"--json", "/nowhere/x.json"}), 1, {"/nowhere/x.json"});
}

}  // namespace
}  // namespace cardiograd::apps
