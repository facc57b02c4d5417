#include "report/svg.h"

#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>

namespace cardiograd::report {
namespace {

Point on_circle(Point center, double radius, double turns) {
  const double angle = 2 * std::numbers::pi * turns;
  return {center.x + radius * std::sin(angle), center.y - radius * std::cos(angle)};
}

std::string pair(Point point) {
  return compact(point.x) + " " + compact(point.y);
}

}  // namespace

std::string path_of(const std::vector<Point>& points) {
  std::string path;
  for (std::size_t i = 0; i < points.size(); ++i) path += (i == 0 ? "M" : "L") + pair(points[i]);
  return path;
}

Svg::Svg(double width, double height, const SvgText& text, std::string_view css_class,
         std::optional<std::string_view> style) {
  const bool alone = style.has_value();
  markup_.open("svg", {{"xmlns", alone ? "http://www.w3.org/2000/svg" : ""},
                       {"width", alone ? compact(width) + "mm" : ""},
                       {"height", alone ? compact(height) + "mm" : ""},
                       {"class", css_class},
                       {"viewBox", fmt::format("0 0 {} {}", compact(width), compact(height))},
                       {"id", text.id},
                       {"role", "img"},
                       {"aria-labelledby", fmt::format("{0}-title {0}-desc", text.id)}});
  markup_.element("title", {{"id", text.id + "-title"}}, text.title);
  markup_.element("desc", {{"id", text.id + "-desc"}}, text.description);
  if (alone && !style->empty()) markup_.open("style").verbatim(*style).close("style");
}

void Svg::line(Point from, Point to, std::string_view css_class) {
  markup_.empty("path", {{"class", css_class}, {"d", path_of({from, to})}});
}

void Svg::rect(double x, double y, double width, double height, std::string_view css_class, std::string_view tip) {
  markup_.empty("rect",
                {{"class", css_class}, {"x", x}, {"y", y}, {"width", width}, {"height", height}, {"data-tip", tip}});
}

void Svg::circle(Point center, double radius, std::string_view css_class, std::string_view tip) {
  markup_.empty("circle", {{"class", css_class}, {"cx", center.x}, {"cy", center.y}, {"r", radius}, {"data-tip", tip}});
}

void Svg::polyline(const std::vector<Point>& points, std::string_view css_class) {
  if (points.size() > 1) markup_.empty("path", {{"class", css_class}, {"d", path_of(points)}});
}

void Svg::polygon(const std::vector<Point>& points, std::string_view css_class) {
  if (points.size() > 2) markup_.empty("path", {{"class", css_class}, {"d", path_of(points) + "Z"}});
}

void Svg::sector(Point center, double inner, double outer, double from, double to, std::string_view css_class,
                 std::string_view tip) {
  // An arc of a whole turn has its end on its beginning and would vanish.
  if (to - from > 0.999) to = from + 0.999;
  const int large = to - from > 0.5 ? 1 : 0;
  const std::string path =
      fmt::format("M{}A{} {} 0 {} 1 {}L{}A{} {} 0 {} 0 {}Z", pair(on_circle(center, outer, from)), compact(outer),
                  compact(outer), large, pair(on_circle(center, outer, to)), pair(on_circle(center, inner, to)),
                  compact(inner), compact(inner), large, pair(on_circle(center, inner, from)));
  markup_.empty("path", {{"class", css_class}, {"d", path}, {"data-tip", tip}});
}

void Svg::text(Point at, std::string_view content, std::string_view css_class, std::string_view anchor,
               double degrees) {
  const std::string turn =
      degrees == 0 ? "" : fmt::format("rotate({} {} {})", compact(degrees), compact(at.x), compact(at.y));
  markup_.element("text",
                  {{"class", css_class},
                   {"x", at.x},
                   {"y", at.y},
                   {"text-anchor", anchor == "start" ? "" : anchor},
                   {"transform", turn}},
                  content);
}

void Svg::read_outs(const std::vector<ReadOut>& points) {
  std::string data;
  for (const ReadOut& point : points) {
    if (!data.empty()) data += ';';
    data += pair(point.at) + " " + point.text;
  }
  markup_.empty("circle", {{"class", "reader"}, {"r", 4}, {"data-read", data}});
}

Markup Svg::finish() {
  markup_.close("svg");
  return std::move(markup_);
}

}  // namespace cardiograd::report
