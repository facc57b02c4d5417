#include "report/ecg_paper.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "ecg/leads.h"

namespace cardiograd::report {
namespace {

constexpr double kMmPerSecond = 25;
constexpr double kMmPerMillivolt = 10;
constexpr double kMmPerDeviation = 2.5;
constexpr double kLeft = 12;  // mm, with the calibration pulse
constexpr double kMargin = 3;
constexpr double kLowestRow = 16;  // mm of trace above and below
constexpr double kHighestRow = 48;
constexpr double kLowestHeatRow = 8;  // twelve rows on one page
constexpr double kBar = 1.2;          // mm, of a wave below its trace
constexpr double kTimeRow = 5;        // mm
constexpr double kTimeRowName = 4;    // above it
constexpr int kHeatLevels = 4;
constexpr double kLongest = 10;  // s
constexpr double kShortestFourColumns = 5;
constexpr double kHeading = 9;  // mm above and below the paper of a file of its own
constexpr double kFooter = 8;
constexpr double kMinFileWidth = 130;  // for the text below
constexpr double kStepsPerMm = 100;    // path coordinates are whole hundredths of a millimeter: short numbers

constexpr double kHighestFileRow = 150;  // a file's rows need not fit on a page with others
constexpr double kLineHeight = 5;

// The looks of a file of its own: the report's style sheet and colors in the light scheme, as attributes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 33> kFileLooks = {{
    {"ecg", R"(font-family="DejaVu Sans, Helvetica, Arial, sans-serif")"},
    {"ecg-paper", R"(fill="#fffafa")"},
    {"ecg-minor", R"(fill="none" stroke="#f8d9d9" stroke-width=".12")"},
    {"ecg-major", R"(fill="none" stroke="#e9a5a5" stroke-width=".22")"},
    {"ecg-trace", R"(fill="none" stroke="#16181b" stroke-width="28" stroke-linejoin="round" stroke-linecap="round")"},
    {"ecg-pulse", R"(fill="none" stroke="#16181b" stroke-width=".28")"},
    {"ecg-mark", R"(fill="none" stroke="#16181b" stroke-width=".28")"},
    {"ecg-halo", R"(fill="#fffafa" stroke="#fffafa" stroke-width=".8" font-size="3.2" font-weight="600")"},
    {"ecg-lead", R"(fill="#16181b" font-size="3.2" font-weight="600")"},
    {"ecg-title", R"(fill="#16181b" font-size="4" font-weight="600")"},
    {"ecg-heading", R"(fill="#16181b" font-size="3.6")"},
    {"ecg-scale", R"(fill="#16181b" font-size="3")"},
    {"ecg-wave ecg-p", R"(fill="#0072b2" fill-opacity=".16")"},
    {"ecg-wave ecg-qrs", R"(fill="#d55e00" fill-opacity=".16")"},
    {"ecg-wave ecg-t", R"(fill="#009e73" fill-opacity=".16")"},
    {"ecg-edge ecg-p", R"(fill="none" stroke="#0072b2" stroke-width=".22")"},
    {"ecg-edge ecg-qrs", R"(fill="none" stroke="#d55e00" stroke-width=".22")"},
    {"ecg-edge ecg-t", R"(fill="none" stroke="#009e73" stroke-width=".22")"},
    {"ecg-above1", R"(fill="#b07d00" fill-opacity=".15")"},
    {"ecg-above2", R"(fill="#b07d00" fill-opacity=".3")"},
    {"ecg-above3", R"(fill="#b07d00" fill-opacity=".45")"},
    {"ecg-above4", R"(fill="#b07d00" fill-opacity=".6")"},
    {"ecg-below1", R"(fill="#7a6cc9" fill-opacity=".15")"},
    {"ecg-below2", R"(fill="#7a6cc9" fill-opacity=".3")"},
    {"ecg-below3", R"(fill="#7a6cc9" fill-opacity=".45")"},
    {"ecg-below4", R"(fill="#7a6cc9" fill-opacity=".6")"},
    {"ecg-time1", R"(fill="#b9579a" fill-opacity=".15")"},
    {"ecg-time2", R"(fill="#b9579a" fill-opacity=".3")"},
    {"ecg-time3", R"(fill="#b9579a" fill-opacity=".45")"},
    {"ecg-time4", R"(fill="#b9579a" fill-opacity=".6")"},
    {"ecg-bar ecg-p", R"(fill="#0072b2")"},
    {"ecg-bar ecg-qrs", R"(fill="#d55e00")"},
    {"ecg-bar ecg-t", R"(fill="#009e73")"},
}};

// With the looks of each class behind it. Quotes in texts are escaped, so a class is always one.
std::string with_looks(std::string_view svg) {
  constexpr std::string_view kClass = " class=\"";
  std::string file;
  for (std::size_t at = svg.find(kClass); at != std::string_view::npos; at = svg.find(kClass)) {
    const std::size_t begin = at + kClass.size(), end = svg.find('"', begin);
    const std::string_view name = svg.substr(begin, end - begin);
    file += svg.substr(0, end + 1);
    for (const auto& [css_class, looks] : kFileLooks)
      if (css_class == name) file += fmt::format(" {}", looks);
    svg.remove_prefix(end + 1);
  }
  return file + std::string(svg);
}

// A lead from sample `first` on, drawn from `x` mm.
struct Segment {
  std::size_t lead = 0;
  std::size_t first = 0;
  std::size_t count = 0;
  double x = 0;
};

struct Row {
  std::vector<Segment> segments;
  double above = 0;  // mm from the baseline to the row's upper edge
  double below = 0;
  double baseline = 0;  // mm from the top of the paper
};

class Paper {
 public:
  // `heading`: of a file of its own, else null.
  Paper(const EcgStrip& strip, const std::vector<std::string>* heading)
      : strip_(strip), leads_(strip.lead_names.size()), heading_(heading), alone_(heading != nullptr) {
    if (leads_ == 0 || !(strip.rate > 0) || strip.samples.size() % leads_ != 0 || strip.samples.size() < 2 * leads_)
      throw Error(
          fmt::format("{} samples of {} leads at {} Hz cannot be drawn", strip.samples.size(), leads_, strip.rate));
    if (has_heat() && (strip.heat.values.size() % leads_ != 0 || !(strip.heat.column_s > 0)))
      throw Error(fmt::format("{} values of {} leads in columns of {} s cannot be drawn", strip.heat.values.size(),
                              leads_, strip.heat.column_s));
    all_ = strip.samples.size() / leads_;
    shown_ = std::min(all_, static_cast<std::size_t>(kLongest * strip.rate));
    mm_per_unit_ = strip.unit == "mV" ? kMmPerMillivolt : kMmPerDeviation;
    lay_out();
    fit_rows();
  }

  EcgDrawing draw(const SvgText& text) {
    Svg svg(width(), height_, text, "ecg", alone_ ? std::optional<std::string_view>("") : std::nullopt);
    draw_grid(svg, text.id);
    draw_heat(svg);
    for (const Row& row : rows_) {
      for (const Segment& segment : row.segments) draw_waves(svg, row, segment);
      draw_pulse(svg, row);
      for (const Segment& segment : row.segments) draw_segment(svg, row, segment);
    }
    for (std::size_t i = 0; i < strip_.time_rows.size(); ++i) draw_time_row(svg, i);
    if (alone_) draw_texts(svg, text.title);
    EcgDrawing drawing;
    drawing.width_mm = width();
    drawing.svg = svg.finish();
    drawing.scale = scale_text();
    return drawing;
  }

 private:
  bool has_heat() const { return !strip_.heat.values.empty(); }
  double seconds(std::size_t samples) const { return static_cast<double>(samples) / strip_.rate; }
  double width() const {
    const double strip = kLeft + seconds(shown_) * kMmPerSecond + kMargin;
    return alone_ ? std::max(strip, kMinFileWidth) : strip;
  }
  double mm(const Segment& segment, std::size_t i) const {
    return static_cast<double>(strip_.samples[(segment.first + i) * leads_ + segment.lead]) * mm_per_unit_;
  }

  void lay_out() {
    if (!has_heat() && ecg::are_standard_leads(strip_.lead_names) && seconds(shown_) >= kShortestFourColumns) {
      for (std::size_t r = 0; r < 3; ++r) {
        Row row;
        for (std::size_t column = 0; column < 4; ++column) {
          const std::size_t first = column * shown_ / 4;
          row.segments.push_back(
              {column * 3 + r, first, (column + 1) * shown_ / 4 - first, kLeft + seconds(first) * kMmPerSecond});
        }
        rows_.push_back(std::move(row));
      }
      rows_.push_back({{{1, 0, shown_, kLeft}}, 0, 0, 0});
      return;
    }
    for (std::size_t lead = 0; lead < leads_; ++lead) rows_.push_back({{{lead, 0, shown_, kLeft}}, 0, 0, 0});
  }

  // Each row as high as its traces need, between the two limits.
  void fit_rows() {
    height_ = alone_ ? kHeading + kLineHeight * static_cast<double>(heading_->size()) : kMargin;
    for (Row& row : rows_) {
      double top = 0;
      double bottom = 0;
      for (const Segment& segment : row.segments)
        for (std::size_t i = 0; i < segment.count; ++i)
          if (const double value = mm(segment, i); std::isfinite(value)) {
            top = std::max(top, value);
            bottom = std::min(bottom, value);
          }
      const double lowest = has_heat() ? kLowestHeatRow : kLowestRow;
      const double spare = std::max(0.0, lowest - (top - bottom)) / 2;
      const double shrink = std::min(1.0, (alone_ ? kHighestFileRow : kHighestRow) / std::max(top - bottom, 1e-9));
      cut_ = cut_ || shrink < 1;
      row.above = top * shrink + spare + 2;
      row.below = -bottom * shrink + spare + 2;
      row.baseline = height_ + 3 + row.above;  // 3 mm for the lead's name
      height_ = row.baseline + row.below;
    }
    time_rows_at_ = height_;
    height_ += static_cast<double>(strip_.time_rows.size()) * (kTimeRowName + kTimeRow);
    height_ += alone_ ? kFooter : kMargin;
  }

  void draw_grid(Svg& svg, const std::string& id) const {
    Markup& markup = svg.markup();
    markup.open("defs");
    const auto pattern = [&](const std::string& name, double size, const char* css_class) {
      markup.open("pattern",
                  {{"id", id + name}, {"width", size}, {"height", size}, {"patternUnits", "userSpaceOnUse"}});
      markup.empty("path", {{"class", css_class}, {"d", fmt::format("M{0} 0L0 0L0 {0}", compact(size))}});
      markup.close("pattern");
    };
    pattern("-mm", 1, "ecg-minor");
    pattern("-5mm", 5, "ecg-major");
    markup.close("defs");
    svg.rect(0, 0, width(), height_, "ecg-paper");
    for (const char* name : {"-mm", "-5mm"})
      markup.empty(
          "rect",
          {{"x", 0}, {"y", 0}, {"width", width()}, {"height", height_}, {"fill", fmt::format("url(#{}{})", id, name)}});
  }

  // Stretches of columns of equal strength, of one color and strength after the other: short paths.
  class HeatPaths {
   public:
    explicit HeatPaths(const char* name) : name_(name) {}
    void add(double value, double x, double width, double y, double height) {
      const int level = std::min(kHeatLevels, static_cast<int>(std::ceil(std::abs(value) * kHeatLevels - 0.4)));
      if (!(level > 0) || !(width > 0)) return;
      paths_.at(static_cast<std::size_t>(level - 1)) +=
          fmt::format("M{} {}h{}v{}h-{}z", compact(x), compact(y), compact(width), compact(height), compact(width));
    }
    void draw(Svg& svg) const {
      for (std::size_t level = 0; level < paths_.size(); ++level)
        if (!paths_[level].empty())
          svg.markup().empty("path", {{"class", fmt::format("{}{}", name_, level + 1)}, {"d", paths_[level]}});
    }

   private:
    const char* name_;
    std::array<std::string, kHeatLevels> paths_;
  };

  // Where the column `i` begins, no later than the strip ends.
  double column_x(double column_s, std::size_t i) const {
    return kLeft + std::min(static_cast<double>(i) * column_s, seconds(shown_)) * kMmPerSecond;
  }

  void draw_heat(Svg& svg) const {
    const EcgHeat& heat = strip_.heat;
    HeatPaths above("ecg-above"), below("ecg-below");
    for (std::size_t i = 0; i < heat.values.size(); ++i) {
      const Row& row = rows_[i % leads_];
      const double x = column_x(heat.column_s, i / leads_), to = column_x(heat.column_s, i / leads_ + 1);
      (heat.values[i] > 0 ? above : below)
          .add(heat.values[i], x, to - x, row.baseline - row.above, row.above + row.below);
    }
    above.draw(svg);
    below.draw(svg);
  }

  void draw_time_row(Svg& svg, std::size_t index) const {
    const EcgTimeRow& row = strip_.time_rows[index];
    const double y = time_rows_at_ + static_cast<double>(index) * (kTimeRowName + kTimeRow) + kTimeRowName;
    HeatPaths paths("ecg-time");
    for (std::size_t i = 0; i < row.values.size(); ++i) {
      const double x = column_x(row.column_s, i), to = column_x(row.column_s, i + 1);
      paths.add(std::max(row.values[i], 0.0), x, to - x, y, kTimeRow);
    }
    paths.draw(svg);
    if (alone_) svg.text({kLeft + 1, y - 0.8}, row.name, "ecg-halo");
    svg.text({kLeft + 1, y - 0.8}, row.name, "ecg-lead");
  }

  void draw_waves(Svg& svg, const Row& row, const Segment& segment) const {
    constexpr std::array kClasses = {"ecg-p", "ecg-qrs", "ecg-t"};
    const double from = seconds(segment.first), to = from + seconds(segment.count);
    for (const EcgWave& wave : strip_.waves) {
      if (wave.lead != segment.lead || !(wave.onset_s < to && wave.offset_s > from)) continue;
      const std::string css_class = kClasses.at(static_cast<std::size_t>(wave.kind));
      const auto x = [&](double at) { return segment.x + (std::clamp(at, from, to) - from) * kMmPerSecond; };
      const double top = row.baseline - row.above, bottom = row.baseline + row.below;
      if (has_heat()) {
        svg.rect(x(wave.onset_s), bottom - kBar, x(wave.offset_s) - x(wave.onset_s), kBar, "ecg-bar " + css_class);
        continue;
      }
      svg.rect(x(wave.onset_s), top, x(wave.offset_s) - x(wave.onset_s), bottom - top, "ecg-wave " + css_class);
      for (const double edge : {wave.onset_s, wave.offset_s})
        if (edge >= from && edge <= to) svg.line({x(edge), top}, {x(edge), bottom}, "ecg-edge " + css_class);
    }
  }

  void draw_texts(Svg& svg, const std::string& title) const {
    svg.text({kMargin, 6}, title, "ecg-title");
    for (std::size_t i = 0; i < heading_->size(); ++i)
      svg.text({kMargin, 6 + kLineHeight * static_cast<double>(i + 1)}, (*heading_)[i], "ecg-heading");
    double x = kMargin;
    const double y = height_ - 2.5;
    for (const auto& [css_class, name] : {std::pair{"ecg-p", "P"}, {"ecg-qrs", "QRS"}, {"ecg-t", "T"}}) {
      if (strip_.waves.empty()) break;
      svg.rect(x, y - 2.6, 4, 3.2, fmt::format("{} {}", has_heat() ? "ecg-bar" : "ecg-wave", css_class));
      for (const double edge : {x, x + 4})
        if (!has_heat()) svg.line({edge, y - 2.6}, {edge, y + 0.6}, fmt::format("ecg-edge {}", css_class));
      svg.text({x + 5, y}, name, "ecg-lead");
      x += 8 + 3 * static_cast<double>(std::string_view(name).size());
    }
    for (const auto& [css_class, name] :
         {std::pair{"ecg-above3", &strip_.heat.above}, {"ecg-below3", &strip_.heat.below}}) {
      if (name->empty()) continue;
      svg.rect(x, y - 2.6, 4, 3.2, css_class);
      svg.text({x + 5, y}, *name, "ecg-scale");
      x += 8 + 1.65 * static_cast<double>(name->size());
    }
    svg.text({x, y}, scale_text(), "ecg-scale");
  }

  // 10 mm high and 5 mm (0.2 s) wide, as the device draws it: 1 mV, or 4 SD where there is no voltage.
  void draw_pulse(Svg& svg, const Row& row) const {
    const double top = row.baseline - 10;
    svg.polyline({{2, row.baseline}, {4, row.baseline}, {4, top}, {9, top}, {9, row.baseline}, {11, row.baseline}},
                 "ecg-pulse");
  }

  void draw_segment(Svg& svg, const Row& row, const Segment& segment) {
    // The name first: its halo would hide a trace below it.
    const Point place = {segment.x + 1, row.baseline - row.above + 0.5};
    if (alone_) svg.text(place, strip_.lead_names[segment.lead], "ecg-halo");
    svg.text(place, strip_.lead_names[segment.lead], "ecg-lead");
    std::string path;
    bool pen_down = false;
    long last_x = 0;
    long last_y = 0;
    for (std::size_t i = 0; i < segment.count; ++i) {
      const double value = mm(segment, i);
      if (!std::isfinite(value)) {
        pen_down = false;
        continue;
      }
      const double shown = std::clamp(value, -row.below, row.above);
      const long x = std::lround((segment.x + seconds(i) * kMmPerSecond) * kStepsPerMm);
      const long y = std::lround((row.baseline - shown) * kStepsPerMm);
      path += pen_down ? fmt::format("l{} {}", x - last_x, y - last_y) : fmt::format("M{} {}", x, y);
      pen_down = true;
      last_x = x;
      last_y = y;
    }
    if (segment.first > 0) svg.line({segment.x, row.baseline - 4}, {segment.x, row.baseline + 4}, "ecg-mark");
    if (!path.empty()) svg.markup().empty("path", {{"class", "ecg-trace"}, {"transform", "scale(.01)"}, {"d", path}});
  }

  std::string scale_text() const {
    std::string text = strip_.unit == "mV"
                           ? "25 mm/s, 10 mm/mV; the pulse at the left is 1 mV for 0.2 s"
                           : fmt::format(
                                 "25 mm/s, 2.5 mm per standard deviation (the signals are in '{}' and have no "
                                 "voltage scale); the pulse at the left is 4 SD for 0.2 s",
                                 strip_.unit);
    if (shown_ < all_) text += fmt::format("; the first {:g} of {:.1f} s", kLongest, seconds(all_));
    if (cut_) text += "; traces that leave their row are cut at its edge";
    return text;
  }

  const EcgStrip& strip_;
  std::size_t leads_;
  const std::vector<std::string>* heading_;
  bool alone_;
  std::size_t all_ = 0;
  std::size_t shown_ = 0;
  double mm_per_unit_ = 0;
  double height_ = 0;
  double time_rows_at_ = 0;  // mm from the top
  bool cut_ = false;
  std::vector<Row> rows_;
};

}  // namespace

EcgDrawing draw_ecg(const SvgText& text, const EcgStrip& strip) {
  return Paper(strip, nullptr).draw(text);
}

std::string draw_ecg_file(const SvgText& text, const EcgStrip& strip, const std::vector<std::string>& heading) {
  return with_looks(Paper(strip, &heading).draw(text).svg.str());
}

std::string_view ecg_style_sheet() {
  return R"css(
.ecg-paper { fill: var(--paper); }
.ecg-minor { stroke: var(--minor); stroke-width: .12; fill: none; }
.ecg-major { stroke: var(--major); stroke-width: .22; fill: none; }
.ecg-trace { stroke: var(--trace); stroke-width: 28; stroke-linejoin: round; stroke-linecap: round; fill: none; }
.ecg-pulse, .ecg-mark { stroke: var(--trace); stroke-width: .28; fill: none; }
.ecg-lead { font-size: 3.2px; font-weight: 600; fill: var(--trace); paint-order: stroke; stroke: var(--paper);
            stroke-width: .8px; }
.ecg-title { font-size: 4px; font-weight: 600; fill: var(--trace); }
.ecg-scale { font-size: 3px; fill: var(--trace); }
.ecg-wave { fill-opacity: .16; } .ecg-edge { stroke-width: .22; }
.ecg-above1, .ecg-above2, .ecg-above3, .ecg-above4 { fill: var(--c4); }
.ecg-below1, .ecg-below2, .ecg-below3, .ecg-below4 { fill: var(--c6); }
.ecg-time1, .ecg-time2, .ecg-time3, .ecg-time4 { fill: var(--c3); }
.ecg-above1, .ecg-below1, .ecg-time1 { fill-opacity: .15; } .ecg-above2, .ecg-below2, .ecg-time2 { fill-opacity: .3; }
.ecg-above3, .ecg-below3, .ecg-time3 { fill-opacity: .45; } .ecg-above4, .ecg-below4, .ecg-time4 { fill-opacity: .6; }
.ecg-p { fill: var(--c0); stroke: none; } .ecg-edge.ecg-p { stroke: var(--c0); }
.ecg-qrs { fill: var(--c1); stroke: none; } .ecg-edge.ecg-qrs { stroke: var(--c1); }
.ecg-t { fill: var(--c2); stroke: none; } .ecg-edge.ecg-t { stroke: var(--c2); }
)css";
}

}  // namespace cardiograd::report
