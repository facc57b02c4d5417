#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/charts.h"

namespace cardiograd::report {
namespace {

constexpr double kWidth = 460;
constexpr double kHeight = 300;
constexpr double kLeft = 58;
constexpr double kLegendLine = 18;

std::vector<double> epoch_ticks(std::size_t epochs) {
  std::vector<double> ticks;
  const std::size_t step = std::max<std::size_t>(1, (epochs + 7) / 8);
  for (std::size_t epoch = 1; epoch <= epochs; epoch += step) ticks.push_back(static_cast<double>(epoch));
  return ticks;
}

// Where the entries of the legend begin, in as many lines as they need.
std::vector<Point> legend_places(double left, double right, const std::vector<Series>& series) {
  std::vector<Point> places;
  Point at{left, 14};
  for (const Series& one : series) {
    const double width = 52 + 7.5 * static_cast<double>(one.name.size());
    if (at.x > left && at.x + width - 20 > right) at = {left, at.y + kLegendLine};
    places.push_back(at);
    at.x += width;
  }
  return places;
}

void draw_legend(Svg& svg, const std::vector<Point>& places, const std::vector<Series>& series) {
  for (std::size_t i = 0; i < series.size(); ++i) {
    svg.line(places[i], {places[i].x + 22, places[i].y}, "curve " + series[i].css_class);
    svg.text({places[i].x + 28, places[i].y + 4}, series[i].name, "axis-text");
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
  const std::vector<Point> legend = legend_places(kLeft, kWidth - 6, chart.series);
  const double more = legend.empty() ? 0 : legend.back().y - legend.front().y;
  Svg svg(kWidth, kHeight + more, chart.text, "chart wide");
  const double last = static_cast<double>(epochs);
  const Frame frame{kLeft,
                    32 + more,
                    kWidth - 72,
                    kHeight - 76,
                    {epochs > 1 ? 1 : 0.5, epochs > 1 ? last : 1.5},
                    round_range(values)};
  draw_axes(svg, frame, epoch_ticks(epochs), round_ticks(frame.y, 5), {"epoch", chart.y_label});
  if (chart.marked_epoch >= 1 && chart.marked_epoch <= static_cast<std::int64_t>(epochs)) {
    const double x = frame.at(static_cast<double>(chart.marked_epoch), frame.y.low).x;
    svg.line({x, frame.top}, {x, frame.top + frame.height}, "reference");
  }
  std::vector<Svg::ReadOut> reads;
  for (const Series& series : chart.series) draw_series(svg, frame, series, reads);
  draw_legend(svg, legend, chart.series);
  svg.read_outs(reads);
  return svg.finish();
}

}  // namespace cardiograd::report
