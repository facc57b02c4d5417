// The report's charts, each from plain numbers to one drawing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/class_distribution.h"
#include "evaluation/calibration.h"
#include "evaluation/curves.h"
#include "evaluation/metrics.h"
#include "report/axes.h"
#include "report/svg.h"

namespace cardiograd::report {

// --- lines over epochs

struct Series {
  std::string name;
  std::string css_class;       // "s0" to "s7"
  std::vector<double> values;  // one per epoch, NaN where there is none
};

// Curves over the epochs of a training run.
struct EpochChart {
  SvgText text;
  std::string y_label;
  std::vector<Series> series;
  std::int64_t marked_epoch = 0;  // a dashed line there, unless 0
};

// Lines over epochs 1, 2, ...; gaps where a value is NaN.
Markup epoch_chart(const EpochChart& chart);

// --- panels of one class each (small multiples)

// Where the model's threshold lies on its curve.
struct OperatingPoint {
  double threshold = 0;
  evaluation::ConfusionMatrix counts;
};

// Above a panel: the class, and its most telling figure.
struct Heading {
  std::string name;
  std::string figure;
};

// The curve may not be empty.
Markup roc_panel(const SvgText& text, const Heading& heading, const std::vector<evaluation::RocPoint>& curve,
                 const OperatingPoint& point);
Markup precision_recall_panel(const SvgText& text, const Heading& heading,
                              const std::vector<evaluation::PrecisionRecallPoint>& curve, const OperatingPoint& point);
Markup reliability_panel(const SvgText& text, const Heading& heading, const evaluation::Calibration& calibration);
Markup confusion_panel(const SvgText& text, const Heading& heading, const evaluation::ConfusionMatrix& counts);

// --- which decisions go with which label

// A square of cells, rows labeled, columns decided; `counts` as of evaluation::co_confusion(), `supports` the records
// with each label. The shade of a cell is the fraction of its row's label.
Markup co_confusion_chart(const SvgText& text, const std::vector<std::string>& classes,
                          const std::vector<std::vector<std::int64_t>>& counts,
                          const std::vector<std::int64_t>& supports);

// --- the two rings of the class distribution

// Superclasses inside, their subclasses around them, angles by number of records; empty without records.
Markup sunburst(const SvgText& text, const data::ClassDistribution& classes);

// --- a value with its interval as a bar in a table's cell; the numbers stand beside it

struct IntervalBar {
  double value = 0;
  double low = 0;  // NaN: no interval
  double high = 0;
};

// `reference`: a line at that value (chance, no effect), if inside the range.
Markup interval_bar(const IntervalBar& bar, Range range, double reference);
// The same width, with the range's ends and middle in figures.
Markup interval_axis(Range range);

}  // namespace cardiograd::report
