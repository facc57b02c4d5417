// What several tests of this room need.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/log.h"
#include "tests/common/expect_error.h"

namespace cardiograd::data::testing {

using cardiograd::testing::expect_error;

// Collects what the library logs while it lives.
class LogCapture {
 public:
  LogCapture() {
    previous_ = set_log_callback([this](LogLevel level, std::string_view message) {
      (level == LogLevel::kWarning ? warnings : infos).emplace_back(message);
    });
  }
  ~LogCapture() { set_log_callback(previous_); }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  bool warned(std::string_view part) const { return contains(warnings, part); }
  bool informed(std::string_view part) const { return contains(infos, part); }

  std::vector<std::string> warnings;
  std::vector<std::string> infos;

 private:
  static bool contains(const std::vector<std::string>& messages, std::string_view part) {
    for (const auto& message : messages)
      if (message.find(part) != std::string::npos) return true;
    return false;
  }
  LogCallback previous_;
};

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(CARDIOGRAD_TESTS_DIR) / "data" / "golden";
}

}  // namespace cardiograd::data::testing
