#include "data/synthetic/population.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/error.h"
#include "base/philox.h"
#include "base/random_streams.h"
#include "data/synthetic/scp_statements.h"
#include "data/synthetic/statement_sets.h"
#include "data/synthetic/statements.h"

namespace cardiograd::data::synthetic {
namespace {

using random_streams::Synthetic;

struct Patient {
  ecg::Person person;
  std::vector<std::string> statements;
  bool fibrillation = false;
  int premature_beats = 0;
  int records = 1;
  int fold = 0;
};

bool has(const std::vector<std::string>& codes, std::string_view code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// Appends `code` unless one that is there excludes it.
void add_statement(std::vector<std::string>& codes, std::string_view code) {
  if (std::all_of(codes.begin(), codes.end(), [&](const auto& other) { return compatible(code, other); }))
    codes.emplace_back(code);
}

std::string_view draw_one(std::span<const StatementSet> sets, PhiloxStream& random) {
  std::uint32_t total = 0;
  for (const StatementSet& set : sets) total += static_cast<std::uint32_t>(set.records);
  auto left = static_cast<int>(random.below(total));
  for (const StatementSet& set : sets) {
    left -= set.records;
    if (left < 0) return set.codes;
  }
  return sets.back().codes;
}

std::vector<std::string> draw_statements(PhiloxStream& random) {
  const auto sets = frequent_statement_sets();
  int frequent = 0;
  for (const StatementSet& set : sets) frequent += set.records;
  const int rare = rare_set_records();
  std::vector<std::string> codes;
  if (static_cast<int>(random.below(static_cast<std::uint32_t>(frequent + rare))) < frequent) {
    std::string_view text = draw_one(sets, random);
    while (!text.empty()) {
      const std::size_t blank = std::min(text.find(' '), text.size());
      add_statement(codes, text.substr(0, blank));
      text.remove_prefix(std::min(blank + 1, text.size()));
    }
    return codes;
  }
  // As many statements as the rare sets have on average.
  int statements = 0;
  for (const StatementSet& left : rare_statements()) statements += left.records;
  const double mean = static_cast<double>(statements) / rare;
  const auto wanted = static_cast<std::size_t>(mean + random.uniform());
  for (int attempt = 0; attempt < 20 && codes.size() < wanted; ++attempt)
    add_statement(codes, draw_one(rare_statements(), random));
  return codes;
}

// A set that holds a class, as PTB-XL has them; alone, by its statements' fractions, where none comes up.
std::vector<std::string> draw_statements_with(std::string_view wanted, Task task, PhiloxStream& random) {
  const auto in_class = [&](std::string_view code) { return scp_table().class_of(code, task) == wanted; };
  for (int attempt = 0; attempt < 300; ++attempt) {
    std::vector<std::string> codes = draw_statements(random);
    if (std::any_of(codes.begin(), codes.end(), in_class)) return codes;
  }
  std::vector<StatementSet> own;
  for (const StatementSet& left : rare_statements())
    if (in_class(left.codes)) own.push_back(left);
  return {std::string(draw_one(own, random))};
}

// Age, sex and rhythm go with the statements: means and fractions of PTB-XL's records of each superclass.
void draw_person(Patient& patient, PhiloxStream& random) {
  const auto& codes = patient.statements;
  const bool normal = has(codes, "NORM") || codes.empty();
  double mean = normal ? 52 : 66.5;
  double sd = normal ? 17 : 14;
  double female = normal ? 0.54 : 0.46;
  for (const std::string& code : codes) {
    const std::string_view superclass = scp_table().class_of(code, Task::kSuper);
    if (superclass == "MI" || superclass == "CD") female = 0.38;
    if (superclass == "MI") sd = 13;
  }
  if (has(codes, "WPW")) mean = 38;
  if (has(codes, "SEHYP")) mean = 50;
  patient.person.age = std::round(std::clamp(mean + sd * random.normal(), 17.0, 95.0));
  patient.person.sex = random.uniform() < female ? ecg::kFemale : ecg::kMale;

  const bool atria_seen = std::any_of(codes.begin(), codes.end(), [](const std::string& code) {
    return code == "1AVB" || code == "2AVB" || code == "3AVB" || code == "WPW" || code == "LAO/LAE" ||
           code == "RAO/RAE" || code == "LNGQT";
  });
  const double fraction = codes.empty() ? 0.4 : normal || atria_seen ? 0.0 : has(codes, "DIG") ? 0.6 : 0.11;
  patient.fibrillation = random.uniform() < fraction;
  if (random.uniform() < (normal ? 0.015 : 0.075)) patient.premature_beats = 1 + static_cast<int>(random.below(2));
  if (patient.fibrillation) patient.premature_beats = 0;
}

int draw_record_count(PhiloxStream& random) {
  const double u = random.uniform();
  return u < 0.888 ? 1 : u < 0.972 ? 2 : 3;
}

std::vector<Patient> draw_patients(const PopulationOptions& options) {
  std::vector<Patient> patients;
  std::int64_t records = 0;
  while (records < options.records) {
    PhiloxStream random(options.seed, random_streams::synthetic(Synthetic::kPatient, patients.size()));
    Patient patient;
    patient.statements = draw_statements(random);
    draw_person(patient, random);
    patient.records = static_cast<int>(std::min<std::int64_t>(draw_record_count(random), options.records - records));
    records += patient.records;
    patients.push_back(std::move(patient));
  }
  return patients;
}

std::vector<std::size_t> classes_of(const std::vector<std::string>& codes, Task task) {
  const auto& names = scp_table().class_names(task);
  std::vector<std::size_t> classes;
  for (std::size_t c = 0; c < names.size(); ++c)
    if (std::any_of(codes.begin(), codes.end(),
                    [&](const std::string& code) { return scp_table().class_of(code, task) == names[c]; }))
      classes.push_back(c);
  return classes;
}

std::vector<std::int64_t> class_counts(const std::vector<Patient>& patients, Task task) {
  std::vector<std::int64_t> counts(scp_table().class_names(task).size());
  for (const Patient& patient : patients)
    for (const std::size_t c : classes_of(patient.statements, task)) counts[c] += patient.records;
  return counts;
}

void ensure_minimum(std::vector<Patient>& patients, const PopulationOptions& options) {
  const auto& names = scp_table().class_names(options.task);
  std::vector<std::int64_t> counts = class_counts(patients, options.task);
  PhiloxStream random(options.seed, random_streams::synthetic(Synthetic::kOrder, 1));
  // Donors: patients whose classes can all spare them, from the last one.
  std::size_t next = patients.size();
  for (std::size_t c = 0; c < names.size(); ++c) {
    while (counts[c] < options.min_per_class) {
      const auto spare = [&](const Patient& patient) {
        const auto classes = classes_of(patient.statements, options.task);
        return std::all_of(classes.begin(), classes.end(), [&](std::size_t k) {
          return k != c && counts[k] - patient.records >= options.min_per_class;
        });
      };
      while (next > 0 && !spare(patients[next - 1])) --next;
      if (next == 0)
        throw UsageError(fmt::format("{} records cannot hold {} of each of the {} classes", options.records,
                                     options.min_per_class, names.size()),
                         "Give more --records or a smaller --min-per-class.");
      Patient& patient = patients[--next];
      for (const std::size_t k : classes_of(patient.statements, options.task)) counts[k] -= patient.records;
      patient.statements = draw_statements_with(names[c], options.task, random);
      draw_person(patient, random);
      for (const std::size_t k : classes_of(patient.statements, options.task)) counts[k] += patient.records;
    }
  }
}

// The rarest class first: each of its patients goes to the fold that misses most of it, then most records.
void assign_folds(std::vector<Patient>& patients) {
  const std::size_t classes = scp_table().class_names(Task::kSub).size();
  std::vector<std::vector<std::size_t>> patient_classes;
  double total = 0;
  for (const Patient& patient : patients) {
    patient_classes.push_back(classes_of(patient.statements, Task::kSub));
    if (patient_classes.back().empty()) patient_classes.back().push_back(classes);  // those without a class: one more
    total += patient.records;
  }
  std::vector<double> left(classes + 1);
  for (std::size_t p = 0; p < patients.size(); ++p)
    for (const std::size_t c : patient_classes[p]) left[c] += patients[p].records;
  std::vector<std::size_t> order;
  for (std::size_t c = 0; c <= classes; ++c) order.push_back(c);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return left[a] < left[b]; });

  std::vector<std::vector<double>> wanted(kFolds, left);
  std::vector<double> wanted_records(kFolds, total / kFolds);
  for (auto& fold : wanted)
    for (double& value : fold) value /= kFolds;
  for (const std::size_t c : order) {
    for (std::size_t p = 0; p < patients.size(); ++p) {
      if (patients[p].fold != 0 ||
          std::find(patient_classes[p].begin(), patient_classes[p].end(), c) == patient_classes[p].end())
        continue;
      std::size_t best = 0;
      for (std::size_t f = 1; f < kFolds; ++f)
        if (std::pair(wanted[f][c], wanted_records[f]) > std::pair(wanted[best][c], wanted_records[best])) best = f;
      patients[p].fold = static_cast<int>(best) + 1;
      wanted_records[best] -= patients[p].records;
      for (const std::size_t k : patient_classes[p]) wanted[best][k] -= patients[p].records;
    }
  }
}

void check_options(const PopulationOptions& options) {
  if (options.records < 1 || options.records > kMaxRecords)
    throw UsageError(fmt::format("--records {}: expected 1 to {}", options.records, kMaxRecords),
                     "Give the number of ECGs to make.");
  if (options.min_per_class < 0)
    throw UsageError(fmt::format("--min-per-class {}: expected 0 or more", options.min_per_class),
                     "Give the least number of records of each class.");
}

}  // namespace

const ScpTable& scp_table() {
  static const ScpTable table = ScpTable::parse(scp_statements_csv(), "scp_statements.csv");
  return table;
}

std::vector<PlannedRecord> plan_population(const PopulationOptions& options) {
  check_options(options);
  std::vector<Patient> patients = draw_patients(options);
  ensure_minimum(patients, options);
  assign_folds(patients);

  std::vector<PlannedRecord> records;
  for (std::size_t p = 0; p < patients.size(); ++p) {
    const Patient& patient = patients[p];
    for (int r = 0; r < patient.records; ++r) {
      records.push_back({0, static_cast<std::int64_t>(p) + 1, patient.fold, patient.person, patient.statements,
                         patient.fibrillation, patient.premature_beats});
      records.back().person.age = std::min(95.0, patient.person.age + r);  // recorded again a year later
    }
  }
  PhiloxStream random(options.seed, random_streams::synthetic(Synthetic::kOrder, 0));
  random.shuffle(records);
  for (std::size_t i = 0; i < records.size(); ++i) records[i].ecg_id = static_cast<std::int64_t>(i) + 1;
  return records;
}

}  // namespace cardiograd::data::synthetic
