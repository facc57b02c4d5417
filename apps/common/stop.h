// Ctrl-C, TERM and HUP: a program that has something to save finishes its step, saves, says how to go on and ends with
// 130, 143 or 129. A second signal ends it at once.
#pragma once

#include <stdexcept>
#include <string>

namespace cardiograd::apps {

// From here on the three signals ask to stop, instead of ending the process; `waiting_for` says at once what happens
// until it does ("this step is finished and the state saved"). A signal that whoever started the process ignores
// (nohup) stays ignored. Only for programs that ask stop_requested() from time to time.
void catch_stop_signals(const std::string& waiting_for);

// One of the signals has come.
bool stop_requested();

// It came kStopPatienceSeconds ago: what can be left undone is.
bool stop_overdue();
inline constexpr int kStopPatienceSeconds = 2;

// 128 and the number of the signal; 0 when there was none.
int stop_status();

// Thrown when the work was ended as asked; run() prints the lines and ends with stop_status().
class Stopped : public std::runtime_error {
 public:
  Stopped(const std::string& what_is_saved, std::string how_to_go_on)
      : std::runtime_error(what_is_saved), hint_(std::move(how_to_go_on)) {}
  const std::string& hint() const noexcept { return hint_; }

 private:
  std::string hint_;
};

// Throws Stopped when stop_requested().
void throw_if_stopped(const std::string& what_is_saved, const std::string& how_to_go_on);

}  // namespace cardiograd::apps
