#include "apps/common/stop.h"

#include <atomic>
#include <csignal>
#include <string_view>

#include <unistd.h>

#include "apps/common/app.h"

namespace cardiograd::apps {
namespace {

std::atomic<int> requested{0};
std::atomic<bool> says_so{true};
static_assert(std::atomic<int>::is_always_lock_free);  // as a signal handler needs it

extern "C" void on_stop_signal(int signal) {
  if (requested.exchange(signal) != 0) ::_exit(128 + signal);
  if (!says_so) return;
  constexpr std::string_view kText = "\nstopping: what is done is saved; once more ends at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText.data(), kText.size());
}

}  // namespace

void catch_stop_signals() {
  says_so = !is_quiet() && !logs_json();
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

int stop_status() {
  const int signal = requested.load();
  return signal == 0 ? 0 : 128 + signal;
}

void throw_if_stopped(const std::string& what_is_saved, const std::string& how_to_go_on) {
  if (stop_requested()) throw Stopped(what_is_saved, how_to_go_on);
}

}  // namespace cardiograd::apps
