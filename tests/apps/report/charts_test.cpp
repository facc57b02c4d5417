#include "apps/report/charts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <gtest/gtest.h>

#include "apps/report/ecg_paper.h"
#include "apps/report/text.h"
#include "base/error.h"
#include "data/leads.h"
#include "tests/apps/xml_check.h"

namespace cardiograd::apps::report {
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
  EXPECT_EQ(share_of(27, 34), "27 of 34 (79 %)");
  EXPECT_EQ(share_of(0, 0), "0 of 0");
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
  const std::vector<model::RocPoint> curve{{0, 0, INFINITY}, {0, 1.0 / 3, 0.9}, {0.25, 2.0 / 3, 0.6}, {1, 1, 0.1}};
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
  EXPECT_NE(panel.str().find("nothing called positive: sensitivity 0.00"), std::string::npos);
}

TEST(ReportCharts, PrecisionThatFallsAndRisesAtOneRecallStaysInTheCurve) {
  // Positive, two negatives, positive: precision 1, 1/2, 1/3, then 1/2 at recall 1.
  const std::vector<model::PrecisionRecallPoint> curve{
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
  const model::Predictions one{scores, labels, 1, 1, {}};
  EXPECT_NO_THROW(XmlCheck(reliability_panel({"c", "t", "d"}, {"x", ""}, model::calibration(one, 0)).str()));
  EXPECT_NO_THROW(XmlCheck(
      precision_recall_panel({"c", "t", "d"}, {"x", ""}, model::precision_recall_curve(one, 0), {0.99, {0, 0, 1, 0}})
          .str()));
}

TEST(ReportCharts, SunburstGivesEachClassItsShare) {
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

std::vector<std::string> standard_leads() {
  return {data::kStandardLeads.begin(), data::kStandardLeads.end()};
}

TEST(EcgPaper, TenMillimetresPerMillivoltAndTwentyFivePerSecond) {
  // 10 s at 100 Hz; lead I is 0, then 1 mV from sample 100 on.
  std::vector<float> samples(1000 * 12, 0.0F);
  for (std::size_t t = 100; t < 1000; ++t) samples[t * 12] = 1;
  const EcgDrawing drawing = draw_ecg({"e", "t", "d"}, {samples, standard_leads(), 100, "mV"});
  const auto traces = paths_of(drawing.svg, "ecg-trace");
  ASSERT_EQ(traces.size(), 13U);  // 12 leads and the rhythm strip
  // In hundredths of a millimetre: 0.25 mm per sample, and 10 mm up at the step.
  EXPECT_TRUE(traces[0].starts_with("M1200 ")) << traces[0].substr(0, 20);
  EXPECT_NE(traces[0].find("l25 -1000l25 0"), std::string::npos);
  EXPECT_TRUE(traces[1].starts_with("M7450 ")) << traces[1].substr(0, 20);  // aVR from 2.5 s on
  EXPECT_EQ(drawing.width_mm, 12 + 250 + 3);
  EXPECT_NE(drawing.scale.find("25 mm/s, 10 mm/mV"), std::string::npos);
  const EcgDrawing z = draw_ecg({"e", "t", "d"}, {samples, standard_leads(), 100, "z"});
  EXPECT_NE(paths_of(z.svg, "ecg-trace")[0].find("l25 -250l25 0"), std::string::npos);
  EXPECT_NE(z.scale.find("2.5 mm per standard deviation"), std::string::npos);
}

TEST(EcgPaper, GapsLiftThePenAndLongRecordsAreCut) {
  std::vector<float> samples(1200 * 12, 0.0F);
  samples[10 * 12] = std::nanf("");
  samples[500 * 12 + 11] = 100;  // leaves every row
  const EcgDrawing drawing = draw_ecg({"e", "t", "d"}, {samples, standard_leads(), 100, "mV"});
  const std::string first = paths_of(drawing.svg, "ecg-trace")[0];
  EXPECT_EQ(std::count(first.begin(), first.end(), 'M'), 2);
  EXPECT_NE(drawing.scale.find("the first 10 of 12.0 s"), std::string::npos);
  EXPECT_EQ(drawing.scale.find("cut at its edge"), std::string::npos);  // V6 shows 7.5 s to 10 s
  samples[900 * 12 + 11] = 100;
  EXPECT_NE(draw_ecg({"e", "t", "d"}, {samples, standard_leads(), 100, "mV"}).scale.find("cut at its edge"),
            std::string::npos);
}

TEST(EcgPaper, OtherLeadsAndShortRecordsStandBelowEachOther) {
  const std::vector<float> samples(50 * 3, 0.5F);
  const EcgDrawing drawing = draw_ecg({"e", "t", "d"}, {samples, {"A", "<B>", "C"}, 100, "mV"});
  EXPECT_EQ(paths_of(drawing.svg, "ecg-trace").size(), 3U);
  const std::vector<float> missing(50 * 3, std::nanf(""));
  EXPECT_TRUE(paths_of(draw_ecg({"e", "t", "d"}, {missing, {"A", "B", "C"}, 100, "mV"}).svg, "ecg-trace").empty());
  EXPECT_THROW(draw_ecg({"e", "t", "d"}, {samples, {"A", "B"}, 0, "mV"}), Error);
  EXPECT_THROW(draw_ecg({"e", "t", "d"}, {samples, {}, 100, "mV"}), Error);
  EXPECT_THROW(draw_ecg({"e", "t", "d"}, {std::span(samples).first(149), {"A", "B", "C"}, 100, "mV"}), Error);
}

}  // namespace
}  // namespace cardiograd::apps::report
