// One diagram of a figure: axes with units, curves, shaded ranges, marks and a legend. Plain colors, so that the file
// looks the same wherever it is shown. Lengths in millimeters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <Eigen/Core>

#include "report/axes.h"
#include "report/svg.h"

namespace cardiograd::docs {

// What a figure is made of, by class name of its style sheet.
inline constexpr std::string_view kInk = "ink";        // the main curve
inline constexpr std::string_view kThin = "thin";      // many curves
inline constexpr std::string_view kBlue = "blue";      // a second curve
inline constexpr std::string_view kOrange = "orange";  // what is found
inline constexpr std::string_view kGreen = "green";    // a threshold or expectation

struct PanelTexts {
  std::string title;
  std::string x;
  std::string y;  // empty: no y axis
};

class Panel {
 public:
  // Draws frame and axes. `left` and `top` are those of the plotting area; `height` without the texts around it.
  Panel(report::Svg& svg, double left, double top, double width, double height, report::Range x, report::Range y,
        const PanelTexts& texts);

  // A value per sample, sample i at `first` + i * `step` on the x axis; what lies outside the diagram, and NaN,
  // interrupts.
  void curve(const Eigen::ArrayXd& values, double first, double step, std::string_view style);
  void line(double x0, double y0, double x1, double y1, std::string_view style, bool dashed = false);
  void vertical(double x, std::string_view style, bool dashed = false);
  void shade(double from, double to, std::string_view style);
  void polygon(const std::vector<report::Point>& corners, std::string_view style);
  void mark(double x, double y, std::string_view style, bool filled = true);

  // To the left of the diagram, where there is no y axis.
  void row_label(double y, std::string_view text);

  // Adds an entry to the legend above the diagram.
  enum class Key { kCurve, kDashed, kShade, kMark, kOpenMark };
  void legend(Key key, std::string_view style, std::string_view text);

 private:
  report::Point at(double x, double y) const;

  report::Svg& svg_;
  report::Frame frame_;
  double legend_x_;
};

// The style sheet of a figure.
std::string_view figure_style();

// Writes `svg` to `path`. Throws Error when it cannot, or when the figure has more than 100 kB or a CSS variable.
void write_figure(const std::string& path, report::Svg& svg);

}  // namespace cardiograd::docs
