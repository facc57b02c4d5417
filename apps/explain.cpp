// explain: why a trained model says what it says about recordings, as a page, a drawing and JSON.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/common/app.h"
#include "apps/common/number_range.h"
#include "apps/common/outputs.h"
#include "apps/common/progress.h"
#include "apps/common/recording_options.h"
#include "apps/common/version.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"
#include "data/source_recording.h"
#include "model/explanation.h"
#include "model/predictor.h"
#include "report/explanation.h"

namespace cardiograd::apps {
namespace {

constexpr int kSomeWithoutAnswer = 3;  // Exit status, as predict's.

struct Options {
  std::string model;
  std::vector<std::string> records, classes;
  std::optional<std::string> out, svg, json;
  RecordingOptions recording;
  double window_ms = 200;
  bool any_quality = false;
  bool force = false;
  int threads = 0;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--model", o.model, "last.safetensors or best.safetensors of a run, or the run's folder: the best one")
      ->required();
  app.add_option("RECORD", o.records, "WFDB records, or EDF, CSV, DICOM and other files (docs/formats.md)")->required();
  app.add_option("--out", o.out, "page to write: one HTML file that needs nothing beside itself");
  app.add_option("--svg", o.svg, "drawing to write, of one record and one class, in plain colors");
  app.add_option("--json", o.json,
                 "file to write with everything on the page and the maps, a line per record and class");
  app.add_option("--class", o.classes,
                 "class to explain, or several; by default those above their threshold, else the one nearest to it");
  app.add_option("--window", o.window_ms,
                 "milliseconds that occlusion makes flat at a time; default 200, 0: no occlusion")
      ->check(number_from_to(0.0, 10000.0));
  o.recording.add(app);
  app.add_flag("--any-quality", o.any_quality, "explain in spite of unusable leads, as long as there are twelve");
  app.add_flag("--force", o.force, "overwrite files that exist");
  app.add_option("--threads", o.threads, "0 (default): all cores; the result does not depend on it")
      ->check(count_from_to(0, 1024));
  app.footer(
      "Exit status: as predict's; 3 when some records were refused or could not be read: the page says why.\n"
      "Of a record that is longer than the model's, the window whose answers are nearest to the whole record's is\n"
      "explained; the whole's answer, which is predict's, stands beside it.\n"
      "Research software: not a medical device.");
}

void check_places(const Options& o) {
  if (!o.out && !o.svg && !o.json)
    throw UsageError("nothing to write", "Give --out FILE.html, --svg FILE.svg or --json FILE.");
  check_outputs({{"--out", o.out}, {"--svg", o.svg}, {"--json", o.json}},
                {.files = {model::model_path(o.model).string()}, .records = o.records, .folder = {}},
                existing_files(o.force));
  for (auto name = o.classes.begin(); name != o.classes.end(); ++name)
    if (std::find(o.classes.begin(), name, *name) != name)
      throw UsageError(fmt::format("--class {} is there twice", *name), "Name each class once.");
  expect_svg_name(o.svg);
  if (o.svg && o.records.size() != 1)
    throw UsageError(fmt::format("--svg and {} records", o.records.size()), "One record makes one drawing.");
  if (o.svg && o.classes.size() > 1)
    throw UsageError(fmt::format("--svg and {} classes", o.classes.size()), "A drawing shows one.");
}

// Indices of the classes that --class names; empty when it names none.
std::vector<std::int64_t> chosen_classes(const Options& o, const model::ModelDescription& model) {
  std::vector<std::int64_t> chosen;
  for (const std::string& name : o.classes) {
    const auto found = std::find(model.class_names.begin(), model.class_names.end(), name);
    if (found == model.class_names.end())
      throw UsageError(fmt::format("--class {}: the model has no such class", name),
                       fmt::format("It has {}.", fmt::join(model.class_names, ", ")));
    chosen.push_back(found - model.class_names.begin());
  }
  return chosen;
}

report::ExplainedRecording explained(const Options& o, model::Predictor& predictor,
                                     const std::vector<std::int64_t>& chosen, const std::string& record) {
  report::ExplainedRecording result;
  result.record.name = record;
  try {
    data::SourceRecording source = data::read_recording(record, o.recording.csv());
    o.recording.complete(source.person);
    const model::Prediction prediction = predictor.predict(source, result.record);
    result.notes = prediction.notes;
    result.gap = prediction.refusal.empty() ? "" : fmt::format("Refused: {}.", prediction.refusal);
    if (!result.gap.empty()) return result;
    result.whole = prediction.probabilities;
    result.windows = prediction.windows;
    result.seconds = prediction.seconds;
  } catch (const Error& error) {
    report_error(error.what(), error.hint().empty() ? "Check the file." : error.hint());
    result.gap = fmt::format("Failed: {}.", error.what());
    return result;
  }
  model::TrainedModel& model = predictor.model();
  result.probabilities = model::probabilities_of(model, result.record);
  result.beats = model::beat_parts(result.record, model.description.rate);
  const std::vector<std::int64_t> targets =
      chosen.empty() ? model::classes_to_explain(model.description, result.whole) : chosen;
  if (o.svg && targets.size() > 1)
    throw Error(fmt::format("--svg: {} classes are above their thresholds, and a drawing shows one", targets.size()),
                "Name one by --class.");
  for (const std::int64_t target : targets) {
    result.whys.push_back(model::explain(model, result.record, result.beats, target,
                                         {.integration = {}, .window_s = o.window_ms / 1000}));
    const model::Explanation& why = result.whys.back();
    if (!why.complete())
      log_warning("{}: the contributions to {} miss {:.1f} % of the difference of the logits", record, why.class_name,
                  100 * why.missed_fraction);
  }
  return result;
}

void write_outputs(const Options& o, const model::Predictor& predictor,
                   const std::vector<report::ExplainedRecording>& recordings) {
  const model::ModelDescription& model = predictor.description();
  const Existing existing = existing_files(o.force);
  const report::Origin origin = {date_now(), made_by()};
  if (o.json) {
    std::string lines;
    const auto add = [&](nlohmann::json line) {
      line["model"] = o.model;
      line["date"] = origin.date;
      line["program"] = origin.program;
      lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    };
    for (const report::ExplainedRecording& one : recordings) {
      if (!one.gap.empty()) add({{"record", one.record.name}, {"status", "not explained"}, {"reason", one.gap}});
      for (const model::Explanation& why : one.whys) add(report::explanation_json(model, one, why));
    }
    write_file(*o.json, lines, existing);
  }
  if (o.out) write_file(*o.out, report::render_explanations(model, o.model, recordings, origin), existing);
  if (!o.svg) return;
  const report::ExplainedRecording& one = recordings.front();
  if (one.whys.empty()) return;  // The reason was printed.
  write_file(*o.svg, report::explanation_svg(model, one, one.whys.front()), existing);
}

int explain(const Options& o) {
  set_thread_count(o.threads);
  o.recording.check();
  check_places(o);
  model::Predictor predictor(model::load_model(o.model), {.any_quality = o.any_quality, .device = Device::kCpu});
  const std::vector<std::int64_t> chosen = chosen_classes(o, predictor.description());
  const std::string warning = synthetic_warning(predictor.description());
  std::vector<report::ExplainedRecording> recordings;
  ProgressLine progress;
  bool all = true;
  for (const std::string& record : o.records) {
    progress.show("explaining", static_cast<double>(recordings.size()) / static_cast<double>(o.records.size()), record);
    recordings.push_back(explained(o, predictor, chosen, record));
    progress.clear();
    const report::ExplainedRecording& one = recordings.back();
    all = all && one.gap.empty();
    if (!one.gap.empty()) fmt::print("{}", printable_lines(fmt::format("{}: {}\n", record, one.gap)));
    for (const model::Explanation& why : one.whys) {
      fmt::print("{}", printable_lines(record + "\n"));
      if (const std::string whole = report::whole_words(predictor.description(), one, why); !whole.empty())
        fmt::print("  {}\n", printable(whole));
      for (const std::string& words : report::explanation_words(why)) fmt::print("  {}\n", printable(words));
      if (!warning.empty()) fmt::print("  warning: {}\n", warning);
    }
  }
  write_outputs(o, predictor, recordings);
  return all ? 0 : kSomeWithoutAnswer;
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Says why a trained model answers as it does, lead by lead and wave by wave.", "explain");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  int status = 0;
  const int failed = cardiograd::apps::run(app, argc, argv, [&] { status = cardiograd::apps::explain(options); });
  return failed != 0 ? failed : status;
}
