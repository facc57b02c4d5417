#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "report/charts.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

constexpr double kSize = 520;
constexpr Point kCenter{kSize / 2, kSize / 2};
constexpr double kInner = 72;
constexpr double kMiddle = 158;
constexpr double kOuter = 244;
constexpr double kSmallestNamed = 0.012;  // of a turn: a smaller sector has no room for its name
constexpr std::size_t kColours = 8;

double fraction(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

// Along the radius, readable from the right or the left.
void name_sector(Svg& svg, double radius, double middle, const std::string& name) {
  const bool right = middle < 0.5;
  const double degrees = 360 * middle - (right ? 90 : 270);
  const double angle = (360 * middle - 90) * std::numbers::pi / 180;
  // The text's middle line, not its baseline, goes through the sector's middle.
  const double down = degrees * std::numbers::pi / 180;
  const Point at{kCenter.x + radius * std::cos(angle) - 4 * std::sin(down),
                 kCenter.y + radius * std::sin(angle) + 4 * std::cos(down)};
  svg.text(at, name, "sector-name", "middle", degrees);
}

}  // namespace

Markup sunburst(const SvgText& text, const data::ClassDistribution& classes) {
  Svg svg(kSize, kSize, text, "chart sunburst");
  std::int64_t total = 0;
  for (const auto& super : classes.superclasses)
    for (const auto& sub : super.subclasses) total += sub.records;
  double begin = 0;
  for (std::size_t i = 0; total > 0 && i < classes.superclasses.size(); ++i) {
    const data::SuperclassCount& super = classes.superclasses[i];
    double end = begin;
    for (std::size_t j = 0; j < super.subclasses.size(); ++j) {
      const data::SubclassCount& sub = super.subclasses[j];
      if (sub.records == 0) continue;
      const double next = end + fraction(sub.records, total);
      svg.sector(kCenter, kMiddle + 2, kOuter, end, next,
                 fmt::format("sector c{} {}", i % kColours, j % 2 == 0 ? "outer-even" : "outer-odd"),
                 fmt::format("{} (subclass of {}): {} of {}", sub.name, super.name, counted(sub.records, "record"),
                             grouped(classes.records)));
      if (next - end >= kSmallestNamed) name_sector(svg, (kMiddle + kOuter) / 2, (end + next) / 2, sub.name);
      end = next;
    }
    if (end == begin) continue;
    svg.sector(kCenter, kInner, kMiddle, begin, end, fmt::format("sector c{}", i % kColours),
               fmt::format("{}: {} of {}", super.name, counted(super.records, "record"), grouped(classes.records)));
    if (end - begin >= kSmallestNamed) name_sector(svg, (kInner + kMiddle) / 2, (begin + end) / 2, super.name);
    begin = end;
  }
  svg.text({kCenter.x, kCenter.y - 2}, grouped(classes.records), "sector-total", "middle");
  svg.text({kCenter.x, kCenter.y + 18}, "records", "axis-text", "middle");
  return svg.finish();
}

}  // namespace cardiograd::report
