// A recording from any file that this project reads.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data/signal_csv.h"
#include "data/wfdb.h"
#include "ecg/person.h"
#include "ecg/recording.h"

namespace cardiograd::data {

struct SourceRecording {
  ecg::Recording recording;                 // its ECG leads, at least one; what else there is: recording.others
  std::optional<DigitalRecording> digital;  // of WFDB records of one segment: these leads as stored
  ecg::Person person;                       // as the file's comments say
};

// What read_recording reads: the rows of docs/formats.md.
struct RecordingFormat {
  std::string_view name;
  std::string_view files;  // how such files are recognized
  std::string_view read;   // what of them is read
  std::string_view not_read;
};
std::span<const RecordingFormat> recording_formats();

// docs/formats.md.
std::string formats_document();

// `path` names a WFDB record (without extension, its header or its signal file), or an EDF, BDF, text, aECG, MUSE,
// Philips, DICOM or SCP-ECG file, each of them also compressed with gzip. What a file is is told by its content, not by
// its name. `csv` is for text files; with others that say something else it is warned about.
//
// Throws Error naming the path: nothing there; a folder; a file of another kind, which is named with a way to convert
// it; no ECG among the signals; and what the format's reader throws.
SourceRecording read_recording(const std::filesystem::path& path, const SignalCsvOptions& csv = {});

// Warns where `csv` has a rate or a unit that is not the recording's, whose file needs none told.
void warn_of_unused_options(const ecg::Recording& recording, const SignalCsvOptions& csv);

// The WFDB record that read_recording reads for `path`; nothing where it reads a file of another format.
std::optional<std::filesystem::path> wfdb_record_of(const std::filesystem::path& path);

// The path without the extension of a file that read_recording takes: what is made of a recording is named after it.
std::filesystem::path recording_stem(const std::filesystem::path& path);

}  // namespace cardiograd::data
