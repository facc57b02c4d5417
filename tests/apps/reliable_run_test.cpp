// A run folder under attack: other data, other values, a second process, signals, places that cannot be written.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/apps/small_run.h"

namespace cardiograd::testing {
namespace {

namespace fs = std::filesystem;
using Parts = std::initializer_list<std::string_view>;

class ResumeTest : public ::testing::Test {
 protected:
  ResumeTest() {
    expect_success(run_app("train", run_.arguments()));
    last_ = read_file(run_.out() / "last.safetensors");
  }
  Outcome resume(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"--resume", "--out", run_.out(), "--no-cache"});
    return run_app("train", more);
  }
  // The run must not have changed.
  void expect_refused(const Outcome& outcome, int status, Parts parts) const {
    expect_failure(outcome, status, parts);
    EXPECT_TRUE(read_file(run_.out() / "last.safetensors") == last_);
  }

  SmallRun run_;
  std::string last_;
};

TEST_F(ResumeTest, OtherDataAreRefused) {
  const fs::path table = run_.tiny().table();
  const std::string good = read_file(table);
  const auto with_table = [&](const std::string& from, const std::string& to, Parts parts) {
    ASSERT_TRUE(TinyPtbxl::edit(table, from, to)) << from;
    expect_refused(resume(), 1, parts);
    write_file(table, good);
  };
  with_table("'NORM': 100.0", "'LVH': 100.0", {"state.safetensors", "other data", "labels"});
  with_table("\",3," + TinyPtbxl::stem(3), "\",4," + TinyPtbxl::stem(3), {"state.safetensors", "other data", "folds"});
  with_table("1,1001,31,", "1,1001,32,", {"state.safetensors", "other data", "features"});
  std::string signals = read_file(run_.tiny().signals(5));
  signals[1000] ^= 1;
  write_file(run_.tiny().signals(5), signals);
  expect_refused(resume(), 1, {"05_lr"});  // its header's checksum
  std::string first = read_file(run_.tiny().signals(4));
  write_file(run_.tiny().signals(5), first);
  std::string header = read_file(run_.tiny().header(4));
  for (std::size_t at = 0; (at = header.find("00004_lr", at)) != std::string::npos;) header.replace(at, 8, "00005_lr");
  write_file(run_.tiny().header(5), header);
  expect_refused(resume(), 1, {"state.safetensors", "other data", "signals"});
}

// Records that have gone, and a class under another name.
TEST_F(ResumeTest, OtherRecordsAndClassesAreRefused) {
  const fs::path table = run_.tiny().table(), statements = run_.tiny().folder() / "scp_statements.csv";
  const std::string good = read_file(table);
  std::string shorter = good;
  const std::size_t row = shorter.find("\n12,") + 1;
  shorter.erase(row, shorter.find('\n', row) + 1 - row);
  write_file(table, shorter);
  expect_refused(resume(), 1, {"state.safetensors", "other data", "ecg_id"});
  write_file(table, good);
  std::string renamed = read_file(statements);
  for (std::size_t at = 0; (at = renamed.find(",HYP,", at)) != std::string::npos;) renamed.replace(at, 5, ",HYX,");
  write_file(statements, renamed);
  expect_refused(resume(), 1, {"state.safetensors", "other data", "classes"});
}

// The state of a run with another learning rate, as a copy between folders would bring it.
TEST_F(ResumeTest, TheStateOfAnotherRunIsRefused) {
  const fs::path other = run_.folder() / "other";
  expect_success(run_app("train", run_.with({"--out", other, "--lr", "0.001"})));
  fs::copy(other / "state.safetensors", run_.out() / "state.safetensors", fs::copy_options::overwrite_existing);
  expect_refused(resume(), 1, {"state.safetensors", "training.lr = 0.001", "0.005 now"});
}

TEST_F(ResumeTest, AnEditedConfigurationIsRefused) {
  const fs::path config = run_.out() / "config.toml";
  const std::string good = read_file(config);
  const std::vector<std::pair<std::string, std::string>> edits = {{"lr = 0.005", "lr = 0.006"},
                                                                  {"\nseed = 0", "\nseed = 1"},
                                                                  {"epochs = 3", "epochs = 4"},
                                                                  {"val_fold = 9", "val_fold = 8"},
                                                                  {"filter = 'none'", "filter = 'butterworth'"},
                                                                  {"drop_last = true", "drop_last = false"},
                                                                  {"precision = 'fp32'", "precision = 'bf16'"},
                                                                  {"heads = 2", "heads = 4"},
                                                                  {"features = 'demographics'", "features = 'all'"},
                                                                  {"task = 'super'", "task = 'sub'"},
                                                                  {"unlabeled = 'drop'", "unlabeled = 'keep'"},
                                                                  {"normalize = 'none'", "normalize = 'zscore'"}};
  for (const auto& [from, to] : edits) {
    ASSERT_TRUE(TinyPtbxl::edit(config, from, to)) << from;
    // The value that was edited, not the data that it makes.
    const std::string key = to.substr(to.front() == '\n' ? 1 : 0, to.find(" = ") - (to.front() == '\n' ? 1 : 0));
    expect_refused(resume(), 1, {"state.safetensors: the run was begun with ", "." + key + " = "});
    write_file(config, good);
  }
  expect_success(resume());
}

TEST_F(ResumeTest, ADeliberateChangeGoesOn) {
  expect_refused(resume({"--epochs", "5"}), 2, {"training.epochs is 3", "5 now"});
  expect_failure(run_app("train", run_.with({"--out", run_.folder() / "new", "--allow-changes"})), 2,
                 {"--allow-changes without --resume"});
  expect_refused(resume({"--seed", "5", "--allow-changes"}), 2, {"training.seed"});
  const Outcome more = resume({"--epochs", "5", "--allow-changes"});
  expect_success(more);
  expect_parts(more.err, {"warning: training.epochs was 3, and is 5 from here on"});
  expect_parts(more.out, {"epoch   4/5", "epoch   5/5"});
  EXPECT_EQ(more.out.find("epoch   3/"), std::string::npos);
  expect_parts(read_file(run_.out() / "config.toml"), {"epochs = 5"});
  expect_success(resume());
}

TEST_F(ResumeTest, AMissingStateOrConfigurationDoesNotStartAnew) {
  fs::remove(run_.out() / "state.safetensors");
  expect_refused(resume(), 1, {"state.safetensors: missing", "last.safetensors of a run is there"});
  fs::remove(run_.out() / "config.toml");
  expect_refused(resume(), 1, {"config.toml is missing"});
  expect_refused(run_app("train", run_.with({"--resume"})), 1, {"a run is there already"});
  expect_refused(run_app("train", run_.arguments()), 1, {"a run is there already"});
}

// Models are not written anew when no epoch is better.
TEST_F(ResumeTest, MissingAndOtherModelsAreRefused) {
  for (const char* name : {"best.safetensors", "last.safetensors"}) {
    const fs::path model = run_.out() / name;
    const std::string good = read_file(model);
    fs::remove(model);
    expect_failure(resume(), 1, {name, "missing, and the run has saved it"});
    EXPECT_FALSE(fs::exists(model));
    std::string damaged = good;
    damaged[damaged.size() - 5] ^= 1;
    write_file(model, damaged);
    expect_failure(resume(), 1, {name});
    EXPECT_TRUE(read_file(model) == damaged);
    expect_success(run_app("train", run_.with({"--out", run_.folder() / name, "--seed", "9"})));
    write_file(model, read_file(run_.folder() / name / name));
    expect_failure(resume({"--epochs", "5", "--allow-changes"}), 1,
                   {name, "not the model that this run has saved: found one of epoch"});
    // Of the epoch after the last one: it would come again only if the run had not ended.
    expect_success(run_app("train", run_.with({"--out", run_.folder() / name / "longer", "--epochs", "4"})));
    write_file(model, read_file(run_.folder() / name / "longer" / "last.safetensors"));
    expect_failure(resume(), 1, {name, "found one of epoch 4"});
    write_file(model, good);
  }
  expect_success(resume());
}

TEST_F(ResumeTest, ALostConfigurationIsRestoredByTheSameOptions) {
  const std::string config = read_file(run_.out() / "config.toml");
  fs::remove(run_.out() / "config.toml");
  expect_refused(run_app("train", run_.with({"--resume", "--lr", "0.1"})), 1, {"training.lr"});
  EXPECT_FALSE(fs::exists(run_.out() / "config.toml"));
  expect_success(run_app("train", run_.with({"--resume"})));
  EXPECT_EQ(read_file(run_.out() / "config.toml"), config);
}

// Runs long enough to be met while they run.
class LongRunTest : public ::testing::Test {
 protected:
  std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--epochs", "60"});
    return run_.with(more);
  }
  bool epoch_done() const { return fs::exists(run_.out() / "log.csv"); }

  SmallRun run_;
};

TEST_F(LongRunTest, ASecondProcessIsRefused) {
  RunSettings settings;
  bool met = false;
  settings.kill_when = [&] {
    if (!epoch_done()) return false;
    // It waits until the others have tried.
    const std::string lock = read_file(run_.out() / ".lock");
    pid_t first = 0;
    const std::size_t at = std::string("process ").size();
    EXPECT_EQ(std::from_chars(lock.data() + at, lock.data() + lock.size(), first).ec, std::errc());
    EXPECT_EQ(::kill(first, SIGSTOP), 0);
    for (const auto& more : {std::vector<std::string>{}, std::vector<std::string>{"--resume"}})
      expect_failure(run_app("train", arguments(more)), 1, {"another process writes there: process "});
    met = true;
    return true;
  };
  run_app("train", arguments(), settings);
  ASSERT_TRUE(met);
  const Outcome next = run_app("train", arguments({"--resume"}));  // The first was killed: its lock is void.
  expect_success(next);
  expect_parts(next.err, {"has ended without tidying up"});
  EXPECT_EQ(names_in(run_.out()), kRunFiles);
}

TEST_F(LongRunTest, SignalsSaveAndSayHowToGoOn) {
  const fs::path whole = run_.folder() / "whole";
  expect_success(run_app("train", arguments({"--out", whole})));
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    RunSettings settings;
    settings.kill_when = [&] { return epoch_done(); };
    settings.signal = signal;
    const Outcome stopped = run_app("train", arguments(), settings);
    EXPECT_EQ(stopped.status, 128 + signal) << stopped.err;
    expect_parts(stopped.err, {"stopping: the state is saved when this step is done", "stopped: after ",
                               "hint: Go on with: train --resume --out " + run_.out().string()});
    EXPECT_EQ(names_in(run_.out()), kRunFiles);
    if (signal != SIGHUP) fs::remove_all(run_.out());  // The three save alike: one of them is resumed.
  }
  expect_success(run_app("train", {"--resume", "--out", run_.out(), "--no-cache"}));
  for (const char* name : {"best.safetensors", "last.safetensors", "config.toml"})
    EXPECT_TRUE(read_file(run_.out() / name) == read_file(whole / name)) << name;
}

// Standard output that is full, that nobody reads, or that is closed.
TEST(StandardOutput, WhatIsNotPrintedIsAnError) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  const auto record = (run.tiny().folder() / TinyPtbxl::stem(1)).string();
  const std::vector<std::pair<std::string, std::vector<std::string>>> commands = {
      {"train", run.with({"--out", run.folder() / "other"})},
      {"evaluate", run.judge({})},
      {"features", {record}},
      {"profile", {"--samples", "64"}},
      {"predict", {"--model", run.out() / "last.safetensors", record}},
      {"synthesize", {"--records", "1", "--out", run.folder() / "set"}},
      {"train", {"--help"}},
      {"evaluate", {"--version"}},
      {"train", {"--config-help"}}};
  const std::vector<std::function<void()>> places = {[] { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); },
                                                     [] {
                                                       int ends[2];
                                                       if (::pipe(ends) != 0) ::_exit(125);
                                                       ::close(ends[0]);
                                                       ::dup2(ends[1], STDOUT_FILENO);
                                                     },
                                                     [] { ::close(STDOUT_FILENO); }};
  for (const auto& [program, arguments] : commands)
    for (const auto& place : places) {
      fs::remove_all(run.folder() / "other");
      fs::remove_all(run.folder() / "set");
      RunSettings settings;
      settings.in_child = place;
      const Outcome outcome = run_app(program, arguments, settings);
      EXPECT_EQ(outcome.status, 1) << program << ": " << outcome.err;
      EXPECT_EQ(lines_with(outcome.err, "error: standard output cannot be written").size(), 1U)
          << program << ": " << outcome.err;
    }
}

// A file must not get the number of the closed standard output, and the lines printed to it.
TEST(StandardOutput, ClosedOneDoesNotGoIntoAFile) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  RunSettings closed;
  closed.in_child = [] {
    ::close(STDOUT_FILENO);
    ::close(STDIN_FILENO);
  };
  const fs::path good = run.folder() / "good.json", json = run.folder() / "a.json";
  expect_success(run_app("evaluate", run.judge({"--json", good})));
  EXPECT_EQ(run_app("evaluate", run.judge({"--json", json}), closed).status, 1);
  EXPECT_EQ(read_file(json), read_file(good));
}

TEST(Outputs, StreamsPassAndNothingForeignIsReplaced) {
  if (!fs::is_character_file("/dev/null")) GTEST_SKIP() << "this machine's /dev/null is a file";
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  write_file(run.folder() / "thesis", "years of work");
  fs::create_symlink("thesis", run.folder() / "link");
  expect_failure(run_app("evaluate", run.judge({"--json", run.folder() / "link"})), 1, {"link: is a link to thesis"});
  EXPECT_EQ(read_file(run.folder() / "thesis"), "years of work");
  expect_success(run_app("evaluate", run.judge({"--json", "/dev/null"})));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  const Outcome out = run_app("evaluate", run.judge({"--json", "/dev/stdout"}));
  expect_success(out);
  expect_parts(out.out, {"\"records\": 4", "precision"});
  const auto record = (run.tiny().folder() / TinyPtbxl::stem(1)).string();
  expect_success(run_app("features", {record, "--svg", "/dev/null"}));
  expect_failure(run_app("features", {record, "--svg", run.folder() / "link"}), 1, {"is a link to thesis"});
  expect_success(run_app("profile", {"--samples", "64", "--json", "/dev/null"}));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

// What a program reads, and what lies beside a record under its name.
TEST(Outputs, InputsAreNotReplaced) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  const fs::path model = run.out() / "last.safetensors", table = run.tiny().table();
  const std::string record = run.tiny().folder() / TinyPtbxl::stem(1), data = run.tiny().folder();
  write_file(record + ".atr", "years of work");
  fs::create_hard_link(model, run.folder() / "second.json");
  write_file(run.folder() / "costs.json", "{}");
  const std::vector<std::tuple<std::string, fs::path, std::vector<std::string>>> commands = {
      {"evaluate", model, run.judge({"--json", model})},
      {"evaluate", model, run.judge({"--json", run.folder() / "second.json"})},
      {"evaluate", table, run.judge({"--predictions", table})},
      {"evaluate", record + ".hea", run.judge({"--json", record + ".hea"})},
      {"features", record + ".dat", {record, "--svg", record + ".dat"}},
      {"features", record + ".hea", {record, "--fiducials", record + ".hea"}},
      {"features", record + ".atr", {record, "--report", record + ".atr"}},
      {"features", table, {"--data", data, "--out", table}},
      {"features", record + ".dat", {"--data", data, "--out", record + ".dat"}},
      {"import", model, {"--weights", model, "--like", run.out(), "--force", "--out", model}},
      {"explain", model, {"--model", model, record, "--force", "--json", model}},
      {"explain", record + ".dat", {"--model", model, record, "--force", "--out", record + ".dat"}},
      {"compare", run.out() / "config.toml", {run.out(), model, "--force", "--out", run.out() / "config.toml"}},
      {"profile",
       run.folder() / "costs.json",
       {"--costs", run.folder() / "costs.json", "--json", run.folder() / "costs.json"}}};
  for (const auto& [program, input, arguments] : commands) {
    const std::string before = read_file(input);
    expect_failure(run_app(program, arguments), 1, {"is not written"});
    EXPECT_TRUE(read_file(input) == before) << program << " replaced " << input;
  }
}

// Recordings and models that are not even read.
TEST(Outputs, WhatIsNoResultIsNotReplacedUnasked) {
  const SmallRun run;
  const std::string record = run.tiny().folder() / TinyPtbxl::stem(1), data = run.tiny().folder();
  const std::string other = run.tiny().folder() / TinyPtbxl::stem(2);
  const fs::path model = run.folder() / "model.safetensors";
  write_file(model, "weights");
  write_file(other + ".atr", "years of work");
  write_file(run.folder() / "a.edf.gz", "a recording");
  const std::vector<std::tuple<std::string, fs::path, std::vector<std::string>>> commands = {
      {"features", other + ".dat", {record, "--svg", other + ".dat"}},
      {"features", other + ".hea", {record, "--report", other + ".hea"}},
      {"features", other + ".atr", {record, "--fiducials", other + ".atr"}},
      {"features", model, {"--data", data, "--out", model}},
      {"profile", other + ".dat", {"--json", other + ".dat"}},
      {"profile", run.folder() / "a.edf.gz", {"--trace", run.folder() / "a.edf.gz", "--device", "cpu"}},
      {"synthesize", other + ".dat", {"--records", "2", "--out", run.folder() / "new", "--truth", other + ".dat"}}};
  for (const auto& [program, file, arguments] : commands) {
    const std::string before = read_file(file);
    expect_failure(run_app(program, arguments), 1, {"file is there, and is not replaced"});
    EXPECT_TRUE(read_file(file) == before) << program << " replaced " << file;
  }
}

TEST(Outputs, TwoOptionsDoNotShareAFile) {
  const SmallRun run;
  const fs::path file = run.folder() / "a";
  const std::string other = run.folder() / "./a", record = run.tiny().folder() / TinyPtbxl::stem(1);
  for (const auto& [program, arguments] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"evaluate", run.judge({"--json", file, "--predictions", other})},
           {"features", {record, "--svg", file, "--report", other}},
           {"profile", {"--device", "cpu", "--json", file, "--trace", other}}})
    expect_failure(run_app(program, arguments), 2, {"are the same file"});
  EXPECT_FALSE(fs::exists(file));
}

// Each output of each program, onto a link and into the place of a folder.
TEST(Outputs, NoneGoesThroughALink) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  const fs::path link = run.folder() / "link", report = run.folder() / "report";
  const std::string record = run.tiny().folder() / TinyPtbxl::stem(1);
  write_file(run.folder() / "thesis", "years of work");
  fs::create_symlink("thesis", link);
  const std::vector<std::pair<std::string, std::vector<std::string>>> commands = {
      {"features", {record, "--fiducials", link}},
      {"features", {record, "--svg", link}},
      {"profile", {"--samples", "64", "--json", link}},
      {"synthesize", {"--records", "1", "--out", run.folder() / "set", "--truth", link}},
      {"evaluate", run.judge({"--json", link})}};
  for (const auto& [program, arguments] : commands) {
    expect_failure(run_app(program, arguments), 1, {"link: is a link to thesis"});
    std::vector<std::string> folder = arguments;
    *std::find(folder.begin(), folder.end(), link.string()) = run.tiny().folder();
    expect_failure(run_app(program, folder), 1, {"is a folder"});
  }
  fs::create_directory(report);
  fs::create_symlink("../thesis", report / "report.html");
  expect_failure(run_app("evaluate", run.judge({"--report", report})), 1, {"report.html: is a link to ../thesis"});
  // What a run writes itself.
  fs::remove(run.out() / "log.csv");
  fs::create_symlink("../thesis", run.out() / "log.csv");
  expect_failure(run_app("train", {"--resume", "--out", run.out(), "--no-cache", "--epochs", "4", "--allow-changes"}),
                 1, {"log.csv: is a link to ../thesis"});
  EXPECT_EQ(read_file(run.folder() / "thesis"), "years of work");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_FALSE(fs::exists(run.folder() / "set"));
}

}  // namespace
}  // namespace cardiograd::testing
