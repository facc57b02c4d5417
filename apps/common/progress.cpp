#include "apps/common/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/common/app.h"
#include "base/text.h"

namespace cardiograd::apps {
namespace {

constexpr int kBarWidth = 24;
constexpr std::chrono::milliseconds kBetweenUpdates{100};

}  // namespace

ProgressLine::ProgressLine() : visible_(!is_quiet() && !logs_json() && ::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  clear();
}

void ProgressLine::show(std::string_view title, double fraction, std::string_view text) {
  if (!visible_) return;
  const auto now = std::chrono::steady_clock::now();
  if (shown_ && fraction < 1 && now - last_ < kBetweenUpdates) return;
  last_ = now;
  shown_ = true;
  const int filled = static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * kBarWidth));
  fmt::print(stderr, "\r\033[K{} [{:=<{}}{: <{}}] {:3.0f} % {}", printable(title), "", filled, "", kBarWidth - filled,
             100 * fraction, printable(text));
  std::fflush(stderr);
}

void ProgressLine::clear() {
  if (shown_) fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::max(0.0, std::round(seconds)));
  if (whole >= 3600) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} s", whole);
}

}  // namespace cardiograd::apps
