// The frame of a chart: from values to places in the drawing, ticks and their labels.
#pragma once

#include <string>
#include <vector>

#include "report/svg.h"

namespace cardiograd::report {

struct Range {
  double low = 0;
  double high = 1;
};

// About `count` round numbers (1, 2 or 5 times a power of ten apart) inside the range.
std::vector<double> round_ticks(Range range, int count);

// The smallest range with round ends that holds all finite `values`; 0 to 1 when there are none.
Range round_range(const std::vector<double>& values);

// The rectangle of a chart, in the drawing's units from its top left corner, and the values at its edges.
struct Frame {
  double left = 0;
  double top = 0;
  double width = 0;
  double height = 0;
  Range x;
  Range y;

  // Where a value stands in the drawing; y grows upwards.
  Point at(double x_value, double y_value) const {
    return {left + (x_value - x.low) / (x.high - x.low) * width, top + (y.high - y_value) / (y.high - y.low) * height};
  }
};

// What the axes show: quantity and unit.
struct AxisTexts {
  std::string x;
  std::string y;
};

// Grid, tick labels below and to the left, and what the axes show.
void draw_axes(Svg& svg, const Frame& frame, const std::vector<double>& x_ticks, const std::vector<double>& y_ticks,
               const AxisTexts& texts);

}  // namespace cardiograd::report
