#include "model/toml_depth.h"

#include <string>

#include <gtest/gtest.h>

#include "model/gpus.h"
#include "model/training_config.h"
#include "tests/common/expect_error.h"

namespace cardiograd::model {
namespace {

using testing::expect_error;

// "a.a.a" of as many parts.
std::string key(int parts, const std::string& part = "a") {
  std::string text = part;
  for (int i = 1; i < parts; ++i) text += "." + part;
  return text;
}

TEST(TomlDepth, DeepKeysAreNoStack) {
  for (const std::string& text :
       {key(100000) + " = 1\n", "[" + key(100000) + "]\n", "[[" + key(100000) + "]]\n",
        "x = { " + key(100000) + " = 1 }\n", key(100000, "\"a/[=.\"") + " = 1\n", key(100000, "'a b'") + " = 1\n"}) {
    expect_error([&] { parse_config("\n" + text, "deep.toml", {}); },
                 {"deep.toml:2: found a key of ", "parts, expected at most 16"});
    expect_error([&] { parse_gpus("\n" + text, "gpus.toml"); }, {"gpus.toml:2: found a key of "});
  }
  expect_error([] { refuse_deep_keys(key(17), "a"); }, {"a:1: found a key of 17 parts"});
}

TEST(TomlDepth, WhatOnlyLooksLikeOneIsTaken) {
  refuse_deep_keys(key(16), "a");
  refuse_deep_keys("rates = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7]",
                   "a");
  refuse_deep_keys("folder = \"" + key(100) + "\"", "a");
  refuse_deep_keys("folder = '../../../../../../../../../../../../../../../../../../data'", "a");
  refuse_deep_keys("# Later ....................................", "a");
  refuse_deep_keys("", "a");
}

}  // namespace
}  // namespace cardiograd::model
