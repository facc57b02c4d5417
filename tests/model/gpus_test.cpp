#include "model/gpus.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"

namespace cardiograd::model {
namespace {

const Gpu& gpu(const std::string& name) {
  for (const Gpu& one : known_gpus())
    if (one.name == name) return one;
  throw Error("no GPU " + name);
}

void expect_near(double found, double expected) {
  EXPECT_TRUE(std::abs(found - expected) <= 0.01 * expected) << found << ", expected " << expected;
}

// The makers' own figures of the whole GPU.
TEST(Gpus, RatesAreThoseOfTheDatasheets) {
  expect_near(gpu("rtx-3050-8gb").flop_per_s(Precision::kFp32), 9.1e12);
  expect_near(gpu("rtx-4090").flop_per_s(Precision::kFp32), 82.6e12);
  expect_near(gpu("a100-sxm-80gb").flop_per_s(Precision::kTf32), 156e12);
  expect_near(gpu("a100-sxm-80gb").flop_per_s(Precision::kBf16), 312e12);
  expect_near(gpu("h100-sxm").flop_per_s(Precision::kFp32), 66.9e12);
  expect_near(gpu("h100-sxm").flop_per_s(Precision::kBf16), 989.4e12);
  EXPECT_EQ(gpu("h100-sxm").compute_capability, 90);
  EXPECT_EQ(gpu("h100-sxm").l2_bytes_per_s, 0);  // not published
  EXPECT_NE(gpu_names().find("rtx-3050-6gb, rtx-3050-8gb"), std::string::npos);
}

TEST(Gpus, TablesThatAreNoneAreRefused) {
  const std::string rates =
      "[compute_capability.86]\nissue = {value = 4}\nfp32 = {value = 128}\nshared_bytes = {value = 128}\n";
  const std::string one = "[gpu.a]\ncompute_capability = 86\nsms = {value = 2}\nclock_mhz = {value = 1000}\n";
  const auto refused = [](const std::string& text, const std::string& reason) {
    try {
      parse_gpus(text, "file.toml");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
    }
  };
  EXPECT_EQ(parse_gpus(rates + one + "dram_gb_per_s = {value = 10}\n", "file.toml").size(), 1U);
  refused("[", "file.toml");
  refused(rates, "no table [gpu.NAME]");
  refused(rates + one, "gpu.a: dram_gb_per_s is missing");
  refused(rates + one + "dram_gb_per_s = 10\n", "dram_gb_per_s is no {value = number}");
  refused(rates + one + "dram_gb_per_s = {value = -1}\n", "expected a positive number");
  refused("[gpu.a]\ncompute_capability = 70\n", "no compute_capability.70");
}

}  // namespace
}  // namespace cardiograd::model
