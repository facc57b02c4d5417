// What several tests of this room need.
#pragma once

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/wfdb.h"

namespace cardiograd::data::testing {

// The message of the Error that `action` must throw, with a hint; every part must occur in it.
inline void expect_error(const std::function<void()>& action, std::initializer_list<std::string_view> parts) {
  try {
    action();
  } catch (const Error& error) {
    for (const auto part : parts)
      EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
          << "'" << part << "' not in '" << error.what() << "'";
    EXPECT_FALSE(error.hint().empty()) << error.what();
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    return;
  }
  ADD_FAILURE() << "expected an Error";
}

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
