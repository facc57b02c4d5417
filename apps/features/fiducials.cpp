#include "apps/features/fiducials.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "data/beats.h"
#include "data/csv.h"
#include "data/wfdb_annotation.h"

namespace cardiograd::apps {
namespace {

std::string seconds(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.4f}", value);
}

std::string wave_cells(const dsp::Wave& wave) {
  return fmt::format(",{},{},{}", seconds(wave.onset_s), seconds(wave.peak_s), seconds(wave.offset_s));
}

std::string fiducial_rows(const std::string& record, const data::Beats& found) {
  std::string rows;
  const auto add = [&](const std::string& lead, std::size_t beat, const dsp::BeatWaves& waves) {
    rows += fmt::format("{},{},{}{}{}{}\n", data::csv_cell(record), data::csv_cell(lead), beat + 1, wave_cells(waves.p),
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
void write_annotations(const std::string& record, const std::string& annotator, const data::Beats& found) {
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

}  // namespace

void write_fiducials(const std::vector<std::string>& records, const std::optional<std::string>& table,
                     const std::optional<std::string>& annotator) {
  std::vector<std::string> rows(records.size());
  parallel_for(static_cast<std::int64_t>(rows.size()), [&](std::int64_t i) {
    const std::string& record = records[static_cast<std::size_t>(i)];
    const data::Beats found = data::find_beats(record);
    if (!found.peaks.reason.empty()) log_warning("{}: no beats: {}", record, found.peaks.reason);
    if (table) rows[static_cast<std::size_t>(i)] = fiducial_rows(record, found);
    if (annotator) write_annotations(record, *annotator, found);
  });
  if (!table) return;
  std::string csv =
      "record,lead,beat,p_onset_s,p_peak_s,p_offset_s,qrs_onset_s,r_peak_s,qrs_offset_s,t_onset_s,t_peak_s,t_offset_"
      "s\n";
  for (const std::string& part : rows) csv += part;
  write_file(*table, csv);
}

}  // namespace cardiograd::apps
