// features: the hand-crafted features of single recordings or of a whole PTB-XL folder, the fiducial points of beats,
// and drawings of them.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/common/app.h"
#include "apps/common/number_range.h"
#include "apps/common/outputs.h"
#include "apps/common/progress.h"
#include "apps/common/stop.h"
#include "apps/features/drawing.h"
#include "apps/features/fiducials.h"
#include "apps/features/single_report.h"
#include "apps/features/table.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"
#include "data/dataset_features.h"
#include "data/source_recording.h"
#include "ecg/units.h"

namespace cardiograd::apps {
namespace {

constexpr int kSomeWithoutAnswer = 3;  // Exit status.

struct Options {
  std::vector<std::string> records;
  std::optional<std::string> data, out, fiducials, annotator, svg, report;
  data::SignalCsvOptions csv;
  double from = 0;
  bool formats = false;
  bool high_rate = false;
  bool skip_missing = false;
  bool skip_damaged = false;
  int threads = 0;
};

// Writes the table of a PTB-XL folder, with a progress line.
void features_of_dataset(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto per_second = [&](std::int64_t records) {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    return static_cast<double>(records) / std::max(elapsed, 1e-3);
  };
  ProgressLine line;
  const auto progress = [&](std::int64_t done, std::int64_t total) {
    line.show("features", static_cast<double>(done) / static_cast<double>(total),
              fmt::format("{:.0f} records/s", per_second(done)));
  };
  catch_stop_signals("the unfinished table is saved when the records at hand are done");
  const data::DatasetFeaturesResult result = data::write_dataset_features({.folder = *options.data,
                                                                           .out = *options.out,
                                                                           .high_rate = options.high_rate,
                                                                           .skip_missing = options.skip_missing,
                                                                           .skip_damaged = options.skip_damaged,
                                                                           .stop = stop_requested,
                                                                           .progress = progress});
  line.clear();
  if (result.stopped)
    throw Stopped(fmt::format("after {} records of this run; they are saved in {}.partial", result.done, *options.out),
                  "Give the same command again to go on.");
  log_info("{}: {} records, {:.0f} per second", *options.out, result.written, per_second(result.done));
  if (result.skipped > 0) log_warning("{} records of the table are not there", result.skipped);
  data::warn_of_damaged(result.damaged, result.written + static_cast<std::int64_t>(result.damaged.size()));
}

// Prints the table of each record; one that cannot be read does not keep the others from theirs. Returns the exit
// status. What is wrong with a single record is thrown.
int print_tables(const Options& options) {
  int status = 0;
  const auto failed = [&](const std::string& error, const std::string& hint) {
    std::fflush(stdout);
    report_error(error, hint.empty() ? "Check the file." : hint);
    status = kSomeWithoutAnswer;
  };
  for (const std::string& record : options.records) {
    try {
      fmt::print("{}", printable_lines(features_table(record, options.csv)));
    } catch (const Error& error) {
      if (options.records.size() == 1) throw;
      failed(error.what(), error.hint());
    } catch (const std::bad_alloc&) {
      if (options.records.size() == 1) throw;
      failed(fmt::format("{}: too long for this machine's memory", record), "Cut the record into shorter ones.");
    }
  }
  return status;
}

int run_features(const Options& options) {
  set_thread_count(options.threads);
  if (options.formats) {
    fmt::print("{}", data::formats_document());
    return 0;
  }
  if (!ecg::millivolts_per_unit(options.csv.unit))
    throw UsageError(fmt::format("--unit {}: no voltage", options.csv.unit), "Use mV, uV or V.");
  if (options.data) {
    if (!options.out) throw UsageError("--data needs --out FILE.csv", "Say where the table shall go.");
    if (!options.records.empty()) throw UsageError("--data and single records", "Give one of the two.");
    if (options.fiducials || options.annotator || options.svg || options.report) {
      throw UsageError("--data and --fiducials, --annotator, --svg or --report", "These are made of single records.");
    }
    check_replaced({{"--out", options.out}}, {.files = {}, .records = {}, .folder = options.data});
    features_of_dataset(options);
    return 0;
  }
  if (options.records.empty()) {
    throw UsageError("no record",
                     "Give WFDB records, or EDF, CSV, DICOM and other files, or --data DIR --out FILE.csv.");
  }
  if (options.out && !options.annotator)
    throw UsageError("--out without --data or --annotator",
                     "Single records are printed, or go to --fiducials or --svg.");
  expect_svg_name(options.svg);
  if (options.svg && options.records.size() > 1) {
    throw UsageError(fmt::format("--svg and {} records", options.records.size()), "One record makes one drawing.");
  }
  if (options.report && options.records.size() > 1) {
    throw UsageError(fmt::format("--report and {} records", options.records.size()), "One record makes one page.");
  }
  check_replaced({{"--fiducials", options.fiducials}, {"--svg", options.svg}, {"--report", options.report}},
                 {.files = {}, .records = options.records, .folder = {}});
  const std::string page = options.report ? single_report(options.records.front(), options.from, options.csv) : "";
  std::string drawing;
  if (options.svg) {
    const auto recording = data::open_recording(options.records.front(), options.csv);
    drawing = features_drawing(options.records.front(), *recording, record_measures(*recording), options.from);
  }
  if (options.fiducials || options.annotator)
    write_fiducials(options.records, {options.fiducials, options.annotator, options.out}, options.csv);
  if (options.svg) write_file(*options.svg, drawing);
  if (options.report) write_file(*options.report, page);
  if (options.fiducials || options.annotator || options.svg || options.report) return 0;
  return print_tables(options);
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  cardiograd::apps::Options options;
  CLI::App app(
      "Hand-crafted features of ECGs: a table of single recordings, a CSV file of a PTB-XL folder, the fiducial "
      "points of each beat, or a drawing of them on ECG paper.",
      "features");
  app.add_option("records", options.records, "WFDB records, or EDF, CSV, DICOM and other files (docs/formats.md)");
  app.add_option("--data", options.data, "PTB-XL folder (ptbxl_database.csv and the records)");
  app.add_option("--out", options.out,
                 "CSV file for --data; reasons of missing values go to <name>_missing.csv. With --annotator: folder");
  app.add_option("--fiducials", options.fiducials, "CSV file: onset, peak and end of P, QRS and T, per beat and lead");
  app.add_option("--annotator", options.annotator,
                 "also write the global boundaries as WFDB annotations, beside each record or in the folder --out");
  app.add_option("--svg", options.svg, "SVG file: the record at 25 mm/s and 10 mm/mV with P, QRS and T marked");
  app.add_option("--report", options.report, "HTML file: one page with the drawing, all measures and the leads");
  app.add_option("--from", options.from,
                 "with --svg and --report: seconds from the record's start where the drawing begins")
      ->check(cardiograd::apps::number_from_zero());
  app.add_option("--rate", options.csv.rate, "Hz, of CSV files; from their time column by default")
      ->check(cardiograd::apps::positive_number());
  app.add_option("--unit", options.csv.unit, "of CSV columns that do not say theirs: mV (default), uV or V");
  app.add_flag("--formats", options.formats, "print which files are read, as docs/formats.md");
  app.add_flag("--500hz", options.high_rate, "with --data: the records at 500 Hz");
  app.add_flag("--skip-missing", options.skip_missing, "with --data: leave out records that are not there");
  app.add_flag("--skip-damaged", options.skip_damaged, "with --data: leave out records that cannot be read");
  app.add_option("--threads", options.threads, "0: one per core")->check(cardiograd::apps::count_from_to(0, 1024));
  app.footer(
      "Exit status: 0 done; 1 failed; 2 wrong usage; 3 some of several records could not be read, the tables of the\n"
      "others were printed.");
  int status = 0;
  const int failed = cardiograd::apps::run(app, argc, argv, [&] { status = cardiograd::apps::run_features(options); });
  return failed != 0 ? failed : status;
}
