#include "report/comparison.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/class_words.h"
#include "report/charts.h"
#include "report/page_frame.h"
#include "report/report_json.h"
#include "report/sections.h"
#include "report/tables.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The fields of the configurations that are not the same everywhere; "(absent)" where a run has no such field.
std::vector<std::pair<std::string, std::vector<std::string>>> different_values(const Comparison& comparison) {
  std::vector<std::string> names;
  for (const ComparedRun& run : comparison.runs)
    for (const auto& [name, text] : run.values)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  std::vector<std::pair<std::string, std::vector<std::string>>> different;
  for (const std::string& name : names) {
    std::vector<std::string> texts;
    for (const ComparedRun& run : comparison.runs) {
      const auto found =
          std::find_if(run.values.begin(), run.values.end(), [&](const auto& value) { return value.first == name; });
      texts.push_back(found == run.values.end() ? "(absent)" : found->second);
    }
    if (std::set<std::string>(texts.begin(), texts.end()).size() > 1) different.emplace_back(name, std::move(texts));
  }
  return different;
}

// Of the epoch that was evaluated, which is not the best one in a last.safetensors.
double validation_auc(const ComparedRun& run) {
  for (const model::EpochResult& r : run.log)
    if (r.epoch == run.epoch) return r.val_macro_auc;
  return std::nan("");
}

double training_seconds(const ComparedRun& run) {
  double sum = 0;
  for (const model::EpochResult& r : run.log) sum += r.seconds;
  return sum > 0 ? sum : std::nan("");
}

std::string difference_text(const evaluation::AucDifference& difference) {
  if (std::isnan(difference.value)) return kDash;
  std::string text = fmt::format("{:+.4f}", difference.value);
  if (std::isfinite(difference.low))
    text += fmt::format(" ({:+.4f} to {:+.4f}), p {}{:.3f}", difference.low, difference.high,
                        difference.p_value < 0.001 ? "< " : "", std::max(difference.p_value, 0.001));
  return text;
}

// Mean and sample SD of the runs' macro AUCs.
std::pair<double, double> mean_and_sd(const Comparison& comparison) {
  double mean = 0, squares = 0;
  const auto n = static_cast<double>(comparison.runs.size());
  for (const ComparedRun& run : comparison.runs) mean += run.evaluation.metrics.macro.auc / n;
  for (const ComparedRun& run : comparison.runs) squares += std::pow(run.evaluation.metrics.macro.auc - mean, 2);
  return {mean, std::sqrt(squares / (n - 1))};
}

std::string number_or_dash(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : kDash;
}

// Whether the runs have one configuration; others have no mean that would say anything of one of them.
bool differ_by_seed_alone(const Comparison& comparison) {
  const auto different = different_values(comparison);
  return std::all_of(different.begin(), different.end(),
                     [](const auto& value) { return value.first == "training.seed"; });
}

std::string mean_text(const Comparison& comparison) {
  if (!differ_by_seed_alone(comparison))
    return "The runs differ in more than the seed of the training: a mean over them says nothing of any of them.";
  const auto [mean, sd] = mean_and_sd(comparison);
  if (std::isnan(mean)) return "There is no macro AUC: no class has both positive and negative records here.";
  return fmt::format("Mean of the macro AUCs over the {} runs {:.4f}, standard deviation {:.4f}.",
                     comparison.runs.size(), mean, sd);
}

std::string differences_note(const Comparison& comparison) {
  const evaluation::BootstrapSettings& settings = comparison.runs.back().difference.settings;
  if (settings.draws == 0)
    return "No bootstrap draws were asked for (--draws 0), so the differences have no intervals.";
  return fmt::format(
      "Differences are to {}, on the same records: each of {} draws takes the records for both runs alike (paired "
      "bootstrap, seed {}, {:g} % intervals, p two-sided). They say what other records would change, not what another "
      "seed of the training would.",
      comparison.runs.front().name, grouped(settings.draws), settings.seed, 100 * settings.level);
}

Table runs_table(const Comparison& comparison) {
  std::vector<evaluation::Interval> all;
  Range range{1, 1};
  for (const ComparedRun& run : comparison.runs) {
    all.push_back(run.evaluation.auc.macro);
    for (const double value : {run.evaluation.auc.macro.value, run.evaluation.auc.macro.low})
      if (std::isfinite(value)) range.low = std::min(range.low, value);
  }
  range.low = std::min(std::floor(range.low * 10) / 10, 0.9);
  Table table{fmt::format("Macro figures of each run on {}",
                          counted(comparison.runs.front().evaluation.metrics.records, "record")),
              {"run", "macro AUC", interval_axis(range), "difference", "macro F1", "epoch", "validation macro AUC",
               "parameters", "training time"},
              {}};
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const ComparedRun& run = comparison.runs[i];
    const evaluation::Metrics& m = run.evaluation.metrics;
    const double seconds = training_seconds(run);
    table.rows.push_back(
        {{run.name, with_interval(all[i], m.records), interval_bar({all[i].value, all[i].low, all[i].high}, range, 0.5),
          i == 0 ? std::string(kDash) : difference_text(run.difference.macro), figure(m.macro.f1, m.records),
          std::to_string(run.epoch), number_or_dash(validation_auc(run), 4), grouped(run.parameters),
          std::isfinite(seconds) ? fmt::format("{:.0f} min", seconds / 60) : std::string(kDash)},
         false});
  }
  return table;
}

Table classes_table(const Comparison& comparison, bool differences) {
  Table table{differences ? "Difference of the AUC of each class" : "AUC of each class", {"class", "positives"}, {}};
  for (std::size_t i = differences ? 1 : 0; i < comparison.runs.size(); ++i)
    table.columns.emplace_back(comparison.runs[i].name);
  const evaluation::Evaluation& first = comparison.runs.front().evaluation;
  for (std::size_t c = 0; c < first.class_names.size(); ++c) {
    const std::int64_t support = first.metrics.classes[c].support;
    TableRow row{{data::class_in_words(first.class_names[c], comparison.task), grouped(support)}, false};
    for (std::size_t i = differences ? 1 : 0; i < comparison.runs.size(); ++i)
      row.cells.emplace_back(differences ? difference_text(comparison.runs[i].difference.classes[c])
                                         : with_interval(comparison.runs[i].evaluation.auc.classes[c], support));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Markup curve_chart(const Comparison& comparison, const char* id, const char* title, const char* label,
                   double model::EpochResult::*value) {
  EpochChart chart;
  chart.text = {id, title, "A line for each run; the table of runs holds the figures at the end."};
  chart.y_label = label;
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    Series series{comparison.runs[i].name, fmt::format("s{}", i), {}};
    for (const model::EpochResult& r : comparison.runs[i].log) series.values.push_back(r.*value);
    if (!series.values.empty()) chart.series.push_back(std::move(series));
  }
  return epoch_chart(chart);
}

void add_section(Markup& page, const char* id, const char* heading) {
  page.open("section", {{"id", id}, {"aria-labelledby", fmt::format("{}-heading", id)}});
  page.element("h2", {{"id", fmt::format("{}-heading", id)}}, heading);
}

void add_curves(Markup& page, const Comparison& comparison) {
  add_section(page, "curves", "Training");
  std::vector<std::string> without;
  for (const ComparedRun& run : comparison.runs)
    if (run.log.empty()) without.push_back(run.name);
  if (without.size() < comparison.runs.size()) {
    page.open("figure").open("div", {{"class", "pair"}});
    page.append(curve_chart(comparison, "curve-loss", "Training loss per epoch", "training loss",
                            &model::EpochResult::train_loss));
    page.append(curve_chart(comparison, "curve-auc", "Macro AUC on the validation fold per epoch", "macro AUC",
                            &model::EpochResult::val_macro_auc));
    page.close("div").element("figcaption", "One line for each run.").close("figure");
  }
  if (!without.empty()) add_gap(page, fmt::format("There is no log.csv of {}.", enumerate(without)));
  page.close("section");
}

void add_settings(Markup& page, const Comparison& comparison) {
  add_section(page, "settings", "What differs in the configurations");
  const auto different = different_values(comparison);
  if (different.empty()) {
    add_gap(page, "Nothing: the runs have the same configuration.");
  } else {
    Table table{"Values that are not the same in all runs", {"value"}, {}};
    for (const ComparedRun& run : comparison.runs) table.columns.emplace_back(run.name);
    for (const auto& [name, texts] : different) {
      TableRow row{{name}, false};
      for (const std::string& text : texts) row.cells.emplace_back(text);
      table.rows.push_back(std::move(row));
    }
    add_table(page, table);
  }
  page.close("section");
}

json or_null(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json interval_json(const evaluation::Interval& interval) {
  return {{"value", or_null(interval.value)}, {"low", or_null(interval.low)}, {"high", or_null(interval.high)}};
}

json difference_json(const evaluation::AucDifference& difference) {
  json one = interval_json(difference);
  one["p_value"] = or_null(difference.p_value);
  return one;
}

}  // namespace

std::vector<std::string> short_names(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    fs::path part = fs::path(path).lexically_normal();
    if (!part.has_filename()) part = part.parent_path();
    names.push_back(part.filename().string());
  }
  if (std::set<std::string>(names.begin(), names.end()).size() == names.size()) return names;
  return paths;
}

std::string comparison_text(const Comparison& comparison) {
  std::size_t width = 3;
  for (const ComparedRun& run : comparison.runs) width = std::max(width, run.name.size());
  std::string text =
      fmt::format("fold {} of {}: {} records\n\n{:<{}}  {:<22}  macro F1  epoch  difference of the macro AUC\n",
                  fmt::join(comparison.folds, ", "), comparison.data_folder,
                  comparison.runs.front().evaluation.metrics.records, "run", width, "macro AUC");
  for (const ComparedRun& run : comparison.runs) {
    const evaluation::Interval& auc = run.evaluation.auc.macro;
    std::string auc_text = number_or_dash(auc.value, 4);
    if (std::isfinite(auc.low)) auc_text += fmt::format(" [{:.3f}, {:.3f}]", auc.low, auc.high);
    text += fmt::format("{:<{}}  {:<22}  {:>8}  {:>5}  {}{}\n", run.name, width, auc_text,
                        number_or_dash(run.evaluation.metrics.macro.f1, 3), run.epoch,
                        &run == &comparison.runs.front() ? "-" : difference_text(run.difference.macro),
                        run.synthetic         ? "  (trained on synthetic ECGs)"
                        : run.synthetic_start ? "  (began with a model trained on synthetic ECGs)"
                                              : "");
  }
  text += "\n" + mean_text(comparison) + "\n" + differences_note(comparison) + "\n";
  for (const auto& [name, texts] : different_values(comparison))
    text += fmt::format("{}: {}\n", name, fmt::join(texts, " | "));
  return text;
}

std::string render_comparison(const Comparison& comparison) {
  PageFrame frame;
  frame.title = fmt::format("{} runs on fold{} {}", comparison.runs.size(), comparison.folds.size() == 1 ? "" : "s",
                            fmt::join(comparison.folds, ", "));
  frame.brand = "comparison";
  frame.notes = {
      fmt::format("Data: {}. Compared {}, {}.", comparison.data_folder, comparison.date, comparison.program)};
  for (const ComparedRun& run : comparison.runs)
    if (run.synthetic)
      frame.notes.push_back(
          fmt::format("{} was trained on synthetic ECGs: its answers say nothing about a patient.", run.name));
    else if (run.synthetic_start)
      frame.notes.push_back(fmt::format("{} began with a model trained on synthetic ECGs.", run.name));
  for (const ComparedRun& run : comparison.runs)
    for (const std::string& words : model::known_folds_words(run.known_folds, run.name))
      frame.notes.push_back(fmt::format("Beware: {}.", words));
  frame.writer = "compare";
  Markup page;
  begin_page(
      page, frame,
      navigation_of({{"summary", "Runs"}, {"per-class", "Classes"}, {"curves", "Training"}, {"settings", "Settings"}}));
  add_section(page, "summary", "Runs");
  add_table(page, runs_table(comparison));
  page.element("p", mean_text(comparison)).element("p", differences_note(comparison));
  page.close("section");
  add_section(page, "per-class", "Classes");
  add_table(page, classes_table(comparison, false));
  add_table(page, classes_table(comparison, true));
  page.element(
      "p", {{"class", "note"}},
      "Among many differences some are large by chance: one in twenty has p below 0.05 where nothing differs.");
  page.close("section");
  add_curves(page, comparison);
  add_settings(page, comparison);
  end_page(page, frame);
  return page.str();
}

json comparison_json(const Comparison& comparison) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const auto [mean, sd] = differ_by_seed_alone(comparison) ? mean_and_sd(comparison) : std::pair(kNone, kNone);
  json all = {{"data", comparison.data_folder},   {"folds", comparison.folds},
              {"date", comparison.date},          {"program", comparison.program},
              {"macro_auc_mean", or_null(mean)},  {"macro_auc_sd", or_null(sd)},
              {"task", word_of(comparison.task)}, {"runs", json::array()}};
  const evaluation::BootstrapSettings& settings = comparison.runs.back().difference.settings;
  all["bootstrap"] = {{"draws", settings.draws}, {"seed", settings.seed}, {"level", settings.level}};
  all["different_values"] = json::object();
  for (const auto& [name, texts] : different_values(comparison)) all["different_values"][name] = texts;
  for (const std::string& name : comparison.runs.front().evaluation.class_names)
    all["meanings"][name] = data::class_meaning(name, comparison.task);
  for (const ComparedRun& run : comparison.runs) {
    json one = {{"name", run.name},
                {"epoch", run.epoch},
                {"parameters", run.parameters},
                {"synthetic", run.synthetic},
                {"synthetic_start", run.synthetic_start},
                {"evaluation", to_json(run.evaluation)}};
    one["known_folds"] = {{"training", run.known_folds.training},
                          {"validation", run.known_folds.validation},
                          {"calibration", run.known_folds.calibration}};
    one["validation_macro_auc"] = or_null(validation_auc(run));
    one["training_seconds"] = or_null(training_seconds(run));
    one["training"] = training_json(run.log, run.evaluation.class_names);
    for (const auto& [name, text] : run.values) one["config"][name] = text;
    if (&run != &comparison.runs.front()) {
      one["difference"]["macro"] = difference_json(run.difference.macro);
      for (std::size_t c = 0; c < run.difference.classes.size(); ++c)
        one["difference"]["classes"][run.evaluation.class_names[c]] = difference_json(run.difference.classes[c]);
    }
    all["runs"].push_back(std::move(one));
  }
  return all;
}

}  // namespace cardiograd::report
