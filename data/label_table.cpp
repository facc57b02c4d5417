#include "data/label_table.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/csv.h"

namespace cardiograd::data {
namespace {

constexpr int kLargestFold = 1000;
constexpr std::array<std::string_view, 5> kOtherColumns = {"path", "patient", "age", "sex", "fold"};
constexpr const char* kCorrect = "Correct the row.";

bool is_class(const std::string& column) {
  return std::find(kOtherColumns.begin(), kOtherColumns.end(), column) == kOtherColumns.end();
}

std::vector<std::size_t> class_columns(const CsvTable& csv, const std::filesystem::path& path,
                                       const std::vector<std::string>& classes) {
  std::vector<std::size_t> columns;
  columns.reserve(classes.size());
  for (const std::string& name : classes) columns.push_back(csv.column(name));
  for (std::size_t i = 0; classes.empty() && i < csv.columns().size(); ++i)
    if (is_class(csv.columns()[i])) columns.push_back(i);
  for (const std::size_t column : columns)
    if (csv.columns()[column].empty() || !is_class(csv.columns()[column]) ||
        csv.columns()[column].find(',') != std::string::npos)
      throw Error(
          fmt::format("{}: column {}, '{}', cannot be a class", path.string(), column + 1, csv.columns()[column]),
          "Every column but path, patient, age, sex and fold is a class, and needs a name without commas.");
  if (columns.empty())
    throw Error(fmt::format("{}: no column is a class", path.string()),
                "Expected a column path and one column per class, 1 or 0 in each row.");
  return columns;
}

std::uint8_t label(const CsvTable& csv, std::size_t row, std::size_t column) {
  const std::string& cell = csv.cell(row, column);
  if (cell == "0" || cell == "1") return cell == "1" ? 1 : 0;
  throw Error(fmt::format("{}: column '{}': found '{}', expected 0 or 1", csv.place(row), csv.columns()[column], cell),
              cell.empty()
                  ? "What is not known cannot be learnt: fill it in, leave the row out, or choose columns with "
                    "--classes."
                  : "Every column but path, patient, age, sex and fold is a class; choose others with "
                    "--classes.");
}

double age_of(const CsvTable& csv, std::size_t row, std::size_t column) {
  const auto age = csv.number(row, column);
  if (!age || std::isnan(*age)) return ecg::Person{}.age;
  if (!(*age >= 0 && (*age <= ecg::kMaxAge || *age == ecg::kHiddenAge)))
    throw Error(fmt::format("{}: column 'age': found {}, expected 0 to {} years", csv.place(row), *age, ecg::kMaxAge),
                "Correct the row, or leave the field empty.");
  return std::min(*age, ecg::kAgeOver89);
}

double sex_of(const CsvTable& csv, std::size_t row, std::size_t column) {
  std::string word = csv.cell(row, column);
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  if (word.empty()) return ecg::Person{}.sex;
  if (word == "0" || word == "m" || word == "male") return ecg::kMale;
  if (word == "1" || word == "f" || word == "female") return ecg::kFemale;
  throw Error(
      fmt::format("{}: column 'sex': found '{}', expected M or 0, F or 1", csv.place(row), csv.cell(row, column)),
      "Correct the row, or leave the field empty.");
}

int fold_of(const CsvTable& csv, std::size_t row, std::size_t column) {
  const double fold = csv.number(row, column).value_or(0);
  if (fold >= 1 && fold <= kLargestFold && fold == std::floor(fold)) return static_cast<int>(fold);
  throw Error(fmt::format("{}: column 'fold': found '{}', expected 1 to {}", csv.place(row), csv.cell(row, column),
                          kLargestFold),
              kCorrect);
}

// The same record under two names: without the extensions of a WFDB record's files.
std::string record_of(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  for (const std::string_view extension : {".hea", ".dat", ".mat"})
    if (normal.ends_with(extension)) return normal.substr(0, normal.size() - extension.size());
  return normal;
}

// Throws where a record or, in two folds, a patient is there twice.
class Repeats {
 public:
  explicit Repeats(const CsvTable& csv) : csv_(csv) {}

  void check_record(std::size_t row, const std::string& path) {
    if (path.empty() || path.find('\0') != std::string::npos)
      throw Error(fmt::format("{}: column 'path' is {}", csv_.place(row), path.empty() ? "empty" : "no file name"),
                  kCorrect);
    const auto [place, is_new] = records_.try_emplace(record_of(path), row);
    if (!is_new)
      throw Error(
          fmt::format("{}: '{}' is there twice, before at {}", csv_.place(row), path, csv_.place(place->second)),
          "Every record needs one row.");
  }
  void check_patient(std::size_t row, const std::string& patient, int fold) {
    const auto [place, is_new] = patients_.try_emplace(patient, fold, row);
    if (!is_new && place->second.first != fold)
      throw Error(fmt::format("{}: patient '{}' is in fold {}, and in fold {} at {}", csv_.place(row), patient, fold,
                              place->second.first, csv_.place(place->second.second)),
                  "All records of a patient belong in one fold: a test on a patient seen in training is none.");
  }

 private:
  const CsvTable& csv_;
  std::map<std::string, std::size_t> records_;
  std::map<std::string, std::pair<int, std::size_t>> patients_;
};

}  // namespace

int drawn_fold(std::string_view patient, std::uint64_t seed) {
  constexpr int kHexDigits = 8;
  const std::string digits = to_string(content_hash(fmt::format("{}/{}", seed, patient))).substr(0, kHexDigits);
  return 1 + static_cast<int>(std::stoul(digits, nullptr, 16) % kDrawnFolds);
}

LabelTable read_label_table(const std::filesystem::path& csv, const std::vector<std::string>& classes,
                            std::uint64_t fold_seed) {
  return parse_label_table(read_file(csv), csv, classes, fold_seed);
}

LabelTable parse_label_table(std::string_view text, const std::filesystem::path& path,
                             const std::vector<std::string>& classes, std::uint64_t fold_seed) {
  const CsvTable csv = CsvTable::parse(text, path);
  const std::size_t record = csv.column("path");
  const std::vector<std::size_t> columns = class_columns(csv, path, classes);
  const auto patient = csv.find_column("patient"), age = csv.find_column("age"), sex = csv.find_column("sex"),
             fold = csv.find_column("fold");
  if (csv.rows() == 0) throw Error(fmt::format("{}: no records", path.string()), "Expected one row per record.");
  LabelTable table;
  table.drawn_folds = !fold;
  table.by_patient = patient.has_value();
  for (const std::size_t column : columns) table.class_names.push_back(csv.columns()[column]);
  Repeats repeats(csv);
  for (std::size_t i = 0; i < csv.rows(); ++i) {
    LabelRow row;
    row.line = static_cast<std::int64_t>(csv.line(i));
    row.path = csv.cell(i, record);
    repeats.check_record(i, row.path);
    if (age) row.person.age = age_of(csv, i, *age);
    if (sex) row.person.sex = sex_of(csv, i, *sex);
    // A row without a patient's name is a patient of its own.
    const std::string name = patient && !csv.cell(i, *patient).empty() ? csv.cell(i, *patient) : record_of(row.path);
    row.fold = fold ? fold_of(csv, i, *fold) : drawn_fold(name, fold_seed);
    if (fold && patient) repeats.check_patient(i, name, row.fold);
    for (const std::size_t column : columns) row.labels.push_back(label(csv, i, column));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace cardiograd::data
