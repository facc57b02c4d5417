#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/charts.h"

namespace cardiograd::report {
namespace {

constexpr double kWidth = 250;
constexpr double kHeight = 20;
constexpr double kMargin = 26;

double place(double value, Range range) {
  const double fraction = (std::clamp(value, range.low, range.high) - range.low) / (range.high - range.low);
  return kMargin + fraction * (kWidth - 2 * kMargin);
}

// The numbers stand in the same row of the table, so nothing is read out.
Markup open_bar(double height) {
  Markup markup;
  markup.open("svg", {{"class", "bar"},
                      {"viewBox", fmt::format("0 0 {} {}", compact(kWidth), compact(height))},
                      {"aria-hidden", "true"}});
  return markup;
}

void line(Markup& markup, Point from, Point to, std::string_view css_class) {
  markup.empty("path", {{"class", css_class}, {"d", path_of({from, to})}});
}

}  // namespace

Markup interval_bar(const IntervalBar& bar, Range range, double reference) {
  Markup markup = open_bar(kHeight);
  const double middle = kHeight / 2;
  line(markup, {kMargin, middle}, {kWidth - kMargin, middle}, "grid");
  if (reference >= range.low && reference <= range.high)
    line(markup, {place(reference, range), 0}, {place(reference, range), kHeight}, "reference");
  if (std::isfinite(bar.value)) {
    if (std::isfinite(bar.low) && std::isfinite(bar.high))
      line(markup, {place(bar.low, range), middle}, {place(bar.high, range), middle}, "whisker");
    markup.empty("circle", {{"class", "dot s0"}, {"cx", place(bar.value, range)}, {"cy", middle}, {"r", 4.5}});
  }
  return markup.close("svg");
}

Markup interval_axis(Range range) {
  Markup markup = open_bar(16);
  for (const double tick : round_ticks(range, 5))
    markup.element("text", {{"class", "tick"}, {"x", place(tick, range)}, {"y", 12}, {"text-anchor", "middle"}},
                   fmt::format("{:g}", std::abs(tick) < 1e-12 ? 0.0 : tick));
  return markup.close("svg");
}

}  // namespace cardiograd::report
