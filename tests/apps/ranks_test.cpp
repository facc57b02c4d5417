// `mpirun -n N train`: one training by several processes, and what happens when one of them does not go on.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/cuda.h"
#include "tests/apps/small_run.h"

namespace cardiograd::testing {
namespace {

namespace fs = std::filesystem;

#if defined(CARDIOGRAD_MPIRUN)
const std::string kMpirun = CARDIOGRAD_MPIRUN;
#else
const std::string kMpirun;
#endif

// Processes whose parent is `parent`, in the order of their start.
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code gone;
  for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", parent), gone)) {
    std::ifstream file(task.path() / "children");
    for (pid_t child = 0; file >> child;) children.push_back(child);
  }
  std::sort(children.begin(), children.end());
  return children;
}

// The process of a rank; 0 while there is none.
pid_t process_of_rank(std::size_t rank) {
  const std::vector<pid_t> launchers = children_of(::getpid());
  if (launchers.empty()) return 0;
  const std::vector<pid_t> ranks = children_of(launchers.back());
  return rank < ranks.size() ? ranks[rank] : 0;
}

class Ranks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kMpirun)) GTEST_SKIP() << "no mpirun: this build has no MPI";
  }

  static Outcome run(int ranks, const std::vector<std::string>& arguments, RunSettings settings = {}) {
    std::vector<std::string> words = {"-n", std::to_string(ranks), program()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return launch(words, std::move(settings));
  }

  // Two ranks, each with a command of its own.
  static Outcome run_apart(std::vector<std::string> first, const std::vector<std::string>& second) {
    first.insert(first.begin(), {"-n", "1"});
    first.insert(first.end(), {":", "-n", "1"});
    first.insert(first.end(), second.begin(), second.end());
    return launch(first, {});
  }

  static std::string program() { return std::string(CARDIOGRAD_APPS_DIR) + "/train"; }

  // mpirun with these words.
  static Outcome launch(const std::vector<std::string>& of_launcher, RunSettings settings) {
    settings.in_child = [&of_launcher] {
      ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // MPI leaves some memory.
      // Docker's default profile forbids the calls by which processes read each other's memory.
      ::setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 1);
      std::vector<std::string> words = {kMpirun, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"};
      words.insert(words.end(), of_launcher.begin(), of_launcher.end());
      std::vector<char*> argv;
      argv.reserve(words.size() + 1);
      for (std::string& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      ::execvp(argv[0], argv.data());
    };
    settings.timeout_s = 60;
    return run_app("train", {}, settings);
  }

  // Rank 1 is stopped in the midst of a run.
  void expect_hanging_process_named(int ranks, const std::string& device) const;

  std::string file(const fs::path& folder, const char* name) const { return read_file(folder / name); }

  SmallRun run_;
};

// Columns train_loss and val_loss.
std::vector<double> losses(const fs::path& folder) {
  std::vector<double> values;
  std::istringstream log(read_file(folder / "log.csv"));
  std::string line;
  std::getline(log, line);
  while (std::getline(log, line)) {
    std::istringstream row(line);
    std::string cell;
    for (int column = 0; column < 3 && std::getline(row, cell, ','); ++column)
      if (column > 0) values.push_back(std::stod(cell));
  }
  return values;
}

TEST_F(Ranks, TheSameBitsInEveryRunAndTheLossesOfOneProcess) {
  const fs::path one = run_.folder() / "one", two = run_.folder() / "two", again = run_.folder() / "again";
  expect_success(run_app("train", run_.with({"--out", one})));
  expect_success(run(1, run_.with({"--out", run_.folder() / "alone"})));
  EXPECT_TRUE(file(one, "last.safetensors") == file(run_.folder() / "alone", "last.safetensors"));
  const Outcome first = run(2, run_.with({"--out", two}));
  expect_success(first);
  expect_parts(first.out, {"1 threads in each of 2 processes"});
  EXPECT_EQ(lines_with(first.out, "epoch ").size(), 3U) << "rank 0 alone speaks:\n" << first.out;
  expect_success(run(2, run_.with({"--out", again, "--threads", "2", "--cache", run_.cache()})));
  for (const char* name : {"last.safetensors", "best.safetensors"})
    EXPECT_TRUE(file(two, name) == file(again, name)) << name;
  EXPECT_EQ(names_in(two), kRunFiles);
  const std::vector<double> expected = losses(one), found = losses(two);
  ASSERT_EQ(found.size(), 6U);
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_TRUE(std::abs(found[i] - expected[i]) <= 1.1e-5) << found[i] << ", one process has " << expected[i];
}

TEST_F(Ranks, PrepareTheShardsOfALargeSetTogether) {
  expect_success(run(2, run_.arguments()));
  for (const char* out : {"made", "served"}) {
    const fs::path folder = run_.folder() / out;
    expect_success(run(2, run_.with({"--out", folder, "--signal-memory", "0.5", "--cache", run_.cache()})));
    EXPECT_TRUE(file(folder, "last.safetensors") == file(run_.out(), "last.safetensors")) << out;
  }
  ASSERT_EQ(names_in(run_.cache()).size(), 1U);
  EXPECT_EQ(names_in(run_.cache() / names_in(run_.cache())[0]).size(), 20U) << "two records in each";
}

TEST_F(Ranks, AKilledProcessEndsAllAndAnotherNumberGoesOn) {
  const std::vector<std::string> arguments = run_.with({"--save-every", "0"});
  RunSettings settings;
  settings.kill_when = [&] {
    const pid_t victim = process_of_rank(1);
    if (victim != 0 && fs::exists(run_.out() / "last.safetensors")) ::kill(victim, SIGKILL);
    return false;
  };
  const Outcome killed = run(2, arguments, settings);
  EXPECT_FALSE(killed.timed_out);
  EXPECT_NE(killed.status, 0);
  EXPECT_LT(killed.seconds, 30);
  expect_parts(killed.err, {"rank 1", "signal 9"});
  expect_success(run(3, {"--resume", "--out", run_.out(), "--no-cache"}));
  const fs::path one = run_.folder() / "one";
  expect_success(run_app("train", run_.with({"--out", one})));
  const std::vector<double> expected = losses(one), found = losses(run_.out());
  ASSERT_EQ(found.size(), 6U);
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_TRUE(std::abs(found[i] - expected[i]) <= 1.1e-5) << found[i] << ", one process has " << expected[i];
}

void Ranks::expect_hanging_process_named(int ranks, const std::string& device) const {
  RunSettings settings;
  settings.kill_when = [&, stopped = false]() mutable {
    const pid_t victim = process_of_rank(1);
    if (victim != 0 && !stopped && fs::exists(run_.out() / "last.safetensors")) stopped = ::kill(victim, SIGSTOP) == 0;
    return false;
  };
  const Outcome outcome =
      run(ranks, run_.with({"--device", device, "--epochs", "200", "--rank-timeout", "2"}), settings);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  const auto errors = lines_with(outcome.err, "error: ");
  ASSERT_EQ(errors.size(), 1U) << outcome.err;
  expect_parts(errors[0], {fmt::format("rank 1 of {} has not answered for ", ranks)});
  EXPECT_LT(outcome.seconds, 30);
}

TEST_F(Ranks, AHangingProcessIsNamed) {
  expect_hanging_process_named(3, "cpu");
}

// The other one's GPU waits for what the stopped one's would send.
TEST_F(Ranks, AHangingProcessWithAGpuIsNamed) {
  if (!cuda::emulated()) GTEST_SKIP() << "several GPUs are emulated in the presets simt";
  expect_hanging_process_named(2, "cuda");
}

TEST_F(Ranks, ASignalIsSavedByAll) {
  RunSettings settings;
  settings.signal = SIGTERM;
  settings.kill_when = [&] { return fs::exists(run_.out() / "last.safetensors"); };
  const Outcome stopped = run(2, run_.with({"--epochs", "80"}), settings);
  EXPECT_NE(stopped.status, 0);
  expect_parts(stopped.err, {"stopped: after ", "train --resume --out "});
  expect_success(run(2, {"--resume", "--out", run_.out(), "--no-cache"}));
  const fs::path whole = run_.folder() / "whole";
  expect_success(run(2, run_.with({"--epochs", "80", "--out", whole})));
  EXPECT_TRUE(file(run_.out(), "last.safetensors") == file(whole, "last.safetensors"));
}

// Before the run folder is looked at.
TEST_F(Ranks, OtherOptionsThanThoseOfRankZeroAreNamed) {
  std::vector<std::string> usual = run_.arguments();
  usual.insert(usual.begin(), program());
  const auto with = [&usual](const std::vector<std::string>& more) {
    std::vector<std::string> words = usual;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  for (const auto& [first, second, found, expected] :
       {std::tuple{usual, with({"--resume"}), "--resume=true", "nothing"},
        std::tuple{with({"--resume"}), usual, "nothing", "--resume=true"},
        std::tuple{with({"--lr", "0.01"}), with({"--lr", "0.02"}), "--lr=0.02", "--lr=0.01"},
        std::tuple{usual, with({"--rank-timeout", "5"}), "--rank-timeout=5", "nothing"}}) {
    const Outcome outcome = run_apart(first, second);
    EXPECT_NE(outcome.status, 0);
    const auto errors = lines_with(outcome.err, "error: ");
    ASSERT_EQ(errors.size(), 1U) << outcome.err;
    expect_parts(errors[0], {"rank 1 was started with other options than rank 0", found, expected});
    EXPECT_FALSE(fs::exists(run_.out()));
  }
}

TEST_F(Ranks, AProcessThatNeverJoinsIsNoEndlessWait) {
  std::vector<std::string> usual = run_.with({"--rank-timeout", "1"});
  usual.insert(usual.begin(), program());
  for (const std::vector<std::string>& other : {std::vector<std::string>{"/bin/sleep", "50"}, {program(), "--help"}}) {
    const Outcome outcome = run_apart(usual, other);
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_LT(outcome.seconds, 30);
    expect_parts(outcome.err, {"error: the other processes have not joined for 1 s"});
  }
}

TEST_F(Ranks, WhatAllDoWrongIsSaidOnce) {
  for (const auto& [arguments, part] :
       {std::pair<std::vector<std::string>, const char*>{{"--data", run_.folder() / "absent"}, "absent"},
        {{"--batch-size", "2"}, "--batch-size 2 on 3 processes"},
        {{"--epoch", "2"}, "unknown option --epoch"}}) {
    const Outcome outcome = run(3, run_.with(arguments));
    EXPECT_NE(outcome.status, 0);
    const auto errors = lines_with(outcome.err, "error: ");
    ASSERT_EQ(errors.size(), 1U) << outcome.err;
    expect_parts(errors[0], {part});
  }
}

}  // namespace
}  // namespace cardiograd::testing
