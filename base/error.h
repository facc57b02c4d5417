// The exception of the whole project: what went wrong, and one hint what to do about it.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace cardiograd {

// Thrown for everything that a caller or a user can cause. what() names the file, line, field or shape, what was found
// and what was expected; hint() says what to do. The apps print both, a line each, and exit with status 1.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, std::string hint = "")
      : std::runtime_error(message), hint_(std::move(hint)) {}
  const std::string& hint() const noexcept { return hint_; }

 private:
  std::string hint_;
};

// Wrong use of a command line: exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace cardiograd
