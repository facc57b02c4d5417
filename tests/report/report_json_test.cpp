#include "report/report_json.h"

#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/page.h"
#include "report/sections.h"
#include "report/verdict.h"
#include "tests/report/tiny_run.h"

namespace cardiograd::report {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TinyRun;
using nlohmann::json;

struct PageText {
  std::string section;  // its id; empty in the header
  std::string tag;
  std::string text;
};

// What stands between tags, but style, script, and of drawings all but their descriptions.
std::vector<PageText> texts_of(const std::string& page) {
  static const std::regex piece("<(/?)([a-z0-9]+)([^>]*)>([^<]*)");
  static const std::regex id("id=\"([^\"]*)\"");
  std::vector<PageText> texts;
  std::string section;
  bool drawing = false;
  for (auto at = std::sregex_iterator(page.begin(), page.end(), piece); at != std::sregex_iterator(); ++at) {
    const bool closes = at->length(1) > 0;
    const std::string tag = at->str(2), attributes = at->str(3);
    std::smatch found;
    if (tag == "section") section = !closes && std::regex_search(attributes, found, id) ? found.str(1) : "";
    if (tag == "svg") drawing = !closes;
    if (closes || tag == "style" || tag == "script" || (drawing && tag != "desc")) continue;
    std::string text = std::regex_replace(at->str(4), std::regex("&#39;"), "'");
    if (!text.empty()) texts.push_back({section, tag, std::move(text)});
  }
  return texts;
}

// The numbers and the texts within some JSON.
struct Leaves {
  std::vector<double> numbers;
  std::vector<std::string> texts;

  void add(const json& value) {
    if (value.is_number()) numbers.push_back(value.get<double>());
    if (value.is_string()) texts.push_back(value.get<std::string>());
    if (value.is_structured())
      for (const json& part : value) add(part);
  }
  // Whether a number is there that is printed so.
  bool holds(const std::string& printed, double factor) const {
    const std::size_t point = printed.find('.');
    const std::size_t decimals = point == std::string::npos ? 0 : printed.size() - point - 1;
    for (const double number : numbers)
      if (fmt::format("{:.{}f}", std::abs(factor * number), decimals) == printed) return true;
    return false;
  }
  bool holds_text(const std::string& text) const {
    for (const std::string& one : texts)
      if (one.find(text) != std::string::npos) return true;
    return false;
  }
};

// The numbers of a text that are neither in `leaves` nor the percentage of two that stand before it.
std::vector<std::string> missing_numbers(std::string text, const Leaves& leaves) {
  static const std::regex fraction("([\\d,]+) of ([\\d,]+)( \\(\\d+ %\\))?"), grouping("(\\d),(\\d\\d\\d)");
  static const std::regex number("(^|[^A-Za-z_0-9.])[-+\u2212]?(\\d+(?:\\.\\d+)?)( %)?");
  text = std::regex_replace(text, grouping, "$1$2");
  std::vector<std::string> missing;
  std::smatch found;
  while (std::regex_search(text, found, fraction)) {
    const std::string part = found.str(1), whole = found.str(2);
    const double quotient = std::stod(part) / std::stod(whole);
    bool known = leaves.holds(whole, 1);
    for (const double one : leaves.numbers) known = known || std::abs(one - quotient) < 1e-9;
    if (!known || !leaves.holds(part, 1)) missing.push_back(found.str());
    text = found.prefix().str() + found.suffix().str();
  }
  for (auto at = std::sregex_iterator(text.begin(), text.end(), number); at != std::sregex_iterator(); ++at)
    if (!leaves.holds(at->str(2), at->length(3) > 0 ? 100 : 1)) missing.push_back(at->str(2));
  return missing;
}

// Where the figures of each section are.
const std::map<std::string, std::vector<std::string>>& keys_of_sections() {
  static const std::map<std::string, std::vector<std::string>> keys = {
      {"summary", {"verdict", "verdict_details", "caveats", "macro", "records", "support", "folds", "bootstrap"}},
      {"results", {"classes", "macro", "micro", "weighted", "samples", "records", "support", "bootstrap"}},
      {"intervals", {"classes", "macro", "bootstrap", "support"}},
      {"roc", {"classes", "records"}},
      {"precision-recall", {"classes", "records"}},
      {"confusion", {"classes", "co_confusion"}},
      {"calibration", {"calibration"}},
      {"subgroups", {"subgroups", "bootstrap"}},
      {"mistakes", {"mistakes", "wrong_records", "records", "classes"}},
      {"explanations", {"explanations"}},
      {"importance", {"importance", "records"}},
      {"training", {"training", "epoch"}},
      {"classes", {"class_distribution"}},
      {"configuration", {"configuration", "model", "classes", "parameters", "epoch", "data"}}};
  return keys;
}

// Every figure in the page's tables, tiles, descriptions of drawings and sentences about this model is in the JSON,
// under the keys that belong to the section.
TEST(ReportJson, HoldsEveryFigureOfThePage) {
  const TinyRun run(60);
  run.write_run_files(fs::canonical(run.data_folder()).string());
  ReportData report = run.report({1, 2, 3, 4, 10});
  const json all = report_json(report);
  // What is the same for every model has figures, too: captions, and "Figures that fewer than 100 records decide".
  const std::set<std::string> about_all = {"figcaption", "caption", "summary"};
  const std::vector<double> in_sentences = {10, 0.7, 0.95, 100};
  std::map<std::string, int> seen;
  for (const PageText& one : texts_of(render(report))) {
    if (one.section.empty()) continue;
    Leaves leaves;
    ASSERT_TRUE(keys_of_sections().contains(one.section)) << one.section;
    for (const std::string& key : keys_of_sections().at(one.section)) leaves.add(all.at(key));
    leaves.numbers.push_back(static_cast<double>(report.evaluation.class_names.size()));
    if (one.tag == "p") leaves.numbers.insert(leaves.numbers.end(), in_sentences.begin(), in_sentences.end());
    const bool percentage = one.section == "classes" && one.text.ends_with(" %");  // of the records beside it
    const bool heading = one.section == "mistakes" && one.tag == "h3";             // "1. record 12: missed MI"
    if (about_all.contains(one.tag) || percentage || leaves.holds_text(one.text)) continue;
    std::string text = heading ? one.text.substr(one.text.find(' ')) : one.text;
    if (one.section == "subgroups" && leaves.holds_text(text.substr(text.find(' ') + 1))) continue;  // "age: under 40"
    for (const std::string& number : missing_numbers(text, leaves))
      ADD_FAILURE() << one.section << ", " << one.tag << ": '" << number << "' of '" << one.text << "'";
    ++seen[one.section];
  }
  for (const Section& section : sections()) EXPECT_GE(seen[std::string(section.id)], 3) << section.id;
}

TEST(ReportJson, HoldsEverySentenceOfTheSummary) {
  const TinyRun run(60);
  const ReportData report = run.report({1, 2, 3, 4, 10});
  Leaves leaves;
  leaves.add(report_json(report));
  int sentences = 0;
  for (const PageText& one : texts_of(render(report))) {
    if (one.section != "summary" || (one.tag != "p" && one.tag != "li") || one.text.starts_with("Before believing"))
      continue;
    EXPECT_TRUE(leaves.holds_text(one.text)) << one.text;
    ++sentences;
  }
  EXPECT_GE(sentences, 5);
}

TEST(ReportJson, ItsKeysAreInTheDocument) {
  const std::string document = read_file(std::string(CARDIOGRAD_TESTS_DIR) + "/../docs/evaluation-json.md");
  const json all = report_json(TinyRun(60).report({10}));
  std::vector<std::string> keys = {"models"};
  for (const auto& [key, value] : all.items()) keys.push_back(key);
  for (const auto& [key, value] : all.at("classes").front().items()) keys.push_back(key);
  for (const std::string& key : keys) EXPECT_NE(document.find("`" + key + "`"), std::string::npos) << key;
}

TEST(ReportJson, HasTheValuesThemselves) {
  const TinyRun run(60);
  run.write_run_files(fs::canonical(run.data_folder()).string());
  const ReportData report = run.report({1, 2, 3, 4, 10});
  const json all = report_json(report);
  EXPECT_EQ(all.at("records"), report.evaluation.metrics.records);
  EXPECT_EQ(all.at("verdict"), verdict(report));
  EXPECT_EQ(all.at("subgroups").size(), report.subgroups.size());
  EXPECT_EQ(all.at("mistakes").size(), report.mistakes.size());
  EXPECT_EQ(all.at("explanations").size(), report.explained.size());
  EXPECT_EQ(all.at("training").size(), 3U);
  EXPECT_TRUE(all.at("training")[1].at("val_macro_auc").is_null());
  for (std::size_t c = 0; c < report.evaluation.class_names.size(); ++c) {
    const std::string& name = report.evaluation.class_names[c];
    EXPECT_EQ(all.at("calibration").at(name).at("brier"), report.calibration[c].brier);
    EXPECT_EQ(all.at("curves").at(name).at("roc").size(), report.roc[c].size());
    std::int64_t row = 0;
    for (const std::int64_t count : report.co_confusion[c]) row += count;
    EXPECT_GE(row, report.evaluation.metrics.classes[c].support);
  }
  for (const model::FeatureImportance& one : report.importance->features)
    EXPECT_EQ(all.at("importance").at("features").at(one.name).at("drop"), one.drop);
  EXPECT_TRUE(all.at("importance").at("features").contains(model::kAllFeatures));
  for (const ExplainedClass& one : report.explained) {
    const model::Explanation& why = one.example.whys.front();
    const json& example = all.at("explanations").at(why.class_name).at("example");
    EXPECT_EQ(example.at("record"), one.example.record.name);
    EXPECT_EQ(example.at("logit"), why.logit);
    EXPECT_FALSE(example.contains("inputs"));
  }
  const json& configuration = all.at("configuration");
  EXPECT_EQ(configuration.at("config_toml"), report.config);
  EXPECT_EQ(configuration.at("data"), report.data_text);
  EXPECT_EQ(configuration.at("model").at("architecture").at("kernels"), json({3}));
  EXPECT_EQ(all.at("classes").at("MI").at("meaning"), "myocardial infarction");
  EXPECT_EQ(all.at("classes").at("MI").at("paper").at("recall"), 0.77);
  EXPECT_EQ(all.at("macro").at("paper").at("auc"), 0.933);
  EXPECT_EQ(all.at("totals").at("true_positives"), totals(report).true_positives);
}

}  // namespace
}  // namespace cardiograd::report
