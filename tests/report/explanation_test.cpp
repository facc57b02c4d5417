#include "report/explanation.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ecg/leads.h"
#include "tests/report/xml_check.h"

namespace cardiograd::report {
namespace {

using cardiograd::testing::XmlCheck;

constexpr std::size_t kSamples = 1000;

model::ModelDescription description() {
  model::ModelDescription d;
  d.class_names = {"MI", "NORM"};
  d.thresholds = {0.4F, 0.5F};
  d.lead_names.assign(ecg::kStandardLeads.begin(), ecg::kStandardLeads.end());
  d.rate = 100;
  d.unit = "mV";
  return d;
}

// One recording whose answer rests on the QRS complexes of V1.
ExplainedRecording recording() {
  ExplainedRecording one;
  one.record.name = "<record>";
  one.record.samples.assign(kSamples * 12, 0.1F);
  one.record.unit = "mV";
  one.record.signals = Tensor::zeros({1, static_cast<std::int64_t>(kSamples), 12});
  one.probabilities = {0.9F, 0.1F};
  one.notes = {"resampled from 500 to 100 Hz"};
  one.beats.of_sample.assign(kSamples, model::BeatPart::kRest);
  model::Explanation why;
  why.class_name = "MI";
  why.probability = 0.9;
  why.threshold = 0.4;
  why.logit = 2.2;
  why.baseline_logit = -0.5;
  why.missed_fraction = 0.004;
  why.steps = 128;
  why.map.assign(kSamples * 12, 0);
  for (std::size_t t = 100; t < 110; ++t) {
    why.map[t * 12 + 6] = 0.25;
    why.map[t * 12 + 7] = -0.1;
  }
  why.signals = 1.5;
  for (const std::string_view lead : ecg::kStandardLeads)
    why.leads.push_back({std::string(lead), lead == "V1" ? 2.5 : 0.0, lead == "V1" ? 0.7 : 0.3 / 11, 1.0 / 12});
  for (const char* part : model::kBeatPartNames)
    why.parts.push_back({part, 0.25, std::string(part) == "QRS" ? 0.8 : 0.04, 1.0 / 6});
  why.feature_contributions = {{"qrs_duration_mean_ms", 132, 95, 12, 1.1}, {"age_years", std::nan(""), 60, 17, 0.1}};
  why.features = 1.2;
  why.window = 20;
  why.occlusion.assign(50 * 12, 0.01);
  why.token = 8;
  why.grad_cam.assign(125, 0);
  why.grad_cam[12] = 3;
  why.rollout.assign(125, 1.0 / 125);
  why.without = {{"lead V1", 0.2, true}, {"the QRS complexes", 0.95, false}, {"qrs_duration_mean_ms", 0.7, false}};
  one.whys.push_back(why);
  return one;
}

const Origin kOrigin = {"2026-11-26 21:40 UTC", "cardiograd 0.2.0, commit 0123456789ab"};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Explanation, IncompleteContributionsSaySo) {
  ExplainedRecording one = recording();
  model::Explanation& why = one.whys.front();
  why.missed_fraction = 0.01;
  EXPECT_FALSE(contains(explanation_words(why).back(), "incomplete"));
  why.missed_fraction = 0.14;
  why.steps = 2048;
  EXPECT_TRUE(contains(explanation_words(why).back(), "incomplete: after 2,048 steps of integration 14.0 %"));
  EXPECT_TRUE(
      contains(render_explanations(description(), "model", {one}, kOrigin), "The contributions are incomplete"));
}

// The columns of one's own table may be called as PTB-XL's classes, and be about something else.
TEST(Explanation, OwnClassesHaveNoWordsOfPtbxl) {
  ExplainedRecording one = recording();
  model::ModelDescription d = description();
  d.task = one.whys.front().task = data::Task::kOwn;
  EXPECT_TRUE(contains(explanation_words(one.whys.front())[0], "MI: probability"));
  EXPECT_FALSE(contains(render_explanations(d, "model", {one}, kOrigin), "myocardial infarction"));
}

TEST(Explanation, WordsSayWhatTheFiguresSay) {
  ExplainedRecording one = recording();
  const std::vector<std::string> words = explanation_words(one.whys.front());
  ASSERT_EQ(words.size(), 4U);
  EXPECT_TRUE(contains(words[0], "MI (myocardial infarction): probability 0.900, above the threshold of 0.400"));
  EXPECT_TRUE(contains(words[1], "V1 (70 %)")) << words[1];
  EXPECT_TRUE(contains(words[1], "QRS (80 % of the weight in 17 % of the time)")) << words[1];
  EXPECT_TRUE(contains(words[2], "qrs_duration_mean_ms (+1.10)")) << words[2];
  EXPECT_TRUE(contains(words[3], "without lead V1 (0.200)")) << words[3];
  one.whys.front().without.erase(one.whys.front().without.begin());
  EXPECT_TRUE(contains(explanation_words(one.whys.front())[3],
                       "qrs_duration_mean_ms: without it the probability "
                       "would be 0.700 in place of 0.900"));
  one.whys.front().without.clear();
  EXPECT_TRUE(contains(explanation_words(one.whys.front())[3], "nothing that was tried alone"));
}

TEST(Explanation, ThePageIsWholeAndLoadsNothing) {
  ExplainedRecording refused;
  refused.record.name = "other";
  refused.gap = "Refused: V3: flat.";
  const std::string page = render_explanations(description(), "run/best.safetensors", {recording(), refused}, kOrigin);
  const XmlCheck check(page);
  EXPECT_EQ(check.count("h1"), 1U);
  EXPECT_EQ(check.count("section"), 3U);
  EXPECT_EQ(check.count("table"), check.count("caption"));
  for (const char* loads : {"http:", "https:", "@import", "src="}) EXPECT_FALSE(contains(page, loads)) << loads;
  EXPECT_TRUE(contains(page, "&lt;record&gt;"));
  EXPECT_FALSE(contains(page, "<record>"));
  EXPECT_TRUE(contains(page, "Refused: V3: flat."));
  EXPECT_TRUE(contains(page, "70 to 110, above"));
  EXPECT_TRUE(contains(page, "other decision"));
  EXPECT_TRUE(contains(page, "Explained 2026-11-26 21:40 UTC, cardiograd 0.2.0, commit 0123456789ab."));
  for (const auto& element : check.elements()) {
    if (element.name != "svg" || element.attributes.contains("aria-hidden")) continue;
    EXPECT_TRUE(check.has_id(element.attributes.at("id") + "-title"));
  }
  EXPECT_EQ(page, render_explanations(description(), "run/best.safetensors", {recording(), refused}, kOrigin));
}

TEST(Explanation, ADrawingHasPlainColors) {
  const ExplainedRecording one = recording();
  const std::string file = explanation_svg(description(), one, one.whys.front());
  const XmlCheck check(file);
  EXPECT_FALSE(contains(file, "var(")) << "style sheets are for pages";
  EXPECT_FALSE(contains(file, "<style"));
  int above = 0, below = 0, time = 0;
  for (const auto& element : check.elements()) {
    const auto css_class = element.attributes.find("class");
    if (element.name != "path" || css_class == element.attributes.end()) continue;
    const bool heat = css_class->second.starts_with("ecg-above") || css_class->second.starts_with("ecg-below") ||
                      css_class->second.starts_with("ecg-time");
    if (!heat) continue;
    EXPECT_TRUE(element.attributes.contains("fill") && element.attributes.contains("fill-opacity"));
    above += css_class->second.starts_with("ecg-above") ? 1 : 0;
    below += css_class->second.starts_with("ecg-below") ? 1 : 0;
    time += css_class->second.starts_with("ecg-time") ? 1 : 0;
  }
  EXPECT_GT(above, 0);
  EXPECT_GT(below, 0);
  EXPECT_EQ(time, 1);  // Grad-CAM at one token; even attention leaves no color.
}

// Of a long recording one window is explained; beside it stands what predict says of the whole.
TEST(Explanation, ALongRecordingHasTheAnswerOfTheWhole) {
  ExplainedRecording one = recording();
  EXPECT_EQ(whole_words(description(), one, one.whys.front()), "");
  one.whole = {0.35F, 0.1F};
  one.windows = 3;
  one.seconds = 30;
  one.record.start_s = 10;
  const std::string words = whole_words(description(), one, one.whys.front());
  EXPECT_TRUE(contains(words,
                       "30 s: MI (myocardial infarction) has probability 0.350, the mean over 3 windows, not "
                       "above the threshold of 0.400. The model says no. What follows is about the window from "
                       "10 to 20 s alone"))
      << words;
  EXPECT_TRUE(contains(words, "its own decision is the other one"));
  const std::string page = render_explanations(description(), "model", {one}, kOrigin);
  EXPECT_TRUE(contains(page, "The whole recording, 30 s: MI (myocardial infarction) has probability 0.350"));
  EXPECT_TRUE(contains(page, ">0.350<"));
  EXPECT_TRUE(contains(page, "explained window from 10 s on"));
  EXPECT_TRUE(contains(explanation_svg(description(), one, one.whys.front()), "One of 3 windows"));
  const nlohmann::json json = explanation_json(description(), one, one.whys.front());
  EXPECT_EQ(json.at("whole_recording").at("probability"), 0.35F);
  EXPECT_EQ(json.at("whole_recording").at("positive"), false);
  EXPECT_EQ(json.at("probability"), 0.9);
}

TEST(Explanation, SyntheticModelsSaySoInEveryOutput) {
  const ExplainedRecording one = recording();
  model::ModelDescription synthetic = description();
  const std::string mark = "trained on synthetic ECGs";
  EXPECT_FALSE(contains(explanation_svg(synthetic, one, one.whys.front()), mark));
  synthetic.synthetic = true;
  EXPECT_TRUE(contains(explanation_svg(synthetic, one, one.whys.front()), mark));
  EXPECT_TRUE(contains(render_explanations(synthetic, "model", {one}, kOrigin), mark));
}

TEST(Explanation, JsonHoldsTheMaps) {
  const ExplainedRecording one = recording();
  const nlohmann::json json = explanation_json(description(), one, one.whys.front());
  EXPECT_EQ(json.at("map").size(), kSamples * 12);
  EXPECT_EQ(json.at("map")[100 * 12 + 6], 0.25);
  EXPECT_EQ(json.at("parts_of_samples").size(), kSamples);
  EXPECT_TRUE(json.at("features")[1].at("value").is_null());
  EXPECT_EQ(json.at("without")[0].at("changes_decision"), true);
  EXPECT_FALSE(json.contains("warning"));
  model::ModelDescription synthetic = description();
  synthetic.synthetic = true;
  EXPECT_TRUE(explanation_json(synthetic, one, one.whys.front()).contains("warning"));
}

}  // namespace
}  // namespace cardiograd::report
