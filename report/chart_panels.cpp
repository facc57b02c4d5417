#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/charts.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

constexpr double kWidth = 230;
constexpr double kHeight = 246;
constexpr std::size_t kMaxPoints = 120;  // of a drawn curve; what is left out is not seen at this size
constexpr std::size_t kMaxReads = 60;

Frame unit_square() {
  return {42, 26, kWidth - 52, kWidth - 52, {0, 1}, {0, 1}};
}

void draw_heading(Svg& svg, const Heading& heading) {
  svg.text({4, 15}, heading.name, "heading");
  svg.text({kWidth - 4, 15}, heading.figure, "axis-text", "end");
}

void draw_square(Svg& svg, const Frame& frame, const Heading& heading, const AxisTexts& texts) {
  draw_heading(svg, heading);
  draw_axes(svg, frame, {0, 0.5, 1}, {0, 0.5, 1}, texts);
}

// `count` of `points` evenly spread, the first and the last among them.
template <class T>
std::vector<T> thinned(const std::vector<T>& points, std::size_t count) {
  if (points.size() <= count) return points;
  std::vector<T> few;
  for (std::size_t i = 0; i < count; ++i) few.push_back(points[i * (points.size() - 1) / (count - 1)]);
  return few;
}

// Without the points that lie on a straight line between their neighbors; where the line turns back they stay.
std::vector<Point> corners(const std::vector<Point>& points) {
  std::vector<Point> kept;
  for (const Point& p : points) {
    while (kept.size() >= 2) {
      const Point& a = kept[kept.size() - 2];
      const Point& b = kept.back();
      const Point in{b.x - a.x, b.y - a.y};
      const Point out{p.x - b.x, p.y - b.y};
      if (std::abs(in.x * out.y - in.y * out.x) > 1e-9 || in.x * out.x + in.y * out.y < 0) break;
      kept.pop_back();
    }
    kept.push_back(p);
  }
  return kept;
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string threshold_text(double threshold) {
  return std::isinf(threshold) ? "nothing predicted positive" : fmt::format("threshold {:.3f}", threshold);
}

// A curve of whole width: the drawn line is thinned, the ends stay.
void draw_curve(Svg& svg, const std::vector<Point>& points) {
  svg.polyline(thinned(corners(points), kMaxPoints), "curve s0");
}

}  // namespace

Markup roc_panel(const SvgText& text, const Heading& heading, const std::vector<evaluation::RocPoint>& curve,
                 const OperatingPoint& point) {
  Svg svg(kWidth, kHeight, text, "chart panel");
  const Frame frame = unit_square();
  draw_square(svg, frame, heading, {"false alarms (1 \u2212 specificity)", "sensitivity"});
  svg.line(frame.at(0, 0), frame.at(1, 1), "reference");
  std::vector<Point> points;
  points.reserve(curve.size());
  for (const evaluation::RocPoint& p : curve) points.push_back(frame.at(p.false_positive_rate, p.true_positive_rate));
  draw_curve(svg, points);
  const evaluation::ConfusionMatrix& n = point.counts;
  const Point at = frame.at(ratio(n.false_positives, n.false_positives + n.true_negatives),
                            ratio(n.true_positives, n.true_positives + n.false_negatives));
  svg.circle(at, 5, "operating",
             fmt::format("operating point, threshold {:.3f}: finds {}, false alarms {}", point.threshold,
                         fraction_of(n.true_positives, n.true_positives + n.false_negatives),
                         fraction_of(n.false_positives, n.false_positives + n.true_negatives)));
  std::vector<Svg::ReadOut> reads;
  for (const evaluation::RocPoint& p : thinned(curve, kMaxReads))
    reads.push_back({frame.at(p.false_positive_rate, p.true_positive_rate),
                     fmt::format("{}: sensitivity {:.2f}, false alarms {:.2f}", threshold_text(p.threshold),
                                 p.true_positive_rate, p.false_positive_rate)});
  svg.read_outs(reads);
  return svg.finish();
}

Markup precision_recall_panel(const SvgText& text, const Heading& heading,
                              const std::vector<evaluation::PrecisionRecallPoint>& curve, const OperatingPoint& point) {
  Svg svg(kWidth, kHeight, text, "chart panel");
  const Frame frame = unit_square();
  draw_square(svg, frame, heading, {"recall", "precision"});
  const double prevalence = curve.back().precision;  // everything is predicted positive
  svg.line(frame.at(0, prevalence), frame.at(1, prevalence), "reference");
  // Between two points of a precision-recall curve nothing is reached by a straight line: it is drawn as steps.
  std::vector<Point> points;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    if (i > 0) points.push_back(frame.at(curve[i - 1].recall, curve[i].precision));
    points.push_back(frame.at(curve[i].recall, curve[i].precision));
  }
  svg.polyline(thinned(corners(points), 3 * kMaxPoints), "curve s0");
  const evaluation::ConfusionMatrix& n = point.counts;
  if (n.true_positives + n.false_positives > 0)
    svg.circle(frame.at(ratio(n.true_positives, n.true_positives + n.false_negatives),
                        ratio(n.true_positives, n.true_positives + n.false_positives)),
               5, "operating",
               fmt::format("operating point, threshold {:.3f}: finds {}, positive predictions right {}",
                           point.threshold, fraction_of(n.true_positives, n.true_positives + n.false_negatives),
                           fraction_of(n.true_positives, n.true_positives + n.false_positives)));
  std::vector<Svg::ReadOut> reads;
  for (const evaluation::PrecisionRecallPoint& p : thinned(curve, kMaxReads))
    reads.push_back({frame.at(p.recall, p.precision), fmt::format("{}: recall {:.2f}, precision {:.2f}",
                                                                  threshold_text(p.threshold), p.recall, p.precision)});
  svg.read_outs(reads);
  return svg.finish();
}

Markup reliability_panel(const SvgText& text, const Heading& heading, const evaluation::Calibration& calibration) {
  Svg svg(kWidth, kHeight, text, "chart panel");
  const Frame frame = unit_square();
  draw_square(svg, frame, heading, {"predicted probability", "fraction positive"});
  svg.line(frame.at(0, 0), frame.at(1, 1), "reference");
  std::vector<Point> points;
  for (const evaluation::ReliabilityBin& bin : calibration.bins)
    if (bin.records > 0) points.push_back(frame.at(bin.mean_score, bin.positive_fraction));
  svg.polyline(points, "curve thin s0");
  for (const evaluation::ReliabilityBin& bin : calibration.bins) {
    if (bin.records == 0) continue;
    svg.line(frame.at(bin.mean_score, bin.interval.low), frame.at(bin.mean_score, bin.interval.high), "whisker");
    // The area of a dot is proportional to its records, within what can be seen and does not hide the rest.
    const double radius = 14 * std::sqrt(ratio(bin.records, calibration.records));
    svg.circle(frame.at(bin.mean_score, bin.positive_fraction), std::clamp(radius, 2.0, 11.0), "dot see-through s0",
               fmt::format("{} between {:.1f} and {:.1f}: mean {:.2f}, positive {}", counted(bin.records, "prediction"),
                           bin.low, bin.high, bin.mean_score, fraction_of(bin.positives, bin.records)));
  }
  return svg.finish();
}

Markup confusion_panel(const SvgText& text, const Heading& heading, const evaluation::ConfusionMatrix& counts) {
  constexpr double kLeft = 50;
  constexpr double kTop = 42;
  constexpr double kCell = 84;
  Svg svg(kWidth, kTop + 2 * kCell + 26, text, "chart panel");
  draw_heading(svg, heading);
  const std::int64_t table[2][2] = {{counts.true_negatives, counts.false_positives},
                                    {counts.false_negatives, counts.true_positives}};
  for (int row = 0; row < 2; ++row) {
    const std::int64_t total = table[row][0] + table[row][1];
    for (int column = 0; column < 2; ++column) {
      const double x = kLeft + column * kCell;
      const double y = kTop + row * kCell;
      const double fraction = ratio(table[row][column], total);
      // Five shades, so that the style sheet can choose readable figures for each.
      const int shade = std::min(4, static_cast<int>(fraction * 5));
      const std::string kind = row == column ? "right" : "wrong";
      svg.rect(x + 1, y + 1, kCell - 2, kCell - 2, fmt::format("cell {} shade{}", kind, shade),
               fmt::format("labeled {}, predicted {}: {}", row == 0 ? "without" : "with",
                           column == 0 ? "negative" : "positive", fraction_of(table[row][column], total)));
      svg.text({x + kCell / 2, y + kCell / 2 + 2}, grouped(table[row][column]),
               fmt::format("cell-count shade{}", shade), "middle");
      if (total > 0)
        svg.text({x + kCell / 2, y + kCell / 2 + 20}, fmt::format("{:.0f} %", 100 * fraction),
                 fmt::format("cell-fraction shade{}", shade), "middle");
    }
    svg.text({kLeft - 7, kTop + (row + 0.5) * kCell}, row == 0 ? "without" : "with", "tick", "middle", -90);
  }
  svg.text({14, kTop + kCell}, "labeled", "axis-text", "middle", -90);
  svg.text({kLeft + kCell / 2, kTop - 6}, "negative", "tick", "middle");
  svg.text({kLeft + 1.5 * kCell, kTop - 6}, "positive", "tick", "middle");
  svg.text({kLeft + kCell, kTop + 2 * kCell + 18}, "predicted by the model", "axis-text", "middle");
  return svg.finish();
}

}  // namespace cardiograd::report
