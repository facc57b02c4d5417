#include "report/charts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "report/text.h"
#include "tests/report/xml_check.h"

namespace cardiograd::report {
namespace {

using cardiograd::testing::XmlCheck;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> paths_of(const Markup& markup, const std::string& css_class) {
  std::vector<std::string> paths;
  const XmlCheck check(markup.str());
  for (const auto& element : check.elements())
    if (element.name == "path" && element.attributes.at("class") == css_class)
      paths.push_back(element.attributes.at("d"));
  return paths;
}

TEST(ReportText, FiguresCarryTheDigitsOfTheirRecords) {
  EXPECT_EQ(figure(0.98765, 99), "0.99");
  EXPECT_EQ(figure(0.98765, 100), "0.988");
  EXPECT_EQ(figure(kNaN, 100), kDash);
  EXPECT_EQ(with_interval({0.5, 0.25, 0.75, 10}, 7), "0.50 (0.25 to 0.75)");
  EXPECT_EQ(with_interval({0.5, kNaN, kNaN, 0}, 7), "0.50");
  EXPECT_EQ(fraction_of(27, 34), "27 of 34 (79 %)");
  EXPECT_EQ(fraction_of(0, 0), "0 of 0");
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(21799), "21,799");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(grouped(-123), "-123");
  EXPECT_EQ(counted(1, "record"), "1 record");
  EXPECT_EQ(counted(0, "record"), "0 records");
  EXPECT_EQ(enumerate({"a", "b", "c"}), "a, b and c");
  EXPECT_EQ(enumerate({}), "");
}

TEST(ReportAxes, TicksAreRound) {
  const auto ticks = round_ticks({0.84, 0.94}, 5);
  ASSERT_EQ(ticks.size(), 6U);
  EXPECT_NEAR(ticks[0], 0.84, 1e-12);
  EXPECT_NEAR(ticks[5], 0.94, 1e-12);
  for (const double tick : round_ticks({0, 0.8}, 5)) EXPECT_FALSE(std::signbit(tick)) << "no -0.0 at an axis";
  const Range range = round_range({0.623, 0.197, kNaN});
  EXPECT_NEAR(range.low, 0.1, 1e-12);
  EXPECT_NEAR(range.high, 0.7, 1e-12);
  EXPECT_EQ(round_range({kNaN}).high, 1);
  EXPECT_LT(round_range({2, 2}).low, 2);
  const Frame frame{10, 20, 100, 50, {0, 2}, {0, 1}};
  EXPECT_EQ(frame.at(1, 1).x, 60);
  EXPECT_EQ(frame.at(1, 1).y, 20);
  EXPECT_EQ(frame.at(0, 0).y, 70);
}

TEST(ReportCharts, GapsInTheLogStayGaps) {
  const Markup chart =
      epoch_chart({{"e", "t", "d"}, "loss", {{"a", "s0", {1, 2, kNaN, 3, 4}}, {"b", "s1", {kNaN, kNaN}}}, 2});
  // The legend's sample is one more; the second series has no line at all.
  EXPECT_EQ(paths_of(chart, "curve s0").size(), 3U);
  EXPECT_EQ(paths_of(chart, "curve s1").size(), 1U);
  EXPECT_EQ(paths_of(chart, "reference").size(), 1U);
  EXPECT_NO_THROW(XmlCheck(epoch_chart({{"e", "t", "d"}, "loss", {{"a", "s0", {0.5}}}, 9}).str()));
}

TEST(ReportCharts, RocPanelPutsItsOperatingPointOnTheCurve) {
  // Three positives, four negatives: the threshold finds two and raises one false alarm.
  const std::vector<evaluation::RocPoint> curve{{0, 0, INFINITY}, {0, 1.0 / 3, 0.9}, {0.25, 2.0 / 3, 0.6}, {1, 1, 0.1}};
  const Markup panel = roc_panel({"r", "t", "d"}, {"MI", "AUC 0.8"}, curve, {0.5, {3, 1, 1, 2}});
  const XmlCheck check(panel.str());
  int found = 0;
  for (const auto& element : check.elements()) {
    if (element.name != "circle" || element.attributes.at("class") != "operating") continue;
    EXPECT_EQ(element.attributes.at("cx"), compact(42 + 0.25 * 178));
    EXPECT_EQ(element.attributes.at("cy"), compact(26 + 178 / 3.0));
    ++found;
  }
  EXPECT_EQ(found, 1);
  EXPECT_NE(panel.str().find("finds 2 of 3 (67 %), false alarms 1 of 4 (25 %)"), std::string::npos);
  EXPECT_NE(panel.str().find("nothing predicted positive: sensitivity 0.00"), std::string::npos);
}

TEST(ReportCharts, PrecisionThatFallsAndRisesAtOneRecallStaysInTheCurve) {
  // Positive, two negatives, positive: precision 1, 1/2, 1/3, then 1/2 at recall 1.
  const std::vector<evaluation::PrecisionRecallPoint> curve{
      {0, 1, INFINITY}, {0.5, 1, 0.9}, {0.5, 0.5, 0.8}, {0.5, 1.0 / 3, 0.7}, {1, 0.5, 0.6}};
  const auto paths =
      paths_of(precision_recall_panel({"p", "t", "d"}, {"x", ""}, curve, {0.5, {0, 2, 0, 2}}), "curve s0");
  ASSERT_EQ(paths.size(), 1U);
  EXPECT_EQ(paths[0], "M42 26L131 26L131 144.67L131 115L220 115");
}

TEST(ReportCharts, PanelsOfExtremeCounts) {
  EXPECT_NO_THROW(XmlCheck(confusion_panel({"c", "t", "d"}, {"x", ""}, {0, 0, 0, 0}).str()));
  EXPECT_NO_THROW(XmlCheck(confusion_panel({"c", "t", "d"}, {"x", ""}, {123456, 0, 0, 7}).str()));
  const std::vector<float> scores{0.95F};
  const std::vector<std::uint8_t> labels{1};
  const evaluation::Predictions one{scores, labels, 1, 1, {}};
  EXPECT_NO_THROW(XmlCheck(reliability_panel({"c", "t", "d"}, {"x", ""}, evaluation::calibration(one, 0)).str()));
  EXPECT_NO_THROW(XmlCheck(precision_recall_panel({"c", "t", "d"}, {"x", ""},
                                                  evaluation::precision_recall_curve(one, 0), {0.99, {0, 0, 1, 0}})
                               .str()));
}

TEST(ReportCharts, SunburstGivesEachClassItsFraction) {
  data::ClassDistribution classes{10, 0, {{"A", 6, {{"a1", 3}, {"a2", 3}, {"a3", 0}}}, {"B", 6, {{"b1", 6}}}}};
  const Markup chart = sunburst({"s", "t", "d"}, classes);
  EXPECT_EQ(paths_of(chart, "sector c0").size(), 1U);
  EXPECT_EQ(paths_of(chart, "sector c0 outer-even").size(), 1U);
  EXPECT_EQ(paths_of(chart, "sector c0 outer-odd").size(), 1U);
  // B takes the second half turn: from 6 o'clock on.
  EXPECT_TRUE(paths_of(chart, "sector c1").at(0).starts_with("M260 418A"));
  // One class alone closes the ring; no class at all leaves it out.
  EXPECT_EQ(paths_of(sunburst({"s", "t", "d"}, {3, 0, {{"A", 3, {{"a", 3}}}}}), "sector c0").size(), 1U);
  EXPECT_TRUE(paths_of(sunburst({"s", "t", "d"}, {3, 3, {{"A", 0, {{"a", 0}}}}}), "sector c0").empty());
}

TEST(ReportCharts, IntervalBarsStayInTheirRange) {
  EXPECT_NO_THROW(XmlCheck(interval_bar({kNaN, kNaN, kNaN}, {0.5, 1}, 0.5).str()));
  const Markup bar = interval_bar({0.2, 0.1, 0.9}, {0.5, 1}, 0.1);
  EXPECT_EQ(paths_of(bar, "reference").size(), 0U);
  EXPECT_EQ(paths_of(bar, "whisker").at(0), "M26 10L184.4 10");
  EXPECT_NO_THROW(XmlCheck(interval_axis({-0.005, 0.015}).str()));
}

}  // namespace
}  // namespace cardiograd::report
