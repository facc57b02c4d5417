#include "apps/common/app.h"

#include <cstdio>
#include <exception>
#include <new>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"

namespace cardiograd::apps {
namespace {

void report(const char* message, const std::string& hint) {
  fmt::print(stderr, "error: {}\n", message);
  if (!hint.empty()) fmt::print(stderr, "hint: {}\n", hint);
}

}  // namespace

int run(CLI::App& app, int argc, char** argv, const std::function<void()>& body) {
  set_log_callback([](LogLevel level, std::string_view message) {
    fmt::print(stderr, "{}{}\n", level == LogLevel::kWarning ? "warning: " : "", message);
  });
  try {
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app.exit(error);  // --help
      report(error.what(), fmt::format("{} --help lists the options.", app.get_name()));
      return 2;
    }
    body();
    return 0;
  } catch (const UsageError& error) {
    report(error.what(), error.hint());
    return 2;
  } catch (const Error& error) {
    report(error.what(), error.hint());
    return 1;
  } catch (const std::bad_alloc&) {
    report("out of memory", "Use a smaller --batch-size, or fewer records.");
    return 1;
  } catch (const std::exception& error) {
    report(error.what(), "");
    return 1;
  }
}

}  // namespace cardiograd::apps
