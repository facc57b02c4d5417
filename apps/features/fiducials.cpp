#include "apps/features/fiducials.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "data/beat_stream.h"
#include "data/csv.h"
#include "data/recording_stream.h"
#include "data/source_recording.h"
#include "data/wfdb_annotation.h"

namespace cardiograd::apps {
namespace {

namespace fs = std::filesystem;

std::string seconds(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.4f}", value);
}

std::string wave_cells(const dsp::Wave& wave) {
  return fmt::format(",{},{},{}", seconds(wave.onset_s), seconds(wave.peak_s), seconds(wave.offset_s));
}

void add_fiducial_rows(const std::string& record, const std::vector<std::string>& leads, const data::BeatPiece& found,
                       std::string& rows) {
  const auto add = [&](const std::string& lead, std::size_t beat, const dsp::BeatWaves& waves) {
    rows += fmt::format("{},{},{}{}{}{}\n", data::csv_cell(record), data::csv_cell(lead), found.first + beat + 1,
                        wave_cells(waves.p), wave_cells(waves.qrs), wave_cells(waves.t));
  };
  for (std::size_t beat = 0; beat < found.peaks.times_s.size(); ++beat) {
    add("all", beat, found.waves.global[beat]);
    for (std::size_t l = 0; l < found.waves.leads.size(); ++l) {
      add(leads[l], beat, found.waves.leads[l][beat]);
    }
  }
}

// The annotation file of a record.
fs::path annotation_path(const std::string& record, const FiducialOutputs& outputs) {
  fs::path stem = data::recording_stem(record);
  if (outputs.folder) stem = fs::path(*outputs.folder) / stem.filename();
  return stem += "." + *outputs.annotator;
}

// The first annotation of the files that this program writes: a note at time 0, as WFDB's own ("## time resolution").
const std::string kMark = "## cardiograd features";

bool is_ours(const fs::path& path) {
  try {
    const auto file = data::read_wfdb_annotations(path);
    return !file.annotations.empty() && file.annotations.front().aux == kMark;
  } catch (const Error&) {
    return false;
  }
}

// Of the global boundaries "(" peak ")" around p, N and t, as in LUDB and QTDB.
void write_annotations(const fs::path& path, double rate, const std::vector<ecg::BeatWaves>& beats) {
  data::WfdbAnnotations file;
  const auto add = [&](double time_s, const char* mnemonic, int number) {
    if (std::isnan(time_s)) return;
    data::WfdbAnnotation annotation;
    annotation.sample = std::llround(time_s * rate);
    annotation.code = data::annotation_code(mnemonic).value();
    annotation.number = number;
    file.annotations.push_back(annotation);
  };
  add(0, "\"", 0);
  file.annotations.front().aux = kMark;
  for (const dsp::BeatWaves& beat : beats) {
    const std::pair<const dsp::Wave*, const char*> waves[] = {{&beat.p, "p"}, {&beat.qrs, "N"}, {&beat.t, "t"}};
    for (int number = 0; number < 3; ++number) {  // Of the boundary marks: 0 P, 1 QRS, 2 T.
      add(waves[number].first->onset_s, "(", number);
      add(waves[number].first->peak_s, waves[number].second, 0);
      add(waves[number].first->offset_s, ")", number);
    }
  }
  std::stable_sort(file.annotations.begin(), file.annotations.end(),
                   [](const auto& a, const auto& b) { return a.sample < b.sample; });
  data::write_wfdb_annotations(path, file);
}

void check_annotator(const std::string& name) {
  constexpr std::array<std::string_view, 13> kOthers = {"dat", "hea", "mat",  "atr", "edf", "bdf", "rec",
                                                        "csv", "tsv", "flac", "gz",  "xws", "txt"};
  const bool letters =
      !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  if (!letters)
    throw UsageError(fmt::format("--annotator '{}': no name of an annotator", name),
                     "WFDB's annotators are letters and digits only; folders go into --out.");
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::find(kOthers.begin(), kOthers.end(), lower) != kOthers.end())
    throw UsageError(
        fmt::format("--annotator {}: files of this name are signals, headers or experts' annotations", name),
        "Take a name of your own, for example 'cg'.");
}

// Before anything is written.
void check_annotation_files(const std::vector<std::string>& records, const FiducialOutputs& outputs) {
  std::error_code ignored;
  if (outputs.folder && !fs::is_directory(*outputs.folder, ignored))
    throw Error(fmt::format("{}: no folder", *outputs.folder), "Make it, or name another one with --out.");
  std::map<fs::path, std::string> seen;
  for (const std::string& record : records) {
    const fs::path path = annotation_path(record, outputs);
    const auto [other, first] = seen.emplace(path.lexically_normal(), record);
    if (!first)
      throw Error(fmt::format("{} and {} would both have the annotation file {}", other->second, record, path.string()),
                  "Give such records one at a time, each with an --out of its own.");
    if (fs::exists(path, ignored) && !is_ours(path))
      throw Error(fmt::format("{}: is there already and was not written by this program", path.string()),
                  "Take another --annotator, or another folder with --out.");
  }
}

}  // namespace

void write_fiducials(const std::vector<std::string>& records, const FiducialOutputs& outputs,
                     const data::SignalCsvOptions& csv) {
  if (outputs.annotator) {
    check_annotator(*outputs.annotator);
    check_annotation_files(records, outputs);
  }
  std::vector<std::string> rows(records.size());
  parallel_for(static_cast<std::int64_t>(rows.size()), [&](std::int64_t i) {
    const std::string& record = records[static_cast<std::size_t>(i)];
    const auto recording = data::open_recording(record, csv);
    const data::BeatStream beats(*recording);
    if (!beats.peaks().reason.empty()) log_warning("{}: no beats: {}", record, beats.peaks().reason);
    const std::string apart = dsp::leads_apart_text(beats.peaks(), recording->head().leads);
    if (!apart.empty()) log_warning("{}: {}: they have beats of their own", record, apart);
    std::vector<ecg::BeatWaves> global;
    beats.each_piece([&](const data::BeatPiece& piece) {
      if (outputs.table) add_fiducial_rows(record, recording->head().leads, piece, rows[static_cast<std::size_t>(i)]);
      if (outputs.annotator) global.insert(global.end(), piece.waves.global.begin(), piece.waves.global.end());
    });
    if (outputs.annotator) write_annotations(annotation_path(record, outputs), recording->head().rate, global);
  });
  if (!outputs.table) return;
  std::string text =
      "record,lead,beat,p_onset_s,p_peak_s,p_offset_s,qrs_onset_s,r_peak_s,qrs_offset_s,t_onset_s,t_peak_s,t_offset_"
      "s\n";
  for (const std::string& part : rows) text += part;
  write_file(*outputs.table, text);
}

}  // namespace cardiograd::apps
