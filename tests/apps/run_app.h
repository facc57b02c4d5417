// Runs the real programs as a user would and looks at what comes out.
#pragma once

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::testing {

struct Outcome {
  int status = -1;  // exit status; -1 when a signal ended the program
  bool timed_out = false;
  double seconds = 0;
  std::string out;
  std::string err;
};

struct RunSettings {
  std::function<void()> in_child;   // called between fork and exec
  double kill_after_s = -1;         // SIGKILL then, unless negative
  std::function<bool()> kill_when;  // SIGKILL as soon as this is true
  int signal = SIGKILL;             // instead of it
  double timeout_s = 300;
};

// In which all of the named calls fail that concern a file whose path has `path` in it, from the nth on.
inline RunSettings failing(const std::string& calls, int error, const std::string& path, int nth = 1) {
  RunSettings settings;
  settings.in_child = [=] {
    ::setenv("CARDIOGRAD_FAIL_CALLS", calls.c_str(), 1);
    ::setenv("CARDIOGRAD_FAIL_ERRNO", std::to_string(error).c_str(), 1);
    ::setenv("CARDIOGRAD_FAIL_PATH", path.c_str(), 1);
    ::setenv("CARDIOGRAD_FAIL_NTH", std::to_string(nth).c_str(), 1);
    ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    ::setenv("LD_PRELOAD", CARDIOGRAD_FAILING_CALLS, 1);
  };
  return settings;
}

inline void exec_app(const std::string& program, const std::vector<std::string>& arguments,
                     const std::filesystem::path& out, const std::filesystem::path& err, const RunSettings& settings) {
  const int out_descriptor = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_descriptor = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (::dup2(out_descriptor, STDOUT_FILENO) < 0 || ::dup2(err_descriptor, STDERR_FILENO) < 0) ::_exit(126);
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  if (settings.in_child) settings.in_child();
  ::execv(program.c_str(), argv.data());
  ::_exit(127);
}

inline Outcome run_app(const std::string& name, const std::vector<std::string>& arguments,
                       const RunSettings& settings = {}) {
  using Clock = std::chrono::steady_clock;
  const TemporaryFolder streams;
  for (const char* name : {"out", "err"})
    write_file(streams / name, "");  // A program may be killed before it has them.
  const std::string program = std::string(CARDIOGRAD_APPS_DIR) + "/" + name;
  const Clock::time_point start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  const pid_t child = ::fork();
  if (child == 0) exec_app(program, arguments, streams / "out", streams / "err", settings);
  Outcome outcome;
  const double limit = settings.kill_after_s >= 0 ? settings.kill_after_s : settings.timeout_s;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    const bool now = settings.kill_when && settings.kill_when();
    if (!now && elapsed() < limit) {
      std::this_thread::sleep_for(std::chrono::microseconds(settings.kill_when ? 20 : 500));
      continue;
    }
    outcome.timed_out = !now && settings.kill_after_s < 0;
    ::kill(child, outcome.timed_out ? SIGKILL : settings.signal);
    ::waitpid(child, &status, 0);
    break;
  }
  outcome.seconds = elapsed();
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  outcome.out = read_file(streams / "out");
  outcome.err = read_file(streams / "err");
  return outcome;
}

// The lines of `text` that begin with `prefix`.
inline std::vector<std::string> lines_with(const std::string& text, std::string_view prefix) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (std::string_view(text).substr(at).starts_with(prefix)) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

inline void expect_parts(const std::string& text, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' not in:\n" << text;
}

// Exit status `status`, one error line with all of `parts`, one hint line after it, and nothing else below them.
inline void expect_failure(const Outcome& outcome, int status, std::initializer_list<std::string_view> parts) {
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.status, status) << outcome.out << outcome.err;
  const auto errors = lines_with(outcome.err, "error: ");
  const auto hints = lines_with(outcome.err, "hint: ");
  ASSERT_EQ(errors.size(), 1U) << outcome.err;
  ASSERT_EQ(hints.size(), 1U) << outcome.err;
  EXPECT_TRUE(outcome.err.ends_with(errors[0] + "\n" + hints[0] + "\n")) << outcome.err;
  expect_parts(errors[0], parts);
}

inline void expect_success(const Outcome& outcome) {
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  EXPECT_TRUE(lines_with(outcome.err, "error: ").empty()) << outcome.err;
}

// Names of what lies in a folder, hidden files too, sorted; nothing when there is no such folder.
inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace cardiograd::testing
