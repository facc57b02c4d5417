#include "data/prepare.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/threads.h"
#include "tests/common/test_data.h"
#include "tests/data/helpers.h"
#include "tests/data/small_set.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::data_folder;
using testing::expect_error;
using testing::LogCapture;
using testing::SmallSet;
using testing::stored;

void expect_equal(const Dataset& a, const Dataset& b) {
  EXPECT_EQ(a.signals, b.signals);
  EXPECT_EQ(a.scales, b.scales);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.folds, b.folds);
  EXPECT_EQ(a.ecg_ids, b.ecg_ids);
  ASSERT_EQ(a.features.size(), b.features.size());
  for (std::size_t i = 0; i < a.features.size(); ++i)
    EXPECT_TRUE(a.features[i] == b.features[i] || (std::isnan(a.features[i]) && std::isnan(b.features[i])));
  EXPECT_EQ(describe(a), describe(b));
}

TEST(Prepare, SignalsLabelsAndPersons) {
  const SmallSet small;
  const Dataset set = prepare(small.settings());
  EXPECT_EQ(set.records, 17) << "records 5, 11 and 17 have no class";
  EXPECT_EQ(set.unlabeled_records, 3);
  EXPECT_EQ(set.samples, 50);
  EXPECT_EQ(set.leads, 12);
  EXPECT_EQ(set.rate, 100);
  EXPECT_EQ(set.unit, "mV");
  EXPECT_EQ(set.filter, "none");
  EXPECT_EQ(set.lead_names[3], "aVR");
  EXPECT_EQ(set.version, "");
  EXPECT_EQ(set.class_names, (std::vector<std::string>{"CD", "HYP", "MI", "NORM", "STTC"}));
  ASSERT_EQ(set.signals.size(), 17U * 50 * 12);
  for (std::int64_t record = 0; record < set.records; ++record) {
    const auto at = static_cast<std::size_t>(record);
    const int i = static_cast<int>(set.ecg_ids[at]);
    for (int t = 0; t < 50; ++t)
      for (int lead = 0; lead < 12; ++lead) ASSERT_EQ(stored(set, record, t, lead), SmallSet::steps(i, lead, t));
    EXPECT_EQ(set.folds[at], 1 + (i - 1) % 10);
    const int expected[6] = {3, 2, 4, 1, 0, -1};
    for (int c = 0; c < 5; ++c)
      EXPECT_EQ(set.labels[at * 5 + static_cast<std::size_t>(c)], c == expected[i % 6] ? 1 : 0);
    EXPECT_EQ(set.sexes[at], static_cast<float>(i % 2));
    if (i == 4) {
      EXPECT_TRUE(std::isnan(set.ages[at]));
    } else {
      EXPECT_EQ(set.ages[at], i == 3 ? 90.F : static_cast<float>(20 + i));
    }
  }
  for (const float scale : set.scales) EXPECT_EQ(scale, 0.001F);
  EXPECT_EQ(set.ages_over_89, 1);
  EXPECT_FALSE(set.from_cache);
}

TEST(Prepare, KeepsUnlabeledRecordsOnRequestFromTheSameCache) {
  const SmallSet small;
  auto settings = small.settings();
  prepare(settings);
  settings.unlabeled = Unlabeled::kKeep;
  settings.task = Task::kSub;
  const Dataset set = prepare(settings);
  EXPECT_TRUE(set.from_cache) << "signals depend neither on the policy nor on the task";
  EXPECT_EQ(set.records, 20);
  EXPECT_EQ(set.class_names, (std::vector<std::string>{"CLBBB", "IMI", "LVH", "NORM", "STTC"}));
  EXPECT_EQ(std::count(set.labels.begin() + 4 * 5, set.labels.begin() + 5 * 5, 0), 5) << "record 5";
}

TEST(Prepare, TheCacheServesTheSameAndThreadsDoNotMatter) {
  const SmallSet small;
  auto settings = small.settings();
  settings.recording.features = {
      "test 1", {"age", "first", "missing"}, [](const ecg::Recording& recording, const ecg::Person& person) {
        EXPECT_EQ(recording.leads[11], "V6");
        return std::vector<double>{person.age, recording.signal(0, 1), INFINITY};
      }};
  int last = 0;
  settings.progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(done, ++last);
    EXPECT_EQ(total, 20);
  };
  set_thread_count(1);
  const Dataset built = prepare(settings);
  EXPECT_EQ(last, 20);
  EXPECT_EQ(built.feature_names.size(), 3U);
  EXPECT_EQ(built.features[0], 21.F);
  EXPECT_EQ(built.features[1], static_cast<float>(SmallSet::steps(1, 1, 0) / 1000.0));
  EXPECT_TRUE(std::isnan(built.features[2]));
  const Dataset served = prepare(settings);
  EXPECT_TRUE(served.from_cache);
  EXPECT_EQ(last, 20);
  expect_equal(built, served);
  set_thread_count(4);
  last = 0;
  settings.use_cache = false;
  const Dataset parallel = prepare(settings);
  set_thread_count(0);
  EXPECT_FALSE(parallel.from_cache);
  expect_equal(built, parallel);
}

TEST(Prepare, OtherSettingsTableOrFilesMakeTheCacheAnew) {
  const SmallSet small;
  const LogCapture log;
  auto settings = small.settings();
  prepare(settings);
  EXPECT_TRUE(prepare(settings).from_cache);
  // Touched but with the same content: kept, and known from then on.
  const auto dat = small.path(7, ".dat");
  fs::last_write_time(dat, fs::last_write_time(dat) + std::chrono::seconds(5));
  EXPECT_TRUE(prepare(settings).from_cache);
  EXPECT_TRUE(prepare(settings).from_cache);
  // Other content of the same size and with the old time.
  ecg::Recording changed = SmallSet::recording(7);
  changed.signal(3, 3) = 0.123;
  const auto time = fs::last_write_time(dat);
  small.write(7, changed);
  fs::last_write_time(dat, time);
  Dataset set = prepare(settings);
  EXPECT_FALSE(set.from_cache);
  EXPECT_TRUE(log.informed("00007_lr.")) << "the log names what has changed";
  EXPECT_EQ(stored(set, 5, 3, 3), 123) << "record 7 is the sixth with a class";
  EXPECT_TRUE(prepare(settings).from_cache);
  // The table.
  std::string csv = read_file(small.folder() / "ptbxl_database.csv");
  csv.replace(csv.find("1,21,1"), 6, "1,22,1");
  write_file(small.folder() / "ptbxl_database.csv", csv);
  set = prepare(settings);
  EXPECT_FALSE(set.from_cache);
  EXPECT_EQ(set.ages[0], 22.F);
  // A filter, features.
  settings.recording.filter = {"negate",
                               [](const Eigen::ArrayXXd& signal, double) -> Eigen::ArrayXXd { return -signal; }};
  EXPECT_FALSE(prepare(settings).from_cache);
  EXPECT_TRUE(prepare(settings).from_cache);
  settings.recording.features = {
      "f", {"one"}, [](const ecg::Recording&, const ecg::Person&) { return std::vector<double>{1}; }};
  EXPECT_FALSE(prepare(settings).from_cache);
  EXPECT_TRUE(prepare(settings).from_cache);
  settings.recording.features.key = "g";
  EXPECT_FALSE(prepare(settings).from_cache);
}

TEST(Prepare, DamagedCachesAreMadeAnew) {
  const SmallSet small;
  const auto settings = small.settings();
  const Dataset whole = prepare(settings);
  fs::path path;
  for (const auto& entry : fs::directory_iterator(small.cache())) path = entry.path();
  const std::string good = read_file(path);
  std::vector<std::string> bad = {"",
                                  "x",
                                  good.substr(0, 8),
                                  good.substr(0, 100),
                                  good.substr(0, good.size() - 1),
                                  good + "x",
                                  std::string(good.size(), '\0'),
                                  "foreign" + good};
  for (const std::size_t at : {std::size_t{3}, std::size_t{9}, std::size_t{40}, good.size() / 2, good.size() - 1}) {
    bad.push_back(good);
    bad.back()[at] = static_cast<char>(bad.back()[at] ^ 1);
  }
  for (std::size_t i = 0; i < bad.size(); ++i) {
    SCOPED_TRACE(i);
    write_file(path, bad[i]);
    const LogCapture log;
    const Dataset set = prepare(settings);
    EXPECT_FALSE(set.from_cache);
    EXPECT_TRUE(log.informed("is not used"));
    expect_equal(set, whole);
    EXPECT_EQ(read_file(path).size(), good.size());
  }
}

TEST(Prepare, ACacheThatCannotBeWrittenIsOnlyWarnedAbout) {
  const SmallSet small;
  auto settings = small.settings();
  write_file(small.folder() / "file", "");
  settings.cache_folder = small.folder() / "file" / "cache";
  const LogCapture log;
  EXPECT_EQ(prepare(settings).records, 17);
  EXPECT_TRUE(log.warned("no cache"));
}

TEST(Prepare, SeveralProcessesAtOnce) {
  const SmallSet small;
  const auto settings = small.settings();
  set_thread_count(1);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(prepare(settings).records == 17 ? 0 : 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_TRUE(prepare(settings).from_cache);
  set_thread_count(0);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(small.cache())) ++files;
  EXPECT_EQ(files, 1) << "no temporary file stays behind";
}

TEST(Prepare, InvalidSamplesAndFlatLeadsAreCountedAndNamed) {
  const SmallSet small(60);
  for (int i = 1; i <= 24; ++i) {
    ecg::Recording recording = SmallSet::recording(i);
    if (i % 2 == 0) recording.signal(i, 2) = NAN;
    if (i <= 2) recording.signal.block(0, 5, 50, 2).setConstant(0.25);
    small.write(i, recording);
  }
  const LogCapture log;
  const Dataset set = prepare(small.settings());
  EXPECT_EQ(set.invalid_samples.count, 12);
  EXPECT_EQ(set.invalid_samples.records, 12);
  EXPECT_EQ(set.invalid_samples.first_ids, (std::vector<std::int64_t>{2, 4, 6, 8, 10, 12, 14, 16, 18, 20}));
  EXPECT_EQ(set.flat_leads.count, 4);
  EXPECT_EQ(set.flat_leads.records, 2);
  EXPECT_TRUE(log.warned("12 invalid samples in 12 records, first ecg_id 2, 4, 6"));
  EXPECT_TRUE(log.warned("4 flat leads in 2 records, first ecg_id 1, 2"));
  EXPECT_EQ(stored(set, 1, 2, 2), kInvalidInt16);
}

TEST(PrepareBadInput, FolderAndTables) {
  const SmallSet small;
  auto settings = small.settings();
  settings.folder = small.folder() / "none";
  expect_error([&] { prepare(settings); }, {"none: no such folder"});
  settings.folder = small.folder() / "ptbxl_database.csv";
  expect_error([&] { prepare(settings); }, {"is a file, expected a folder"});
  settings.folder = small.folder();
  settings.rate = 500;
  expect_error([&] { prepare(settings); }, {"no column 'filename_hr'", "500 Hz"});
  settings.rate = 250;
  EXPECT_THROW(prepare(settings), UsageError);
  settings.rate = 100;
  fs::remove(small.folder() / "scp_statements.csv");
  expect_error([&] { prepare(settings); }, {"scp_statements.csv"});
  fs::remove(small.folder() / "ptbxl_database.csv");
  expect_error([&] { prepare(settings); }, {"ptbxl_database.csv"});
  write_file(small.folder() / "ptbxl_database.csv", "ecg_id,age,sex,scp_codes,strat_fold,filename_lr\n");
  write_file(small.folder() / "scp_statements.csv", ",diagnostic,diagnostic_class,diagnostic_subclass\nN,1,A,B\n");
  expect_error([&] { prepare(settings); }, {"ptbxl_database.csv", "no records"});
}

TEST(PrepareBadInput, AbsentRecords) {
  const SmallSet small;
  auto settings = small.settings();
  fs::remove(small.path(3, ".hea"));
  fs::remove(small.path(8, ".dat"));
  expect_error([&] { prepare(settings); },
               {"2 of 20 records are absent", "ecg_id 3 (records100/00003_lr), ecg_id 8 (records100/00008_lr)"});
  EXPECT_FALSE(fs::exists(small.cache()));
  settings.skip_missing = true;
  const LogCapture log;
  Dataset set = prepare(settings);
  EXPECT_EQ(set.records, 15);
  EXPECT_EQ(set.missing_records, 2);
  EXPECT_TRUE(log.warned("2 of 20 records are absent and left out"));
  EXPECT_TRUE(prepare(settings).from_cache);
  settings.skip_missing = false;
  expect_error([&] { prepare(settings); }, {"2 of 20 records are absent"});
  small.write(3, SmallSet::recording(3));
  settings.skip_missing = true;
  set = prepare(settings);
  EXPECT_FALSE(set.from_cache) << "an absent record has come";
  EXPECT_EQ(set.records, 16);
  fs::remove(small.path(5, ".hea"));
  EXPECT_FALSE(prepare(settings).from_cache) << "a record has gone";
}

TEST(PrepareBadInput, DamagedRecordsAreLeftOut) {
  const SmallSet small;
  auto settings = small.settings();
  const Dataset whole = prepare(settings);
  const std::string dat = read_file(small.path(8, ".dat"));
  write_file(small.path(1, ".hea"), "no header");  // Also the first record may be damaged.
  write_file(small.path(8, ".dat"), dat.substr(0, 100));
  ecg::Recording longer = SmallSet::recording(9);
  longer.signal.conservativeResize(SmallSet::kSamples - 1, 12);
  small.write(9, longer);
  fs::remove(small.path(20, ".dat"));
  fs::create_symlink("/dev/zero", small.path(20, ".dat"));
  expect_error([&] { prepare(settings); }, {"00001_lr.hea"});
  settings.skip_damaged = true;
  const LogCapture log;
  Dataset set = prepare(settings);
  EXPECT_FALSE(set.from_cache);
  ASSERT_EQ(set.damaged.size(), 4U);
  for (const auto& [at, id, what] : {std::tuple{0U, 1, "00001_lr.hea"},
                                     {1U, 8, "truncated: 100 bytes"},
                                     {2U, 9, "49 samples, the first record has 50"},
                                     {3U, 20, "not a regular file"}}) {
    EXPECT_EQ(set.damaged[at].ecg_id, id);
    EXPECT_NE(set.damaged[at].what.find(what), std::string::npos) << set.damaged[at].what;
  }
  EXPECT_TRUE(log.warned("4 of 20 records are damaged and left out: ecg_id 1 ("));
  EXPECT_EQ(set.missing_records, 0);
  EXPECT_NE(describe(set).find("4 records are damaged and left out"), std::string::npos);
  // The others are as they were.
  std::size_t w = 0;
  for (std::int64_t r = 0; r < set.records; ++r) {
    while (whole.ecg_ids[w] != set.ecg_ids[static_cast<std::size_t>(r)]) ++w;
    EXPECT_EQ(stored(set, r, 7, 3), stored(whole, static_cast<std::int64_t>(w), 7, 3));
    EXPECT_EQ(set.folds[static_cast<std::size_t>(r)], whole.folds[w]);
  }
  EXPECT_EQ(whole.records - set.records, 4 - (SmallSet::kCodes[20 % 6] == std::string("SR") ? 1 : 0));
  const Dataset again = prepare(settings);
  EXPECT_TRUE(again.from_cache);
  EXPECT_EQ(again.damaged.size(), 4U);
  EXPECT_EQ(again.signals, set.signals);
  settings.skip_damaged = false;
  expect_error([&] { prepare(settings); }, {"00001_lr.hea"});
  settings.skip_damaged = true;
  write_file(small.path(8, ".dat"), dat);
  set = prepare(settings);
  EXPECT_FALSE(set.from_cache) << "a damaged record was mended";
  EXPECT_EQ(set.damaged.size(), 3U);
}

TEST(PrepareBadInput, MoreThanHalfDamagedIsAnError) {
  const SmallSet small;
  auto settings = small.settings();
  settings.skip_damaged = true;
  for (int i = 2; i <= 12; ++i) write_file(small.path(i, ".dat"), "");
  expect_error([&] { prepare(settings); }, {"00002_lr.dat", "and 10 more records failed"});
  for (int i = 1; i <= 20; ++i) write_file(small.path(i, ".dat"), "");
  expect_error([&] { prepare(settings); }, {"00001_lr.dat", "and 19 more records failed"});
}

TEST(PrepareBadInput, ManyAbsentRecordsAreCountedTenNamed) {
  const SmallSet small;
  for (int i = 1; i <= 12; ++i) fs::remove(small.path(i, ".hea"));
  expect_error([&] { prepare(small.settings()); }, {"12 of 20", "ecg_id 10 (records100/00010_lr), ..."});
  for (int i = 13; i <= 20; ++i) fs::remove(small.path(i, ".hea"));
  auto settings = small.settings();
  settings.skip_missing = true;
  expect_error([&] { prepare(settings); }, {"20 of 20"});
}

TEST(PrepareBadInput, SpoiltRecords) {
  const SmallSet small;
  const auto settings = small.settings();
  const std::string dat = read_file(small.path(6, ".dat"));
  const std::string header = read_file(small.path(6, ".hea"));
  write_file(small.path(6, ".dat"), dat.substr(0, 100));
  expect_error([&] { prepare(settings); }, {"00006_lr.dat", "truncated"});
  write_file(small.path(9, ".dat"), "");
  expect_error([&] { prepare(settings); }, {"00006_lr.dat", "truncated", "(and 1 more records failed)"});
  small.write(9, SmallSet::recording(9));
  fs::remove(small.path(6, ".dat"));
  fs::create_symlink("/dev/zero", small.path(6, ".dat"));
  expect_error([&] { prepare(settings); }, {"00006_lr.dat", "not a regular file"});
  fs::remove(small.path(6, ".dat"));
  std::string flipped = dat;
  flipped[2 * 12 * 7 + 2 * 3] = static_cast<char>(flipped[2 * 12 * 7 + 2 * 3] ^ 4);
  write_file(small.path(6, ".dat"), flipped);
  expect_error([&] { prepare(settings); }, {"00006_lr.dat", "lead aVR", "checksum"});
  write_file(small.path(6, ".dat"), dat);
  const auto with_header = [&](const std::string& from, const std::string& to) {
    std::string changed = header;
    changed.replace(changed.find(from), from.size(), to);
    write_file(small.path(6, ".hea"), changed);
  };
  with_header(" 16 ", " 62 ");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea:2", "unknown format 62"});
  with_header(" 100 50", " 250 50");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea", "250 Hz, expected 100"});
  with_header(" 0 aVR", " 0 aVX");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea", "lead aVR missing"});
  with_header(" 0 aVR", " 0 avl");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea", "lead aVL", "twice"});
  with_header("(0)/mV", "(0)/z");
  expect_error([&] { prepare(settings); }, {"00006_lr.hea", "lead II is in 'mV', lead I in 'z'"});
  write_file(small.path(6, ".hea"), header);
  EXPECT_EQ(prepare(settings).records, 17);
}

TEST(PrepareBadInput, RecordsThatDifferFromTheFirst) {
  const SmallSet small;
  const auto settings = small.settings();
  ecg::Recording shorter = SmallSet::recording(6);
  shorter.signal.conservativeResize(49, 12);
  small.write(6, shorter);
  expect_error([&] { prepare(settings); }, {"00006_lr", "49 samples, the first record has 50"});
  ecg::Recording standardized = SmallSet::recording(6);
  standardized.units.assign(12, "z");
  small.write(6, standardized);
  expect_error([&] { prepare(settings); }, {"00006_lr", "in z, the first record is in mV"});
}

TEST(PrepareBadInput, NoRecordWithAClass) {
  const SmallSet small(1);
  write_file(small.folder() / "ptbxl_database.csv",
             "ecg_id,age,sex,scp_codes,strat_fold,filename_lr\n1,1,1,{'SR': 0.0},1,records100/00001_lr\n");
  expect_error([&] { prepare(small.settings()); }, {"none of 1 records has a class of the task super"});
}

TEST(PrepareRealData, TheFilteredPart) {
  CARDIOGRAD_NEED_DATA("ptbxl_filtered");
  const cardiograd::testing::TemporaryFolder cache;
  PrepareSettings settings;
  settings.folder = data_folder() / "ptbxl_filtered";
  settings.cache_folder = cache.path();
  const Dataset set = prepare(settings);
  EXPECT_EQ(set.records, 1819);
  EXPECT_EQ(set.samples, 1000);
  EXPECT_EQ(set.unit, "z");
  // The stored values are the source's own.
  const std::string dat = read_file(settings.folder / "records100/00000/00009_lr.dat");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(set.signals.data()), 24000), dat);
  std::vector<std::int64_t> folds(11);
  std::vector<std::int64_t> positives(5);
  std::vector<std::int64_t> test_positives(5);
  for (std::size_t i = 0; i < 1819; ++i) {
    ++folds[static_cast<std::size_t>(set.folds[i])];
    for (std::size_t c = 0; c < 5; ++c) {
      positives[c] += set.labels[i * 5 + c];
      if (set.folds[i] == 10) test_positives[c] += set.labels[i * 5 + c];
    }
  }
  EXPECT_EQ(folds, (std::vector<std::int64_t>{0, 169, 188, 179, 188, 185, 188, 185, 160, 183, 194}));
  EXPECT_EQ(positives, (std::vector<std::int64_t>{462, 193, 262, 964, 527})) << "CD, HYP, MI, NORM, STTC";
  EXPECT_EQ(test_positives, (std::vector<std::int64_t>{56, 19, 34, 87, 66}));
  const auto start = std::chrono::steady_clock::now();
  const Dataset served = prepare(settings);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(served.from_cache);
  expect_equal(set, served);
  EXPECT_LT(seconds.count(), 1.0);
  RecordProperty("cached_load_ms", static_cast<int>(seconds.count() * 1000));
  check_training_folds(set, {1, 2, 3, 4, 5, 6, 7, 8}, 9, 10);
}

TEST(PrepareRealData, TheRawPartAtBothRates) {
  CARDIOGRAD_NEED_DATA("ptbxl_raw");
  PrepareSettings settings;
  settings.folder = data_folder() / "ptbxl_raw";
  settings.use_cache = false;
  settings.unlabeled = Unlabeled::kKeep;
  EXPECT_EQ(prepare(settings).records, 99);
  settings.rate = 500;
  expect_error([&] { prepare(settings); }, {"1 of 99 records are absent", "no file name for 500 Hz"});
  settings.skip_missing = true;
  const Dataset set = prepare(settings);
  EXPECT_EQ(set.records, 98);
  EXPECT_EQ(set.samples, 5000);
  EXPECT_EQ(set.unit, "mV");
}

TEST(Prepare, CodesThatTheTableLacksAreNamed) {
  const SmallSet set;
  {
    const testing::LogCapture log;
    prepare(set.settings());
    EXPECT_FALSE(log.warned("scp_statements.csv lacks")) << "SR is there, though not diagnostic";
  }
  std::string text = read_file(set.folder() / "ptbxl_database.csv");
  for (auto at = text.find("'NORM'"); at != std::string::npos; at = text.find("'NORM'")) text.replace(at, 6, "'norm '");
  write_file(set.folder() / "ptbxl_database.csv", text);
  const testing::LogCapture log;
  prepare(set.settings());
  EXPECT_TRUE(log.warned("3 of 20 records have codes that scp_statements.csv lacks, and no label for them: 'norm'"));
}

}  // namespace
}  // namespace cardiograd::data
