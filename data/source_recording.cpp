#include "data/source_recording.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/dicom.h"
#include "data/ecg_xml.h"
#include "data/edf.h"
#include "data/file_kind.h"
#include "data/gzip.h"
#include "data/scp_ecg.h"
#include "data/wfdb_annotation.h"
#include "data/wfdb_leads.h"
#include "data/wfdb_segments.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 32;
// Of a compressed file: recordings shrink to a third or a tenth, a file of zeros to a thousandth.
constexpr std::uintmax_t kUnpacked = std::uintmax_t{64} << 20;
constexpr std::uintmax_t kRatio = 100;
constexpr const char* kReadable =
    "Give a WFDB record, an EDF, BDF, CSV, DICOM, SCP-ECG, aECG, MUSE or Philips file (docs/formats.md).";

constexpr std::array kFormats = {
    RecordingFormat{
        "WFDB", "`NAME.hea` is there; given as `NAME`, `NAME.hea` or `NAME.dat`",
        "signal formats 8, 16, 24, 32, 61, 80, 160, 212, 310, 311 and FLAC (508, 516, 524); several samples "
        "per frame; several segments, of fixed or variable layout, with gaps; signal files beside the "
        "header or in folders below it, also shorter than announced",
        "compressed headers and signal files; signal files outside the header's folder"},
    RecordingFormat{"EDF, EDF+", "begins with `0` and blanks",
                    "whole data records, also where the header announces more or fewer; decimal commas; age and sex of "
                    "EDF+; `.edf.gz`",
                    "interrupted recordings (EDF+D with gaps); annotations"},
    RecordingFormat{"BDF, BDF+", "begins with byte 255 and `BIOSEMI`", "as EDF, 24 bits", "as EDF"},
    RecordingFormat{
        "text tables (CSV)", "a text with a row of names, or rows that begin with names",
        "`,` `;` tab `|` or blanks between fields; decimal commas; UTF-8, Latin-1, UTF-16; lines before the "
        "names, also with the rate and the unit; a row of units; a column or a row per lead, then also with fields "
        "beside the samples (unit, rate, number); times in s, ms, us, ns, min, h, days or as "
        "clock times; one value per line behind lines with rate, lead and unit (Apple Watch); `.csv.gz`",
        "tables without names (R calls their columns V1, V2, ...); samples that are not evenly spaced"},
    RecordingFormat{"HL7 aECG", "XML, `AnnotatedECG`",
                    "the longest rhythm and what was recorded at the same times; age, sex, start; `.xml.gz`",
                    "derived beats, annotations"},
    RecordingFormat{"MUSE (GE)", "XML, `RestingECG`",
                    "the leads of the rhythm (of several, that with most leads and seconds), from which the other limb "
                    "leads are derived; age, sex, start; `.xml.gz`",
                    "median beats, diagnoses, measurements"},
    RecordingFormat{"Philips (Sierra)", "XML, `restingecgdata`",
                    "the leads of the rhythm, plain or compressed (XLI); of plain ones only I, II and V1 to V6, from "
                    "which the others are derived; age, sex, start; `.xml.gz`",
                    "median beats, diagnoses, measurements"},
    RecordingFormat{"DICOM", "`DICM` at byte 128, or begins with an element of group 2 or 8",
                    "the waveform with most ECG that is no derived one, and those recorded with it; "
                    "implicit and explicit, little and big endian; age, sex, start; `.dcm.gz`",
                    "deflated and compressed transfer syntaxes, companded samples, median beats, images"},
    RecordingFormat{"SCP-ECG", "`SCPECG` at byte 16, or a list of sections with its checksum",
                    "the rhythm, plain or Huffman-coded, also as differences; age, sex, start; `.scp.gz`",
                    "rhythms without a reference beat, bimodal compression, leads recorded one after the other"},
};

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_wfdb_extension(const std::string& extension) {
  return extension == ".hea" || extension == ".dat" || extension == ".mat";
}

[[noreturn]] void fail_not_there(const fs::path& path) {
  if (is_wfdb_extension(lower_extension(path))) {
    fs::path header = path;
    throw Error(
        fmt::format("{}: cannot be opened: {} is not there", path.string(), header.replace_extension(".hea").string()),
        "A WFDB record needs its header and its signal files.");
  }
  throw Error(
      fmt::format("{}: not there, neither as a file nor as the WFDB record {}.hea", path.string(), path.string()),
      "Check the path.");
}

[[noreturn]] void fail_folder(const fs::path& path) {
  if (path_exists(path / "ptbxl_database.csv"))
    throw Error(
        fmt::format("{}: a folder in PTB-XL's layout, expected a recording", path.string()),
        "Name recordings in its folder records100 or records500; --data of evaluate and features takes it whole.");
  std::string example;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    const std::string extension = lower_extension(entry.path());
    if (extension != ".hea" && extension != ".edf" && extension != ".bdf" && extension != ".csv") continue;
    const std::string name = entry.path().string();
    if (example.empty() || name < example) example = name;
  }
  throw Error(fmt::format("{}: a folder, expected a recording", path.string()),
              example.empty() ? kReadable : fmt::format("Name the recordings in it, for example {}.", example));
}

// `name`: as wfdb_record_of has it.
SourceRecording read_wfdb_record(const fs::path& path, const fs::path& name) {
  SourceRecording source;
  WfdbHeader header = read_wfdb_header(name, {}, WfdbFaults::kWarn);
  if (header.segments.empty()) {
    WfdbLeads leads = read_wfdb_leads(std::move(header));
    source.digital = std::move(leads.digital);
    source.recording = std::move(leads.recording);
  } else {
    source.recording = read_wfdb_segments(header);
  }
  source.recording.name = path.string();
  return source;
}

// An annotation file says where beats are; it is easily taken for the record.
void refuse_annotations(const fs::path& path, std::string_view content) {
  fs::path record = path;
  if (path.extension().empty() || !find_wfdb_header(record.replace_extension(".hea"))) return;
  std::size_t count = 0;
  try {
    count = parse_wfdb_annotations(content, path).annotations.size();
  } catch (const Error&) {
    return;
  }
  throw Error(fmt::format("{}: a WFDB annotation file: it marks {} instants of a record and has no signal",
                          path.string(), count),
              fmt::format("Give the record: {}.", record.replace_extension().string()));
}

// "r.hea.gz", "r.dat.gz", and "r.hea.txt" as a browser saves it.
void refuse_hidden_wfdb(const fs::path& path) {
  const std::string outer = lower_extension(path);
  if (!is_wfdb_extension(lower_extension(path.stem())) || (outer != ".gz" && outer != ".txt")) return;
  fs::path plain = path;
  plain.replace_extension();
  const std::string record = fs::path(plain).replace_extension().string();
  if (outer == ".gz")
    throw Error(
        fmt::format("{}: a compressed file of a WFDB record", path.string()),
        fmt::format("Unpack the record's header and signal files (gunzip {}.*.gz) and give {}.", record, record));
  throw Error(fmt::format("{}: a file of a WFDB record with .txt behind its name", path.string()),
              fmt::format("Rename it to {} and give that.", plain.string()));
}

// `extension`: of the file, without ".gz".
ecg::Recording parse_recording(std::string_view content, const fs::path& path, const std::string& extension,
                               const SignalCsvOptions& csv) {
  const auto kind = kind_of(content);
  const auto self_contained = [&](ecg::Recording recording) {
    warn_of_unused_options(recording, csv);
    return recording;
  };
  const bool edf = extension == ".edf" || extension == ".rec" || extension == ".bdf";
  if (!kind && (edf || begins_as_edf(content))) return self_contained(parse_edf(content, path));
  if (kind && (is_ecg_xml(content) || is_dicom(content) || is_scp_ecg(content))) {
    try {
      if (is_dicom(content)) return self_contained(parse_dicom(content, path));
      if (is_scp_ecg(content)) return self_contained(parse_scp_ecg(content, path));
      return self_contained(parse_ecg_xml(content, path));
    } catch (const Error& error) {
      std::string_view what = error.what();
      if (const std::string begin = path.string() + ": "; what.starts_with(begin)) what.remove_prefix(begin.size());
      throw Error(fmt::format("{}: {}, but it cannot be read: {}", path.string(), kind->name, what), error.hint());
    }
  }
  const bool table = extension == ".csv" || extension == ".tsv";
  if (kind && !(table && kind->name == "JSON"))
    throw Error(fmt::format("{}: {}, not a recording that can be read", path.string(), kind->name),
                std::string(kind->hint));
  if (table) return parse_signal_csv(content, path, csv);
  refuse_annotations(path, content);
  if (!content.empty() && is_text(content)) {
    try {
      return parse_signal_csv(content, path, csv);
    } catch (const Error& error) {
      throw Error(fmt::format("{}: a text, but no table of leads: {}", path.string(), error.what()), error.hint());
    }
  }
  throw Error(fmt::format("{}: {}, expected a recording", path.string(),
                          content.empty() ? "empty" : "a file of an unknown kind"),
              kReadable);
}

}  // namespace

std::span<const RecordingFormat> recording_formats() {
  return kFormats;
}

std::string formats_document() {
  std::string text =
      "# Files that are read\n\n"
      "All programs read these (`train` and `evaluate` with `--labels`); `features --formats` prints this document. "
      "What a file is is told by its "
      "content, not by its name.\n"
      "Files of other kinds (ISHNE, MFER, PDF, HDF5, ...) are refused by name, with a way to convert them.\n\n"
      "| format | recognized by | read | not read |\n|---|---|---|---|\n";
  for (const RecordingFormat& format : kFormats)
    text += fmt::format(
        "| {} | {} | {} | {} |\n", format.name, format.files,
        [&] {
          std::string read(format.read);
          for (std::size_t at = 0; (at = read.find("`|`", at)) != std::string::npos; at += 4) read.insert(at + 1, "\\");
          return read;
        }(),
        format.not_read);
  text +=
      "\nSignals that are no ECG (blood pressure, pulse, breathing, EEG, markers, ...) are left aside and named: those "
      "without the name of a lead\n"
      "where others have one, those computed from an ECG (`ECG_Rate`), `x`, `y`, `z` beside other leads, `C3` and "
      "`C4` "
      "of an EEG, those\n"
      "whose unit is no voltage, and columns that count the rows, whatever their name. The rate is that of most leads. "
      "In "
      "PTB-XL's layout\n"
      "records are WFDB of one segment.\n\n"
      "A lead may be called `aVR`, `AVR`, `Lead II`, `II lead`, `CH_II`, `ECG V1`, `D1`, `C4`, `Ⅱ`, `Ableitung I`, "
      "`Dérivation I`, `导联 I` and the\n"
      "like, in text tables also with its unit: `II (mV)`, `II_mV`, `II.mV`, `II in mV`, `mV_II`. `-aVR` is another "
      "lead "
      "than `aVR`.\n";
  return text;
}

void warn_of_unused_options(const ecg::Recording& recording, const SignalCsvOptions& csv) {
  if (csv.rate && *csv.rate != recording.rate)
    log_warning("{}: --rate {:g} is for text tables and not used: the file says {:g} Hz", recording.name, *csv.rate,
                recording.rate);
  const std::string unit = ecg::canonical_unit(csv.unit);
  const auto other = std::find_if(recording.units.begin(), recording.units.end(),
                                  [&](const std::string& said) { return said != unit; });
  if (csv.unit != SignalCsvOptions().unit && other != recording.units.end())
    log_warning("{}: --unit {} is for text tables and not used: the file says {}", recording.name, csv.unit, *other);
}

SourceRecording read_recording(const fs::path& path, const SignalCsvOptions& csv) {
  SourceRecording source;
  std::error_code ignored;
  if (const auto record = wfdb_record_of(path)) {
    source = read_wfdb_record(path, *record);
    warn_of_unused_options(source.recording, csv);
  } else if (fs::is_directory(path, ignored)) {
    fail_folder(path);
  } else if (!path_exists(path)) {
    fail_not_there(path);
  } else {
    refuse_hidden_wfdb(path);
    std::string content = read_file(path, kMaxBytes);
    std::string extension = lower_extension(path);
    if (is_gzip(content)) {
      content = gunzip(content, std::min(kMaxBytes, kUnpacked + kRatio * content.size()), path);
      if (extension == ".gz") extension = lower_extension(path.stem());
    }
    source.recording = parse_recording(content, path, extension, csv);
  }
  source.person = ecg::person_of(source.recording.comments);
  return source;
}

std::optional<fs::path> wfdb_record_of(const fs::path& path) {
  return find_wfdb_header(path);
}

fs::path recording_stem(const fs::path& path) {
  fs::path stem = path;
  if (lower_extension(stem) == ".gz") stem.replace_extension();
  const std::string extension = lower_extension(stem);
  constexpr std::array<std::string_view, 12> kKnown = {".hea", ".dat", ".mat", ".edf", ".rec", ".bdf",
                                                       ".csv", ".tsv", ".txt", ".xml", ".dcm", ".scp"};
  if (std::find(kKnown.begin(), kKnown.end(), extension) != kKnown.end() && path_exists(path)) stem.replace_extension();
  return stem;
}

}  // namespace cardiograd::data
