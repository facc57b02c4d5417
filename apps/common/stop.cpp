#include "apps/common/stop.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "apps/common/app.h"

namespace cardiograd::apps {
namespace {

std::atomic<int> requested{0};
std::atomic<std::int64_t> requested_at{0};  // seconds of the monotonic clock
std::string& answer = *new std::string;     // written before the signals are caught; for handlers at exit, too
static_assert(std::atomic<std::int64_t>::is_always_lock_free);  // as a signal handler needs it

std::int64_t seconds_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

extern "C" void on_stop_signal(int signal) {
  requested_at.store(seconds_now());
  if (requested.exchange(signal) != 0) ::_exit(128 + signal);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, answer.data(), answer.size());
}

}  // namespace

void catch_stop_signals(const std::string& waiting_for) {
  const std::string text = fmt::format("stopping: {}; once more ends at once", waiting_for);
  if (logs_json())
    answer = nlohmann::ordered_json({{"level", "info"}, {"message", text}}).dump() + "\n";
  else
    answer = "\n" + text + "\n";
  if (is_quiet()) answer.clear();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = on_stop_signal;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
}

bool stop_requested() {
  return requested.load() != 0;
}

bool stop_overdue() {
  return stop_requested() && seconds_now() - requested_at.load() > kStopPatienceSeconds;
}

int stop_status() {
  const int signal = requested.load();
  return signal == 0 ? 0 : 128 + signal;
}

void throw_if_stopped(const std::string& what_is_saved, const std::string& how_to_go_on) {
  if (stop_requested()) throw Stopped(what_is_saved, how_to_go_on);
}

}  // namespace cardiograd::apps
