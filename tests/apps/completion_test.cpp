#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/apps/run_app.h"

namespace cardiograd::testing {
namespace {

const std::vector<std::string> kPrograms = {"train",   "predict", "features", "evaluate", "synthesize", "profile",
                                            "explain", "compare", "import",   "export",   "calibrate"};

// The options that --help lists.
std::set<std::string> listed_options(const std::string& program) {
  const std::string help = run_app(program, {"--help"}).out;
  std::set<std::string> options;
  // Lines "  --name ..." and "  -n,--name ...".
  for (const std::string& line : lines_with(help, "  ")) {
    const std::size_t begin = line.find("--");
    const bool is_option = begin == 2 || (begin == 5 && line[2] == '-' && line[4] == ',');
    if (!is_option) continue;
    options.insert(line.substr(begin, line.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-", begin) - begin));
  }
  return options;
}

// What bash offers for the last of `words`.
std::set<std::string> completed(const std::string& program, const std::vector<std::string>& words) {
  const TemporaryFolder folder;
  const Outcome script = run_app(program, {"--completion", "bash"});
  expect_success(script);
  write_file(folder / "script", script.out);
  std::string line = "cardiograd-" + program;
  for (const std::string& word : words) line += " '" + word + "'";
  const std::string command = "source " + (folder / "script").string() + "; COMP_WORDS=(" + line +
                              "); COMP_CWORD=" + std::to_string(words.size()) + "; _cardiograd_" + program +
                              "; printf '%s\\n' \"${COMPREPLY[@]}\" > " + (folder / "answer").string();
  std::string quoted;
  for (const char c : command) quoted += (c == '"' || c == '$' || c == '\\' ? "\\" : "") + std::string(1, c);
  EXPECT_EQ(std::system(("bash -c \"" + quoted + "\"").c_str()), 0);
  std::set<std::string> answer;
  for (const std::string& word : lines_with(read_file(folder / "answer"), "")) answer.insert(word);
  answer.erase("");
  return answer;
}

TEST(Completion, OffersEveryOptionThatTheHelpLists) {
  for (const std::string& program : kPrograms) {
    const std::set<std::string> listed = listed_options(program);
    EXPECT_GE(listed.size(), 5U) << program;
    EXPECT_EQ(completed(program, {"--"}), listed) << program;
    const std::string zsh = run_app(program, {"--completion", "zsh"}).out;
    expect_parts(zsh, {"#compdef cardiograd-" + program});
    for (const std::string& option : listed) expect_parts(zsh, {"'" + option + "["});
  }
}

TEST(Completion, OffersWordsAndFiles) {
  using Words = std::set<std::string>;
  EXPECT_EQ(completed("train", {"--task", ""}), (Words{"own", "sub", "super"}));
  EXPECT_EQ(completed("train", {"--task", "su"}), (Words{"sub", "super"}));
  EXPECT_EQ(completed("train", {"--task", "sup"}), (Words{"super"}));
  EXPECT_EQ(completed("train", {"--epochs", ""}), (Words{}));
  EXPECT_EQ(completed("train", {"--ep"}), (Words{"--epochs"}));
  EXPECT_EQ(completed("predict", {"--log", ""}), (Words{"json", "text"}));
  const TemporaryFolder folder;
  write_file(folder / "model with blank", "");
  EXPECT_EQ(completed("predict", {"--model", (folder / "mod").string()}),
            (Words{(folder / "model with blank").string()}));
}

TEST(Completion, OtherShellsAreRefused) {
  expect_failure(run_app("train", {"--completion", "fish"}), 2, {"--completion fish: unknown shell"});
  expect_failure(run_app("train", {"--completion"}), 2, {"--completion"});
  expect_failure(run_app("train", {"--completoin", "bash"}), 2, {"unknown option --completoin"});
}

}  // namespace
}  // namespace cardiograd::testing
