// What every program does the same way: options that all have, messages, and errors turned into one line, a hint line
// and a status.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace cardiograd::apps {

// Adds --version (version.h), --quiet, --log and --completion (completion.h) to `app`, parses the command line with it,
// then calls `body`. Returns the exit status:
//   0    done
//   1    failed: an Error, one line "error: ..." and one "hint: ..." on standard error; also when standard output
//        cannot be written
//   2    wrong usage; an unknown option is named with the nearest one that there is
//   128 + n  stopped by signal n, after saving (stop.h)
int run(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

// The two lines "error: ..." and "hint: ..." on standard error, after all that was printed on standard output.
void report_error(const std::string& message, const std::string& hint);

// From here on this process is `rank` of several that do one thing together (docs/scaling.md). Only rank 0 says what
// all would say; an error of another one is printed, with its rank, when rank 0 has not ended all for its own within a
// second. `end_all` is called with the status of a process that fails, after it has said why.
void speak_as_rank(int rank, std::function<void(int status)> end_all);

// --quiet: results, warnings and errors alone.
bool is_quiet();

// --log json
bool logs_json();

}  // namespace cardiograd::apps
