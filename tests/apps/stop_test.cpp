#include "apps/common/stop.h"

#include <algorithm>
#include <csignal>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cardiograd::apps {
namespace {

// The exit status of a process that does `action`; -1 when a signal ended it.
template <class Action>
int status_of(Action action) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(action());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Stop, TheFirstSignalAsksAndTheSecondEnds) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EQ(status_of([signal] {
                catch_stop_signals("it is saved");
                if (stop_requested() || stop_status() != 0) return 1;
                std::raise(signal);
                return stop_requested() ? stop_status() : 2;
              }),
              128 + signal);
    EXPECT_EQ(status_of([signal] {
                catch_stop_signals("it is saved");
                std::raise(SIGINT);
                std::raise(signal);
                return 3;
              }),
              128 + signal);
  }
  EXPECT_EQ(status_of([] { return std::raise(SIGTERM); }), -1);
}

// What is waited for is said at once; what can be left undone is, only when it takes long.
TEST(Stop, TheAnswerComesAtOnce) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(status_of([&] {
              ::dup2(ends[1], STDERR_FILENO);
              catch_stop_signals("it is saved");
              std::raise(SIGTERM);
              return stop_requested() && !stop_overdue() ? 0 : 1;
            }),
            0);
  ::close(ends[1]);
  std::string answer(100, '\0');
  answer.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(ends[0], answer.data(), answer.size()))));
  ::close(ends[0]);
  EXPECT_EQ(answer, "\nstopping: it is saved; once more ends at once\n");
}

TEST(Stop, IgnoredSignalsStayIgnored) {
  EXPECT_EQ(status_of([] {
              std::signal(SIGHUP, SIG_IGN);
              catch_stop_signals("it is saved");
              std::raise(SIGHUP);
              return stop_requested() ? 1 : 0;
            }),
            0);
}

TEST(Stop, ThrowsOnlyWhenAsked) {
  EXPECT_EQ(status_of([] {
              catch_stop_signals("it is saved");
              throw_if_stopped("a", "b");
              std::raise(SIGTERM);
              try {
                throw_if_stopped("a", "b");
              } catch (const Stopped& stopped) {
                return stopped.what() == std::string("a") && stopped.hint() == "b" ? 0 : 2;
              }
              return 1;
            }),
            0);
}

}  // namespace
}  // namespace cardiograd::apps
