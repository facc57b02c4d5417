#include "data/dataset.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"

namespace cardiograd::data {
namespace {

// Records, and positives per class, of one fold or of all.
struct Counts {
  std::int64_t records = 0;
  std::vector<std::int64_t> positives;
};

std::map<int, Counts> counts_by_fold(const Dataset& set) {
  const std::size_t classes = set.class_names.size();
  std::map<int, Counts> folds;
  for (std::size_t record = 0; record < set.folds.size(); ++record) {
    Counts& counts = folds[set.folds[record]];
    counts.positives.resize(classes);
    ++counts.records;
    for (std::size_t c = 0; c < classes; ++c) counts.positives[c] += set.labels[record * classes + c];
  }
  return folds;
}

std::string table(const Dataset& set) {
  std::string text = fmt::format("{:>5} {:>8}", "fold", "records");
  for (const auto& name : set.class_names) text += fmt::format(" {:>{}}", name, std::max<std::size_t>(name.size(), 5));
  const auto line = [&](const std::string& head, const Counts& counts) {
    text += fmt::format("\n{:>5} {:>8}", head, counts.records);
    for (std::size_t c = 0; c < set.class_names.size(); ++c)
      text += fmt::format(" {:>{}}", counts.positives[c], std::max<std::size_t>(set.class_names[c].size(), 5));
  };
  Counts all{0, std::vector<std::int64_t>(set.class_names.size())};
  for (const auto& [fold, counts] : counts_by_fold(set)) {
    line(std::to_string(fold), counts);
    all.records += counts.records;
    for (std::size_t c = 0; c < all.positives.size(); ++c) all.positives[c] += counts.positives[c];
  }
  line("all", all);
  return text;
}

std::string finding_text(const Finding& finding, const char* what, bool own) {
  return fmt::format("\n{} {} in {} records: {} {}{}", finding.count, what, finding.records, own ? "line" : "ecg_id",
                     fmt::join(finding.first_ids, ", "),
                     finding.records > static_cast<std::int64_t>(finding.first_ids.size()) ? ", ..." : "");
}

}  // namespace

void Finding::add(std::int64_t in_record, std::int64_t id) {
  constexpr std::size_t kMaxNamed = 10;
  if (in_record == 0) return;
  count += in_record;
  ++records;
  if (first_ids.size() < kMaxNamed) first_ids.push_back(id);
}

void warn_of_damaged(const std::vector<DamagedRecord>& damaged, std::int64_t records) {
  constexpr std::size_t kWarned = 3;
  if (damaged.empty()) return;
  std::string first;
  for (std::size_t i = 0; i < std::min(kWarned, damaged.size()); ++i)
    first += fmt::format("{}ecg_id {} ({})", i == 0 ? "" : ", ", damaged[i].ecg_id, damaged[i].what);
  log_warning("{} of {} records are damaged and left out: {}{}", damaged.size(), records, first,
              damaged.size() > kWarned ? ", and those that follow" : "");
  for (std::size_t i = kWarned; i < damaged.size(); ++i)
    log_info("ecg_id {} is left out: {}", damaged[i].ecg_id, damaged[i].what);
}

std::string describe(const Dataset& set) {
  std::string text = set.version.empty()
                         ? fmt::format("part of PTB-XL or another set: {} records (1.0.1 has 21837, 1.0.3 has 21799)",
                                       set.table_records)
                         : fmt::format("PTB-XL {}: {} records", set.version, set.table_records);
  if (set.synthetic) text = fmt::format("synthetic ECGs, of no patient: {} records", set.table_records);
  if (set.task == Task::kOwn)
    text = fmt::format("own labels{}: {} records; {}", set.synthetic ? " of synthetic ECGs" : "", set.table_records,
                       set.folds_from);
  text +=
      fmt::format("\ntask {}, {} classes; {} records without a class: {}", task_name(set.task), set.class_names.size(),
                  set.unlabeled_records, set.unlabeled == Unlabeled::kDrop ? "dropped" : "kept with no positive");
  text += fmt::format("\n{} samples at {} Hz, {} leads in {}, filter {}; {} features", set.samples, set.rate, set.leads,
                      set.unit, set.filter, set.feature_names.size());
  if (set.missing_records > 0) text += fmt::format("\n{} records are absent and left out", set.missing_records);
  if (!set.damaged.empty()) text += fmt::format("\n{} records are damaged and left out", set.damaged.size());
  if (set.unfit_records > 0) text += fmt::format("\n{} records do not fit and are left out", set.unfit_records);
  const bool own = set.task == Task::kOwn;
  if (set.ages_over_89 > 0) text += fmt::format("\n{} ages over 89 (300 in the table), taken as 90", set.ages_over_89);
  if (set.invalid_samples.count > 0) text += finding_text(set.invalid_samples, "invalid samples", own);
  if (set.flat_leads.count > 0) text += finding_text(set.flat_leads, "flat leads", own);
  return text + "\n" + table(set);
}

std::vector<std::int64_t> rows_of_folds(const Dataset& set, const std::vector<std::int64_t>& folds) {
  std::vector<std::int64_t> rows;
  for (std::int64_t record = 0; record < set.records; ++record) {
    const int fold = set.folds[static_cast<std::size_t>(record)];
    if (std::find(folds.begin(), folds.end(), fold) != folds.end()) rows.push_back(record);
  }
  return rows;
}

std::vector<std::uint8_t> labels_of(const Dataset& set, const std::vector<std::int64_t>& rows) {
  const std::size_t classes = set.class_names.size();
  std::vector<std::uint8_t> labels;
  for (const std::int64_t row : rows) {
    const auto first = set.labels.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * classes);
    labels.insert(labels.end(), first, first + static_cast<std::ptrdiff_t>(classes));
  }
  return labels;
}

void check_training_folds(const Dataset& set, const std::vector<int>& training, int validation, int test) {
  const auto folds = counts_by_fold(set);
  std::vector<int> present;
  present.reserve(folds.size());
  for (const auto& [fold, counts] : folds) present.push_back(fold);
  std::vector<int> used = training;
  used.push_back(validation);
  used.push_back(test);
  const std::string hint = fmt::format("Folds with records: {}.", fmt::join(present, ", "));
  if (training.empty()) throw Error("no training folds", hint);
  for (std::size_t i = 0; i < used.size(); ++i) {
    const char* role = i < training.size() ? "training" : i == training.size() ? "validation" : "test";
    if (!folds.contains(used[i])) throw Error(fmt::format("{} fold {} has no records", role, used[i]), hint);
    if (std::find(used.begin(), used.begin() + static_cast<std::ptrdiff_t>(i), used[i]) !=
        used.begin() + static_cast<std::ptrdiff_t>(i))
      throw Error(fmt::format("fold {} is used twice, the second time as {} fold", used[i], role),
                  "Training, validation and test folds must not overlap.");
  }
  for (std::size_t c = 0; c < set.class_names.size(); ++c) {
    std::int64_t positives = 0;
    for (const int fold : training) positives += folds.at(fold).positives[c];
    if (positives == 0)
      throw Error(fmt::format("class {} has no positive record in the training folds {}", set.class_names[c],
                              fmt::join(training, ", ")),
                  "Train on more folds or on the task with fewer classes: a class never seen cannot be learnt.");
  }
}

}  // namespace cardiograd::data
