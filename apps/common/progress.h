// A line that rewrites itself on a terminal; nothing elsewhere, where the caller prints plain lines.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace cardiograd::apps {

class ProgressLine {
 public:
  // Shows on standard error, if that is a terminal.
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  bool visible() const { return visible_; }
  // "title [=====>    ] 43 % text", at most ten times a second. fraction in 0 ... 1.
  void show(std::string_view title, double fraction, std::string_view text);
  // Removes the line.
  void clear();

 private:
  bool visible_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_;
};

// "1 h 02 min", "3 min 05 s", "12 s"
std::string duration_text(double seconds);

}  // namespace cardiograd::apps
