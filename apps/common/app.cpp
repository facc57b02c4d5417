#include "apps/common/app.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/common/version.h"
#include "base/error.h"
#include "base/log.h"

namespace cardiograd::apps {
namespace {

// One line, whatever a file name or a library's message contains.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

void report(const CLI::App& app, const std::string& message, const std::string& hint) {
  report_error(message, hint.empty() ? fmt::format("{} --help lists the options.", app.get_name()) : hint);
}

}  // namespace

void report_error(const std::string& message, const std::string& hint) {
  fmt::print(stderr, "error: {}\n", one_line(message));
  fmt::print(stderr, "hint: {}\n", one_line(hint));
}

int run(CLI::App& app, int argc, char** argv, const std::function<void()>& body) {
  set_log_callback([](LogLevel level, std::string_view message) {
    fmt::print(stderr, "{}{}\n", level == LogLevel::kWarning ? "warning: " : "", message);
  });
  // A limit of file sizes is then an error of writing, like a full disk, and not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  // Installed programs are called cardiograd-train and so on.
  app.name(std::filesystem::path(argv[0]).filename().string());
  app.set_version_flag(
      "--version", [&] { return version_text(app.get_name()); }, "version, commit, compiler, back ends");
  try {
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
      report(app, error.what(), "");
      return 2;
    }
    body();
    return 0;
  } catch (const UsageError& error) {
    report(app, error.what(), error.hint());
    return 2;
  } catch (const Error& error) {
    report(app, error.what(), error.hint());
    return 1;
  } catch (const std::bad_alloc&) {
    report(app, "out of memory", "Use a smaller --batch-size, fewer records, or a smaller model.");
    return 1;
  } catch (const std::exception& error) {
    report(app, error.what(), "");
    return 1;
  }
}

}  // namespace cardiograd::apps
