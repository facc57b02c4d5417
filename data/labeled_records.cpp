#include "data/labeled_records.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "data/label_table.h"
#include "data/resample_recording.h"
#include "data/source_recording.h"
#include "data/synthetic_marker.h"
#include "data/table_cells.h"
#include "ecg/leads.h"
#include "ecg/twelve_leads.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNamed = 10;
constexpr double kSameRate = 1e-6;  // Hz

struct Outcome {
  std::optional<PreparedRecord> record;
  ecg::Person person;
  bool missing = false;
  std::string why;  // there is no record
  std::string hint;
};

std::vector<std::string> leads_of(const LabeledSettings& settings) {
  constexpr std::size_t kMaxLeads = 63;
  if (settings.leads.size() > kMaxLeads)
    throw Error(fmt::format("--leads: {} leads, at most {} are possible", settings.leads.size(), kMaxLeads),
                "Name fewer leads.");
  if (const auto same = ecg::find_same_leads(settings.leads))
    throw Error(fmt::format("--leads: '{}' and '{}' are the same lead", settings.leads[same->first],
                            settings.leads[same->second]),
                "Name each lead once.");
  if (!settings.leads.empty()) return settings.leads;
  return {ecg::kStandardLeads.begin(), ecg::kStandardLeads.end()};
}

// A WFDB record is named by its header or without extension.
bool is_there(const fs::path& path) {
  return path_exists(path) || wfdb_record_of(path);
}

ecg::Recording at_the_rate(const LabeledSettings& settings, const ecg::Recording& leads) {
  if (std::abs(leads.rate - settings.rate) <= kSameRate) return leads;
  if (!settings.resample)
    throw Error(fmt::format("sampled at {:g} Hz, expected {:g}", leads.rate, settings.rate),
                settings.as_trained ? "Resample such records with --resample."
                                    : "Resample such records with --resample, or train at their --rate.");
  return at_rate(leads, settings.rate);
}

PreparedRecord prepare_record(const LabeledSettings& settings, const std::vector<std::string>& wanted,
                              const SourceRecording& source, const ecg::Person& person) {
  const auto samples = static_cast<Eigen::Index>(std::llround(settings.seconds * settings.rate));
  if (source.digital && ecg::are_standard_leads(wanted) && needs_nothing(*source.digital, settings.rate, samples))
    return prepare_digital(settings.recording, *source.digital, person);
  const ecg::TwelveLeads found = ecg::named_leads(source.recording, wanted);
  if (!found.missing.empty())
    throw Error(
        fmt::format("{} {} missing and not derivable from those there: {}", fmt::join(found.missing, ", "),
                    found.missing.size() == 1 ? "is" : "are", fmt::join(source.recording.leads, ", ")),
        settings.as_trained ? "The model needs these leads." : "Choose leads that all records have with --leads.");
  ecg::Recording leads = at_the_rate(settings, found.recording);
  if (leads.signal.rows() < samples)
    throw Error(fmt::format("{:.4g} s long, expected {:g}", static_cast<double>(leads.signal.rows()) / leads.rate,
                            settings.seconds),
                settings.as_trained ? "The model needs records of this length, or longer ones."
                                    : "Choose a length that all records have with --seconds.");
  leads.signal = leads.signal.topRows(samples).eval();
  PreparedRecord known;
  known.flat_leads = flat_leads_of(leads.signal);
  known.invalid_samples = leads.signal.isNaN().count();
  return prepare_recording(settings.recording, leads, person, std::move(known));
}

using Replacement = std::pair<std::string_view, std::string_view>;

std::string replaced(std::string hint, std::span<const Replacement> replacements) {
  for (const auto& [from, to] : replacements)
    if (const auto at = hint.find(from); at != std::string::npos) hint.replace(at, from.size(), to);
  return hint;
}

// Readers' hints name --rate, which here is that of the model: a file has to say its rate itself.
std::string hint_for_tables(std::string hint) {
  constexpr std::array kReplacements = {
      Replacement{" (--rate 1000 where they are milliseconds)", ""},
      Replacement{"--rate HZ", "a line 'fs = HZ' before the names and no column of times"}};
  return replaced(std::move(hint), kReplacements);
}

// The table, whose hints offer other classes only where they can be chosen.
LabelTable read_table(const LabeledSettings& settings) {
  try {
    return read_label_table(settings.table, settings.classes, settings.fold_seed, settings.skip_duplicates);
  } catch (const Error& error) {
    if (!settings.as_trained) throw;
    constexpr std::array kReplacements = {
        Replacement{", leave the row out, or choose columns with --classes", ", or leave the row out"},
        Replacement{", or choose others with --classes", ""}, Replacement{"; choose others with --classes", ""}};
    throw Error(error.what(), replaced(error.hint(), kReplacements));
  }
}

Outcome read_row(const LabeledSettings& settings, const std::vector<std::string>& leads, const LabelRow& row) {
  Outcome outcome;
  fs::path path = settings.folder / row.path;
  try {
    // "a\b" is a name of its own here, and a path where Windows wrote the table.
    if (const fs::path slashed = settings.folder / with_slashes(row.path); !is_there(path) && is_there(slashed))
      path = slashed;
    if (!is_there(path)) {
      outcome.missing = true;
      outcome.why = fmt::format("no such record: {}", path.string());
      outcome.hint = "Correct the path (they begin in --data, or where the table lies), or go on with --skip-missing.";
      return outcome;
    }
    const SourceRecording source = read_recording(path, {.rate = {}, .unit = "mV", .has_options = false});
    outcome.person = row.person;
    if (std::isnan(outcome.person.age)) outcome.person.age = source.person.age;
    if (std::isnan(outcome.person.sex)) outcome.person.sex = source.person.sex;
    outcome.record = prepare_record(settings, leads, source, outcome.person);
  } catch (const Error& error) {
    const std::string what = error.what();
    outcome.why = what.find(row.path) == std::string::npos ? fmt::format("{}: {}", row.path, what) : what;
    outcome.hint = hint_for_tables(error.hint());
  }
  return outcome;
}

std::vector<Outcome> read_rows(const LabeledSettings& settings, const LabelTable& table) {
  const std::vector<std::string> leads = leads_of(settings);
  std::vector<Outcome> outcomes(table.rows.size());
  std::mutex mutex;
  std::int64_t done = 0;
  const auto total = static_cast<std::int64_t>(outcomes.size());
  parallel_for(total, [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i);
    outcomes[index] = read_row(settings, leads, table.rows[index]);
    const std::lock_guard lock(mutex);
    ++done;
    if (settings.progress) settings.progress(done, total);
  });
  return outcomes;
}

// Records of another unit than most do not fit; among equally many the first decides.
void compare_units(std::vector<Outcome>& outcomes) {
  std::map<std::string, std::size_t> counts;
  for (const Outcome& outcome : outcomes)
    if (outcome.record) ++counts[outcome.record->unit];
  if (counts.size() < 2) return;
  std::string most;
  for (const Outcome& outcome : outcomes)
    if (outcome.record && counts[outcome.record->unit] > counts[most]) most = outcome.record->unit;
  for (Outcome& outcome : outcomes) {
    if (!outcome.record || outcome.record->unit == most) continue;
    outcome.why = fmt::format("in '{}', {} records are in '{}'", outcome.record->unit, counts[most], most);
    outcome.hint = "All records of a set must share one unit; --normalize zscore brings them to one.";
    outcome.record.reset();
  }
}

// Throws, or warns where they may be left out.
void report_left_out(const LabeledSettings& settings, const LabelTable& table, const std::vector<Outcome>& outcomes,
                     bool missing) {
  std::vector<std::string> named;
  std::string hint;
  std::size_t count = 0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Outcome& outcome = outcomes[i];
    if (outcome.record || outcome.missing != missing) continue;
    if (hint.empty()) hint = outcome.hint;
    if (++count <= kNamed)
      named.push_back(fmt::format("{}:{}: {}", settings.table.string(), table.rows[i].line, outcome.why));
  }
  if (count == 0) return;
  const std::string text =
      fmt::format("{} of {} records {}: {}{}", count, outcomes.size(), missing ? "are absent" : "do not fit",
                  fmt::join(named, "; "), count > kNamed ? "; ..." : "");
  if (!(missing ? settings.skip_missing : settings.skip_damaged))
    throw Error(text, missing ? hint : hint + " Or go on without them with --skip-damaged.");
  log_warning("left out: {}", text);
}

void add_record(const LabeledSettings& settings, const LabelRow& row, const Outcome& outcome, Dataset& set) {
  const PreparedRecord& record = *outcome.record;
  const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  append(set.signals, record.signal);
  append(set.scales, record.scales);
  append(set.features, record.features);
  append(set.labels, row.labels);
  set.folds.push_back(row.fold);
  set.ecg_ids.push_back(row.line);
  set.paths.push_back(row.path);
  set.ages.push_back(static_cast<float>(outcome.person.age));
  set.sexes.push_back(static_cast<float>(outcome.person.sex));
  if (std::find(row.labels.begin(), row.labels.end(), 1) == row.labels.end()) ++set.unlabeled_records;
  set.invalid_samples.add(record.invalid_samples, row.line);
  set.flat_leads.add(std::popcount(static_cast<std::uint64_t>(record.flat_leads)), row.line);
  set.samples = record.samples;
  set.unit = record.unit;
  if (set.records == 0) set.filter = filter_text(settings.recording, record.source_unit);
  ++set.records;
}

}  // namespace

Dataset prepare_labeled(const LabeledSettings& settings) {
  const LabelTable table = read_table(settings);
  std::vector<Outcome> outcomes = read_rows(settings, table);
  compare_units(outcomes);
  report_left_out(settings, table, outcomes, /*missing=*/true);
  report_left_out(settings, table, outcomes, /*missing=*/false);
  Dataset set;
  set.task = Task::kOwn;
  set.unlabeled = Unlabeled::kKeep;
  set.class_names = table.class_names;
  set.lead_names = leads_of(settings);
  set.leads = static_cast<std::int64_t>(set.lead_names.size());
  set.rate = settings.rate;
  if (settings.recording.features.compute) set.feature_names = settings.recording.features.names;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    Outcome& outcome = outcomes[i];
    if (outcome.record)
      add_record(settings, table.rows[i], outcome, set);
    else
      ++(outcome.missing ? set.missing_records : set.unfit_records);
    outcome.record.reset();  // Its memory is needed.
  }
  set.table_records = static_cast<std::int64_t>(table.rows.size());
  if (set.records == 0)
    throw Error(fmt::format("{}: none of its {} records can be used", settings.table.string(), set.table_records),
                "The warnings before say why.");
  set.folds_from = !table.drawn_folds
                       ? "folds of the table"
                       : fmt::format("folds drawn {} with seed {}",
                                     table.by_patient ? "by patient" : "record by record", settings.fold_seed);
  std::vector<fs::path> places;
  for (const LabelRow& row : table.rows) places.push_back(settings.folder / with_slashes(row.path));
  set.synthetic = are_synthetic(settings.folder, places);
  return set;
}

}  // namespace cardiograd::data
