// The program profile as its users call it.
#include <algorithm>
#include <cmath>
#include <string>
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

TEST(Profile, WrongUse) {
  expect_failure(run_app("profile", {"--gpu", "rtx9000"}), 2, {"--gpu is 'rtx9000'", "rtx3050-fp32"});
  expect_failure(run_app("profile", {"--gpu", "mine:0:100"}), 2, {"mine:0:100"});
  expect_failure(run_app("profile", {"--gpu", "mine:nan:100"}), 2, {"mine:nan:100"});
  expect_failure(run_app("profile", {"--batch-size", "1"}), 2, {"--batch-size"});
  expect_failure(run_app("profile", {"--json", "/nowhere/x.json"}), 1, {"/nowhere/x.json"});
}

}  // namespace
}  // namespace cardiograd::apps
