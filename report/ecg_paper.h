// A recording on ECG paper, as a cardiologist reads it: 25 mm/s and 10 mm/mV on a grid of 1 and 5 mm.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/svg.h"

namespace cardiograd::report {

enum class EcgWaveKind { p, qrs, t };

// A wave of one lead, drawn as a colored stretch with a line where it begins and where it ends.
struct EcgWave {
  std::size_t lead = 0;
  EcgWaveKind kind = EcgWaveKind::p;
  double onset_s = 0;  // from the strip's first sample
  double offset_s = 0;
};

// A value for each lead in columns of equal time, drawn as color behind the traces: one color for what is above 0, one
// for what is below, in four strengths.
struct EcgHeat {
  double column_s = 0;                 // width of a column
  std::vector<double> values = {};     // (columns, leads), -1 to 1; empty: no heat
  std::string above = {}, below = {};  // what the colors mean, for the legend of a file
};

// A value for all leads together, 0 to 1, drawn as a colored stretch below them.
struct EcgTimeRow {
  std::string name;
  double column_s = 0;
  std::vector<double> values;
};

struct EcgStrip {
  std::span<const float> samples;  // (T, leads) row-major in `unit`; NaN is a gap in the trace
  std::vector<std::string> lead_names;
  double rate = 0;   // Hz
  std::string unit;  // "mV", or anything else: then a standard deviation takes 2.5 mm
  std::vector<EcgWave> waves = {};
  // With heat every lead is drawn over the whole time, and the waves are bars below the traces.
  EcgHeat heat = {};
  std::vector<EcgTimeRow> time_rows = {};
};

struct EcgDrawing {
  Markup svg;
  double width_mm = 0;
  // What the caption must say: paper speed, gain, what was left out or cut off.
  std::string scale;
};

// The twelve standard leads of at least 5 s: three rows of four leads for a quarter of the time each (one after the
// other), and lead II over the whole time below. Everything else, and strips with heat: each lead over the whole time,
// one below the other. More than 10 s are cut there. Throws Error when the sizes do not fit.
EcgDrawing draw_ecg(const SvgText& text, const EcgStrip& strip);

// The same as an SVG file that prints in true size, with the text's title and the lines of `heading` above, the scale
// and a legend below. Rows are as high as their traces. All looks are attributes with plain values, no style sheet:
// programs other than browsers show the same.
std::string draw_ecg_file(const SvgText& text, const EcgStrip& strip, const std::vector<std::string>& heading = {});

// Looks of the drawings; the colors are the variables --paper, --minor, --major, --trace, --c0 to --c4 and --c6.
std::string_view ecg_style_sheet();

}  // namespace cardiograd::report
