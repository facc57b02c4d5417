#include "report/page.h"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "report/report_json.h"
#include "report/sections.h"
#include "report/verdict.h"
#include "tests/report/tiny_run.h"
#include "tests/report/xml_check.h"

namespace cardiograd::report {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TinyRun;
using cardiograd::testing::XmlCheck;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Well-formed, all sections there, nothing to load.
void expect_whole(const std::string& page) {
  const XmlCheck check(page);
  for (const Section& section : sections()) EXPECT_TRUE(check.has_id(std::string(section.id))) << section.id;
  EXPECT_EQ(check.count("section"), sections().size());
  EXPECT_EQ(check.count("h1"), 1U);
  EXPECT_EQ(check.count("table"), check.count("caption"));
  for (const char* loads : {"http:", "https:", "@import", "src="}) EXPECT_FALSE(contains(page, loads)) << loads;
  for (const auto& element : check.elements()) {
    if (element.name == "svg" && !element.attributes.contains("aria-hidden")) {
      const std::string id = element.attributes.at("id");
      EXPECT_TRUE(check.has_id(id + "-title") && check.has_id(id + "-desc")) << id;
    }
    const auto href = element.attributes.find("href");
    if (href == element.attributes.end() || href->second == "data:,") continue;
    ASSERT_TRUE(href->second.starts_with("#")) << href->second;
    EXPECT_TRUE(check.has_id(href->second.substr(1))) << href->second;
  }
  EXPECT_TRUE(contains(page, "not a medical device"));
  EXPECT_LT(page.find("default-src &#39;none&#39;"), page.find("<style"));
}

TEST(ReportPage, OfATinyRunIsWhole) {
  const TinyRun run(60);
  run.write_run_files(fs::canonical(run.data_folder()).string());
  const ReportData report = run.report({1, 2, 3, 4, 10});
  const std::string page = render(report);
  expect_whole(page);
  const XmlCheck check(page);
  for (const char* id : {"roc-0", "pr-4", "confusion-2", "reliability-3", "ecg-1", "ecg-6", "epochs-loss", "epochs-auc",
                         "sunburst", "strip-1"})
    EXPECT_TRUE(check.has_id(id)) << id;
  EXPECT_TRUE(contains(page, "age_years"));
  EXPECT_TRUE(contains(page, "age: 40 to 59"));
  EXPECT_TRUE(contains(page, "sex: female"));
  EXPECT_TRUE(contains(page, "encoder_layers = 2"));  // config.toml as it is
  EXPECT_TRUE(contains(page, "10 mm/mV"));
  EXPECT_TRUE(contains(page, "Narrower than the truth"));
  EXPECT_EQ(render(run.report({1, 2, 3, 4, 10})), page);
}

TEST(ReportPage, WhatIsMissingIsSaid) {
  const TinyRun run(60, model::FeatureSet::kNone);
  // Fold 10: records 10, 20, ..., 60 are two each of CD, STTC and NORM.
  const std::string page = render(run.report({10}, 0));
  expect_whole(page);
  EXPECT_TRUE(contains(page, "There is no log.csv beside the model file"));
  EXPECT_TRUE(contains(page, "There is no config.toml beside the model file"));
  EXPECT_TRUE(contains(page, "MI: none of the 6 records is positive, so there is no curve."));
  EXPECT_TRUE(contains(page, "HYP (hypertrophy): no positives; MI (myocardial infarction): no positives"));
  EXPECT_TRUE(contains(page, "no hand-crafted features"));
  EXPECT_TRUE(contains(page, "--draws 0"));
  EXPECT_FALSE(contains(page, "Best at"));  // two positives rank nothing
  EXPECT_TRUE(contains(page, "is not known: neither the model nor a config.toml"));
}

TEST(ReportPage, AFoldWithoutPositivesHasNoVerdict) {
  const TinyRun run(10, model::FeatureSet::kDemographics, data::Unlabeled::kKeep);
  const std::string page = render(run.report({5}));  // record 5 alone, whose statement is no diagnosis
  expect_whole(page);
  EXPECT_TRUE(contains(page, "There is no verdict: no class has both positive and negative records in fold 5."));
  EXPECT_TRUE(contains(page, "there is no macro AUC that a feature could cost"));
  EXPECT_FALSE(contains(page, ">nan"));
}

TEST(ReportPage, BrokenRunFilesAreGaps) {
  const TinyRun run(20);
  write_file(run.folder() / "log.csv", "epoch,loss\n1,2\n");
  write_file(run.folder() / "config.toml", "");
  const std::string page = render(run.report({10}));
  expect_whole(page);
  EXPECT_TRUE(contains(page, "log.csv beside the model cannot be read"));
  EXPECT_TRUE(contains(page, "config.toml beside the model is empty."));
}

TEST(ReportPage, EveryNameIsEscaped) {
  const TinyRun run(60);
  ReportData report = run.report({1, 2, 10});
  const std::string evil = "</script><script>alert('x&y')</script>\"\xFF";
  report.model_file = "/tmp/" + evil + ".safetensors";
  report.data_folder = evil;
  report.config = evil;
  report.data_text = evil;
  report.log_gap = evil;
  report.evaluation.class_names[0] = report.description.class_names[0] = evil;
  report.description.lead_names[3] = report.description.unit = evil;
  report.importance->features[0].name = evil;
  report.classes.superclasses[0].name = report.classes.superclasses[1].subclasses[0].name = evil;
  report.subgroups[0].group.name = evil;
  const std::string page = render(report);
  expect_whole(page);
  EXPECT_FALSE(contains(page, "alert('"));
  EXPECT_FALSE(contains(page, "</script><script>"));
}

TEST(ReportVerdict, SaysWhatIsKnownAboutTheFold) {
  const TinyRun run(60);
  const std::string here = fs::canonical(run.data_folder()).string();
  EXPECT_EQ(run.report({10}).fold_role, FoldRole::kUnknown);  // nothing beside the model
  run.write_run_files("/somewhere/else");
  EXPECT_EQ(run.report({10}).fold_role, FoldRole::kUnknown);
  run.write_run_files(here);
  EXPECT_EQ(run.report({10}).fold_role, FoldRole::kTest);
  EXPECT_EQ(run.report({3}).fold_role, FoldRole::kTraining);
  EXPECT_EQ(run.report({3, 10}).fold_role, FoldRole::kTraining);
  EXPECT_EQ(run.report({9, 10}).fold_role, FoldRole::kValidation);
  EXPECT_TRUE(contains(caveats(run.report({3}))[0], "was trained on records of fold 3"));
  EXPECT_TRUE(contains(caveats(run.report({9}))[0], "were chosen on fold 9"));
}

// By the records' ids and folds, whatever the folder is called and whatever config.toml says.
TEST(ReportVerdict, TheDataDecideWhatTheFoldsAre) {
  TinyRun run(60);
  model::ModelDescription& d = run.description();
  d.data_hash = model::records_hash(run.set());
  d.train_folds = {1, 2, 3, 4, 5, 6, 7, 8};
  const ReportData all = run.report({1, 2, 3, 9, 10});
  EXPECT_EQ(all.fold_role, FoldRole::kTraining);
  EXPECT_TRUE(contains(caveats(all)[0], "was trained on records of folds 1, 2, 3: their figures"));
  EXPECT_TRUE(contains(caveats(all)[1], "were chosen on fold 9: its figures"));
  EXPECT_EQ(run.report({9, 10}).fold_role, FoldRole::kValidation);
  EXPECT_EQ(run.report({10}).fold_role, FoldRole::kTest);
  d.calibration_hash = d.data_hash;
  d.calibration_folds = {10};
  EXPECT_EQ(run.report({10}).fold_role, FoldRole::kValidation);
  EXPECT_TRUE(contains(caveats(run.report({10}))[0], "were calibrated on fold 10"));
  d.data_hash = d.calibration_hash = "of other records";
  EXPECT_EQ(run.report({1, 9}).fold_role, FoldRole::kNone);
  EXPECT_TRUE(contains(caveats(run.report({1, 9}))[0], "trained on another set of records"));
  EXPECT_EQ(report_json(run.report({9})).at("fold_role"), "none");
}

TEST(ReportVerdict, WordsFollowTheFigures) {
  const TinyRun run(60);
  ReportData report = run.report({1, 2, 3, 10});
  report.wrong_records = 2;
  const auto with = [&](double auc, double low) {
    report.evaluation.metrics.macro.auc = report.evaluation.auc.macro.value = auc;
    report.evaluation.auc.macro.low = low;
    report.evaluation.auc.macro.high = 0.99;
    return verdict(report);
  };
  EXPECT_TRUE(contains(with(0.95, 0.9), "ranks recordings very well"));
  EXPECT_TRUE(contains(with(0.95, 0.9), "95 % of the time"));
  EXPECT_TRUE(contains(with(0.85, 0.8), "ranks recordings well"));
  EXPECT_TRUE(contains(with(0.72, 0.6), "fairly"));
  EXPECT_TRUE(contains(with(0.61, 0.55), "poorly"));
  // A good ranking is no praise where most records have a wrong decision.
  report.wrong_records = report.evaluation.metrics.records / 2 + 1;
  EXPECT_FALSE(contains(with(0.95, 0.9), "very well"));
  EXPECT_TRUE(contains(with(0.95, 0.9), "wrong about most records"));
  report.wrong_records = 2;
  EXPECT_TRUE(contains(with(0.85, 0.45), "cannot be told from guessing"));
  EXPECT_TRUE(contains(with(0.4, 0.3), "cannot be told from guessing"));
  EXPECT_TRUE(contains(with(0.95, 0.9), "very well"));
  for (evaluation::ClassMetrics& one : report.evaluation.metrics.classes) one.support = 10;  // no longer rare
  report.evaluation.metrics.classes[2].auc = 0.99;
  EXPECT_TRUE(contains(verdict_details(report)[0], "Best at MI (myocardial infarction): AUC "));
  EXPECT_TRUE(contains(verdict_details(report).back(), "cannot be compared"));
  report.whole_ptbxl = true;
  EXPECT_TRUE(contains(verdict_details(report).back(), "a difference of +0.017"));
}

TEST(ReportPage, SyntheticModelsAndDataSaySo) {
  const TinyRun run(60);
  ReportData report = run.report({10});
  EXPECT_FALSE(contains(render(report), "synthetic"));
  report.description.synthetic = true;
  EXPECT_TRUE(contains(render(report), "trained on synthetic ECGs"));
  report.description.synthetic = false;
  report.description.synthetic_start = true;
  EXPECT_TRUE(contains(render(report), "began with a model trained on synthetic ECGs"));
  report.description.synthetic_start = false;
  report.synthetic_data = true;
  EXPECT_TRUE(contains(render(report), "The records are synthetic"));
}

TEST(ReportPage, RightAnswersAreExplained) {
  const TinyRun run(60);
  const ReportData report = run.report({1, 2, 3, 4, 10});
  ASSERT_FALSE(report.explained.empty());
  for (const ExplainedClass& one : report.explained) {
    const model::Explanation& why = one.example.whys.front();
    EXPECT_EQ(why.class_name, report.evaluation.class_names[one.column]);
    EXPECT_TRUE(why.positive());
    EXPECT_TRUE(one.missed_fraction <= 0.01);
    double fraction = 0;
    for (const model::PartContribution& lead : one.leads) fraction += lead.fraction;
    EXPECT_TRUE(std::abs(fraction - 1) <= 1e-6);
  }
}

TEST(ReportPage, FolderIsMadeAndAFileInItsPlaceIsAnError) {
  const TinyRun run(20);
  const ReportData report = run.report({10});
  write_report(run.out("deep/er"), report);
  EXPECT_EQ(read_file(run.out("deep/er") / "report.html"), render(report));
  EXPECT_THROW(write_report(run.out("deep/er"), report, Existing::kRefuse), Error);
  write_file(run.out("file"), "x");
  EXPECT_THROW(write_report(run.out("file"), report), Error);
  EXPECT_EQ(read_file(run.out("file")), "x");
}

TEST(EvaluateProgram, WritesTheSameReportTwice) {
  const TinyRun run(60);
  run.write_run_files(fs::canonical(run.data_folder()).string());
  const auto evaluate = [&](const std::string& name) {
    const std::string command = fmt::format(
        "'{}/evaluate' --model '{}' --data '{}' --fold 10 --no-cache --threads {} --report '{}' > '{}' 2>&1",
        CARDIOGRAD_APPS_DIR, run.model_file().string(), run.data_folder().string(), name == "a" ? 1 : 2,
        run.out(name).string(), run.out("log").string());
    return std::system(command.c_str());
  };
  ASSERT_EQ(evaluate("a"), 0) << read_file(run.out("log"));
  EXPECT_TRUE(contains(read_file(run.out("log")), "report: " + (run.out("a") / "report.html").string()));
  ASSERT_EQ(evaluate("b"), 0) << read_file(run.out("log"));
  std::string page = read_file(run.out("a") / "report.html");
  expect_whole(page);
  std::string again = read_file(run.out("b") / "report.html");
  // But for the minute at which it was made.
  for (std::string* text : {&page, &again}) {
    const std::size_t date = text->find("Evaluated 20");
    ASSERT_NE(date, std::string::npos);
    text->erase(date, std::string_view("Evaluated 2026-11-26 21:40 UTC").size());
  }
  EXPECT_EQ(page, again);
  EXPECT_EQ(std::distance(fs::directory_iterator(run.out("a")), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace cardiograd::report
