// features: the hand-crafted features of single WFDB records or of a whole PTB-XL folder, and the fiducial points of
// beats.
#include "dsp/features.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/common/app.h"
#include "apps/common/progress.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "data/csv.h"
#include "data/ptbxl.h"
#include "data/wfdb.h"
#include "data/wfdb_annotation.h"
#include "dsp/delineation.h"
#include "dsp/r_peaks.h"

namespace cardiograd::apps {
namespace {

struct Options {
  std::vector<std::string> records;
  std::optional<std::string> data, out, fiducials, annotator;
  bool high_rate = false;
  bool skip_missing = false;
  int threads = 0;
};

// One signal in one unit: volts of any kind become mV; other mixtures have no scale.
std::string to_one_unit(data::Recording& recording) {
  if (recording.units.empty()) return "";
  if (std::all_of(recording.units.begin(), recording.units.end(),
                  [&](const std::string& unit) { return unit == recording.units.front(); })) {
    return recording.units.front();
  }
  for (const std::string& unit : recording.units) {
    if (!data::millivolts_per_unit(unit)) return "mixed";
  }
  for (std::size_t l = 0; l < recording.units.size(); ++l) {
    recording.signal.col(static_cast<Eigen::Index>(l)) *= *data::millivolts_per_unit(recording.units[l]);
  }
  return "mV";
}

struct Beats {
  data::Recording recording;
  dsp::RPeaks peaks;
  dsp::Delineation waves;
};

Beats find_beats(const std::string& record) {
  Beats beats{data::read_wfdb(record), {}, {}};
  beats.peaks = dsp::detect_r_peaks(beats.recording.signal, beats.recording.rate);
  beats.waves = dsp::delineate(beats.recording.signal, beats.recording.rate, beats.peaks.times_s);
  return beats;
}

// Quoted where it must be.
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string seconds(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.4f}", value);
}

std::string wave_cells(const dsp::Wave& wave) {
  return fmt::format(",{},{},{}", seconds(wave.onset_s), seconds(wave.peak_s), seconds(wave.offset_s));
}

std::string fiducial_rows(const std::string& record, const Beats& found) {
  std::string rows;
  const auto add = [&](const std::string& lead, std::size_t beat, const dsp::BeatWaves& waves) {
    rows += fmt::format("{},{},{}{}{}{}\n", csv_cell(record), csv_cell(lead), beat + 1, wave_cells(waves.p),
                        wave_cells(waves.qrs), wave_cells(waves.t));
  };
  for (std::size_t beat = 0; beat < found.peaks.times_s.size(); ++beat) {
    add("all", beat, found.waves.global[beat]);
    for (std::size_t l = 0; l < found.waves.leads.size(); ++l) {
      add(found.recording.leads[l], beat, found.waves.leads[l][beat]);
    }
  }
  return rows;
}

// The global boundaries as "(" peak ")" around p, N and t, as in LUDB and QTDB.
void write_annotations(const std::string& record, const std::string& annotator, const Beats& found) {
  data::WfdbAnnotations file;
  const auto add = [&](double time_s, const char* mnemonic, int number) {
    if (std::isnan(time_s)) return;
    data::WfdbAnnotation annotation;
    annotation.sample = std::llround(time_s * found.recording.rate);
    annotation.code = data::annotation_code(mnemonic).value();
    annotation.number = number;
    file.annotations.push_back(annotation);
  };
  for (const dsp::BeatWaves& beat : found.waves.global) {
    const std::pair<const dsp::Wave*, const char*> waves[] = {{&beat.p, "p"}, {&beat.qrs, "N"}, {&beat.t, "t"}};
    for (int number = 0; number < 3; ++number) {  // Of the boundary marks: 0 P, 1 QRS, 2 T.
      add(waves[number].first->onset_s, "(", number);
      add(waves[number].first->peak_s, waves[number].second, 0);
      add(waves[number].first->offset_s, ")", number);
    }
  }
  std::stable_sort(file.annotations.begin(), file.annotations.end(),
                   [](const auto& a, const auto& b) { return a.sample < b.sample; });
  data::write_wfdb_annotations(record + "." + annotator, file);
}

void run_fiducials(const Options& options) {
  std::vector<std::string> rows(options.records.size());
  parallel_for(static_cast<std::int64_t>(rows.size()), [&](std::int64_t i) {
    const std::string& record = options.records[static_cast<std::size_t>(i)];
    const Beats found = find_beats(record);
    if (!found.peaks.reason.empty()) log_warning("{}: no beats: {}", record, found.peaks.reason);
    if (options.fiducials) rows[static_cast<std::size_t>(i)] = fiducial_rows(record, found);
    if (options.annotator) write_annotations(record, *options.annotator, found);
  });
  if (!options.fiducials) return;
  std::string csv =
      "record,lead,beat,p_onset_s,p_peak_s,p_offset_s,qrs_onset_s,r_peak_s,qrs_offset_s,t_onset_s,t_peak_s,t_offset_"
      "s\n";
  for (const std::string& part : rows) csv += part;
  write_file(*options.fiducials, csv);
}

// What is usual in adults at rest. Sources: Rijnbeek et al., J. Electrocardiol. 47:914 (2014) for intervals; HR 60-100.
const std::map<std::string_view, std::pair<double, double>> kUsual = {{"rr_mean_ms", {600, 1000}},
                                                                      {"rr_median_ms", {600, 1000}},
                                                                      {"hr_mean_bpm", {60, 100}},
                                                                      {"qrs_duration_mean_ms", {70, 120}},
                                                                      {"qt_mean_ms", {350, 450}}};

void print_table(const std::string& record) {
  data::Recording recording = data::read_wfdb(record);
  const std::string unit = to_one_unit(recording);
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  const dsp::FeatureRow row =
      dsp::compute_features(recording.signal, recording.rate, unit, recording.leads, kUnknown, kUnknown);
  fmt::print("{}: {} leads, {} Hz, {:.1f} s, {}\n", record, recording.leads.size(), recording.rate,
             static_cast<double>(recording.signal.rows()) / recording.rate, unit);
  const auto columns = dsp::feature_columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == "age_years" || columns[i].name == "sex") continue;  // A WFDB header has no field for them.
    const std::string value = row.reasons[i].empty() ? fmt::format("{:.3f}", row.values[i]) : "-";
    std::string note = row.reasons[i];
    if (const auto usual = kUsual.find(columns[i].name); note.empty() && usual != kUsual.end()) {
      note = fmt::format("usual {} to {}", usual->second.first, usual->second.second);
    }
    fmt::print("  {:24} {:>12} {:6} {}\n", columns[i].name, value, columns[i].unit, note);
  }
}

// A data set's rows so far, by ecg_id: a killed run goes on from them.
struct Rows {
  std::map<std::int64_t, std::string> values;   // "ecg_id,..." lines
  std::map<std::int64_t, std::string> missing;  // "ecg_id,column,reason" lines
};

std::string header() {
  std::string line = "ecg_id";
  for (const dsp::FeatureColumn& column : dsp::feature_columns()) line += fmt::format(",{}", column.name);
  return line + "\n";
}

std::filesystem::path missing_path(const std::filesystem::path& out) {
  return out.parent_path() / (out.stem().string() + "_missing" + out.extension().string());
}

std::string joined(const std::map<std::int64_t, std::string>& lines) {
  std::string text;
  for (const auto& [id, line] : lines) text += line;
  return text;
}

void save(const Rows& rows, const std::filesystem::path& out) {
  write_file(missing_path(out), "ecg_id,column,reason\n" + joined(rows.missing));
  write_file(out, header() + joined(rows.values));
}

// What an interrupted run left; nothing when the columns are others.
Rows load_partial(const std::filesystem::path& partial) {
  Rows rows;
  if (!std::filesystem::exists(partial) || !std::filesystem::exists(missing_path(partial))) return rows;
  const std::string text = read_file(partial), reasons = read_file(missing_path(partial));
  if (!text.starts_with(header())) return rows;
  const auto each_line = [](const std::string& all, auto&& use) {
    for (std::size_t at = all.find('\n') + 1; at < all.size();) {
      const std::size_t end = all.find('\n', at) + 1;
      use(std::stoll(all.substr(at)), all.substr(at, end - at));
      at = end;
    }
  };
  each_line(text, [&](std::int64_t id, const std::string& line) { rows.values[id] = line; });
  each_line(reasons, [&](std::int64_t id, const std::string& line) { rows.missing[id] += line; });
  return rows;
}

struct Done {
  std::string values, missing;
  bool found = true;
};

Done one_record(const data::PtbxlRow& row, const Options& options) {
  const std::string& name = options.high_rate ? row.filename_hr : row.filename_lr;
  const std::filesystem::path path = std::filesystem::path(*options.data) / name;
  if (name.empty() || !std::filesystem::exists(path.string() + ".hea")) {
    if (options.skip_missing) return {"", "", false};
    throw Error(fmt::format("{}: the record '{}' of ecg_id {} is not there", row.place, name, row.ecg_id),
                "Use --skip-missing to go on without such records.");
  }
  data::Recording recording = data::read_wfdb(path);
  const std::string unit = to_one_unit(recording);
  const dsp::FeatureRow features =
      dsp::compute_features(recording.signal, recording.rate, unit, recording.leads, row.age, row.sex);
  Done done{fmt::format("{}", row.ecg_id), "", true};
  for (std::size_t i = 0; i < features.values.size(); ++i) {
    done.values += features.reasons[i].empty() ? fmt::format(",{:.8g}", features.values[i]) : std::string(",");
    if (!features.reasons[i].empty()) {
      done.missing +=
          fmt::format("{},{},{}\n", row.ecg_id, dsp::feature_columns()[i].name, csv_cell(features.reasons[i]));
    }
  }
  done.values += "\n";
  return done;
}

void run_data_set(const Options& options) {
  constexpr std::size_t kBetweenSaves = 2000;
  const std::filesystem::path out = *options.out, partial = out.string() + ".partial";
  const data::PtbxlDatabase database =
      data::read_ptbxl_database(std::filesystem::path(*options.data) / "ptbxl_database.csv");
  Rows rows = load_partial(partial);
  std::vector<const data::PtbxlRow*> left;
  for (const data::PtbxlRow& row : database.rows) {
    if (!rows.values.contains(row.ecg_id)) left.push_back(&row);
  }
  if (left.size() < database.rows.size())
    log_info("{} of {} records were there already", rows.values.size(), database.rows.size());
  ProgressLine progress;
  const auto start = std::chrono::steady_clock::now();
  std::size_t skipped = 0, done_now = 0;
  for (std::size_t first = 0; first < left.size(); first += kBetweenSaves) {
    const std::size_t count = std::min(kBetweenSaves, left.size() - first);
    for (std::size_t part = 0; part < count; part += 100) {
      std::vector<Done> done(std::min<std::size_t>(100, count - part));
      parallel_for(static_cast<std::int64_t>(done.size()), [&](std::int64_t i) {
        done[static_cast<std::size_t>(i)] = one_record(*left[first + part + static_cast<std::size_t>(i)], options);
      });
      for (std::size_t i = 0; i < done.size(); ++i) {
        const std::int64_t id = left[first + part + i]->ecg_id;
        skipped += done[i].found ? 0U : 1U;
        if (!done[i].found) continue;
        rows.values[id] = std::move(done[i].values);
        if (!done[i].missing.empty()) rows.missing[id] = std::move(done[i].missing);
      }
      done_now += done.size();
      const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      progress.show("features", static_cast<double>(done_now) / static_cast<double>(left.size()),
                    fmt::format("{:.0f} records/s", static_cast<double>(done_now) / std::max(elapsed, 1e-3)));
    }
    if (first + count < left.size()) save(rows, partial);
  }
  progress.clear();
  save(rows, out);
  std::filesystem::remove(partial);
  std::filesystem::remove(missing_path(partial));
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  log_info("{}: {} records, {:.0f} per second", out.string(), rows.values.size(),
           static_cast<double>(done_now) / std::max(elapsed, 1e-3));
  if (skipped > 0) log_warning("{} records of the table are not there", skipped);
}

void run_features(const Options& options) {
  set_thread_count(options.threads);
  if (options.data) {
    if (!options.out) throw UsageError("--data needs --out FILE.csv", "Say where the table shall go.");
    if (!options.records.empty()) throw UsageError("--data and single records", "Give one of the two.");
    return run_data_set(options);
  }
  if (options.records.empty()) {
    throw UsageError("no record", "Give WFDB records (paths without extension), or --data DIR --out FILE.csv.");
  }
  if (options.fiducials || options.annotator) return run_fiducials(options);
  for (const std::string& record : options.records) print_table(record);
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  cardiograd::apps::Options options;
  CLI::App app(
      "Hand-crafted features of ECGs: a table of single WFDB records, a CSV file of a PTB-XL folder, or the "
      "fiducial points of each beat.",
      "features");
  app.add_option("records", options.records, "WFDB records: paths without extension");
  app.add_option("--data", options.data, "PTB-XL folder (ptbxl_database.csv and the records)");
  app.add_option("--out", options.out, "CSV file for --data; reasons of missing values go to <name>_missing.csv");
  app.add_option("--fiducials", options.fiducials, "CSV file: onset, peak and end of P, QRS and T, per beat and lead");
  app.add_option("--annotator", options.annotator,
                 "also write the global boundaries beside each record, as WFDB annotations");
  app.add_flag("--500hz", options.high_rate, "with --data: the records at 500 Hz");
  app.add_flag("--skip-missing", options.skip_missing, "with --data: leave out records that are not there");
  app.add_option("--threads", options.threads, "0: one per core")->check(CLI::Range(0, 1024));
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::run_features(options); });
}
