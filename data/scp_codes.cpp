#include "data/scp_codes.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_set>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "data/csv.h"

namespace cardiograd::data {
namespace {

constexpr double kCertain = 100;  // percent

std::string without_blanks(std::string_view code) {
  constexpr const char* kBlanks = " \t\r\n";
  const auto first = code.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return std::string(code.substr(first, code.find_last_not_of(kBlanks) - first + 1));
}

// A reader of {'key': number | None, ...}.
class DictParser {
 public:
  explicit DictParser(std::string_view text) : text_(text) {}

  std::vector<ScpStatement> parse() {
    std::vector<ScpStatement> statements;
    std::unordered_set<std::string> seen;
    expect('{');
    while (!take('}')) {
      if (!statements.empty()) {
        expect(',');
        if (take('}')) break;
      }
      const std::string code = parse_string();
      expect(':');
      const auto likelihood = parse_value();
      if (!seen.insert(code).second)
        throw Error(fmt::format("the code '{}' is there twice", printable(code)), "Keep the one that is right.");
      if (likelihood && !(*likelihood >= 0 && *likelihood <= kCertain))
        throw Error(fmt::format("the likelihood of '{}' is {}, expected 0 to {} or None", printable(code), *likelihood,
                                kCertain),
                    "Likelihoods are percentages; 0 and None mean that it is not known.");
      statements.push_back({code, likelihood});
    }
    skip_blanks();
    if (at_ != text_.size()) fail("the end");
    return statements;
  }

 private:
  [[noreturn]] void fail(std::string_view expected) const {
    const std::string_view rest = text_.substr(at_, 20);
    throw Error(fmt::format("not a Python dict of SCP codes: at character {}: found {}, expected {}", at_ + 1,
                            rest.empty() ? "the end" : fmt::format("{:?}", rest), expected),
                "Expected for example {'NORM': 100.0, 'SR': 0.0}.");
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  bool take(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(fmt::format("'{}'", c));
  }

  std::string parse_string() {
    const char quote = take('\'') ? '\'' : '"';
    if (quote == '"' && !take('"')) fail("a quoted code");
    std::string value;
    for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value += text_[at_];
    }
    if (at_ == text_.size()) fail("the closing quote");
    ++at_;
    return without_blanks(value);
  }

  std::optional<double> parse_value() {
    skip_blanks();
    if (text_.substr(at_).starts_with("None")) {
      at_ += 4;
      return std::nullopt;
    }
    // As NumPy 2 prints its scalars: np.float64(100.0).
    bool wrapped = false;
    for (const std::string_view wrapper : {"np.float64(", "np.float32(", "np.int64("})
      if (!wrapped && text_.substr(at_).starts_with(wrapper)) {
        at_ += wrapper.size();
        wrapped = true;
      }
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) fail("a number or None");
    at_ = static_cast<std::size_t>(end - text_.data());
    if (wrapped) expect(')');
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<ScpStatement> parse_scp_codes(std::string_view literal) {
  return DictParser(literal).parse();
}

std::string_view task_name(Task task) {
  return word_of(task);
}

Task task_of(std::string_view name) {
  const Task task = parse_word<Task>("task", name);
  if (task == Task::kOwn) refuse_word("task", name, {"super", "sub"});
  return task;
}

ScpTable ScpTable::read(const std::filesystem::path& path) {
  return from(CsvTable::read(path), path);
}

ScpTable ScpTable::parse(std::string_view text, const std::filesystem::path& path) {
  return from(CsvTable::parse(text, path), path);
}

std::string_view ScpTable::class_of(std::string_view code, Task task) const {
  const DiagnosticClasses* classes = find(code);
  if (classes == nullptr) return {};
  return task == Task::kSuper ? classes->superclass : classes->subclass;
}

ScpTable ScpTable::from(const CsvTable& csv, const std::filesystem::path& path) {
  const std::size_t diagnostic = csv.column("diagnostic");
  const std::size_t superclass = csv.column("diagnostic_class");
  const std::size_t subclass = csv.column("diagnostic_subclass");
  ScpTable table;
  std::set<std::string> superclasses;
  std::set<std::string> subclasses;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string code = without_blanks(csv.cell(row, 0));  // The column of the codes has no name.
    table.all_codes_.insert(code);
    if (csv.number(row, diagnostic).value_or(0) != 1) continue;
    DiagnosticClasses classes{std::string(csv.cell(row, superclass)), std::string(csv.cell(row, subclass))};
    if (code.empty() || classes.superclass.empty() || classes.subclass.empty())
      throw Error(fmt::format("{}: diagnostic statement '{}' has no code, diagnostic_class or diagnostic_subclass",
                              csv.place(row), code),
                  "Take scp_statements.csv as published with PTB-XL.");
    for (const std::string& name : {code, classes.superclass, classes.subclass})
      if (const std::string fault = name_fault(name); !fault.empty())
        throw Error(
            fmt::format("{}: statement '{}': the name '{}' {}", csv.place(row), printable(code), printable(name),
                        fault),
            "Models are stored with their classes' names: expected UTF-8, without blanks around it, line breaks "
            "and control characters. Take scp_statements.csv as published with PTB-XL.");
    if (table.classes_.contains(code))
      throw Error(fmt::format("{}: the code '{}' is there twice", csv.place(row), code), "Delete one of the rows.");
    superclasses.insert(classes.superclass);
    subclasses.insert(classes.subclass);
    table.classes_[code] = std::move(classes);
  }
  if (table.classes_.empty())
    throw Error(fmt::format("{}: no statement has diagnostic = 1", path.string()),
                "Take scp_statements.csv as published with PTB-XL.");
  table.superclasses_.assign(superclasses.begin(), superclasses.end());
  table.subclasses_.assign(subclasses.begin(), subclasses.end());
  table.codes_ = csv.rows();
  return table;
}

const std::vector<std::string>& ScpTable::class_names(Task task) const {
  return task == Task::kSuper ? superclasses_ : subclasses_;
}

const DiagnosticClasses* ScpTable::find(std::string_view code) const {
  const auto found = classes_.find(code);
  return found == classes_.end() ? nullptr : &found->second;
}

bool ScpTable::knows(std::string_view code) const {
  return all_codes_.contains(code);
}

std::vector<DiagnosticClasses> ScpTable::all_classes() const {
  std::vector<DiagnosticClasses> all;
  for (const auto& [code, classes] : classes_) all.push_back(classes);
  return all;
}

std::vector<std::uint8_t> ScpTable::labels(const std::vector<ScpStatement>& statements, Task task) const {
  const auto& names = class_names(task);
  std::vector<std::uint8_t> labels(names.size(), 0);
  for (const ScpStatement& statement : statements) {
    const DiagnosticClasses* found = find(statement.code);
    if (found == nullptr) continue;
    const std::string& name = task == Task::kSuper ? found->superclass : found->subclass;
    labels[static_cast<std::size_t>(std::lower_bound(names.begin(), names.end(), name) - names.begin())] = 1;
  }
  return labels;
}

}  // namespace cardiograd::data
