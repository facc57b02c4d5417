#include "report/axes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace cardiograd::report {
namespace {

double round_step(double span, int count) {
  const double rough = span / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power * (1 + 1e-9)) return factor * power;
  return 10 * power;
}

// As many decimals as the distance of the ticks needs.
std::string tick_text(double value, const std::vector<double>& ticks) {
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
  int decimals = 0;
  for (double rest = step; decimals < 6 && std::abs(rest - std::round(rest)) > 1e-6; rest *= 10) ++decimals;
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

std::vector<double> round_ticks(Range range, int count) {
  const double step = round_step(range.high - range.low, count);
  std::vector<double> ticks;
  const double first = std::ceil(range.low / step - 1e-9);
  for (double i = first; i * step <= range.high + 1e-9 * step; ++i) ticks.push_back(i == 0 ? 0 : i * step);  // never -0
  return ticks;
}

Range round_range(const std::vector<double>& values) {
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  if (range.low > range.high) return {0, 1};
  if (range.low == range.high) return {range.low - 0.5, range.high + 0.5};
  const double step = round_step(range.high - range.low, 5);
  return {std::floor(range.low / step) * step, std::ceil(range.high / step) * step};
}

void draw_axes(Svg& svg, const Frame& frame, const std::vector<double>& x_ticks, const std::vector<double>& y_ticks,
               const AxisTexts& texts) {
  const double bottom = frame.top + frame.height;
  for (const double tick : x_ticks) {
    const double x = frame.at(tick, frame.y.low).x;
    svg.line({x, frame.top}, {x, bottom}, "grid");
    svg.text({x, bottom + 14}, tick_text(tick, x_ticks), "tick", "middle");
  }
  for (const double tick : y_ticks) {
    const double y = frame.at(frame.x.low, tick).y;
    svg.line({frame.left, y}, {frame.left + frame.width, y}, "grid");
    svg.text({frame.left - 5, y + 4}, tick_text(tick, y_ticks), "tick", "end");
  }
  svg.line({frame.left, frame.top}, {frame.left, bottom}, "axis");
  svg.line({frame.left, bottom}, {frame.left + frame.width, bottom}, "axis");
  svg.text({frame.left + frame.width / 2, bottom + 30}, texts.x, "axis-text", "middle");
  svg.text({12, frame.top + frame.height / 2}, texts.y, "axis-text", "middle", -90);
}

}  // namespace cardiograd::report
