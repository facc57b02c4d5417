#include "data/ptbxl.h"

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <unordered_set>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "data/csv.h"
#include "data/table_cells.h"

namespace cardiograd::data {
namespace {

constexpr double kLargestAge = 150;
constexpr int kLargestFold = 1000;
constexpr std::size_t kRecords101 = 21837;
constexpr std::size_t kRecords103 = 21799;

[[noreturn]] void fail(const CsvTable& csv, std::size_t row, const std::string& message) {
  throw Error(fmt::format("{}: {}", csv.place(row), message), "Correct the row, or take the table as published.");
}

std::int64_t integer(const CsvTable& csv, std::size_t row, std::size_t column) {
  const double value = csv.number(row, column, /*optional=*/false).value_or(std::nan(""));
  if (!(std::abs(value) < 1e15) || value != std::floor(value))
    fail(csv, row,
         fmt::format("column '{}': found '{}', expected a whole number", csv.columns()[column], csv.cell(row, column)));
  return static_cast<std::int64_t>(value);
}

void read_person(const CsvTable& csv, std::size_t index, std::size_t age, std::size_t sex, PtbxlRow& row) {
  if (const auto value = is_missing(csv.cell(index, age)) ? std::nullopt : csv.number(index, age)) {
    row.age_over_89 = *value == ecg::kHiddenAge;
    row.person.age = row.age_over_89 ? ecg::kAgeOver89 : *value;
    if (!(row.person.age >= 0 && row.person.age <= kLargestAge))
      fail(csv, index,
           fmt::format("column 'age': found {}, expected 0 to {}, or 300 for over 89", *value, kLargestAge));
  }
  row.person.sex = sex_in(csv, index, sex);
}

// Without the extension of a header or signal file. "\" is "/" where there is a record of that name in `folder`.
std::string file_name(const CsvTable& csv, std::size_t row, std::optional<std::size_t> column,
                      const std::filesystem::path& folder) {
  if (!column) return {};
  std::string name(csv.cell(row, *column));
  const std::string slashed = with_slashes(name);
  const auto normal = std::filesystem::path(slashed).lexically_normal();
  if (normal.is_absolute() || (!normal.empty() && *normal.begin() == "..") || name.find('\0') != std::string::npos)
    fail(csv, row, fmt::format("column '{}': '{}' leaves the folder of the table", csv.columns()[*column], name));
  const auto stem_of = [](const std::string& file) {
    for (const std::string_view extension : {".hea", ".dat", ".mat"})
      if (file.ends_with(extension)) return file.substr(0, file.size() - extension.size());
    return file;
  };
  std::error_code ignored;
  if (slashed != name && std::filesystem::exists(folder / (stem_of(slashed) + ".hea"), ignored)) name = slashed;
  return stem_of(name);
}

// What two rows have in common that lie in different folds.
template <class Key>
class Shared {
 public:
  void add(const Key& key, const PtbxlRow& row) {
    const auto [first, is_new] = firsts_.try_emplace(key, &row);
    if (is_new || first->second->fold == row.fold || !found_.insert(key).second) return;
    if (found_.size() > 1) return;
    first_ = first->second;
    second_ = &row;
  }
  std::int64_t count() const { return static_cast<std::int64_t>(found_.size()); }
  std::string places() const {
    return fmt::format("{} in fold {}, {} in fold {}", first_->place, first_->fold, second_->place, second_->fold);
  }

 private:
  std::map<Key, const PtbxlRow*> firsts_;
  std::set<Key> found_;
  const PtbxlRow *first_ = nullptr, *second_ = nullptr;  // rows of the first that was found
};

std::vector<std::string> leaks_of(const PtbxlDatabase& database, const std::filesystem::path& path) {
  Shared<std::int64_t> patients;
  Shared<std::string> files;
  for (const PtbxlRow& row : database.rows) {
    if (row.patient_id) patients.add(*row.patient_id, row);
    for (const std::string& file : {row.filename_lr, row.filename_hr})
      if (!file.empty()) files.add(file, row);
  }
  std::vector<std::string> leaks;
  const auto add = [&](const auto& shared, const char* what) {
    if (shared.count() > 0)
      leaks.push_back(
          fmt::format("{}: {} {} in several folds, the first at {}: a test on what was seen in training is none",
                      path.filename().string(), shared.count(), what, shared.places()));
  };
  add(patients, patients.count() == 1 ? "patient is" : "patients are");
  add(files, files.count() == 1 ? "file is" : "files are");
  return leaks;
}

}  // namespace

PtbxlDatabase read_ptbxl_database(const std::filesystem::path& csv) {
  return parse_ptbxl_database(read_table_text(csv), csv);
}

PtbxlDatabase parse_ptbxl_database(std::string_view text, const std::filesystem::path& path) {
  const CsvTable csv = CsvTable::parse(text, path);
  const std::size_t ecg_id = csv.column("ecg_id");
  const std::size_t age = csv.column("age");
  const std::size_t sex = csv.column("sex");
  const std::size_t scp_codes = csv.column("scp_codes");
  const std::size_t fold = csv.column("strat_fold");
  const auto patient_id = csv.find_column("patient_id");
  const auto lr = csv.find_column("filename_lr");
  const auto hr = csv.find_column("filename_hr");
  PtbxlDatabase database;
  database.has_lr = lr.has_value();
  database.has_hr = hr.has_value();
  database.columns = csv.columns();
  std::unordered_set<std::int64_t> seen;
  for (std::size_t i = 0; i < csv.rows(); ++i) {
    PtbxlRow row;
    row.place = csv.place(i);
    row.ecg_id = integer(csv, i, ecg_id);
    if (!seen.insert(row.ecg_id).second) fail(csv, i, fmt::format("ecg_id {} occurs twice", row.ecg_id));
    if (patient_id && !is_missing(csv.cell(i, *patient_id))) row.patient_id = integer(csv, i, *patient_id);
    read_person(csv, i, age, sex, row);
    const std::int64_t fold_number = integer(csv, i, fold);
    if (fold_number < 1 || fold_number > kLargestFold)
      fail(csv, i, fmt::format("column 'strat_fold': found {}, expected 1 to {}", fold_number, kLargestFold));
    row.fold = static_cast<int>(fold_number);
    row.filename_lr = file_name(csv, i, lr, path.parent_path());
    row.filename_hr = file_name(csv, i, hr, path.parent_path());
    try {
      row.statements = parse_scp_codes(csv.cell(i, scp_codes));
    } catch (const Error& error) {
      throw Error(fmt::format("{}: record {}: column 'scp_codes': {}", csv.place(i), row.ecg_id, error.what()),
                  error.hint());
    }
    database.rows.push_back(std::move(row));
  }
  database.leaks = leaks_of(database, path);
  if (database.rows.size() == kRecords101) database.version = "1.0.1";
  if (database.rows.size() == kRecords103) database.version = "1.0.3";
  return database;
}

}  // namespace cardiograd::data
