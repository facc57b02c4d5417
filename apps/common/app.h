// What every program does the same way: catch errors at main and turn them into one line, a hint line and a status.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace cardiograd::apps {

// Parses the command line with `app`, then calls `body`. Returns the exit status: 0, 1 (failed: an Error, one line
// "error: ..." and one "hint: ..." on standard error) or 2 (wrong usage).
int run(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

}  // namespace cardiograd::apps
