// SCP-ECG statements of PTB-XL: the dict literals of ptbxl_database.csv, and what scp_statements.csv makes of the
// codes. Label rule of Strodthoff et al., IEEE JBHI 2021 (doi 10.1109/JBHI.2020.3022989) and of PTB-XL's own example.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/enum_words.h"

namespace cardiograd::data {

class CsvTable;

struct ScpStatement {
  std::string code;
  std::optional<double> likelihood;  // percent; 0 means unknown; nothing where the literal says None
};

// Parses a Python dict literal such as {'NORM': 100.0, 'SR': None}, in its order. Blanks around a code do not belong to
// it. Throws Error that says what was found where: also a code twice, and a likelihood that is not 0 to 100.
std::vector<ScpStatement> parse_scp_codes(std::string_view literal);

enum class Task { kSuper, kSub, kOwn };
// Words for options and files, with their meanings.
constexpr EnumWords<Task, 3> enum_words(Task) {
  return {{{Task::kSuper, "super", "5 superclasses"},
           {Task::kSub, "sub", "23 subclasses"},
           {Task::kOwn, "own", "the columns of --labels"}}};
}

// "super", "sub" and "own".
std::string_view task_name(Task task);
// One of PTB-XL's: "super" or "sub". Throws UsageError for any other name.
Task task_of(std::string_view name);

// The two classes of a diagnostic statement, such as MI and IMI.
struct DiagnosticClasses {
  std::string superclass;
  std::string subclass;
};

// The diagnostic statements of scp_statements.csv.
class ScpTable {
 public:
  // Throws Error: what CsvTable throws, a missing column, a diagnostic code without class, no diagnostic code at all.
  static ScpTable read(const std::filesystem::path& path);
  // The same from text; `path` is only for messages.
  static ScpTable parse(std::string_view text, const std::filesystem::path& path);

  // The classes of a task in the order of the labels: by code point, as scikit-learn's MultiLabelBinarizer sorts them.
  const std::vector<std::string>& class_names(Task task) const;

  // One byte per class, 1 where a diagnostic statement names it. The likelihood does not matter: 0 means unknown.
  std::vector<std::uint8_t> labels(const std::vector<ScpStatement>& statements, Task task) const;

  // The classes of a statement's code; null when the code is not diagnostic.
  const DiagnosticClasses* find(std::string_view code) const;
  // Whether the file has this code, diagnostic or not.
  bool knows(std::string_view code) const;
  // The class of one task; empty when the code is not diagnostic.
  std::string_view class_of(std::string_view code, Task task) const;
  // The classes of all diagnostic codes, in the order of the codes; the same pair may occur several times.
  std::vector<DiagnosticClasses> all_classes() const;

  std::size_t codes() const { return codes_; }                      // rows of the file: 71
  std::size_t diagnostic_codes() const { return classes_.size(); }  // 44 of them

 private:
  static ScpTable from(const CsvTable& csv, const std::filesystem::path& path);

  std::map<std::string, DiagnosticClasses, std::less<>> classes_;  // by diagnostic code
  std::set<std::string, std::less<>> all_codes_;
  std::vector<std::string> superclasses_;
  std::vector<std::string> subclasses_;
  std::size_t codes_ = 0;
};

}  // namespace cardiograd::data
