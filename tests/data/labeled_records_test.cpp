#include "data/labeled_records.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/data/helpers.h"
#include "tests/data/small_set.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;
using testing::LogCapture;
using testing::SmallSet;

// Three records of the small set in two folds, with half a second of signal each.
class LabeledRecordsTest : public ::testing::Test {
 protected:
  LabeledSettings settings(const std::string& rows, const std::string& head = "path,fold,A,B") const {
    const auto table = small_.folder() / "own.csv";
    write_file(table, head + "\n" + rows);
    LabeledSettings settings;
    settings.table = table;
    settings.folder = small_.folder();
    settings.seconds = 0.5;
    return settings;
  }
  static std::string row(int i, const std::string& rest) { return SmallSet::stem(i) + "," + rest + "\n"; }
  std::string three() const { return row(1, "1,1,0") + row(2, "2,0,0") + row(3, "1,0,1"); }

  SmallSet small_;
};

// Records of the set's length and rate are those that PTB-XL's layout gives, to the last bit.
TEST_F(LabeledRecordsTest, AreThoseOfPtbxlsLayout) {
  const Dataset own = prepare_labeled(settings(three()));
  const Dataset all = prepare(small_.settings());
  EXPECT_EQ(own.task, Task::kOwn);
  EXPECT_EQ(own.class_names, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(own.labels, (std::vector<std::uint8_t>{1, 0, 0, 0, 0, 1}));
  EXPECT_EQ(own.folds, (std::vector<int>{1, 2, 1}));
  EXPECT_EQ(own.ecg_ids, (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_EQ(own.paths[1], SmallSet::stem(2));
  EXPECT_EQ(own.unlabeled_records, 1);
  EXPECT_EQ(own.lead_names, all.lead_names);
  EXPECT_EQ(own.unit, "mV");
  ASSERT_EQ(own.samples, all.samples);
  const auto count = static_cast<std::ptrdiff_t>(3 * own.samples * own.leads);
  EXPECT_TRUE(std::equal(own.signals.begin(), own.signals.end(), all.signals.begin(), all.signals.begin() + count));
  EXPECT_TRUE(std::equal(own.scales.begin(), own.scales.end(), all.scales.begin()));
}

TEST_F(LabeledRecordsTest, LeadsAreTakenByName) {
  LabeledSettings two = settings(three());
  two.leads = {"V2", "aVF"};
  const Dataset own = prepare_labeled(two);
  const Dataset all = prepare_labeled(settings(three()));
  ASSERT_EQ(own.leads, 2);
  for (std::int64_t t = 0; t < own.samples; ++t) {
    EXPECT_NEAR(testing::physical(own, 1, t, 0), testing::physical(all, 1, t, 7), 2e-5);
    EXPECT_NEAR(testing::physical(own, 1, t, 1), testing::physical(all, 1, t, 5), 2e-5);
  }
  two.leads = {"V2", "MLII"};
  expect_error([&] { prepare_labeled(two); }, {"own.csv:2", "MLII is missing"});
  two.leads.assign(64, "V2");
  expect_error([&] { prepare_labeled(two); }, {"--leads: 64 leads, at most 63"});
}

TEST_F(LabeledRecordsTest, OtherRatesAreResampledIfAsked) {
  LabeledSettings slow = settings(three());
  slow.rate = 50;
  expect_error([&] { prepare_labeled(slow); },
               {"3 of 3 records do not fit", "own.csv:2", "sampled at 100 Hz, expected 50"});
  slow.resample = true;
  EXPECT_EQ(prepare_labeled(slow).samples, 25);
  slow.seconds = 0.4;
  EXPECT_EQ(prepare_labeled(slow).samples, 20);
  slow.seconds = 0.6;
  expect_error([&] { prepare_labeled(slow); }, {"own.csv:2", "0.5 s long, expected 0.6"});
}

// One odd record does not make the others odd, wherever it stands.
TEST_F(LabeledRecordsTest, TheUnitOfMostRecordsDecides) {
  ecg::Recording odd = SmallSet::recording(1);
  odd.units.assign(12, "adu");
  small_.write(1, odd);
  LabeledSettings some = settings(three());
  expect_error([&] { prepare_labeled(some); },
               {"1 of 3 records do not fit", "own.csv:2", "in 'adu', 2 records are in 'mV'"});
  some.skip_damaged = true;
  const LogCapture log;
  const Dataset set = prepare_labeled(some);
  EXPECT_EQ(set.records, 2);
  EXPECT_EQ(set.unit, "mV");
  some = settings(row(1, "1,1,0") + row(2, "2,0,0"));
  expect_error([&] { prepare_labeled(some); }, {"own.csv:3", "in 'mV', 1 records are in 'adu'"});
}

// --rate is the model's here.
TEST_F(LabeledRecordsTest, HintsNameWhatTheFileHasToSay) {
  write_file(small_.folder() / "bare.csv", "I,II\n1,2\n2,3\n");
  write_file(small_.folder() / "index.csv", "time,I,II\n0,1,2\n1,2,3\n");
  for (const char* name : {"bare.csv", "index.csv"}) {
    try {
      prepare_labeled(settings(std::string(name) + ",1,1,0\n"));
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.hint().find("--rate"), std::string::npos) << error.hint();
      EXPECT_TRUE(error.hint().starts_with("Give a line 'fs = HZ' before the names")) << error.hint();
    }
  }
}

// evaluate and calibrate have no --leads, --seconds, --classes and --rate, and no program of these has --unit.
TEST_F(LabeledRecordsTest, HintsNameNoOptionThatIsNotThere) {
  const auto hint = [&](LabeledSettings some, const std::string& rows) {
    some.table = settings(rows).table;
    some.as_trained = true;
    try {
      prepare_labeled(some);
      ADD_FAILURE() << rows;
    } catch (const Error& error) {
      return error.hint();
    }
    return std::string();
  };
  LabeledSettings own = settings(three());
  own.rate = 50;
  EXPECT_TRUE(hint(own, three()).starts_with("Resample such records with --resample. Or go on")) << hint(own, three());
  own = settings(three());
  own.seconds = 600;
  LabeledSettings leads = settings(three());
  leads.leads = {"V2", "MLII"};
  for (const std::string& text : {hint(own, three()), hint(leads, three()), hint(settings(three()), row(1, "1,,0")),
                                  hint(settings(three()), row(1, "1,x,0"))})
    for (const char* option : {"--seconds", "--leads", "--classes", "--rate", "--normalize"})
      EXPECT_EQ(text.find(option), std::string::npos) << text;
  std::string steep = "time,I,II\n";
  for (int i = 0; i < 400; ++i)
    steep += fmt::format("{},{},{}\n", i * 0.01, i % 100 == 0 ? 900 : 0, i % 100 == 0 ? 800 : 1);
  write_file(small_.folder() / "steep.csv", steep);
  const LogCapture log;
  LabeledSettings two = settings("steep.csv,1,1,0\n");
  two.leads = {"I", "II"};
  prepare_labeled(two);
  EXPECT_TRUE(log.warned("or another unit (name it in the file, as 'I (uV)'"));
}

TEST_F(LabeledRecordsTest, WhatIsAbsentOrDamagedIsNamedOrLeftOut) {
  const std::string rows = three() + "records100/none,1,1,0\n" + row(4, "1,1,1");
  write_file(small_.path(4, ".hea"), "damaged");
  LabeledSettings some = settings(rows);
  expect_error([&] { prepare_labeled(some); }, {"1 of 5 records are absent", "own.csv:5", "records100/none"});
  some.skip_missing = true;
  {
    const LogCapture log;
    expect_error([&] { prepare_labeled(some); }, {"1 of 5 records do not fit", "own.csv:6"});
  }
  some.skip_damaged = true;
  const LogCapture log;
  const Dataset set = prepare_labeled(some);
  EXPECT_EQ(set.records, 3);
  EXPECT_EQ(set.missing_records, 1);
  EXPECT_EQ(set.unfit_records, 1);
  EXPECT_EQ(set.table_records, 5);
  LabeledSettings none = some;
  write_file(none.table, "path,A\nx,1\n");
  expect_error([&] { prepare_labeled(none); }, {"none of its 1 records can be used"});
}

}  // namespace
}  // namespace cardiograd::data
