#include "apps/common/completion.h"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace cardiograd::apps {
namespace {

std::map<const CLI::Option*, std::vector<std::string>>& words_of_options() {
  static std::map<const CLI::Option*, std::vector<std::string>> words;
  return words;
}

enum class Value { kNone, kWord, kNumber, kFile };

// One of the options that --help lists.
struct Entry {
  std::vector<std::string> names;  // "-h", "--help"
  std::string help;
  Value value = Value::kNone;
  std::vector<std::string> words = {};
};

std::vector<Entry> entries_of(const CLI::App& app) {
  std::vector<Entry> entries;
  for (const CLI::Option* option : app.get_options()) {
    Entry entry{{}, option->get_description()};
    for (const std::string& name : option->get_snames()) entry.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) entry.names.push_back("--" + name);
    if (entry.names.empty() || option->get_group().empty()) continue;
    const std::string type = option->get_type_name();
    const auto words = words_of_options().find(option);
    if (words != words_of_options().end()) {
      entry.value = Value::kWord;
      entry.words = words->second;
    } else if (option->get_items_expected_max() > 0) {
      entry.value = type.starts_with("TEXT") ? Value::kFile : Value::kNumber;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string bash_script(const std::string& program, const std::vector<Entry>& entries) {
  std::string function = "_" + program;
  std::replace(function.begin(), function.end(), '-', '_');
  std::vector<std::string> all;
  std::vector<std::string> numbers;
  std::string cases;
  for (const Entry& entry : entries) {
    all.insert(all.end(), entry.names.begin(), entry.names.end());
    if (entry.value == Value::kWord)
      cases += fmt::format("    {}) mapfile -t COMPREPLY < <(compgen -W \"{}\" -- \"$word\"); return ;;\n",
                           fmt::join(entry.names, "|"), fmt::join(entry.words, " "));
    if (entry.value == Value::kNumber) numbers.insert(numbers.end(), entry.names.begin(), entry.names.end());
  }
  if (!numbers.empty()) cases += fmt::format("    {}) return ;;\n", fmt::join(numbers, "|"));
  return fmt::format(
      "# bash completion for {0}, made by {0} --completion bash\n"
      "{1}() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  COMPREPLY=()\n"
      "  case \"$before\" in\n"
      "{2}"
      "  esac\n"
      "  case \"$word\" in\n"
      "    -*) mapfile -t COMPREPLY < <(compgen -W \"{3}\" -- \"$word\") ;;\n"
      "    *)\n"
      "      compopt -o filenames 2>/dev/null\n"
      "      mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
      "      ;;\n"
      "  esac\n"
      "}}\n"
      "complete -F {1} {0}\n",
      program, function, cases, fmt::join(all, " "));
}

// In single quotes, as an explanation in brackets and as the part of a specification that ends at a colon.
std::string zsh_text(const std::string& text) {
  std::string quoted;
  for (const char c : text) {
    if (c == '\n') break;
    if (c == '[' || c == ']' || c == ':' || c == '\\') quoted += '\\';
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted;
}

std::string zsh_script(const std::string& program, const std::vector<Entry>& entries) {
  std::string text =
      fmt::format("#compdef {0}\n# zsh completion for {0}, made by {0} --completion zsh\n_arguments \\\n", program);
  for (const Entry& entry : entries) {
    std::string action;
    if (entry.value == Value::kWord) action = fmt::format(":word:({})", fmt::join(entry.words, " "));
    if (entry.value == Value::kNumber) action = ":number: ";
    if (entry.value == Value::kFile) action = ":file:_files";
    for (const std::string& name : entry.names)
      text += fmt::format("  '{}[{}]{}' \\\n", name, zsh_text(entry.help), action);
  }
  return text + "  '*:file:_files'\n";
}

}  // namespace

void set_words(const CLI::Option* option, std::vector<std::string> words) {
  words_of_options()[option] = std::move(words);
}

std::string completion_script(const CLI::App& app, std::string_view shell) {
  const std::string prefix = "cardiograd-";
  const std::string program = app.get_name().starts_with(prefix) ? app.get_name() : prefix + app.get_name();
  if (shell == "bash") return bash_script(program, entries_of(app));
  if (shell == "zsh") return zsh_script(program, entries_of(app));
  throw UsageError(fmt::format("--completion {}: unknown shell", shell), "Known are bash and zsh.");
}

}  // namespace cardiograd::apps
