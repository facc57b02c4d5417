#include "report/ecg_paper.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <gtest/gtest.h>

#include "base/error.h"
#include "ecg/leads.h"
#include "tests/report/xml_check.h"

namespace cardiograd::report {
namespace {

using cardiograd::testing::XmlCheck;

std::vector<std::string> paths_of(const Markup& markup, const std::string& css_class) {
  std::vector<std::string> paths;
  const XmlCheck check(markup.str());
  for (const auto& element : check.elements())
    if (element.name == "path" && element.attributes.at("class") == css_class)
      paths.push_back(element.attributes.at("d"));
  return paths;
}

std::vector<std::string> standard_leads() {
  return {ecg::kStandardLeads.begin(), ecg::kStandardLeads.end()};
}

TEST(EcgPaper, TenMillimetersPerMillivoltAndTwentyFivePerSecond) {
  // 10 s at 100 Hz; lead I is 0, then 1 mV from sample 100 on.
  std::vector<float> samples(1000 * 12, 0.0F);
  for (std::size_t t = 100; t < 1000; ++t) samples[t * 12] = 1;
  const EcgDrawing drawing = draw_ecg({"e", "t", "d"}, {samples, standard_leads(), 100, "mV"});
  const auto traces = paths_of(drawing.svg, "ecg-trace");
  ASSERT_EQ(traces.size(), 13U);  // 12 leads and the rhythm strip
  // In hundredths of a millimeter: 0.25 mm per sample, and 10 mm up at the step.
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

TEST(EcgPaper, WavesAreMarkedInTheirLeadWhereItIsDrawn) {
  std::vector<float> samples(1000 * 12, 0.0F);
  // In lead I, which is drawn to 2.5 s; in aVR, which begins there; and in no drawn part of lead I.
  const std::vector<EcgWave> waves = {
      {0, EcgWaveKind::qrs, 1.0, 1.1}, {3, EcgWaveKind::t, 2.4, 2.6}, {0, EcgWaveKind::p, 3.0, 3.1}};
  const std::string file = draw_ecg_file({"e", "<title>", "d"}, {samples, standard_leads(), 100, "mV", waves});
  const XmlCheck check(file);
  std::vector<testing::XmlElement> marked;
  for (const auto& element : check.elements())
    if (element.name == "rect" && element.attributes.contains("class") &&
        element.attributes.at("class").starts_with("ecg-wave") && element.attributes.at("height") != "3.2")
      marked.push_back(element);
  ASSERT_EQ(marked.size(), 2U);
  EXPECT_EQ(marked[0].attributes.at("class"), "ecg-wave ecg-qrs");
  EXPECT_EQ(marked[0].attributes.at("x"), "37");  // 12 mm of pulse, 25 mm/s
  EXPECT_EQ(marked[0].attributes.at("width"), "2.5");
  EXPECT_EQ(marked[1].attributes.at("class"), "ecg-wave ecg-t");
  EXPECT_EQ(marked[1].attributes.at("x"), "74.5");  // Cut where aVR begins.
  EXPECT_EQ(marked[1].attributes.at("width"), "2.5");
}

TEST(EcgPaper, AFileOfItsOwnHasItsSizeAndLooks) {
  const std::vector<float> samples(1000 * 12, 0.0F);
  const std::string file = draw_ecg_file({"e", "record <1>", "d"}, {samples, standard_leads(), 100, "mV"});
  const XmlCheck check(file);
  const auto& root = check.elements().front();
  EXPECT_EQ(root.attributes.at("xmlns"), "http://www.w3.org/2000/svg");
  EXPECT_EQ(root.attributes.at("width"), "265mm");
  EXPECT_TRUE(root.attributes.at("viewBox").starts_with("0 0 265 "));
  // Nothing that only browsers know, and looks for everything that is drawn.
  EXPECT_EQ(check.count("style"), 0U);
  EXPECT_EQ(file.find("var("), std::string::npos);
  for (const auto& element : check.elements())
    if (element.name == "text" || element.name == "path" || element.name == "rect") {
      EXPECT_TRUE(element.attributes.contains("fill")) << element.name;
    }
  EXPECT_NE(file.find("record &lt;1&gt;"), std::string::npos);
  EXPECT_NE(file.find("25 mm/s, 10 mm/mV"), std::string::npos);
}

TEST(EcgPaper, TheHeadingOfAFileAndTallWaves) {
  std::vector<float> samples(1000 * 12, 0.0F);
  for (std::size_t t = 100; t < 1000; t += 80) samples[t * 12 + 1] = 8;  // mV, in lead II
  const EcgStrip strip = {samples, standard_leads(), 100, "mV"};
  EXPECT_NE(draw_ecg({"e", "t", "d"}, strip).scale.find("cut at its edge"), std::string::npos);
  const std::string file = draw_ecg_file({"e", "t", "d"}, strip, {"72/min", "PR <160> ms"});
  EXPECT_EQ(file.find("cut at its edge"), std::string::npos);
  EXPECT_NE(file.find(">72/min</text>"), std::string::npos);
  EXPECT_NE(file.find(">PR &lt;160&gt; ms</text>"), std::string::npos);
  // 80 mm up in one step of 0.25 mm.
  EXPECT_NE(file.find("l25 -8000"), std::string::npos);
}

}  // namespace
}  // namespace cardiograd::report
