#include "docs/figures/panel.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"

namespace cardiograd::docs {
namespace {

constexpr double kLetter = 1.55;  // mm, width of a letter of the legend
constexpr std::size_t kMaxBytes = 100'000;

std::string tick_text(double value) {
  const std::string text = fmt::format("{:.6g}", std::abs(value) < 1e-9 ? 0.0 : value);
  return text;
}

std::string classes(std::string_view kind, std::string_view style, bool dashed = false) {
  return fmt::format("{} {}{}", kind, style, dashed ? " dashed" : "");
}

// Without the points that lie within kTolerance of the line between their neighbors (Douglas and Peucker, 1973).
void simplify(const std::vector<report::Point>& points, std::size_t first, std::size_t last,
              std::vector<report::Point>& kept) {
  constexpr double kTolerance = 0.02;  // mm
  const report::Point a = points[first], b = points[last];
  const double length = std::max(std::hypot(b.x - a.x, b.y - a.y), 1e-9);
  double farthest = kTolerance;
  std::size_t split = first;
  for (std::size_t i = first + 1; i < last; ++i) {
    const double distance = std::abs((b.x - a.x) * (points[i].y - a.y) - (b.y - a.y) * (points[i].x - a.x)) / length;
    if (distance > farthest) {
      farthest = distance;
      split = i;
    }
  }
  if (split == first) {
    kept.push_back(b);
    return;
  }
  simplify(points, first, split, kept);
  simplify(points, split, last, kept);
}

}  // namespace

Panel::Panel(report::Svg& svg, double left, double top, double width, double height, report::Range x, report::Range y,
             const PanelTexts& texts)
    : svg_(svg), frame_{left, top, width, height, x, y}, legend_x_(left) {
  for (const double tick : report::round_ticks(x, std::max(2, static_cast<int>(width / 15)))) {
    svg_.line(at(tick, y.low), at(tick, y.high), "grid");
    svg_.text({at(tick, y.low).x, top + height + 4}, tick_text(tick), "tick", "middle");
  }
  for (const double tick : report::round_ticks(y, std::max(2, static_cast<int>(height / 9)))) {
    if (texts.y.empty()) break;
    svg_.line(at(x.low, tick), at(x.high, tick), "grid");
    svg_.text({left - 1.5, at(x.low, tick).y + 1}, tick_text(tick), "tick", "end");
  }
  svg_.rect(left, top, width, height, "frame");
  svg_.text({left, top - 5.5}, texts.title, "title");
  svg_.text({left + width / 2, top + height + 8.5}, texts.x, "label", "middle");
  svg_.text({left - 11.5, top + height / 2}, texts.y, "label", "middle", -90);
}

report::Point Panel::at(double x, double y) const {
  return frame_.at(std::clamp(x, frame_.x.low, frame_.x.high), std::clamp(y, frame_.y.low, frame_.y.high));
}

void Panel::curve(const Eigen::ArrayXd& values, double first, double step, std::string_view style) {
  std::vector<report::Point> points;
  const auto flush = [&] {
    if (points.empty()) return;
    std::vector<report::Point> kept = {points.front()};
    simplify(points, 0, points.size() - 1, kept);
    svg_.polyline(kept, classes("curve", style));
    points.clear();
  };
  for (Eigen::Index i = 0; i < values.size(); ++i) {
    const double x = first + static_cast<double>(i) * step;
    const bool inside =
        x >= frame_.x.low && x <= frame_.x.high && values[i] >= frame_.y.low && values[i] <= frame_.y.high;
    if (inside) {
      points.push_back(at(x, values[i]));
    } else {
      flush();
    }
  }
  flush();
}

void Panel::line(double x0, double y0, double x1, double y1, std::string_view style, bool dashed) {
  svg_.line(at(x0, y0), at(x1, y1), classes("curve", style, dashed));
}

void Panel::vertical(double x, std::string_view style, bool dashed) {
  if (x < frame_.x.low || x > frame_.x.high) return;
  line(x, frame_.y.low, x, frame_.y.high, style, dashed);
}

void Panel::shade(double from, double to, std::string_view style) {
  const report::Point corner = at(from, frame_.y.high), other = at(to, frame_.y.low);
  svg_.rect(corner.x, corner.y, other.x - corner.x, other.y - corner.y, classes("shade", style));
}

void Panel::polygon(const std::vector<report::Point>& corners, std::string_view style) {
  std::vector<report::Point> points;
  for (const report::Point& corner : corners) points.push_back(at(corner.x, corner.y));
  svg_.polygon(points, classes("shade", style));
}

void Panel::mark(double x, double y, std::string_view style, bool filled) {
  if (x < frame_.x.low || x > frame_.x.high) return;
  svg_.circle(at(x, y), 1.0, classes(filled ? "mark" : "open", style));
}

void Panel::row_label(double y, std::string_view text) {
  svg_.text({frame_.left - 2, at(frame_.x.low, y).y + 1}, text, "note", "end");
}

void Panel::legend(Key key, std::string_view style, std::string_view text) {
  const double y = frame_.top - 2;
  if (key == Key::kShade) svg_.rect(legend_x_, y - 2, 5, 2.4, classes("shade", style));
  if (key == Key::kCurve || key == Key::kDashed) {
    svg_.line({legend_x_, y - 0.9}, {legend_x_ + 5, y - 0.9}, classes("curve", style, key == Key::kDashed));
  }
  if (key == Key::kMark || key == Key::kOpenMark) {
    svg_.circle({legend_x_ + 2.5, y - 0.9}, 1.0, classes(key == Key::kMark ? "mark" : "open", style));
  }
  svg_.text({legend_x_ + 6, y}, text, "note");
  legend_x_ += 9.5 + kLetter * static_cast<double>(text.size());
}

std::string_view figure_style() {
  return R"css(
svg { background: #ffffff; font-family: "DejaVu Sans", Arial, sans-serif; }
.page { fill: #ffffff; stroke: none; }
.frame { fill: none; stroke: #555555; stroke-width: .25; }
.grid { stroke: #e3e3e3; stroke-width: .18; fill: none; }
.title { font-size: 3.5px; font-weight: bold; fill: #16181b; }
.tick { font-size: 2.7px; fill: #444444; }
.label { font-size: 3px; fill: #16181b; }
.note { font-size: 2.8px; fill: #16181b; }
.curve { fill: none; stroke-width: .4; stroke-linejoin: round; }
.curve.dashed { stroke-dasharray: 1.6 1; }
.ink { stroke: #16181b; } .thin { stroke: #9aa3ad; } .blue { stroke: #0072b2; }
.orange { stroke: #d55e00; } .green { stroke: #00805f; }
.curve.thin { stroke-width: .22; }
.shade { stroke: none; fill-opacity: .16; }
.shade.ink { fill: #16181b; } .shade.thin { fill: #9aa3ad; } .shade.blue { fill: #0072b2; }
.shade.orange { fill: #d55e00; } .shade.green { fill: #00805f; }
.mark { stroke: none; } .open { fill: #ffffff; stroke-width: .35; }
.mark.ink { fill: #16181b; } .mark.thin { fill: #9aa3ad; } .mark.blue { fill: #0072b2; }
.mark.orange { fill: #d55e00; } .mark.green { fill: #00805f; }
)css";
}

void write_figure(const std::string& path, report::Svg& svg) {
  const std::string text = svg.finish().str() + "\n";
  if (text.size() > kMaxBytes || text.find("var(") != std::string::npos) {
    throw Error(fmt::format("figure '{}' has {} bytes, or a CSS variable", path, text.size()),
                fmt::format("Draw fewer points; {} bytes are allowed.", kMaxBytes));
  }
  write_file(path, text);
}

}  // namespace cardiograd::docs
