#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/class_words.h"
#include "report/charts.h"
#include "report/ecg_paper.h"
#include "report/explanation_figure.h"
#include "report/sections.h"
#include "report/tables.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

std::string number_or_dash(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : kDash;
}

std::string person_text(const MistakenRecord& record) {
  const std::string age = std::isfinite(record.age) ? fmt::format("{:.0f} years", record.age) : "age not recorded";
  const char* sex = record.sex == 0 ? "male" : (record.sex == 1 ? "female" : "sex not recorded");
  return fmt::format("{}, {}", age, sex);
}

std::string words_of(const ReportData& report, std::size_t c) {
  return data::class_in_words(report.evaluation.class_names[c], report.description.task);
}

std::string labels_text(const ReportData& report, const MistakenRecord& record) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < record.labels.size(); ++c)
    if (record.labels[c]) names.push_back(words_of(report, c));
  return names.empty() ? "no class" : enumerate(names);
}

// The classes that the model predicts, each with its probability.
std::string predictions_text(const ReportData& report, const MistakenRecord& record) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < record.labels.size(); ++c)
    if (record.probabilities[c] > report.evaluation.thresholds[c])
      names.push_back(fmt::format("{} {:.2f}", words_of(report, c), record.probabilities[c]));
  return names.empty() ? "nothing" : enumerate(names);
}

void add_mistake(Markup& page, const ReportData& report, std::size_t index) {
  const MistakenRecord& record = report.mistakes[index];
  const evaluation::Mistake& m = record.mistake;
  const auto c = static_cast<std::size_t>(m.column);
  const std::string name = words_of(report, c);
  const std::string what = m.labeled ? fmt::format("missed {}", name) : fmt::format("false alarm for {}", name);
  const std::string strip_id = fmt::format("strip-{}", index + 1);
  page.open("figure", {{"class", "mistake"}});
  page.element("h3", fmt::format("{}. {}: {}", index + 1, record.name(), what));
  page.element("p", fmt::format("Probability of {} {:.3f}, threshold {:.3f}. Labeled {}; predicted {}. {}, fold {}.",
                                name, m.score, report.evaluation.thresholds[c], labels_text(report, record),
                                predictions_text(report, record), person_text(record), record.fold));
  const EcgDrawing drawing =
      draw_ecg({fmt::format("ecg-{}", index + 1), fmt::format("ECG of {}, {}", record.name(), what),
                fmt::format("Labeled {}; the model predicted {}.", labels_text(report, record),
                            predictions_text(report, record))},
               {record.samples, report.description.lead_names, report.description.rate, report.description.unit});
  add_strip(page, drawing, strip_id, fmt::format("ECG of {}", record.name()));
  page.element("figcaption", drawing.scale + ".").close("figure");
}

Table log_table(const std::vector<model::EpochResult>& log) {
  Table table{"The run's log.csv",
              {"epoch", "training loss", "validation loss", "validation macro AUC", "learning rate", "records/s"},
              {}};
  for (const model::EpochResult& r : log)
    table.rows.push_back(
        {{fmt::format("{}{}", r.epoch, r.best ? " \u2713" : ""), number_or_dash(r.train_loss, 4),
          number_or_dash(r.val_loss, 4), number_or_dash(r.val_macro_auc, 4),
          std::isfinite(r.lr) ? fmt::format("{:.3g}", r.lr) : kDash, number_or_dash(r.samples_per_s, 0)},
         false});
  return table;
}

Table model_table(const ReportData& report) {
  const model::ModelDescription& d = report.description;
  const model::DataShape shape = d.architecture.shape();
  Table table{"The model", {"what", "value"}, {}};
  const auto add = [&](const char* what, const std::string& value) {
    table.rows.push_back({{what, value.empty() ? std::string(kDash) : value}, false});
  };
  add("file", report.model_file);
  add("epochs trained", std::to_string(d.epoch));
  add("parameters", grouped(report.parameters));
  add("task", fmt::format("{} ({} classes)", word_of(d.task), shape.classes));
  add("classes", fmt::format("{}", fmt::join(d.class_names, ", ")));
  add("thresholds", fmt::format("{:.4f}", fmt::join(d.thresholds, ", ")));
  add("validation folds", fmt::format("{}", fmt::join(d.val_folds, ", ")));
  add("leads", fmt::format("{}", fmt::join(d.lead_names, ", ")));
  add("signals", fmt::format("{} samples at {:g} Hz in {}", shape.samples, d.rate, d.unit));
  add("filter", std::string(word_of(d.filter)));
  add("normalize", std::string(word_of(d.normalize)));
  add("records without a class", std::string(word_of(d.unlabeled)));
  add("features", d.feature_scaling.names.empty()
                      ? std::string(word_of(d.feature_set))
                      : fmt::format("{}: {}{}", word_of(d.feature_set), fmt::join(d.feature_scaling.names, ", "),
                                    d.feature_scaling.missing_flags ? ", each with a flag for missing values" : ""));
  return table;
}

Table architecture_table(const ReportData& report) {
  model::Architecture architecture = report.description.architecture;
  Table table{fmt::format("The architecture: {}", architecture.kind().title), {"value", "is", "meaning"}, {}};
  for (const model::ConfigField& field : architecture.fields())
    table.rows.push_back({{field.key, field.text(), field.help}, false});
  return table;
}

}  // namespace

void add_training(Markup& page, const ReportData& report) {
  if (report.log.empty()) {
    add_gap(page, report.log_gap);
    return;
  }
  Series train{"training", "s0", {}};
  Series validation{"validation", "s1", {}};
  Series auc{"validation macro AUC", "s1", {}};
  for (const model::EpochResult& r : report.log) {
    train.values.push_back(r.train_loss);
    validation.values.push_back(r.val_loss);
    auc.values.push_back(r.val_macro_auc);
  }
  const model::EpochResult& last = report.log.back();
  page.open("figure").open("div", {{"class", "pair"}});
  page.append(epoch_chart({{"epochs-loss", "Loss per epoch",
                            fmt::format("After epoch {}: training loss {}, validation loss {}.", last.epoch,
                                        number_or_dash(last.train_loss, 4), number_or_dash(last.val_loss, 4))},
                           "loss",
                           {train, validation},
                           report.description.epoch}));
  page.append(epoch_chart({{"epochs-auc", "Macro AUC on the validation fold per epoch",
                            fmt::format("After epoch {}: {}.", last.epoch, number_or_dash(last.val_macro_auc, 4))},
                           "macro AUC",
                           {auc},
                           report.description.epoch}));
  page.close("div");
  page.element(
      "figcaption",
      fmt::format("Weighted loss and validation macro AUC per epoch; the dashed line is this model's epoch, {}.",
                  report.description.epoch));
  page.close("figure").open("details").element("summary", "All values");
  add_table(page, log_table(report.log));
  page.close("details");
}

void add_classes(Markup& page, const ReportData& report) {
  const data::ClassDistribution& classes = report.classes;
  const data::Task task = report.description.task;
  const bool own = task == data::Task::kOwn;
  std::vector<std::string> counts;
  Table table{fmt::format("Records of each class among the {} of the data set", grouped(classes.records)),
              {"class", "records", "fraction"},
              {}};
  const auto add = [&](const std::string& name, std::int64_t records, bool apart) {
    table.rows.push_back({{name, grouped(records),
                           classes.records == 0 ? kDash
                                                : fmt::format("{:.1f} %", 100 * static_cast<double>(records) /
                                                                              static_cast<double>(classes.records))},
                          apart});
  };
  for (const data::SuperclassCount& super : classes.superclasses) {
    counts.push_back(fmt::format("{} {}", super.name, grouped(super.records)));
    add(data::class_in_words(super.name, task), super.records, !own);
    for (const data::SubclassCount& sub : super.subclasses)
      add(fmt::format("{} \u203a {}", super.name, data::class_in_words(sub.name, task)), sub.records, false);
  }
  add(own ? "without any of them" : "without a diagnostic statement", classes.unlabeled, true);
  if (own) {
    add_table(page, table);
    return;
  }
  page.open("figure");
  page.append(sunburst({"sunburst", "Superclasses (inner ring) and their subclasses (outer ring)",
                        fmt::format("Records: {}.", enumerate(counts))},
                       classes));
  page.element("figcaption",
               fmt::format("The paper's Figure 1 for this data set: superclasses inside, their subclasses "
                           "outside, from the statements of all {}. A record with several diagnoses counts "
                           "in each of them, so the sectors add up to more than the records.",
                           counted(classes.records, "record")));
  page.close("figure").open("details").element("summary", "All counts");
  add_table(page, table);
  page.close("details");
}

void add_mistakes(Markup& page, const ReportData& report) {
  if (report.mistakes.empty()) {
    add_gap(page, "None: every decision at the model's thresholds agrees with the labels.");
    return;
  }
  page.element("p",
               fmt::format("At least one decision is wrong for {} records. These are the ones where the probability "
                           "was furthest from the label, each record once. Labels are not always right either: "
                           "look at the trace.",
                           fraction_of(report.wrong_records, report.evaluation.metrics.records)));
  for (std::size_t i = 0; i < report.mistakes.size(); ++i) add_mistake(page, report, i);
}

void add_configuration(Markup& page, const ReportData& report) {
  add_table(page, model_table(report));
  add_table(page, architecture_table(report));
  page.element("h3", "Data").element("p", fmt::format("From {}:", report.data_folder));
  page.open("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", "Data set"}});
  page.element("pre", report.data_text).close("div");
  page.element("h3", "The run's config.toml");
  if (report.config.empty()) {
    add_gap(page, report.config_gap.empty() ? "config.toml beside the model is empty." : report.config_gap);
    return;
  }
  page.open("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", "config.toml"}});
  page.element("pre", report.config).close("div");
}

}  // namespace cardiograd::report
