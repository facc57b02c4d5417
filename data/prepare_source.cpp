#include "data/prepare_source.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "data/wfdb.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNamed = 10;

// Each row's record at the rate of the settings, without extension.
std::vector<std::string> stems_of(const PrepareSettings& settings, const PrepareSource& source) {
  if (settings.rate != 100 && settings.rate != 500)
    throw UsageError(fmt::format("sampling rate {} Hz", settings.rate), "PTB-XL comes at 100 and 500 Hz.");
  const bool low = settings.rate == 100;
  if (low ? !source.database.has_lr : !source.database.has_hr)
    throw Error(
        fmt::format("{}: no column '{}' for the records at {} Hz, only {}", source.csv.string(),
                    low ? "filename_lr" : "filename_hr", settings.rate, fmt::join(source.database.columns, ", ")),
        fmt::format("This set may have records at {} Hz only.", low ? 500 : 100));
  std::vector<std::string> stems;
  for (const auto& row : source.database.rows) stems.push_back(low ? row.filename_lr : row.filename_hr);
  return stems;
}

[[noreturn]] void fail_missing(const PrepareSettings& settings, const PrepareSource& source,
                               const std::vector<std::size_t>& missing) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(missing.size(), kNamed); ++i) {
    const std::string& stem = source.stems[missing[i]];
    names.push_back(fmt::format("ecg_id {} ({})", source.database.rows[missing[i]].ecg_id,
                                stem.empty() ? fmt::format("no file name for {} Hz", settings.rate) : stem));
  }
  throw Error(fmt::format("{}: {} of {} records are absent: {}{}", source.csv.string(), missing.size(),
                          source.stems.size(), fmt::join(names, ", "), missing.size() > kNamed ? ", ..." : ""),
              "Fetch them, or go on without them with --skip-missing.");
}

// Codes that scp_statements.csv does not have give no label, which nobody would see otherwise.
void warn_of_unknown_codes(const PrepareSource& source) {
  std::set<std::string> codes;
  std::size_t records = 0;
  for (const PtbxlRow& row : source.database.rows) {
    bool unknown = false;
    for (const ScpStatement& statement : row.statements) {
      if (source.statements.knows(statement.code)) continue;
      unknown = true;
      codes.insert(statement.code);
    }
    records += unknown ? 1 : 0;
  }
  if (codes.empty()) return;
  std::vector<std::string> named;
  for (const std::string& code : codes)
    if (named.size() < kNamed) named.push_back("'" + code + "'");
  log_warning("{}: {} of {} records have codes that scp_statements.csv lacks, and no label for them: {}{}",
              source.csv.string(), records, source.database.rows.size(), fmt::join(named, ", "),
              codes.size() > kNamed ? ", ..." : "");
}

}  // namespace

PrepareSource read_source(const PrepareSettings& settings) {
  if (!path_exists(settings.folder) || !fs::is_directory(settings.folder)) {
    const bool file = path_exists(settings.folder);
    throw Error(
        fmt::format("{}: {}", settings.folder.string(), file ? "is a file, expected a folder" : "no such folder"),
        file && settings.folder.filename() == "ptbxl_database.csv"
            ? fmt::format("Give the folder that it lies in: {}.", settings.folder.parent_path().string())
            : "Give the folder that holds ptbxl_database.csv and scp_statements.csv.");
  }
  PrepareSource source;
  source.csv = settings.folder / "ptbxl_database.csv";
  const std::string text = read_file(source.csv);
  source.csv_hash = content_hash(text);
  source.database = parse_ptbxl_database(text, source.csv);
  source.statements = ScpTable::read(settings.folder / "scp_statements.csv");
  if (source.database.rows.empty())
    throw Error(fmt::format("{}: no records", source.csv.string()), "Expected one row per record.");
  source.stems = stems_of(settings, source);
  warn_of_unknown_codes(source);
  return source;
}

bool is_there(const fs::path& folder, const std::string& stem) {
  const fs::path path = folder / (stem + ".hea");
  if (stem.empty() || !path_exists(path)) return false;
  try {
    const WfdbHeader header = read_wfdb_header(path);
    return std::all_of(header.signals.begin(), header.signals.end(),
                       [&](const WfdbSignalSpec& signal) { return path_exists(wfdb_signal_path(header, signal)); });
  } catch (const Error&) {
    return true;
  }
}

std::vector<std::int64_t> rows_present(const PrepareSettings& settings, const PrepareSource& source) {
  const std::vector<std::string>& stems = source.stems;
  std::vector<char> there(stems.size());
  parallel_for(static_cast<std::int64_t>(stems.size()), [&](std::int64_t i) {
    const auto row = static_cast<std::size_t>(i);
    there[row] = is_there(settings.folder, stems[row]) ? 1 : 0;
  });
  std::vector<std::int64_t> present;
  std::vector<std::size_t> missing;
  for (std::size_t row = 0; row < there.size(); ++row) {
    if (there[row] != 0) {
      present.push_back(static_cast<std::int64_t>(row));
    } else {
      missing.push_back(row);
    }
  }
  if (!missing.empty() && (!settings.skip_missing || present.empty())) fail_missing(settings, source, missing);
  return present;
}

}  // namespace cardiograd::data
