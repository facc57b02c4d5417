// What tests of errors need.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/error.h"

namespace cardiograd::testing {

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

// The message of the Error that `action` throws; "no error" where it throws none.
inline std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace cardiograd::testing
