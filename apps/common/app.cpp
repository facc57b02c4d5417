#include "apps/common/app.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "apps/common/completion.h"
#include "apps/common/stop.h"
#include "apps/common/version.h"
#include "base/error.h"
#include "base/log.h"
#include "base/nearest_name.h"
#include "base/text.h"
#include "kernels/common/instruction_set.h"

namespace cardiograd::apps {
namespace {

// Of an error that all ranks have, one message shall stand: that of the first of them, which then ends the others.
constexpr std::chrono::milliseconds kRankZeroFirst{1000};
constexpr std::chrono::milliseconds kBetweenRanks{400};

bool quiet = false;
bool log_json = false;
bool failure_reported = false;
int rank = 0;
std::function<void(int status)> end_all_ranks;

// Never throws, where fmt::print would: standard error may be closed.
void print_error_line(const std::string& line) {
  std::fputs((line + "\n").c_str(), stderr);
}

void print_lines(const char* level, std::string_view message, std::string_view hint) {
  if (log_json) {
    nlohmann::ordered_json line = {{"level", level}, {"message", message}};
    if (!hint.empty()) line["hint"] = hint;
    return print_error_line(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  const std::string_view prefix = std::string_view(level) == "info" ? "" : level;
  print_error_line(fmt::format("{}{}{}", prefix, prefix.empty() ? "" : ": ", printable(message)));
  if (!hint.empty()) print_error_line("hint: " + printable(hint));
}

void print_log(const char* level, std::string_view message, std::string_view hint = "") {
  if (rank == 0) return print_lines(level, message, hint);
  const bool error = std::string_view(level) == "error";
  // Also before a process that was stopped ends: launchers then end the others.
  if (error || std::string_view(level) == "stopped")
    std::this_thread::sleep_for(kRankZeroFirst + std::min(rank, 16) * kBetweenRanks);
  // A launcher ends the others by a signal, once one of them has said why.
  if (error && !stop_requested()) print_lines(level, fmt::format("rank {}: {}", rank, message), hint);
}

// Why the program fails.
void report(const CLI::App& app, const std::string& message, const std::string& hint) {
  failure_reported = true;
  report_error(message, hint.empty() ? fmt::format("{} --help lists the options.", app.get_name()) : hint);
}

// What --completion asks for, thrown out of the parser as CLI11 throws what --version asks for.
struct Completion {
  std::string script;
};

// A file must not get the number of a closed standard stream: what is printed would go into it.
void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF)
      ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // Using it is the error that it was.
}

void add_common_options(CLI::App& app) {
  app.set_version_flag(
      "--version", [&] { return version_text(app.get_name()); }, "version, commit, compiler, back ends");
  app.add_flag("--quiet", quiet, "results, warnings and errors alone: no progress, no notes");
  CLI::Option* log = app.add_option_function<std::string>(
      "--log", [](const std::string& word) { log_json = word == "json"; },
      "text (default), or json: notes, warnings and errors as lines of JSON on standard error");
  log->check(CLI::IsMember({"text", "json"}));
  set_words(log, {"text", "json"});
  CLI::Option* completion = app.add_option_function<std::string>(
      "--completion", [&app](const std::string& shell) { throw Completion{completion_script(app, shell)}; },
      "print the script for completion in bash or zsh");
  completion->trigger_on_parse();  // Before options that must be there are missed.
  set_words(completion, {"bash", "zsh"});
}

// Whether all of the text is a number, "-nan" and "-inf" among them: the option that it belongs to refuses those.
bool is_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// Before the command line is parsed: a misspelled option is the mistake, not what it leaves missing.
void check_option_names(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> known = {"--help"};
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty())
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--") return;
    // "-model": options are words behind two dashes; "-1" is a number, "-" standard input, "-h" the one short option.
    const bool one_dash =
        name.size() > 2 && name[0] == '-' && std::isalpha(static_cast<unsigned char>(name[1])) != 0 && !is_number(name);
    if (!name.starts_with("--") && !one_dash) continue;
    name = name.substr(0, name.find('='));
    if (one_dash) {
      const std::string meant = nearest_name(fmt::format("-{}", name), known);
      throw UsageError(fmt::format("unknown option {}", name),
                       fmt::format("Options begin with two dashes. The nearest one is {}; {} --help lists all.", meant,
                                   app.get_name()));
    }
    if (app.get_option_no_throw(std::string(name)) != nullptr) continue;
    throw UsageError(fmt::format("unknown option {}", name), fmt::format("The nearest one is {}; {} --help lists all.",
                                                                         nearest_name(name, known), app.get_name()));
  }
}

// What is still to be written of standard output; false when it or anything before was lost.
bool standard_output_is_written() {
  errno = 0;
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  return flushed && std::ferror(stdout) == 0 && std::cout.good();
}

int run_parsed(const CLI::App& app, const std::function<void()>& body) {
  try {
    body();
    return 0;
  } catch (const UsageError& error) {
    report(app, error.what(), error.hint());
    return 2;
  } catch (const Stopped& stopped) {
    std::fflush(stdout);
    print_log("stopped", stopped.what(), stopped.hint());
    return stop_status();
  } catch (const Error& error) {
    report(app, error.what(), error.hint());
  } catch (const std::bad_alloc&) {
    report(app, "out of memory", "Use a smaller --batch-size, fewer records, or a smaller model.");
  } catch (const std::filesystem::filesystem_error& error) {
    const bool denied = error.code() == std::errc::permission_denied;
    report(app, fmt::format("{}: {}", error.path1().string(), error.code().message()),
           denied ? "Change the permissions of it or of the folders above it, or use another place."
                  : "Check that it is there and that you may use it.");
  } catch (const std::exception& error) {
    if (std::ferror(stdout) == 0) report(app, error.what(), "");  // else standard output is the trouble
  }
  return 1;
}

int parse_and_run(CLI::App& app, int argc, char** argv, const std::function<void()>& body) {
  try {
    kernels::use_avx512();  // What the environment says wrongly is said now.
    check_option_names(app, argc, argv);
    app.parse(argc, argv);
  } catch (const Completion& completion) {
    std::fputs(completion.script.c_str(), stdout);
    return 0;
  } catch (const UsageError& error) {
    report(app, error.what(), error.hint());
    return 2;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    report(app, error.what(), "");
    return 2;
  }
  return run_parsed(app, body);
}

}  // namespace

void report_error(const std::string& message, const std::string& hint) {
  std::fflush(stdout);
  print_log("error", message, hint);
}

void speak_as_rank(int own_rank, std::function<void(int status)> end_all) {
  rank = own_rank;
  end_all_ranks = std::move(end_all);
  if (rank > 0) quiet = true;
}

bool is_quiet() {
  return quiet;
}

bool logs_json() {
  return log_json;
}

int run(CLI::App& app, int argc, char** argv, const std::function<void()>& body) {
  open_standard_streams();
  set_log_callback([](LogLevel level, std::string_view message) {
    if (level == LogLevel::kInfo && quiet) return;
    print_log(level == LogLevel::kWarning ? "warning" : "info", message);
  });
  // Both are then errors of writing, like a full disk, and not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  // Installed programs are called cardiograd-train and so on.
  app.name(std::filesystem::path(argv[0]).filename().string());
  add_common_options(app);
  const int status = parse_and_run(app, argc, argv, body);
  if (status != 0 && end_all_ranks) end_all_ranks(status);
  if (standard_output_is_written() || failure_reported) return status;
  const int error = errno;
  report(app,
         fmt::format("standard output cannot be written{}{}", error == 0 ? "" : ": ",
                     error == 0 ? "" : std::generic_category().message(error)),
         "Not all of the result was printed. Write to a place with room for it, or let its reader read to the end.");
  return status == 0 ? 1 : status;
}

}  // namespace cardiograd::apps
