// Real recordings for tests: the folder that the environment variable CARDIOGRAD_DATA names.
#pragma once

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

namespace cardiograd::testing {

// The folder, or an empty path.
inline std::filesystem::path data_folder() {
  const char* folder = std::getenv("CARDIOGRAD_DATA");
  return folder == nullptr ? std::filesystem::path() : std::filesystem::path(folder);
}

}  // namespace cardiograd::testing

// Skips the test, saying why, unless CARDIOGRAD_DATA names a folder that holds `name`.
#define CARDIOGRAD_NEED_DATA(name)                                             \
  if (!std::filesystem::exists(::cardiograd::testing::data_folder() / (name))) \
  GTEST_SKIP() << "needs real recordings: set CARDIOGRAD_DATA to a folder that holds " << (name)
