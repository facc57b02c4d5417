#include "data/prepare_shards.h"

#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/threads.h"
#include "tests/data/helpers.h"
#include "tests/data/small_set.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::LogCapture;
using testing::SmallSet;

// A record has 1,200 bytes, so the 20 of a set are more than this; an eighth of it are the two records of a shard.
constexpr double kMemory = 19200;
constexpr std::size_t kShards = 10;

PrepareSettings in_shards(const SmallSet& small) {
  PrepareSettings settings = small.settings();
  settings.memory = kMemory;
  settings.recording.features = {"position", {"first", "age"}, [](const ecg::Recording& recording, const auto& person) {
                                   return std::vector<double>{recording.signal(0, 0), person.age};
                                 }};
  return settings;
}

PrepareSettings in_memory(const SmallSet& small) {
  PrepareSettings settings = in_shards(small);
  settings.memory = 1e9;
  settings.use_cache = false;
  return settings;
}

std::vector<std::int16_t> signals_of(const Dataset& set) {
  std::vector<std::int16_t> all;
  for (std::int64_t record = 0; record < set.records; ++record) {
    const RecordSignal signal = set.signal_of(record);
    all.insert(all.end(), signal.data(), signal.data() + set.samples * set.leads);
  }
  return all;
}

void expect_equal(const Dataset& sharded, const Dataset& whole) {
  EXPECT_TRUE(sharded.signals.empty());
  ASSERT_NE(sharded.mapped, nullptr);
  EXPECT_EQ(sharded.mapped->records(), whole.records);
  EXPECT_EQ(signals_of(sharded), whole.signals);
  EXPECT_EQ(sharded.scales, whole.scales);
  EXPECT_EQ(sharded.labels, whole.labels);
  EXPECT_EQ(sharded.folds, whole.folds);
  EXPECT_EQ(sharded.ecg_ids, whole.ecg_ids);
  ASSERT_EQ(sharded.features.size(), whole.features.size());
  EXPECT_EQ(std::memcmp(sharded.features.data(), whole.features.data(), 4 * whole.features.size()), 0);
  EXPECT_EQ(describe(sharded), describe(whole));
}

// The files of the cache and their content.
std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

fs::path shard(const SmallSet& small, int number) {
  for (const auto& entry : fs::directory_iterator(small.cache()))
    if (entry.path().extension() == ".shards") return entry.path() / fmt::format("{:05}.shard", number);
  return {};
}

// Has the extractor count in `made` whose features are computed: those of records that are not served.
void count_records(PrepareSettings& settings, std::atomic<int>& made) {
  settings.recording.features.compute = [&made, compute = settings.recording.features.compute](const auto& recording,
                                                                                               const auto& person) {
    ++made;
    return compute(recording, person);
  };
}

TEST(PrepareShards, TheSameSetAsInMemory) {
  const SmallSet small;
  const Dataset whole = prepare(in_memory(small));
  const Dataset made = prepare(in_shards(small));
  EXPECT_FALSE(made.from_cache);
  expect_equal(made, whole);
  EXPECT_EQ(files_in(small.cache()).size(), kShards);
  std::atomic<int> records = 0;
  PrepareSettings settings = in_shards(small);
  count_records(settings, records);
  const Dataset served = prepare(settings);
  EXPECT_TRUE(served.from_cache);
  EXPECT_EQ(records, 0);
  expect_equal(served, whole);
  PrepareSettings kept = in_shards(small), kept_whole = in_memory(small);
  kept.unlabeled = kept_whole.unlabeled = Unlabeled::kKeep;
  expect_equal(prepare(kept), prepare(kept_whole));
}

TEST(PrepareShards, TheBoundDecidesWhereTheSignalsAre) {
  const SmallSet small;
  PrepareSettings settings = in_shards(small);
  settings.memory = 24000;
  EXPECT_EQ(prepare(settings).mapped, nullptr) << "exactly as much as may be in memory";
  settings.memory = 23999;
  EXPECT_NE(prepare(settings).mapped, nullptr);
  settings.use_cache = false;
  const LogCapture log;
  EXPECT_EQ(prepare(settings).mapped, nullptr);
  EXPECT_TRUE(log.warned("without a cache there is nowhere else for them"));
}

TEST(PrepareShards, AShardThatIsNotRightIsNamedAndMadeAnewAlone) {
  const SmallSet small;
  const Dataset whole = prepare(in_shards(small));
  const std::vector<std::int16_t> signals = signals_of(whole);
  const std::map<std::string, std::string> good = files_in(small.cache());
  const fs::path path = shard(small, 3);
  const std::string content = read_file(path);
  std::string flipped = content, other_key = content;
  flipped[content.size() / 2] = static_cast<char>(flipped[content.size() / 2] ^ 4);
  for (const std::string& bad : {flipped, content.substr(0, content.size() - 100), std::string("x"), std::string(),
                                 read_file(shard(small, 4))}) {
    write_file(path, bad);
    std::atomic<int> records = 0;
    PrepareSettings settings = in_shards(small);
    count_records(settings, records);
    const LogCapture log;
    const Dataset set = prepare(settings);
    EXPECT_TRUE(log.informed(path.string() + " is not used: "));
    EXPECT_FALSE(set.from_cache);
    EXPECT_EQ(records, 1 + 2) << "the first one says what all are like, and the shard has two";
    EXPECT_EQ(signals_of(set), signals);
    EXPECT_TRUE(files_in(small.cache()) == good);
  }
}

TEST(PrepareShards, ChangedRecordsConcernTheirShardAlone) {
  const SmallSet small;
  prepare(in_shards(small));
  ecg::Recording recording = SmallSet::recording(7);
  recording.signal(3, 2) += 0.25;
  small.write(7, recording);
  std::atomic<int> records = 0;
  PrepareSettings settings = in_shards(small);
  count_records(settings, records);
  const LogCapture log;
  expect_equal(prepare(settings), prepare(in_memory(small)));
  EXPECT_TRUE(log.informed("00003.shard is not used: records100/00007_lr"));
  EXPECT_EQ(records, 1 + 2);
  // Only touched: the content decides.
  fs::last_write_time(small.path(9, ".dat"), fs::file_time_type::clock::now());
  records = 0;
  EXPECT_TRUE(prepare(settings).from_cache);
  EXPECT_EQ(records, 0);
}

TEST(PrepareShards, AKilledPreparingGoesOn) {
  const SmallSet small;
  PrepareSettings settings = in_shards(small);
  set_thread_count(1);
  const pid_t child = ::fork();
  if (child == 0) {
    settings.progress = [](std::int64_t done, std::int64_t) {
      if (done == 9) ::kill(::getpid(), SIGKILL);
    };
    prepare(settings);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(fs::exists(shard(small, 4)));
  std::map<std::string, std::string> before = files_in(small.cache());
  before.erase(".00004.shard.lock");
  EXPECT_EQ(before.size(), 4U);
  std::atomic<int> records = 0;
  count_records(settings, records);
  expect_equal(prepare(settings), prepare(in_memory(small)));
  EXPECT_EQ(records, 1 + 12) << "of the six shards that were not finished, and the first";
  const std::map<std::string, std::string> after = files_in(small.cache());
  EXPECT_EQ(after.size(), kShards) << "the lock of the killed process is gone";
  for (const auto& [name, content] : before) EXPECT_TRUE(after.at(name) == content) << name;
  set_thread_count(0);
}

TEST(PrepareShards, SeveralProcessesShareTheWork) {
  const SmallSet small;
  const Dataset whole = prepare(in_memory(small));
  prepare(in_shards(small));
  const std::map<std::string, std::string> alone = files_in(small.cache());
  fs::remove_all(small.cache());
  set_thread_count(1);
  constexpr int kProcesses = 3;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::atomic<int> records = 0;
      PrepareSettings settings = in_shards(small);
      count_records(settings, records);
      settings.recording.features.compute = [compute = settings.recording.features.compute](const auto& recording,
                                                                                            const auto& person) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return compute(recording, person);
      };
      const Dataset set = prepare(settings);
      ::_exit(signals_of(set) == whole.signals ? records.load() : 255);
    }
    children.push_back(child);
  }
  int records = 0;
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 255);
    EXPECT_GE(WEXITSTATUS(status), 1 + 2) << "each has made a shard";
    records += WEXITSTATUS(status);
  }
  EXPECT_EQ(records, kProcesses + 20) << "none was made twice; each looks at the first record";
  EXPECT_TRUE(files_in(small.cache()) == alone) << "the same bytes, and no lock";
  set_thread_count(0);
}

TEST(PrepareShards, DamagedAndAbsentRecords) {
  const SmallSet small;
  for (const int i : {1, 5, 6}) write_file(small.path(i, ".dat"), "");  // 5 and 6 are all of a shard
  fs::remove(small.path(9, ".hea"));
  PrepareSettings sharded = in_shards(small), whole = in_memory(small);
  for (PrepareSettings* settings : {&sharded, &whole}) {
    expect_error([&] { prepare(*settings); }, {"1 of 20 records are absent: ecg_id 9"});
    settings->skip_missing = true;
    expect_error([&] { prepare(*settings); }, {"00001_lr.dat"});
    settings->skip_damaged = true;
  }
  const Dataset set = prepare(sharded);
  expect_equal(set, prepare(whole));
  EXPECT_EQ(set.damaged.size(), 3U);
  EXPECT_TRUE(prepare(sharded).from_cache);
  for (int i = 10; i <= 18; ++i) write_file(small.path(i, ".dat"), "");
  expect_error([&] { prepare(sharded); }, {"00001_lr.dat", "and 11 more records failed"});
}

TEST(PrepareShards, RecordsThatDifferFromTheFirst) {
  const SmallSet small;
  ecg::Recording longer = SmallSet::recording(12);
  longer.signal.conservativeResize(60, 12);
  longer.signal.bottomRows(10) = 0;
  small.write(12, longer);
  expect_error([&] { prepare(in_shards(small)); }, {"00012_lr", "60 samples, the first record has 50"});
}

TEST(PrepareShards, ACacheThatCannotBeWrittenIsAnError) {
  const SmallSet small;
  PrepareSettings settings = in_shards(small);
  write_file(small.folder() / "file", "");
  settings.cache_folder = small.folder() / "file" / "cache";
  expect_error([&] { prepare(settings); }, {"file/cache", "cannot be created"});
}

TEST(PrepareShards, RoomOnTheDiskIsLookedForBeforeTheWork) {
  const SmallSet small;
  std::atomic<int> records = 0;
  PrepareSettings settings = in_shards(small);
  count_records(settings, records);
  const PrepareSource source = read_source(settings);
  auto layout = shard_layout(settings, source, small.cache() / "x.cache", "key");
  ASSERT_TRUE(layout.has_value());
  EXPECT_EQ(layout->count, 10);
  EXPECT_EQ(layout->folder, small.cache() / "x.shards");
  layout->record_bytes = 1e15;
  expect_error([&] { prepare_shards(settings, source, *layout); },
               {small.cache().string(), "MB are free, and the signals of 20 records take 20000000000 MB"});
  EXPECT_EQ(records, 1);
}

}  // namespace
}  // namespace cardiograd::data
