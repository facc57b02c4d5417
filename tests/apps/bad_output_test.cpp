// Places where nothing can be written, and reports of folds that cannot be judged.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/apps/small_run.h"

namespace cardiograd::testing {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> synthesize(const fs::path& out, std::vector<std::string> more = {}) {
  more.insert(more.end(), {"--records", "3", "--out", out});
  return more;
}

TEST(BadOutput, SynthesizeReplacesNothingButItsOwn) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "mine");
  write_file(folder / "mine/thesis.txt", "years of work");
  expect_failure(run_app("synthesize", synthesize(folder / "mine")), 1, {"mine: is there already"});
  expect_failure(run_app("synthesize", synthesize(folder / "mine", {"--force"})), 1, {"synthetic.json", "is missing"});
  EXPECT_EQ(names_in(folder / "mine"), std::vector<std::string>{"thesis.txt"});
  expect_success(run_app("synthesize", synthesize(folder / "set")));
  write_file(folder / "set/notes.txt", "mine too");
  expect_failure(run_app("synthesize", synthesize(folder / "set", {"--force"})), 1, {"'notes.txt' is no part"});
  EXPECT_TRUE(fs::exists(folder / "set/notes.txt"));
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"mine", "set"}));
}

TEST(BadOutput, SynthesizeIntoWhatIsNoFolder) {
  const TemporaryFolder folder;
  write_file(folder / "file", "");
  expect_failure(run_app("synthesize", synthesize(folder / "file")), 1, {"file: is there already"});
  expect_failure(run_app("synthesize", synthesize(folder / "file", {"--force"})), 1, {"file: is no folder"});
  expect_failure(run_app("synthesize", synthesize(folder / "file/set")), 1, {"file: cannot be written"});
  expect_failure(run_app("synthesize", synthesize("/proc/set")), 1, {"/proc: cannot be written"});
  expect_failure(run_app("synthesize", synthesize(folder / "set", {"--truth", folder / "none/truth.csv"})), 1,
                 {"none/truth.csv"});
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
}

TEST(BadOutput, SynthesizeOfNothing) {
  const TemporaryFolder folder;
  for (const char* records : {"0", "-1", "1e3", ""})
    EXPECT_EQ(run_app("synthesize", {"--records", records, "--out", folder / "set"}).status, 2) << records;
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(BadOutput, StandardOutputHasNoShortName) {
  for (const auto& [program, arguments] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"explain", {"--model", "m", "record", "--out", "-"}},
           {"export", {"--model", "m", "--onnx", "-"}},
           {"features", {"record", "--svg", "-"}},
           {"profile", {"--json", "-"}}}) {
    const Outcome outcome = run_app(program, arguments);
    expect_failure(outcome, 2, {arguments[arguments.size() - 2] + " -: ", "standard output"});
  }
}

TEST(BadOutput, ReportsThatCannotBeWritten) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  write_file(run.folder() / "file", "");
  expect_failure(run_app("evaluate", run.judge({"--report", run.folder() / "file"})), 1, {"file"});
  expect_failure(run_app("evaluate", run.judge({"--report", run.folder() / "file/report"})), 1, {"file/report"});
  EXPECT_EQ(names_in(run.folder()), (std::vector<std::string>{"file", "run", "small.toml"}));
}

// The report says what it cannot say.
TEST(BadOutput, AReportForAFoldWithoutPositives) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  std::string table = read_file(run.tiny().table());
  // Fold 10 has only records with HYP and nothing else.
  std::size_t changed = 0;
  for (std::size_t at = 0; (at = table.find("}\",10,", at)) != std::string::npos; ++at) {
    const std::size_t open = table.rfind('{', at);
    const std::string only = "{'LVH': 100.0";
    table.replace(open, at - open, only);
    at = open + only.size();
    ++changed;
  }
  ASSERT_EQ(changed, 4U);
  write_file(run.tiny().table(), table);
  const fs::path report = run.folder() / "report";
  const Outcome outcome = run_app("evaluate", run.judge({"--report", report}));
  expect_success(outcome);
  expect_parts(outcome.out, {"no positives"});
  expect_parts(read_file(report / "report.html"), {"There is no verdict"});
  EXPECT_EQ(names_in(report), std::vector<std::string>{"report.html"});
}

}  // namespace
}  // namespace cardiograd::testing
