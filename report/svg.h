// A small writer of SVG drawings. Looks come from a style sheet by class name, so that one drawing serves light, dark
// and print. y grows downwards; units are the view box's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/markup.h"

namespace cardiograd::report {

struct Point {
  double x = 0;
  double y = 0;
};

// What the drawing is, for who cannot see it.
struct SvgText {
  std::string id;  // unique in the page
  std::string title;
  std::string description;
};

class Svg {
 public:
  // With a `style` of its own, which may be empty, the drawing can stand alone as a file, a unit of the view box being
  // a millimeter.
  Svg(double width, double height, const SvgText& text, std::string_view css_class,
      std::optional<std::string_view> style = std::nullopt);

  // `tip` is shown while the pointer is over the shape; empty for none.
  void line(Point from, Point to, std::string_view css_class);
  void rect(double x, double y, double width, double height, std::string_view css_class, std::string_view tip = "");
  void circle(Point center, double radius, std::string_view css_class, std::string_view tip = "");
  void polyline(const std::vector<Point>& points, std::string_view css_class);
  void polygon(const std::vector<Point>& points, std::string_view css_class);
  // A piece of a ring, angles in turns clockwise from 12 o'clock.
  void sector(Point center, double inner, double outer, double from, double to, std::string_view css_class,
              std::string_view tip = "");
  // anchor: start, middle or end. `degrees` turns it about its place.
  void text(Point at, std::string_view content, std::string_view css_class, std::string_view anchor = "start",
            double degrees = 0);

  // Points that can be read off with the pointer or the arrow keys, each with its text.
  struct ReadOut {
    Point at;
    std::string text;
  };
  void read_outs(const std::vector<ReadOut>& points);

  // For shapes of another kind.
  Markup& markup() { return markup_; }
  // Closes the drawing.
  Markup finish();

 private:
  Markup markup_;
};

// "M0 0L1 1..." through the points; empty for none.
std::string path_of(const std::vector<Point>& points);

}  // namespace cardiograd::report
