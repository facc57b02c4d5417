// A recording on ECG paper, as a cardiologist reads it: 25 mm/s and 10 mm/mV on a grid of 1 and 5 mm.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apps/report/svg.h"

namespace cardiograd::apps::report {

struct EcgStrip {
  std::span<const float> samples;  // (T, leads) row-major in `unit`; NaN is a gap in the trace
  std::vector<std::string> lead_names;
  double rate = 0;   // Hz
  std::string unit;  // "mV", or anything else: then a standard deviation takes 2.5 mm
};

struct EcgDrawing {
  Markup svg;
  double width_mm = 0;
  // What the caption must say: paper speed, gain, what was left out or cut off.
  std::string scale;
};

// The twelve standard leads of at least 5 s: three rows of four leads for a quarter of the time each (one after the
// other), and lead II over the whole time below. Everything else: each lead over the whole time, one below the other.
// More than 10 s are cut there. Throws Error when the sizes do not fit.
EcgDrawing draw_ecg(const SvgText& text, const EcgStrip& strip);

}  // namespace cardiograd::apps::report
