// evaluate: scores a trained model on folds of a data set and prints the paper's Table 2 for it.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/common/app.h"
#include "apps/common/config_options.h"
#include "apps/common/model_data.h"
#include "apps/common/number_range.h"
#include "apps/common/outputs.h"
#include "apps/common/version.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"
#include "data/class_words.h"
#include "data/csv.h"
#include "engine/device.h"
#include "engine/precision.h"
#include "evaluation/evaluation.h"
#include "evaluation/thresholds.h"
#include "model/data_loader.h"
#include "model/ensemble.h"
#include "model/known_folds.h"
#include "model/model_file.h"
#include "model/preprocessing.h"
#include "model/training_state.h"
#include "report/collect.h"
#include "report/page.h"
#include "report/report_json.h"

namespace cardiograd::apps {
namespace {

struct Options {
  ConfigOptions values;  // of the data and the run, as in training
  std::vector<std::string> models;
  std::vector<std::int64_t> folds = {10};
  std::optional<std::string> json, report, predictions, cache;
  evaluation::BootstrapSettings bootstrap;
  std::int64_t batch_size = 64;
  std::int64_t explained = 3;
  bool no_cache = false;
  bool force = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option(
         "--model", o.models,
         "last.safetensors or best.safetensors of a run, or the run's folder: the best one; given several times: "
         "the mean of the models' probabilities")
      ->required()
      ->allow_extra_args(false);
  o.values.add(app, "data.folder");
  o.values.add(app, "data.labels");
  app.add_option("--fold", o.folds, "fold or folds to evaluate on; default 10")->check(fold_number());
  app.add_option("--json", o.json, "also write all figures to this file");
  app.add_option("--predictions", o.predictions,
                 "also write a CSV file: a row per record with the probability, the decision and the label of each "
                 "class")
      ->type_name("FILE.csv");
  app.add_flag("--force", o.force, "overwrite the files of --json, --predictions and --report");
  app.add_option("--report", o.report,
                 "also write DIR/report.html: one page with figures, curves and the worst mistakes")
      ->type_name("DIR");
  app.add_option(
         "--explain", o.explained,
         fmt::format("in the report and in --json: records of each class whose answers are explained; default {}",
                     o.explained))
      ->check(count_from_to(0, 1000));
  o.values.add(app, "data.normalize", "as in training by default, or for data of another unit than the model's");
  o.values.add(app, "data.unlabeled", "as in training by default");
  o.values.add(app, "data.skip_missing");
  o.values.add(app, "data.skip_damaged");
  o.values.add(app, "data.skip_duplicates");
  o.values.add(app, "data.resample");
  app.add_option("--draws", o.bootstrap.draws,
                 fmt::format("bootstrap draws for the intervals; default {}", o.bootstrap.draws))
      ->check(count_from_to(0, 1000000));
  app.add_option("--seed", o.bootstrap.seed, fmt::format("of the bootstrap; default {}", o.bootstrap.seed))
      ->check(count_from(0));
  app.add_option("--batch-size", o.batch_size, fmt::format("records at once; default {}", o.batch_size))
      ->check(count_from_to(1, 1000000));
  o.values.add(app, "run.device");
  o.values.add(app, "run.threads");
  o.values.add(app, "run.signal_memory");
  app.add_option("--cache", o.cache, "folder for prepared data; default ~/.cache/cardiograd");
  app.add_flag("--no-cache", o.no_cache, "prepare the data anew and keep nothing");
}

void write_json(const Options& o, const report::ReportData& report) {
  const nlohmann::json json = report::report_json(report);
  write_file(*o.json, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
             existing_files(o.force));
}

// A row per record: ecg_id (or the path of a table of labels), fold, and of each class its probability, the decision at
// the model's threshold (1 or 0) and the label.
std::string predictions_csv(const data::Dataset& set, const std::vector<std::int64_t>& rows,
                            const std::vector<float>& probabilities, const std::vector<float>& thresholds) {
  const bool own = !set.paths.empty();
  std::string text = own ? "path,fold" : "ecg_id,fold";
  for (const char* what : {"probability_", "decision_", "label_"})
    for (const std::string& name : set.class_names) text += "," + data::csv_cell(what + name);
  text += "\n";
  const std::size_t classes = set.class_names.size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    text +=
        fmt::format("{},{}", own ? data::csv_cell(set.paths[row]) : std::to_string(set.ecg_ids[row]), set.folds[row]);
    for (std::size_t c = 0; c < classes; ++c) text += fmt::format(",{:.9g}", probabilities[i * classes + c]);
    for (std::size_t c = 0; c < classes; ++c) text += probabilities[i * classes + c] > thresholds[c] ? ",1" : ",0";
    for (std::size_t c = 0; c < classes; ++c) text += fmt::format(",{}", set.labels[row * classes + c]);
    text += "\n";
  }
  return text;
}

// Before the work, as far as that can be known.
void check_places(const Options& o, const std::vector<std::string>& model_files) {
  if (!o.values.given("data.folder") && !o.values.given("data.labels"))
    throw UsageError("neither --data nor --labels", "Give a folder in PTB-XL's layout, or a table of your own labels.");
  std::optional<std::string> folder;
  if (o.values.given("data.folder")) {
    model::TrainingConfig config;
    o.values.apply(config);
    folder = config.data.folder;
  }
  std::vector<Output> outputs = {{"--json", o.json}, {"--predictions", o.predictions}};
  if (o.report) check_output_folder(*o.report, "--report");
  if (o.report && std::filesystem::is_directory(*o.report)) outputs.push_back({"--report", *o.report + "/report.html"});
  check_outputs(outputs, {.files = model_files, .records = {}, .folder = folder});
  check_outputs(outputs, {}, existing_files(o.force));
}

// A model, and what it says about the records.
struct Judge {
  std::string file;
  model::TrainedModel trained;
  model::DataConfig config;
  data::Dataset set;  // without its signals
  std::vector<std::int64_t> rows;
  std::optional<model::DataLoader> loader;
  std::vector<float> probabilities;  // (rows, classes)
  std::vector<float> validation;     // likewise of the records that choose an ensemble's thresholds

  const model::ModelDescription& description() const { return trained.description; }
};

// Prepares the records as this model wants them and scores those of the folds to evaluate on; and those of `val_folds`
// where the records are those that it was trained on.
void score_records(const Options& o, Device device, const std::vector<std::int64_t>& val_folds, const std::string& name,
                   Judge& judge) {
  const model::ModelDescription& d = judge.description();
  judge.config = data_as_trained(o.values, d);
  judge.set = prepare_with_progress(judge.config, !o.no_cache, o.cache);
  check_fits(d, judge.set);
  judge.rows = data::rows_of_folds(judge.set, o.folds);
  for (const std::int64_t fold : o.folds)
    if (data::rows_of_folds(judge.set, {fold}).empty())
      throw Error(fmt::format("fold {}: no record in {}", fold, judge.config.folder),
                  "Give a --fold that the table has.");
  warn_of_known_folds(model::known_folds(d, judge.set, o.folds), name);
  const MatmulPrecision precision(d.precision);
  judge.trained.net->to(device);
  judge.loader.emplace(model::take_arrays(judge.set, d.feature_scaling, d.crops()), d.signal_scaling, device);
  const auto probabilities = [&](const std::vector<std::int64_t>& rows) {
    return score(*judge.trained.net, *judge.loader, rows, o.batch_size, {}).probabilities;
  };
  judge.probabilities = probabilities(judge.rows);
  if (!val_folds.empty() && model::records_hash(judge.set) == d.data_hash)
    judge.validation = probabilities(data::rows_of_folds(judge.set, val_folds));
}

void expect_same_records(const Judge& first, const Judge& other) {
  const auto ids = [](const Judge& judge) {
    std::vector<std::int64_t> ids;
    for (const std::int64_t row : judge.rows) ids.push_back(judge.set.ecg_ids[static_cast<std::size_t>(row)]);
    return ids;
  };
  if (ids(first) != ids(other) || first.set.paths != other.set.paths ||
      data::labels_of(first.set, first.rows) != data::labels_of(other.set, other.rows))
    throw Error(fmt::format("{} is judged on {} records, and {} on {}, and they are not the same", other.file,
                            other.rows.size(), first.file, first.rows.size()),
                "Join models that treat records without a class alike, or give --unlabeled.");
}

// What the judges say together.
struct Answers {
  std::vector<float> probabilities;  // (rows, classes)
  std::vector<float> thresholds;
  std::string who;  // for the table's title
};

// Of one model its own; of several the mean, and thresholds with the highest F1 of the mean on the folds that chose
// theirs. Where these are not at hand, the mean of their thresholds.
Answers answers_of(const std::vector<Judge>& judges, const std::vector<std::int64_t>& val_folds) {
  const Judge& first = judges.front();
  if (judges.size() == 1)
    return {first.probabilities, first.description().thresholds,
            fmt::format("{} after epoch {}", first.file, first.description().epoch)};
  std::vector<std::vector<float>> probabilities, validation, thresholds;
  std::vector<std::string> files;
  bool tunable = true;
  for (const Judge& judge : judges) {
    expect_same_records(first, judge);
    files.push_back(judge.file);
    probabilities.push_back(judge.probabilities);
    validation.push_back(judge.validation);
    thresholds.push_back(judge.description().thresholds);
    tunable = tunable && !judge.validation.empty();
  }
  Answers answers{model::mean_of(probabilities), {}, fmt::format("mean of {}", fmt::join(files, ", "))};
  if (!tunable) {
    answers.thresholds = model::mean_of(thresholds);
    answers.who += ", thresholds the mean of theirs";
    return answers;
  }
  const std::vector<std::int64_t> rows = data::rows_of_folds(first.set, val_folds);
  const std::vector<float> mean = model::mean_of(validation);
  const std::vector<std::uint8_t> labels = data::labels_of(first.set, rows);
  const auto& classes = first.set.class_names;
  const evaluation::Predictions predictions{mean, labels, std::ssize(rows), std::ssize(classes), classes};
  const auto tuned = evaluation::tune_thresholds(predictions);
  evaluation::warn_of_untuned(tuned, predictions);
  answers.thresholds = evaluation::threshold_values(tuned);
  answers.who += fmt::format(", thresholds from fold {}", fmt::join(val_folds, ", "));
  return answers;
}

std::vector<Judge> load_judges(const std::vector<std::string>& files) {
  std::vector<Judge> judges(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    judges[i].file = files[i];
    judges[i].trained = model::load_model(files[i]);
  }
  return judges;
}

std::vector<model::Member> members_of(const std::vector<Judge>& judges) {
  std::vector<model::Member> members;
  members.reserve(judges.size());
  for (const Judge& judge : judges) members.push_back({judge.file, judge.description()});
  return members;
}

// What --report and --json ask for.
void write_figures(const Options& o, const std::vector<Judge>& judges, const Answers& answers,
                   const evaluation::Evaluation& evaluation) {
  if (!o.report && !o.json) return;
  const Judge& first = judges.front();
  const MatmulPrecision precision(first.description().precision);
  report::EvaluationInputs inputs{
      first.trained,         first.file, first.set,    first.config.folder, *first.loader, o.folds,  first.rows,
      answers.probabilities, evaluation, o.batch_size, o.explained,         date_now(),    made_by()};
  for (std::size_t i = 1; i < judges.size(); ++i) inputs.others.push_back({judges[i].trained, judges[i].file});
  const report::ReportData report = report::collect(inputs);
  if (o.json) write_json(o, report);
  if (!o.report) return;
  report::write_report(*o.report, report, existing_files(o.force));
  if (!is_quiet()) fmt::print("\nreport: {}\n", printable((std::filesystem::path(*o.report) / "report.html").string()));
}

// What the table's codes mean; nothing where none is known.
std::string classes_text(const model::ModelDescription& model) {
  std::string text;
  for (const std::string& name : model.class_names)
    if (const auto meaning = data::class_meaning(name, model.task); !meaning.empty())
      text += fmt::format("{:<12}  {}\n", name, meaning);
  return text.empty() ? text : "\n" + text;
}

void evaluate(const Options& o) {
  model::TrainingConfig run;
  o.values.apply(run);
  if (run.device == model::DeviceChoice::kCheck)
    throw UsageError("--device check: only train compares the two devices", "Known devices here: auto, cpu, cuda.");
  if (o.report && o.models.size() > 1)
    throw UsageError("--report with several models: the page is about one",
                     "Leave --report out; --json has the figures.");
  check_folds(o.folds);
  const Device device = device_for(run.device);
  set_thread_count(static_cast<int>(run.threads));
  std::vector<std::string> files;
  for (const std::string& model : o.models) files.push_back(model::model_path(model).string());
  check_places(o, files);
  std::vector<Judge> judges = load_judges(files);
  check_ensemble(members_of(judges));
  const bool ensemble = judges.size() > 1;
  const std::vector<std::int64_t> val_folds =
      ensemble ? shared_val_folds(members_of(judges)) : std::vector<std::int64_t>();
  log_info("device {}", describe_device(device));
  // The first one last: what comes behind needs its recordings, and there is room for one set of them.
  for (auto judge = judges.rbegin(); judge != judges.rend(); ++judge) {
    score_records(o, device, val_folds, ensemble ? judge->file : "this model", *judge);
    if (judge + 1 != judges.rend()) judge->loader.reset();
  }
  const Judge& first = judges.front();
  const Answers answers = answers_of(judges, val_folds);
  const evaluation::Evaluation evaluation =
      evaluation::evaluate(answers.probabilities, data::labels_of(first.set, first.rows), first.set.class_names,
                           answers.thresholds, o.bootstrap);
  fmt::print("{}",
             printable_lines(fmt::format("{}, fold {} of {}: {} records\n\n{}", answers.who, fmt::join(o.folds, ", "),
                                         first.config.folder, first.rows.size(), format_table(evaluation)) +
                             classes_text(first.description())));
  std::set<std::string> warnings;
  for (const Judge& judge : judges) warnings.insert(synthetic_warning(judge.description()));
  warnings.erase("");
  std::fflush(stdout);  // The table first.
  for (const std::string& warning : warnings) log_warning("{}", warning);
  if (o.predictions)
    write_file(*o.predictions, predictions_csv(first.set, first.rows, answers.probabilities, answers.thresholds),
               existing_files(o.force));
  write_figures(o, judges, answers, evaluation);
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Evaluates a trained model and prints the paper's Table 2 for it.", "evaluate");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::evaluate(options); });
}
