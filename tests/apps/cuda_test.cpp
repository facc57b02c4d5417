// train and evaluate on the GPU as a user runs them.
#include "engine/cuda.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/device.h"
#include "tests/apps/small_run.h"

namespace cardiograd::testing {
namespace {

using nlohmann::json;

class CudaApps : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda_available()) GTEST_SKIP() << cuda::problem()->message;
  }
};

// The columns of log.csv: epoch, train_loss, val_loss, ...
std::vector<std::vector<double>> read_log(const std::filesystem::path& path) {
  std::vector<std::vector<double>> rows;
  const std::vector<std::string> lines = lines_with(read_file(path), "");
  for (std::size_t i = 1; i < lines.size(); ++i) {
    rows.emplace_back();
    for (std::size_t at = 0; at < lines[i].size();) {
      const std::size_t end = std::min(lines[i].find(',', at), lines[i].size());
      rows.back().push_back(std::stod(lines[i].substr(at, end - at)));
      at = end + 1;
    }
  }
  return rows;
}

RunSettings with_memory(const char* mebibytes) {
  RunSettings settings;
  settings.in_child = [mebibytes] { ::setenv("CARDIOGRAD_DEVICE_MEMORY", mebibytes, 1); };
  return settings;
}

TEST_F(CudaApps, TrainAndEvaluateOnEitherDevice) {
  const SmallRun run;
  const auto folder_of = [&](const std::string& name) { return run.folder() / name; };
  for (const std::string device : {"cpu", "cuda"}) {
    const Outcome trained =
        run_app("train", run.with({"--out", folder_of(device), "--device", device, "--epochs", "2"}));
    expect_success(trained);
    expect_parts(trained.out, {"device " + describe_device(parse_device(device))});
  }
  const auto cpu = read_log(folder_of("cpu") / "log.csv");
  const auto cuda = read_log(folder_of("cuda") / "log.csv");
  ASSERT_EQ(cpu.size(), 2U);
  ASSERT_EQ(cuda.size(), 2U);
  for (std::size_t epoch = 0; epoch < 2; ++epoch)
    for (const std::size_t column : {1, 2}) EXPECT_NEAR(cuda[epoch][column], cpu[epoch][column], 1e-4);

  for (const std::string trained_on : {"cpu", "cuda"}) {
    const std::string model = folder_of(trained_on) / "last.safetensors";
    std::vector<json> results;
    for (const std::string device : {"cpu", "cuda"}) {
      const auto file = run.folder() / "result.json";
      const Outcome judged = run_app("evaluate", run.judge({"--model", model, "--device", device, "--fold", "1", "2",
                                                            "3", "--json", file, "--force"}));
      expect_success(judged);
      expect_parts(judged.err, {"device " + std::string(device)});
      results.push_back(json::parse(read_file(file)));
    }
    EXPECT_EQ(results[0].at("macro").at("auc"), results[1].at("macro").at("auc")) << trained_on;
  }

  // A run begun on one device goes on on the other.
  expect_success(run_app("train", {"--resume", "--out", folder_of("cuda"), "--device", "cpu", "--no-cache"}));
}

TEST_F(CudaApps, TheSameSeedGivesTheSameBytes) {
  const SmallRun run;
  std::vector<std::string> models;
  for (const char* threads : {"1", "2"}) {
    const auto out = run.folder() / threads;
    expect_success(
        run_app("train", run.with({"--out", out, "--device", "cuda", "--epochs", "1", "--threads", threads})));
    models.push_back(read_file(out / "last.safetensors"));
  }
  EXPECT_TRUE(models[0] == models[1]);
}

TEST_F(CudaApps, GraphsAndKernelByKernelGiveTheSameBytes) {
  const SmallRun run;
  std::vector<std::string> models;
  for (const std::string graph : {"on", "off"}) {
    const auto out = run.folder() / graph;
    expect_success(run_app("train", run.with({"--out", out, "--device", "cuda", "--epochs", "3", "--graph", graph})));
    models.push_back(read_file(out / "last.safetensors"));
  }
  EXPECT_TRUE(models[0] == models[1]);
  expect_failure(run_app("train", run.with({"--device", "cpu", "--graph", "on", "--out", run.folder() / "c"})), 2,
                 {"--graph on: the CPU has no graphs"});
}

TEST_F(CudaApps, CheckComparesTheDevices) {
  const SmallRun run;
  const Outcome agreed = run_app("train", run.with({"--device", "check", "--epochs", "1"}));
  expect_success(agreed);
  expect_parts(agreed.out, {"kernel on both devices", "conv1d_backward_weight", "attention_forward", "adam_forward",
                            "gather_batch_forward", "worst tensor"});
  for (const std::string precision : {"tf32", "bf16"})
    expect_success(run_app("train", run.with({"--device", "check", "--epochs", "1", "--precision", precision, "--out",
                                              run.folder() / precision})));
  const Outcome strict = run_app(
      "train", run.with({"--device", "check", "--epochs", "1", "--check-tolerance", "0", "--out", run.folder() / "b"}));
  expect_failure(strict, 1, {"the devices differ: ", " in "});
  expect_failure(run_app("train", run.with({"--device", "check", "--graph", "on", "--out", run.folder() / "c"})), 2,
                 {"kernel by kernel"});
}

TEST_F(CudaApps, TheBatchSizeCanBeWhatTheMemoryAdmits) {
  const SmallRun run;
  const std::vector<std::string> arguments = {"--device", "cuda", "--epochs", "1", "--batch-size", "auto"};
  const Outcome outcome = run_app("train", run.with(arguments), with_memory("98"));
  expect_success(outcome);
  expect_parts(outcome.err, {"the largest whose step fits into "});
  expect_parts(read_file(run.out() / "config.toml"), {"batch_size = "});
  expect_success(run_app("train", {"--resume", "--out", run.out(), "--no-cache", "--epochs", "2", "--allow-changes"}));
  expect_failure(run_app("train", run.with({"--batch-size", "auto", "--device", "cpu", "--out", run.folder() / "c"})),
                 2, {"--batch-size auto on the CPU"});
  expect_failure(run_app("train", run.with({"--batch-size", "many", "--out", run.folder() / "d"})), 2,
                 {"--batch-size is 'many'"});
}

TEST_F(CudaApps, TooLittleMemoryIsOneErrorWithABatchSize) {
  const SmallRun run;
  const std::vector<std::string> large = {"--device", "cuda", "--epochs", "1", "--batch-size", "24"};
  const Outcome outcome = run_app("train", run.with(large), with_memory("2"));
  expect_failure(outcome, 1,
                 {"out of memory: ", " asked for, ", " in use on the ", "limited to 2.1 MB", "batch size 24"});
  const std::string hint = lines_with(outcome.err, "hint: A --batch-size of ").at(0);
  const std::string fitting = hint.substr(24, hint.find(' ', 24) - 24);
  std::vector<std::string> smaller = large;
  smaller.back() = fitting;
  const auto out = run.folder() / "smaller";
  smaller.insert(smaller.end(), {"--out", out});
  expect_success(run_app("train", run.with(smaller), with_memory("2")));
  expect_failure(run_app("train", run.with({"--device", "cuda", "--out", run.folder() / "b"}), with_memory("much")), 2,
                 {"CARDIOGRAD_DEVICE_MEMORY is 'much'"});
}

}  // namespace
}  // namespace cardiograd::testing
