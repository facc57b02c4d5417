#include "data/label_table.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "data/csv.h"
#include "data/table_cells.h"
#include "data/text_encoding.h"

namespace cardiograd::data {
namespace {

constexpr int kLargestFold = 1000;
constexpr std::size_t kNamed = 10;
constexpr const char* kCorrect = "Correct the row.";
constexpr const char* kMeanings = "Every column but path, patient, age, sex and fold is a class";

// The columns that are no classes, and the other names they go by, in small letters without what separates words.
struct Role {
  const char* name;
  std::array<std::string_view, 4> others;
};
constexpr std::array<Role, 5> kRoles = {{{"path", {"path", "filename", "file", "record"}},
                                         {"patient", {"patient", "patientid", "subject", "subjectid"}},
                                         {"age", {"age"}},
                                         {"sex", {"sex", "gender"}},
                                         {"fold", {"fold", "stratfold"}}}};
enum RoleIndex : std::size_t { kPath, kPatient, kAge, kSex, kFold };

using RoleColumns = std::array<std::optional<std::size_t>, kRoles.size()>;

std::string plain_name(std::string_view name) {
  std::string plain;
  for (const unsigned char c : name)
    if (std::isalnum(c) != 0 || c >= 0x80) plain += static_cast<char>(std::tolower(c));
  return plain;
}

// The column that plays a role: the one of its name, or else the only one with another name for it that is not asked
// for as a class.
std::optional<std::size_t> role_column(const CsvTable& csv, const Role& role, const std::filesystem::path& path,
                                       const std::vector<std::string>& classes) {
  if (const auto exact = csv.find_column(role.name)) return exact;
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < csv.columns().size(); ++i) {
    const std::string& column = csv.columns()[i];
    const std::string plain = plain_name(column);
    const bool known = !plain.empty() && std::find(role.others.begin(), role.others.end(), plain) != role.others.end();
    if (!known || std::find(classes.begin(), classes.end(), column) != classes.end()) continue;
    if (found)
      throw Error(fmt::format("{}: two columns may be the {}: '{}' and '{}'", path.string(), role.name,
                              csv.columns()[*found], column),
                  fmt::format("Call the one that is meant '{}'.", role.name));
    found = i;
  }
  if (found) log_info("{}: column '{}' is taken for '{}'", path.string(), csv.columns()[*found], role.name);
  return found;
}

RoleColumns role_columns(const CsvTable& csv, const std::filesystem::path& path,
                         const std::vector<std::string>& classes) {
  RoleColumns columns;
  for (std::size_t i = 0; i < kRoles.size(); ++i) columns.at(i) = role_column(csv, kRoles.at(i), path, classes);
  if (!columns[kPath]) csv.column("path");  // throws
  return columns;
}

std::vector<std::size_t> class_columns(const CsvTable& csv, const RoleColumns& roles, const std::filesystem::path& path,
                                       const std::vector<std::string>& classes) {
  const auto is_class = [&](std::size_t column) {
    return std::find(roles.begin(), roles.end(), std::optional(column)) == roles.end();
  };
  std::vector<std::size_t> columns;
  columns.reserve(classes.size());
  for (const std::string& name : classes) columns.push_back(csv.column(name));
  for (std::size_t i = 0; classes.empty() && i < csv.columns().size(); ++i)
    if (is_class(i)) columns.push_back(i);
  for (const std::size_t column : columns) {
    const std::string& name = csv.columns()[column];
    std::string fault = name_fault(name);
    if (fault.empty() && name.find(',') != std::string::npos) fault = "has a comma";
    if (fault.empty() && is_class(column)) continue;
    throw Error(fmt::format("{}: column {}, '{}', cannot be a class{}{}", path.string(), column + 1, printable(name),
                            fault.empty() ? "" : ": its name ", fault),
                fmt::format("{}, and needs a name without commas, blanks around it, line breaks and control "
                            "characters: rename it, or choose others with --classes.",
                            kMeanings));
  }
  if (columns.empty())
    throw Error(fmt::format("{}: no column is a class", path.string()),
                "Expected a column path and one column per class, 1 or 0 in each row.");
  return columns;
}

std::uint8_t label(const CsvTable& csv, std::size_t row, std::size_t column) {
  const std::string_view cell = csv.cell(row, column);
  if (cell == "0" || cell == "1") return cell == "1" ? 1 : 0;
  // As pandas writes columns of truth values.
  const std::string plain = plain_name(cell);
  if (plain == "true" || plain == "false") return plain == "true" ? 1 : 0;
  // "1.0", as pandas writes columns in which a value was missing once.
  if (const auto value = csv.number_if_any(row, column); value && (*value == 0 || *value == 1))
    return *value == 1 ? 1 : 0;
  throw Error(fmt::format("{}: column '{}': found '{}', expected 0 or 1, or true or false", csv.place(row),
                          csv.columns()[column], cell),
              cell.empty()
                  ? "What is not known cannot be learnt: fill it in, leave the row out, or choose columns with "
                    "--classes."
                  : fmt::format("{}; choose others with --classes.", kMeanings));
}

double age_of(const CsvTable& csv, std::size_t row, std::size_t column) {
  if (is_missing(csv.cell(row, column))) return ecg::Person{}.age;
  const auto age = csv.number(row, column);
  if (!age || std::isnan(*age)) return ecg::Person{}.age;
  if (!(*age >= 0 && (*age <= ecg::kMaxAge || *age == ecg::kHiddenAge)))
    throw Error(fmt::format("{}: column '{}': found {}, expected 0 to {} years", csv.place(row), csv.columns()[column],
                            *age, ecg::kMaxAge),
                "Correct the row, or leave the field empty.");
  return std::min(*age, ecg::kAgeOver89);
}

int fold_of(const CsvTable& csv, std::size_t row, std::size_t column) {
  const double fold = csv.number(row, column, /*optional=*/false).value_or(0);
  if (fold >= 1 && fold <= kLargestFold && fold == std::floor(fold)) return static_cast<int>(fold);
  throw Error(fmt::format("{}: column '{}': found '{}', expected 1 to {}", csv.place(row), csv.columns()[column],
                          csv.cell(row, column), kLargestFold),
              kCorrect);
}

// Whether a line is that of the columns' names: one of them is the path's.
bool names_columns(std::string_view line) {
  const auto& names = kRoles[kPath].others;
  const char separator = csv_separator(line);
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(separator, at), line.size());
    if (std::find(names.begin(), names.end(), plain_name(line.substr(at, end - at))) != names.end()) return true;
    at = end + 1;
  }
  return false;
}

// Blank lines for those that begin with "#", but not within quotes: the numbers of lines stay. Such a line with the
// columns' names before one without, as numpy.savetxt writes it, stays but for its mark.
std::string_view without_comments(std::string_view text, std::string& storage, const std::filesystem::path& path) {
  std::size_t comments = 0;
  std::optional<std::pair<std::size_t, std::string_view>> names;  // a comment with these, and where it begins
  bool quoted = false, begun = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (!quoted && line.starts_with('#')) {
      ++comments;
      if (storage.empty()) storage = text;
      std::fill_n(storage.begin() + static_cast<std::ptrdiff_t>(at), line.size(), ' ');
      if (!begun && names_columns(line.substr(1))) names = {at, line};
    } else if (quoted || line.find_first_not_of(" \t\r") != std::string_view::npos) {
      if (!begun && names_columns(line)) names.reset();
      begun = true;
      if (std::count(line.begin(), line.end(), '"') % 2 == 1) quoted = !quoted;
    }
    at = end + 1;
  }
  if (names && begun) {
    --comments;
    const auto& [at, line] = *names;
    storage.replace(at, line.size(), line.substr(line.find_first_not_of("# ")));
  }
  if (comments > 0) log_info("{}: {} comment line{} read over", path.string(), comments, comments == 1 ? "" : "s");
  return storage.empty() ? text : storage;
}

// The same record under two names: without the extensions of a WFDB record's files, "\" being "/".
std::string record_of(const std::string& path) {
  std::string normal = std::filesystem::path(with_slashes(path)).lexically_normal().string();
  for (const std::string_view extension : {".hea", ".dat", ".mat"})
    if (normal.ends_with(extension)) return normal.substr(0, normal.size() - extension.size());
  return normal;
}

// Finds records that are there several times, and throws where a patient is in two folds.
class Repeats {
 public:
  explicit Repeats(const CsvTable& csv) : csv_(csv) {}

  void add_record(std::size_t row, const std::string& path) {
    if (path.empty() || path.find('\0') != std::string::npos)
      throw Error(fmt::format("{}: column 'path' is {}", csv_.place(row), path.empty() ? "empty" : "no file name"),
                  kCorrect);
    const auto [place, is_new] = records_.try_emplace(record_of(path), row);
    if (!is_new) again_.emplace_back(row, place->second);
  }
  // Takes the rows of records that are there again out of `rows`, one for each row of the table; throws unless `skip`.
  void take_out(std::vector<LabelRow>& rows, bool skip) const {
    if (again_.empty()) return;
    std::vector<std::string> named;
    std::set<std::size_t> out;
    std::size_t contradictions = 0;
    for (const auto& [row, first] : again_) {
      if (named.size() < kNamed)
        named.push_back(
            fmt::format("{}: '{}' is there twice, before at {}", csv_.place(row), rows[row].path, csv_.place(first)));
      const bool same = rows[row].labels == rows[first].labels && rows[row].fold == rows[first].fold;
      out.insert(row);
      if (!same && out.insert(first).second) ++contradictions;
    }
    const std::string text = fmt::format("{} of {} rows are of a record that has one already: {}{}", again_.size(),
                                         rows.size(), fmt::join(named, "; "), again_.size() > kNamed ? "; ..." : "");
    if (!skip)
      throw Error(text, "Every record needs one row. Delete the others, or go on without them with --skip-duplicates.");
    log_warning("left out: {}", text);
    if (contradictions > 0)
      log_warning("left out with all of their rows: {} of these records, whose rows have other labels or folds",
                  contradictions);
    std::vector<LabelRow> kept;
    for (std::size_t row = 0; row < rows.size(); ++row)
      if (!out.contains(row)) kept.push_back(std::move(rows[row]));
    rows = std::move(kept);
  }
  // One name of the patient whom the cell means: other blanks, capitals or "7.0" for "7" are no other patient.
  std::string patient_of(std::size_t row, std::size_t column) {
    std::string spelled(csv_.cell(row, column));
    const auto is_blank = [](unsigned char c) { return std::isspace(c) != 0; };
    spelled.erase(spelled.begin(), std::find_if_not(spelled.begin(), spelled.end(), is_blank));
    spelled.erase(std::find_if_not(spelled.rbegin(), spelled.rend(), is_blank).base(), spelled.end());
    if (const auto number = csv_.number_if_any(row, column); number && *number == std::floor(*number))
      spelled = fmt::format("{:.0f}", *number);
    std::string plain = spelled;
    std::transform(plain.begin(), plain.end(), plain.begin(), [](unsigned char c) { return std::tolower(c); });
    return spellings_.try_emplace(plain, spelled).first->second;
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
  std::vector<std::pair<std::size_t, std::size_t>> again_;  // a row, and the first one of its record
  std::map<std::string, std::pair<int, std::size_t>> patients_;
  std::map<std::string, std::string> spellings_;  // the first of each patient, from which its fold is drawn
};

}  // namespace

int drawn_fold(std::string_view patient, std::uint64_t seed) {
  constexpr int kHexDigits = 8;
  const std::string digits = to_string(content_hash(fmt::format("{}/{}", seed, patient))).substr(0, kHexDigits);
  return 1 + static_cast<int>(std::stoul(digits, nullptr, 16) % kDrawnFolds);
}

LabelTable read_label_table(const std::filesystem::path& csv, const std::vector<std::string>& classes,
                            std::uint64_t fold_seed, bool skip_repeats) {
  return parse_label_table(read_table_text(csv), csv, classes, fold_seed, skip_repeats);
}

LabelTable parse_label_table(std::string_view text, const std::filesystem::path& path,
                             const std::vector<std::string>& classes, std::uint64_t fold_seed, bool skip_repeats) {
  std::string converted, uncommented;
  if (is_utf16(text)) text = utf8_text(text, converted);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text = without_comments(text, uncommented, path);
  const CsvTable csv = CsvTable::parse(text, path);
  const RoleColumns roles = role_columns(csv, path, classes);
  const std::size_t record = *roles[kPath];
  const auto patient = roles[kPatient], age = roles[kAge], sex = roles[kSex], fold = roles[kFold];
  const std::vector<std::size_t> columns = class_columns(csv, roles, path, classes);
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
    repeats.add_record(i, row.path);
    if (age) row.person.age = age_of(csv, i, *age);
    if (sex) row.person.sex = sex_in(csv, i, *sex);
    // A row without a patient's name is a patient of its own.
    const std::string name =
        patient && !is_missing(csv.cell(i, *patient)) ? repeats.patient_of(i, *patient) : record_of(row.path);
    row.fold = fold ? fold_of(csv, i, *fold) : drawn_fold(name, fold_seed);
    if (fold && patient) repeats.check_patient(i, name, row.fold);
    for (const std::size_t column : columns) row.labels.push_back(label(csv, i, column));
    table.rows.push_back(std::move(row));
  }
  repeats.take_out(table.rows, skip_repeats);
  if (table.rows.empty())
    throw Error(fmt::format("{}: no record is left", path.string()), "The warnings before say why.");
  return table;
}

}  // namespace cardiograd::data
