// predict: what a trained model says about recordings from any device, in WFDB, EDF or CSV files.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/common/app.h"
#include "apps/common/number_range.h"
#include "apps/common/prediction_output.h"
#include "apps/common/recording_options.h"
#include "base/error.h"
#include "base/text.h"
#include "base/threads.h"
#include "data/source_recording.h"
#include "data/text_encoding.h"
#include "engine/device.h"
#include "model/predictor.h"

namespace cardiograd::apps {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSomeWithoutAnswer = 3;  // Exit status.

struct Options {
  std::string model;
  std::vector<std::string> records;
  bool json = false;
  bool csv = false;
  bool timing = false;
  bool any_quality = false;
  RecordingOptions recording;
  std::string device = "auto";
  int threads = 0;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--model", o.model, "last.safetensors or best.safetensors of a run, or the run's folder: the best one")
      ->required();
  app.add_option(
      "RECORD", o.records,
      "WFDB records, or EDF, CSV, DICOM and other files (docs/formats.md); their names come from standard input, one a "
      "line, when none are given or for '-'");
  auto* json = app.add_flag("--json", o.json, "one line of JSON per record");
  app.add_flag("--csv", o.csv, "a CSV row per record, and a header")->excludes(json);
  o.recording.add(app);
  app.add_flag("--any-quality", o.any_quality, "answer in spite of unusable leads, as long as the model's are there");
  app.add_flag("--timing", o.timing, "add the milliseconds of each step (JSON has them always)");
  app.add_option("--device", o.device, "auto (default), cpu or cuda: where the network runs");
  app.add_option("--threads", o.threads, "0 (default): all cores; the result does not depend on it")
      ->check(count_from_to(0, 1024));
  app.footer(
      "Exit status: 0 every record was answered; 1 nothing could be done, for example for want of the model, or not "
      "all\n"
      "of the output could be written; 2 wrong usage; 3 some records were refused (their signals are unfit) or failed\n"
      "(they could not be read); the others were answered.\n\n"
      "Longer records than the model's are cut into windows of its length, and the answer is the mean of their\n"
      "probabilities; shorter ones, down to 30 %, are repeated. Research software: not a medical device.");
}

// Standard output, written record by record: when it cannot be, the rest need not be computed.
void write_out(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  throw Error(fmt::format("standard output cannot be written: {}", std::strerror(errno)),
              "Write to a place with room for it.");
}

class Session {
 public:
  explicit Session(const Options& options)
      : options_(options),
        predictor_(model::load_model(options.model),
                   {.any_quality = options.any_quality, .device = parse_device(options.device)}) {
    options.recording.check();
    if (options.csv) write_out(prediction_csv_header(predictor_.description()));
  }

  void answer(const std::string& record) {
    ++records_;
    PredictionOutcome outcome;
    outcome.record = record;
    try {
      if (record.find('\0') != std::string::npos) {
        outcome.record = printable(record);
        throw Error(fmt::format("{}: a name with a zero byte", outcome.record),
                    "Write the list of names as UTF-8 text, one name a line.");
      }
      const auto start = Clock::now();
      data::SourceRecording source = data::read_recording(record, options_.recording.csv());
      outcome.read_ms = 1e3 * std::chrono::duration<double>(Clock::now() - start).count();
      options_.recording.complete(source.person);
      outcome.prediction = predictor_.predict(source);
    } catch (const Error& error) {
      outcome.failed = true;
      outcome.error = error.what();
      outcome.hint = error.hint();
    } catch (const std::bad_alloc&) {
      outcome.failed = true;
      outcome.error = fmt::format("{}: too long for this machine's memory", record);
      outcome.hint = "Cut the record into shorter ones.";
    }
    show(outcome);
  }

  // Throws UsageError when no record was named.
  int status() const {
    if (records_ == 0)
      throw UsageError("no record: standard input is empty", "Name records, or write their names to it.");
    return all_answered_ ? 0 : kSomeWithoutAnswer;
  }

 private:
  void show(const PredictionOutcome& outcome) {
    const model::ModelDescription& model = predictor_.description();
    all_answered_ = all_answered_ && outcome.status() == "answered";
    if (outcome.failed) {
      report_error(outcome.error, outcome.hint.empty() ? "Check the file." : outcome.hint);
      if (!options_.json && !options_.csv) return;
    }
    if (options_.json) return write_out(prediction_json(outcome, model));
    if (options_.csv) return write_out(prediction_csv(outcome, model));
    write_out(printable_lines(prediction_text(outcome, model, options_.timing)));
  }

  const Options& options_;
  model::Predictor predictor_;
  std::size_t records_ = 0;
  bool all_answered_ = true;
};

// The bytes of standard input that show whether it is UTF-16: its first two, and all the others where they may be.
std::string beginning_of_input() {
  std::string bytes;
  const auto next = [&] {
    const int c = std::getchar();
    if (c != EOF) bytes += static_cast<char>(c);
    return c != EOF;
  };
  if (!next() || bytes == "\n" || !next()) return bytes;
  const bool wide = bytes == "\xFF\xFE" || bytes == "\xFE\xFF" || (bytes[0] == '\0') != (bytes[1] == '\0');
  while (wide && next()) {
  }
  return bytes;
}

// Calls `use` with every line of standard input that is not empty, as soon as it is there; lists in UTF-16, as
// PowerShell writes them, are read whole first.
void for_each_line(const std::function<void(const std::string&)>& use) {
  if (::isatty(STDIN_FILENO) == 1) fmt::print(stderr, "reading names of records from standard input, one a line\n");
  std::string bytes = beginning_of_input(), line;
  if (data::is_utf16(bytes)) {
    std::string converted;
    bytes = data::utf8_text(bytes, converted);
  }
  std::size_t at = 0;
  bool first = true;
  const auto next = [&] { return at < bytes.size() ? static_cast<unsigned char>(bytes[at++]) : std::getchar(); };
  for (int c = next();; c = next()) {
    if (c != EOF && c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    if (line.ends_with('\r')) line.pop_back();
    if (first && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // byte order mark
    first = false;
    if (!line.empty()) use(line);
    line.clear();
    if (c == EOF) return;
  }
}

int predict(const Options& o) {
  set_thread_count(o.threads);
  Session session(o);
  const auto answer = [&](const std::string& record) { session.answer(record); };
  for (const std::string& record : o.records.empty() ? std::vector<std::string>{"-"} : o.records) {
    if (record == "-") {
      for_each_line(answer);
    } else {
      answer(record);
    }
  }
  return session.status();
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Says what a trained model makes of 12-lead ECGs in files (WFDB, EDF, BDF, CSV, DICOM, SCP-ECG, XML).",
               "predict");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  int status = 0;
  const int failed = cardiograd::apps::run(app, argc, argv, [&] { status = cardiograd::apps::predict(options); });
  return failed != 0 ? failed : status;
}
