#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/charts.h"

namespace cardiograd::report {
namespace {

constexpr double kWidth = 460;
constexpr double kHeight = 300;

std::vector<double> epoch_ticks(std::size_t epochs) {
  std::vector<double> ticks;
  const std::size_t step = std::max<std::size_t>(1, (epochs + 7) / 8);
  for (std::size_t epoch = 1; epoch <= epochs; epoch += step) ticks.push_back(static_cast<double>(epoch));
  return ticks;
}

void draw_legend(Svg& svg, const Frame& frame, const std::vector<Series>& series) {
  double x = frame.left;
  for (const Series& one : series) {
    svg.line({x, 14}, {x + 22, 14}, "curve " + one.css_class);
    svg.text({x + 28, 18}, one.name, "axis-text");
    x += 52 + 7.5 * static_cast<double>(one.name.size());
  }
}

// Gaps stay gaps: a line goes over neighboring epochs only.
void draw_series(Svg& svg, const Frame& frame, const Series& series, std::vector<Svg::ReadOut>& reads) {
  std::vector<Point> run;
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    if (!std::isfinite(series.values[i])) {
      svg.polyline(run, "curve " + series.css_class);
      run.clear();
      continue;
    }
    const Point point = frame.at(static_cast<double>(i + 1), series.values[i]);
    run.push_back(point);
    svg.circle(point, 2.5, "dot " + series.css_class);
    reads.push_back({point, fmt::format("epoch {}: {} {:.4f}", i + 1, series.name, series.values[i])});
  }
  svg.polyline(run, "curve " + series.css_class);
}

}  // namespace

Markup epoch_chart(const EpochChart& chart) {
  std::vector<double> values;
  std::size_t epochs = 1;
  for (const Series& series : chart.series) {
    values.insert(values.end(), series.values.begin(), series.values.end());
    epochs = std::max(epochs, series.values.size());
  }
  Svg svg(kWidth, kHeight, chart.text, "chart wide");
  const double last = static_cast<double>(epochs);
  const Frame frame{
      58, 32, kWidth - 72, kHeight - 76, {epochs > 1 ? 1 : 0.5, epochs > 1 ? last : 1.5}, round_range(values)};
  draw_axes(svg, frame, epoch_ticks(epochs), round_ticks(frame.y, 5), {"epoch", chart.y_label});
  if (chart.marked_epoch >= 1 && chart.marked_epoch <= static_cast<std::int64_t>(epochs)) {
    const double x = frame.at(static_cast<double>(chart.marked_epoch), frame.y.low).x;
    svg.line({x, frame.top}, {x, frame.top + frame.height}, "reference");
  }
  std::vector<Svg::ReadOut> reads;
  for (const Series& series : chart.series) draw_series(svg, frame, series, reads);
  draw_legend(svg, frame, chart.series);
  svg.read_outs(reads);
  return svg.finish();
}

}  // namespace cardiograd::report
