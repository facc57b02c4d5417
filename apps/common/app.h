// What every program does the same way: catch errors at main and turn them into one line, a hint line and a status.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace cardiograd::apps {

// Adds --version to `app` (version.h), parses the command line with it, then calls `body`. Returns the exit status: 0,
// 1 (failed: an Error, one line "error: ..." and one "hint: ..." on standard error) or 2 (wrong usage).
int run(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

// The two lines "error: ..." and "hint: ..." on standard error.
void report_error(const std::string& message, const std::string& hint);

}  // namespace cardiograd::apps
