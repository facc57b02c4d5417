#include "data/synthetic/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/threads.h"
#include "data/csv.h"
#include "data/prepare.h"
#include "data/ptbxl.h"
#include "data/synthetic_marker.h"
#include "data/wfdb.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data::synthetic {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TemporaryFolder;
using data::testing::expect_error;

// Every file below `folder` by its relative name.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  return files;
}

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(SyntheticDataset, OurOwnReadersTakeIt) {
  const TemporaryFolder folder;
  write_dataset({.folder = folder / "set", .population = {.records = 60, .seed = 3}, .rates = Rates::kBoth});
  const PtbxlDatabase database = read_ptbxl_database(folder.path() / "set" / "ptbxl_database.csv");
  ASSERT_EQ(database.rows.size(), 60U);
  EXPECT_EQ(database.columns.size(), 28U);
  for (const PtbxlRow& row : database.rows) {
    const ecg::Recording low = read_wfdb(folder.path() / "set" / row.filename_lr);
    const ecg::Recording high = read_wfdb(folder.path() / "set" / row.filename_hr);
    EXPECT_EQ(low.rate, 100);
    EXPECT_EQ(low.signal.rows(), 1000);
    EXPECT_EQ(high.rate, 500);
    EXPECT_EQ(high.signal.rows(), 5000);
    EXPECT_EQ(low.leads[3], "AVR");
    EXPECT_EQ(low.units[0], "mV");
    // Rounded to 1 µV lead by lead.
    EXPECT_LE((low.signal.col(2) - low.signal.col(1) + low.signal.col(0)).abs().maxCoeff(), 0.0016);
  }
  fs::remove(folder / "set" / kSyntheticMarker);  // The records themselves say it, too.
  for (const int rate : {100, 500}) {
    PrepareSettings settings;
    settings.folder = folder / "set";
    settings.rate = rate;
    settings.unlabeled = Unlabeled::kKeep;
    settings.use_cache = false;
    const Dataset set = prepare(settings);
    EXPECT_TRUE(set.synthetic);
    EXPECT_EQ(set.records, 60);
    EXPECT_EQ(set.samples, 10 * rate);
    EXPECT_EQ(set.class_names.size(), 5U);
    EXPECT_EQ(set.invalid_samples.count, 0);
    EXPECT_EQ(set.flat_leads.count, 0);
  }
}

TEST(SyntheticDataset, BytesDependOnTheSeedAlone) {
  const TemporaryFolder folder;
  const auto write = [&](const char* name, std::uint64_t seed, int threads) {
    set_thread_count(threads);
    write_dataset({.folder = folder / name,
                   .population = {.records = 70, .seed = seed},
                   .truth = folder.path() / name / "truth.csv"});
    return contents(folder / name);
  };
  const auto one = write("one", 8, 1);
  const auto three = write("three", 8, 3);
  const auto other = write("other", 9, 2);
  set_thread_count(0);
  EXPECT_EQ(one.size(), 2U * 70 + 4);
  EXPECT_TRUE(one == three);
  EXPECT_NE(one.at("truth.csv"), other.at("truth.csv"));
  EXPECT_NE(one.at("records100/00000/00001_lr.dat"), other.at("records100/00000/00001_lr.dat"));
}

TEST(SyntheticDataset, TruthHasARowPerBeatAndLead) {
  const TemporaryFolder folder;
  write_dataset({.folder = folder / "set",
                 .population = {.records = 5, .seed = 1},
                 .noise = NoiseLevel::kNone,
                 .truth = folder / "truth.csv"});
  const CsvTable csv = CsvTable::read(folder / "truth.csv");
  const std::vector<std::string> expected = {"record",       "lead",       "beat",        "p_onset_s",
                                             "p_peak_s",     "p_offset_s", "qrs_onset_s", "r_peak_s",
                                             "qrs_offset_s", "t_onset_s",  "t_peak_s",    "t_offset_s"};
  EXPECT_EQ(csv.columns(), expected);
  EXPECT_EQ(csv.rows() % 13, 0U);
  EXPECT_GE(csv.rows(), 13U * 5 * 6);
  // In lead II of a clean record |R| at its time is the largest voltage of the QRS.
  const ecg::Recording recording = read_wfdb(folder.path() / "set" / csv.cell(0, 0));
  int compared = 0;
  for (std::size_t row = 0; row < csv.rows() && csv.cell(row, 0) == csv.cell(0, 0); ++row) {
    if (csv.cell(row, 1) != "II") continue;
    const auto onset = csv.number(row, 6);
    const auto peak = csv.number(row, 7);
    const auto offset = csv.number(row, 8);
    if (!onset || !peak || !offset || *onset < 0.2 || *offset > 9.8) continue;
    const auto from = static_cast<Eigen::Index>(std::ceil(*onset * 100));
    const auto to = static_cast<Eigen::Index>(std::floor(*offset * 100));
    const Eigen::ArrayXd qrs = recording.signal.col(1).segment(from, to - from + 1) - recording.signal.col(1)[from];
    Eigen::Index at = 0;
    qrs.abs().maxCoeff(&at);
    EXPECT_NEAR(static_cast<double>(from + at) / 100, *peak, 0.0151);
    ++compared;
  }
  EXPECT_GE(compared, 4);
}

TEST(SyntheticDataset, ExistingFoldersAreSafe) {
  const TemporaryFolder folder;
  DatasetOptions options{.folder = folder / "set", .population = {.records = 2, .seed = 1}};
  write_dataset(options);
  const auto before = contents(folder / "set");
  options.population.seed = 2;
  expect_error([&] { write_dataset(options); }, {"set", "there already"});
  EXPECT_TRUE(contents(folder / "set") == before);
  options.force = true;
  write_dataset(options);
  EXPECT_FALSE(contents(folder / "set") == before);
  EXPECT_EQ(entries(folder.path()), 1U) << "something was left beside the dataset";

  // A stranger's file is a reason to stop, even with --force.
  write_file(folder.path() / "set" / "thesis.txt", "years of work");
  expect_error([&] { write_dataset(options); }, {"thesis.txt"});
  fs::create_directories(folder / "real");
  write_file(folder.path() / "real" / "ptbxl_database.csv", "ecg_id\n");
  options.folder = folder / "real";
  expect_error([&] { write_dataset(options); }, {"real", "synthetic.json"});
  EXPECT_EQ(read_file(folder.path() / "real" / "ptbxl_database.csv"), "ecg_id\n");
  fs::create_directories(folder / "empty");
  options.folder = folder / "empty";
  write_dataset(options);
  EXPECT_TRUE(fs::exists(folder.path() / "empty" / "synthetic.json"));
}

TEST(SyntheticDataset, FailuresLeaveNothing) {
  const TemporaryFolder folder;
  DatasetOptions options{.folder = folder / "no", .population = {.records = 2, .seed = 1}};
  options.folder /= "set";
  expect_error([&] { write_dataset(options); }, {"no"});
  write_file(folder / "file", "x");
  options.folder = folder.path() / "file" / "set";
  expect_error([&] { write_dataset(options); }, {"file"});
  options.folder = folder / "file";
  options.force = true;
  expect_error([&] { write_dataset(options); }, {"file", "no folder"});
  options.folder = folder / "set";
  options.truth = folder.path() / "nowhere" / "truth.csv";
  expect_error([&] { write_dataset(options); }, {"truth.csv"});
  options.truth = folder.path() / "set" / "records100" / "x.csv";
  EXPECT_THROW(write_dataset(options), UsageError);
  EXPECT_EQ(entries(folder.path()), 1U) << "only the file made here";
}

DatasetOptions three_records(const fs::path& folder, bool force = false) {
  return {.folder = folder, .population = {.records = 3, .seed = 1}, .force = force};
}

// What appears at the destination while the set is made stays, with and without force.
TEST(SyntheticDataset, WhatAppearsMeanwhileStays) {
  for (const bool force : {false, true}) {
    const TemporaryFolder folder;
    DatasetOptions options = three_records(folder / "set", force);
    options.progress = [&](std::int64_t done, std::int64_t) {
      if (done != 3) return;
      fs::create_directory(folder / "set");
      write_file(folder / "set/thesis.txt", "years of work");
    };
    expect_error([&] { write_dataset(options); }, {"set"});
    EXPECT_EQ(read_file(folder / "set/thesis.txt"), "years of work");
    EXPECT_EQ(entries(folder.path()), 1U);
  }
}

// Anywhere in the folder, not at its top alone.
TEST(SyntheticDataset, ForceDeletesNothingForeign) {
  const TemporaryFolder folder;
  write_dataset(three_records(folder / "set"));
  for (const char* mine : {"records100/00000/00001_lr.atr", "records100/notes.txt", "records100/00000/a/b",
                           "records100/00000/1_lr.dat", "records500/00000/00001_lr.dat"}) {
    const fs::path path = folder.path() / "set" / mine;
    const bool new_folder = fs::create_directories(path.parent_path());
    write_file(path, "mine");
    expect_error([&] { write_dataset(three_records(folder / "set", true)); }, {"is no part of a synthetic dataset"});
    EXPECT_EQ(read_file(path), "mine");
    fs::remove(path);
    if (new_folder) fs::remove(path.parent_path());
    fs::remove(folder / "set/records500");
  }
  fs::create_symlink("elsewhere", folder / "set/records100/00000/00009_lr.dat");
  expect_error([&] { write_dataset(three_records(folder / "set", true)); }, {"00009_lr.dat", "is no part"});
  fs::remove(folder / "set/records100/00000/00009_lr.dat");
  write_dataset(three_records(folder / "set", true));
  EXPECT_EQ(entries(folder.path()), 1U);
}

// A set that a killed process had put aside comes back before anything else happens.
TEST(SyntheticDataset, ASetPutAsideByAKilledProcessComesBack) {
  const TemporaryFolder folder;
  write_dataset(three_records(folder / "set"));
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  const std::string aside = ".set." + std::to_string(dead) + ".old.partial";
  fs::rename(folder / "set", folder / aside);
  fs::create_directory(folder / (".set." + std::to_string(dead) + ".partial"));
  DatasetOptions failing = three_records(folder / "set", true);
  failing.progress = [](std::int64_t, std::int64_t) { throw std::runtime_error("stopped"); };
  EXPECT_THROW(write_dataset(failing), std::runtime_error);
  EXPECT_TRUE(fs::exists(folder / "set/synthetic.json"));
  EXPECT_EQ(entries(folder.path()), 1U);
}

// One of a living process is in use; one beside a whole set is an old one.
TEST(SyntheticDataset, ASetPutAsideByTheLivingStaysAndAnOldOneGoes) {
  const TemporaryFolder folder;
  const std::string living = ".set." + std::to_string(::getppid()) + ".old.partial";
  write_dataset(three_records(folder / living));
  write_dataset(three_records(folder / "set"));
  EXPECT_TRUE(fs::exists(folder / living / "synthetic.json"));
  EXPECT_EQ(entries(folder.path()), 2U);
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  const fs::path old = folder / (".set." + std::to_string(dead) + ".old.partial");
  fs::create_directory(old);
  write_file(old / "synthetic.json", "of before");
  write_dataset(three_records(folder / "set", true));
  EXPECT_NE(read_file(folder.path() / "set" / "synthetic.json"), "of before");
  EXPECT_FALSE(fs::exists(old));
}

}  // namespace
}  // namespace cardiograd::data::synthetic
