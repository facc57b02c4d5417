// Everything that can be wrong with data, tables, options and disks, given to the real programs: one error line that
// names the culprit, one hint line, the right exit status, and nothing left behind.
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/cuda.h"
#include "engine/device.h"
#include "tests/apps/small_run.h"

namespace cardiograd::testing {
namespace {

namespace fs = std::filesystem;
using Parts = std::initializer_list<std::string_view>;
using Spoil = std::function<void(const TinyPtbxl&)>;

// Trains on a data set that `spoil` has changed.
void expect_refused(const Spoil& spoil, Parts parts, const std::vector<std::string>& more = {}, int status = 1) {
  const SmallRun run;
  if (spoil) spoil(run.tiny());
  RunSettings settings;
  settings.timeout_s = 60;
  const Outcome outcome = run_app("train", run.with(more), settings);
  expect_failure(outcome, status, parts);
  EXPECT_EQ(names_in(run.folder()), std::vector<std::string>{"small.toml"}) << outcome.err;
}

Spoil edit_header(int i, const std::string& from, const std::string& to) {
  return [=](const TinyPtbxl& tiny) { ASSERT_TRUE(TinyPtbxl::edit(tiny.header(i), from, to)) << from; };
}

Spoil edit_table(const std::string& from, const std::string& to) {
  return [=](const TinyPtbxl& tiny) { ASSERT_TRUE(TinyPtbxl::edit(tiny.table(), from, to)) << from; };
}

void replace_all(const fs::path& path, const std::string& from, const std::string& to) {
  while (TinyPtbxl::edit(path, from, to)) {
  }
}

void make_fifo(const fs::path& path) {
  fs::remove(path);
  if (::mkfifo(path.c_str(), 0600) != 0) throw std::system_error(errno, std::generic_category(), path);
}

TEST(BadInput, FoldersAndTables) {
  expect_refused({}, {"/none", "no such folder"}, {"--data", "/none"});
  expect_refused({}, {"/dev/null", "is a file, expected a folder"}, {"--data", "/dev/null"});
  expect_refused([](const TinyPtbxl& t) { fs::remove(t.table()); }, {"ptbxl_database.csv", "cannot be opened"});
  expect_refused([](const TinyPtbxl& t) { fs::remove(t.folder() / "scp_statements.csv"); },
                 {"scp_statements.csv", "cannot be opened"});
  expect_refused([](const TinyPtbxl& t) { make_fifo(t.table()); }, {"ptbxl_database.csv", "not a regular file"});
  expect_refused(
      [](const TinyPtbxl& t) {
        fs::remove(t.table());
        fs::create_symlink("/dev/zero", t.table());
      },
      {"ptbxl_database.csv", "not a regular file"});
  expect_refused([](const TinyPtbxl& t) { write_file(t.table(), ""); }, {"ptbxl_database.csv", "empty"});
  expect_refused([](const TinyPtbxl& t) { write_file(t.table(), "ecg_id,age,sex,scp_codes,strat_fold,filename_lr\n"); },
                 {"ptbxl_database.csv", "no records"});
}

TEST(BadInput, RowsOfTheTables) {
  expect_refused(edit_table("\n3,1003,33,", "\n3,33,"), {"ptbxl_database.csv:4: ", "6 fields, expected 7"});
  expect_refused(edit_table("\n5,1005,", "\n5,10\"05,"), {"ptbxl_database.csv:6: ", "quote"});
  expect_refused(edit_table("\n5,1005,", "\n5,\"1005,"), {"ptbxl_database.csv:6: ", "quote"});
  expect_refused(edit_table("strat_fold", "fold"), {"ptbxl_database.csv", "no column 'strat_fold'"});
  expect_refused(edit_table("filename_lr", "filename"), {"ptbxl_database.csv", "no column 'filename_lr'"});
  expect_refused(edit_table("\n9,1009,39,", "\n8,1009,39,"), {"ptbxl_database.csv:10: ", "ecg_id 8 occurs twice"});
  expect_refused(edit_table("\n9,1009,39,", "\n9,1009,old,"), {"ptbxl_database.csv:10: ", "'age'", "'old'"});
  expect_refused(edit_table("\n9,1009,39,1", "\n9,1009,39,2"), {"ptbxl_database.csv:10: ", "'sex'", "2"});
  expect_refused(edit_table(",1,records100/00000/00001_lr", ",0,records100/00000/00001_lr"),
                 {"ptbxl_database.csv:2: ", "'strat_fold'", "0"});
  expect_refused(edit_table(",records100/00000/00001_lr", ",../00001_lr"),
                 {"ptbxl_database.csv:2: ", "'filename_lr'", "'../00001_lr'"});
  expect_refused(edit_table("{'SR': 0.0", "{SR: 0.0"), {"ptbxl_database.csv:2: ", "'scp_codes'"});
  expect_refused(
      [](const TinyPtbxl& t) { TinyPtbxl::edit(t.folder() / "scp_statements.csv", "diagnostic_subclass", "subclass"); },
      {"scp_statements.csv", "no column 'diagnostic_subclass'"});
  expect_refused({}, {"ptbxl_database.csv", "no column 'filename_hr'", "500 Hz"}, {"--rate", "500"});
}

TEST(BadInput, AbsentRecords) {
  const auto remove_two = [](const TinyPtbxl& t) {
    fs::remove(t.signals(5));
    fs::remove(t.header(11));
  };
  expect_refused(remove_two, {"2 of 40 records are absent", "ecg_id 5 (records100/00000/00005_lr)", "ecg_id 11"});
  expect_refused(
      [](const TinyPtbxl& t) {
        for (int i = 1; i <= 12; ++i) fs::remove(t.header(i));
      },
      {"12 of 40 records are absent", "ecg_id 1 ", "ecg_id 10 ", ", ..."});
  expect_refused([](const TinyPtbxl& t) { fs::remove_all(t.folder() / "records100"); }, {"40 of 40 records are absent"},
                 {"--skip-missing"});
  const SmallRun run;
  remove_two(run.tiny());
  const Outcome outcome = run_app("train", run.with({"--skip-missing"}));
  expect_success(outcome);
  expect_parts(outcome.err, {"warning: 2 of 40 records are absent and left out"});
  expect_success(run_app("evaluate", run.judge({"--skip-missing"})));
  expect_failure(run_app("evaluate", run.judge({})), 1, {"2 of 40 records are absent"});
}

TEST(BadInput, SignalFiles) {
  const auto with_signals = [](const std::function<void(const fs::path&)>& change) {
    return [=](const TinyPtbxl& t) { change(t.signals(7)); };
  };
  expect_refused(with_signals([](const fs::path& p) { fs::resize_file(p, fs::file_size(p) - 1); }),
                 {"00007_lr.dat", "truncated: 23999 bytes, expected 24000"});
  expect_refused(with_signals([](const fs::path& p) { fs::resize_file(p, 0); }),
                 {"00007_lr.dat", "truncated: 0 bytes"});
  expect_refused(with_signals(make_fifo), {"00007_lr.dat", "not a regular file"});
  expect_refused(with_signals([](const fs::path& p) {
                   fs::remove(p);
                   fs::create_symlink("/dev/zero", p);
                 }),
                 {"00007_lr.dat", "not a regular file"});
  expect_refused(with_signals([](const fs::path& p) {
                   std::string bytes = read_file(p);
                   bytes[24 * 500 + 2 * 6] = static_cast<char>(bytes[24 * 500 + 2 * 6] + 1);
                   write_file(p, bytes);
                 }),
                 {"00007_lr.dat", "lead V1", "checksum"});
  expect_refused([](const TinyPtbxl& t) { make_fifo(t.header(7)); }, {"00007_lr.hea", "not a regular file"});
  expect_refused([](const TinyPtbxl& t) { write_file(t.header(7), ""); }, {"00007_lr.hea", "no record line"});
}

TEST(BadInput, Headers) {
  expect_refused(edit_header(7, "00007_lr.dat 16 ", "00007_lr.dat 99 "), {"00007_lr.hea:2: ", "format 99"});
  expect_refused(edit_header(7, "00007_lr 12 ", "00007_lr 99999999 "), {"00007_lr.hea:1: ", "number of signals"});
  expect_refused(edit_header(7, "00007_lr 12 ", "00007_lr 4000 "), {"00007_lr.hea", "12 signal lines", "4000"});
  expect_refused(edit_header(7, " 100 1000", " 100 99999999999999999999"), {"00007_lr.hea:1: ", "number of samples"});
  expect_refused(edit_header(7, " 100 1000", " 100 500000000"), {"00007_lr.hea", "500000000"});
  expect_refused(edit_header(7, " 100 1000", " 100 -1"), {"00007_lr.hea:1: ", "number of samples"});
  expect_refused(edit_header(7, " 100 1000", " nan 1000"), {"00007_lr.hea:1: ", "sampling rate"});
  expect_refused(edit_header(7, " 100 1000", " 500 1000"), {"00007_lr.hea", "sampling rate 500 Hz, expected 100"});
  expect_refused(edit_header(7, "00007_lr.dat", "../00000/00008_lr.dat"), {"00008_lr.dat: lead I", "checksum"});
  expect_refused(edit_header(7, "00007_lr.dat", "../00000/none.dat"), {"00007_lr.hea:2: ", "'../00000/none.dat'"});
  expect_refused(edit_header(7, "00007_lr.dat", "/dev/zero"), {"00007_lr.hea:2: ", "'/dev/zero'"});
  expect_refused(edit_header(7, "1000(0)/mV", "1000(0)/z"), {"00007_lr.hea", "lead", "mV"});
  expect_refused(edit_header(7, "1000(0)/mV", "1e-38(0)/mV"), {"00007_lr.hea:2: ", "gain is 1e-38"});
  expect_refused(edit_header(7, " V6", " X6"), {"00007_lr.hea", "lead V6 missing"});
  expect_refused(edit_header(7, " V6", " v5"), {"00007_lr.hea", "lead V5 is there twice"});
}

ecg::Recording reordered(int i) {
  const ecg::Recording original = TinyPtbxl::recording(i, "mV");
  ecg::Recording result = original;
  const char* names[12] = {"v6", "v5", "v4", "v3", "v2", "v1", "avf", "AVL", "aVR", "iii", "II", "i"};
  for (Eigen::Index lead = 0; lead < 12; ++lead) {
    result.signal.col(lead) = original.signal.col(11 - lead);
    result.leads[static_cast<std::size_t>(lead)] = names[lead];
  }
  return result;
}

void rewrite(const TinyPtbxl& tiny, int i, const ecg::Recording& recording) {
  data::write_wfdb(tiny.folder() / "records100" / "00000", fmt::format("{:05}_lr", i), recording);
}

TEST(GoodInput, LeadsInAnotherOrderAndCase) {
  const SmallRun plain;
  expect_success(run_app("train", plain.arguments()));
  const SmallRun other;
  rewrite(other.tiny(), 1, reordered(1));
  rewrite(other.tiny(), 9, reordered(9));
  expect_success(run_app("train", other.arguments()));
  EXPECT_EQ(read_file(plain.out() / "last.safetensors"), read_file(other.out() / "last.safetensors"));
}

TEST(GoodInput, InvalidSamplesAndFlatLeadsAreCountedAndNamed) {
  const SmallRun run;
  for (int i = 1; i <= 12; ++i) {
    ecg::Recording recording = TinyPtbxl::recording(i, "mV");
    recording.signal(100, 3) = std::numeric_limits<double>::quiet_NaN();
    recording.signal(101, 3) = std::numeric_limits<double>::quiet_NaN();
    if (i <= 3) recording.signal.col(7).setConstant(0.25);
    rewrite(run.tiny(), i, recording);
  }
  const Outcome outcome = run_app("train", run.with({"--filter", "butterworth"}));
  expect_success(outcome);
  expect_parts(outcome.err, {"warning: 24 invalid samples in 12 records, first ecg_id 1, 2, 3, 4, 5, 6, 7, 8, 9, 10\n",
                             "warning: 3 flat leads in 3 records, first ecg_id 1, 2, 3\n"});
  expect_success(run_app("evaluate", run.judge({"--fold", "1"})));
}

TEST(BadInput, FoldsAndClasses) {
  expect_refused({}, {"validation fold 11 has no records"}, {"--val-fold", "11"});
  expect_refused({}, {"test fold 12 has no records"}, {"--test-fold", "12"});
  expect_refused({}, {"fold 10 is used twice"}, {"--val-fold", "10"});
  expect_refused([](const TinyPtbxl& t) { replace_all(t.table(), "'WPW': 100.0", "'OTHER': 0.0"); },
                 {"class WPW has no positive record", "1, 2, 3, 4, 5, 6, 7, 8"}, {"--task", "sub"});
  expect_refused({}, {"32 records, fewer than a batch of 33"}, {"--batch-size", "33"});
}

TEST(BadInput, ConfigurationFiles) {
  const auto expect = [](const std::string& text, Parts parts) {
    const SmallRun run;
    write_file(run.config(), text);
    expect_failure(run_app("train", run.arguments()), 1, parts);
    EXPECT_EQ(names_in(run.folder()), std::vector<std::string>{"small.toml"});
  };
  expect("[training]\nepochs = 2\nbatchsize = 8\n", {"small.toml:3: ", "unknown key 'training.batchsize'"});
  expect("[trainin]\nepochs = 2\n", {"small.toml:1: ", "'trainin'"});
  expect("[training]\nepochs = \"two\"\n", {"small.toml:2: ", "'training.epochs' is not a whole number"});
  expect("[training]\nepochs = \n", {"small.toml:2: "});
  expect("[model]\nheads = 7\n", {"256 channels cannot be shared by 7 heads"});
  expect("[model]\nkernels = [7, 5, 4]\n", {"kernel 4 is even"});
  expect("[training]\nlr = -1\n", {"small.toml: lr is -1"});
  expect("[training]\noptimizer = \"adm\"\n", {"small.toml:2: 'training.optimizer' is 'adm', expected adam, adamw"});
  expect_refused({}, {"/none.toml", "cannot be opened"}, {"--config", "/none.toml"});
  const SmallRun run;
  write_file(run.config(), "[training]\nbatchsize = 8\n");
  expect_parts(run_app("train", run.arguments()).err, {"hint: Nearest known key: training.batch_size.\n"});
}

TEST(BadInput, WrongUsage) {
  const auto expect = [](const char* program, const std::vector<std::string>& arguments, Parts parts) {
    const SmallRun run;
    const Outcome outcome = run_app(program, arguments);
    expect_failure(outcome, 2, parts);
    EXPECT_EQ(outcome.out, "");
  };
  expect("train", {}, {"no data folder"});
  expect("train", {"--dta", "x"}, {"--dta"});
  expect("train", {"--data"}, {"--data"});
  expect("train", {"--data", "x", "y"}, {"y"});
  expect("train", {"--data", "x", "--epochs", "many"}, {"many"});
  expect("train", {"--data", "x", "--epochs", "0"}, {"--epochs is 0, expected 1 to 1000000"});
  expect("train", {"--data", "x", "--batch-size", "1"}, {"--batch-size is 1"});
  expect("train", {"--data", "x", "--lr", "nan"}, {"lr is nan"});
  expect("train", {"--data", "x", "--seed", "-1"}, {"seed is -1"});
  expect("train", {"--data", "x", "--task", "all"}, {"--task is 'all', expected super, sub, own"});
  expect("train", {"--data", "x", "--features", "al"}, {"features is 'al'"});
  expect("train", {"--data", "x", "--filter", "notch"}, {"filter is 'notch'"});
  expect("train", {"--data", "x", "--normalize", "x"}, {"normalize is 'x'"});
  expect("train", {"--data", "x", "--unlabeled", "x"}, {"unlabeled is 'x'"});
  expect("train", {"--data", "x", "--device", "tpu"}, {"device is 'tpu'"});
  expect("train", {"--data", "x", "--threads", "-2"}, {"threads is -2"});
  expect("train", {"--data", "x", "--rate", "250"}, {"rate is 250"});
  expect("train", {"--data", "x", "--model", "hc_cnn"}, {"--model is 'hc_cnn', expected hc_cnn_tn"});
  expect("train", {"--data", "x", "--recipe", "helm"}, {"--recipe is 'helm', expected paper, helme, s4, best"});
  expect("train", {"--data", "x", "--recipe", "helme", "--rate", "500"}, {"--recipe helme is for records at 100 Hz"});
  expect("train", {"--data", "x", "--recipe", "helme", "--init", "y"}, {"--recipe with --init"});
  expect("train", {"--data", "x", "--normalize", "none", "--harmonise", "none"}, {"--harmonise", "--normalize"});
  expect("evaluate", {"--model", "x", "--data", "x", "--unlabelled", "x"},
         {"--unlabelled is 'x', expected drop, keep"});
  expect("evaluate", {"--data", "x"}, {"--model"});
  expect("evaluate", {"--model", "x"}, {"--data"});
  expect("evaluate", {"--model", "x", "--data", "x", "--draws", "-1"}, {"--draws"});
  expect("evaluate", {"--model", "x", "--data", "x", "--threads", "5000000000"}, {"--threads"});
  expect("evaluate", {"--model", "x", "--data", "x", "--fold", "ten"}, {"ten"});
  expect("evaluate", {"--model", "x", "--data", "x", "--device", "tpu"},
         {"--device is 'tpu', expected auto, cpu, cuda"});
  for (const char* program : {"train", "evaluate"}) {
    const Outcome help = run_app(program, {"--help"});
    expect_success(help);
    expect_parts(help.out, {"--data"});
  }
}

// In the build without device code, and in the one for GPUs on a machine without.
TEST(BadInput, CudaWhereItIsNot) {
  if (cuda_available()) GTEST_SKIP() << "there is " << describe_device(Device::kCuda);
  const std::string message = cuda::problem()->message;
  EXPECT_TRUE(message.starts_with("device cuda: ")) << message;
  expect_refused({}, {message}, {"--device", "cuda"});
  expect_failure(run_app("evaluate", {"--model", "x", "--data", "x", "--device", "cuda"}), 1, {message});
}

TEST(BadInput, AnOutputFolderThatCannotBe) {
  const SmallRun run;
  expect_failure(run_app("train", run.with({"--out", run.config() / "run"})), 1,
                 {"small.toml/run", "cannot be created"});
  expect_success(run_app("train", run.arguments()));
  expect_failure(run_app("evaluate", run.judge({"--json", run.folder() / "none" / "a.json"})), 1, {"none/a.json"});
  expect_failure(run_app("evaluate", run.judge({"--json", run.out()})), 1, {run.out().string()});
  EXPECT_EQ(names_in(run.folder()), (std::vector<std::string>{"run", "small.toml"}));
}

// Weight decay of this size multiplies the weights by -10^12 in every step.
TEST(BadInput, ANonFiniteLoss) {
  const SmallRun run;
  ASSERT_TRUE(TinyPtbxl::edit(run.config(), "lr = 0.005", "lr = 1e6\noptimizer = \"adamw\"\nweight_decay = 1e6"));
  expect_failure(run_app("train", run.arguments()), 1,
                 {"training stopped: the loss of step ", " is nan at learning rate 1000000; first: "});
  EXPECT_EQ(names_in(run.out()), (std::vector<std::string>{"config.toml", "state.safetensors"}));
}

TEST(BadInput, DamagedModelFiles) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  const fs::path model = run.out() / "last.safetensors";
  const std::string good = read_file(model);
  const auto expect = [&](Parts parts) {
    const Outcome outcome = run_app("evaluate", run.judge({"--json", run.folder() / "a.json"}));
    expect_failure(outcome, 1, parts);
    EXPECT_EQ(names_in(run.folder()), (std::vector<std::string>{"run", "small.toml"}));
  };
  const auto expect_content = [&](const std::string& content, Parts parts) {
    write_file(model, content);
    expect(parts);
  };
  expect_content("", {"last.safetensors", "not a valid safetensors file"});
  expect_content(good.substr(0, good.size() / 2), {"last.safetensors", "not a valid safetensors file"});
  expect_content(good + "more", {"last.safetensors", "not a valid safetensors file"});
  expect_content(std::string(8, '\xFF') + good.substr(8), {"last.safetensors", "header"});
  expect_content(read_file(run.config()), {"last.safetensors", "not a valid safetensors file"});
  expect_content(read_file(run.out() / "state.safetensors"), {"last.safetensors", "no cardiograd model"});
  std::string other = good;
  const std::string name = "\\\"heads\\\":2";
  ASSERT_NE(other.find(name), std::string::npos);
  expect_content(other.replace(other.find(name), name.size(), "\\\"heads\\\":3"),
                 {"last.safetensors", "the description in its header was changed after it was written"});
  other = good;
  other[other.size() - 3] ^= 4;
  expect_content(other, {"last.safetensors", "damaged: tensor '"});
  make_fifo(model);
  expect({"last.safetensors", "not a regular file"});
  fs::remove(model);
  expect({"last.safetensors", "cannot be opened"});
  fs::create_directory(model);
  expect({"last.safetensors", "is a folder without a run's best.safetensors"});
  fs::remove(model);
  fs::create_symlink("/dev/zero", model);
  expect({"last.safetensors", "not a regular file"});
}

TEST(BadInput, DataThatDoNotFitTheModel) {
  const SmallRun run;
  expect_success(run_app("train", run.arguments()));
  expect_failure(run_app("evaluate", run.judge({"--fold", "10", "77"})), 1, {"fold 77: no record"});
  expect_failure(run_app("evaluate", run.judge({"--normalize", "x"})), 2, {"normalize is 'x'"});
  expect_failure(run_app("evaluate", run.judge({"--unlabeled", "x"})), 2, {"'x'"});
  const auto statements = run.tiny().folder() / "scp_statements.csv";
  const std::string good = read_file(statements);
  replace_all(statements, ",HYP,", ",Hypertrophy,");
  expect_failure(run_app("evaluate", run.judge({})), 1, {"CD HYP MI NORM STTC", "Hypertrophy"});
  write_file(statements, good);
  std::string table = read_file(run.tiny().table());
  table.resize(table.find('\n') + 1);
  write_file(run.tiny().table(), table + "1,,50,0,{'NORM': 100.0},10,records100/00000/00001_lr\n");
  ecg::Recording half = TinyPtbxl::recording(1, "mV");
  half.signal.conservativeResize(500, 12);
  rewrite(run.tiny(), 1, half);
  expect_failure(run_app("evaluate", run.judge({})), 1, {"500 samples at 100 Hz", "1000 at 100 Hz"});
}

TEST(BadInput, DiskFull) {
  const SmallRun run;
  for (const std::string& name : kRunFiles) {
    fs::remove_all(run.out());
    expect_failure(run_app("train", run.arguments(), failing("write", ENOSPC, "/." + name + ".")), 1,
                   {name, "cannot be written: No space left on device"});
    const auto left = names_in(run.out());
    for (const std::string& file : left) {
      EXPECT_NE(file, name);
      EXPECT_NE(std::find(kRunFiles.begin(), kRunFiles.end(), file), kRunFiles.end()) << file;
    }
  }
  fs::remove_all(run.out());
  expect_success(run_app("train", run.arguments()));
  const auto json = run.folder() / "a.json";
  expect_failure(run_app("evaluate", run.judge({"--json", json}), failing("write", ENOSPC, "/.a.json.")), 1,
                 {"a.json", "No space left"});
  EXPECT_EQ(names_in(run.folder()), (std::vector<std::string>{"run", "small.toml"}));
}

// What the disk says when it is asked to keep what was written.
TEST(BadInput, DisksThatFail) {
  const SmallRun run;
  expect_failure(run_app("train", run.arguments(), failing("fsync", EIO, "/.last.safetensors.")), 1,
                 {"last.safetensors", "cannot be synced to disk: Input/output error"});
  fs::remove_all(run.out());
  expect_failure(run_app("train", run.arguments(), failing("fsync", EIO, "/run")), 1, {"/run", "synced to disk"});
  fs::remove_all(run.out());
  expect_failure(run_app("train", run.arguments(), failing("renameat2", EIO, "config.toml")), 1,
                 {"config.toml", "Input/output error"});
  fs::remove_all(run.out());
  expect_success(run_app("train", run.arguments(), failing("renameat2", EINVAL, "")));  // an old file system
  EXPECT_EQ(names_in(run.out()), kRunFiles);
  const fs::path set = run.folder() / "set";
  expect_failure(run_app("synthesize", {"--records", "2", "--out", set}, failing("syncfs", EIO, "")), 1,
                 {"cannot be synced to disk"});
  EXPECT_FALSE(fs::exists(set));
}

// Before the data, which may take minutes to prepare.
TEST(BadInput, WhatADeviceCannotDoIsSaidBeforeTheDataAreRead) {
  const TinyPtbxl tiny;
  fs::remove(tiny.table());
  const auto expect = [&](const std::vector<std::string>& options, std::initializer_list<std::string_view> parts) {
    std::vector<std::string> all = {
        "--data", tiny.folder().string(), "--out", (tiny.folder() / "run").string(), "--device", "cpu"};
    all.insert(all.end(), options.begin(), options.end());
    const Outcome outcome = run_app("train", all);
    expect_failure(outcome, 2, parts);
    EXPECT_EQ(outcome.err.find("ptbxl_database.csv"), std::string::npos);
  };
  expect({"--graph", "on"}, {"--graph on: the CPU has no graphs"});
  expect({"--batch-size", "auto"}, {"--batch-size auto on the CPU"});
}

// The cache is only a convenience: without room for it training goes on, and fails at the first file that matters.
TEST(BadInput, ALimitOfFileSizes) {
  const SmallRun run;
  RunSettings limited;
  limited.in_child = [] {
    const rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(125);
  };
  const Outcome outcome = run_app("train", run.with({"--cache", run.cache()}), limited);
  expect_failure(outcome, 1, {"state.safetensors", "cannot be written: File too large"});
  expect_parts(outcome.err, {"warning: no cache, the next run prepares again: "});
  EXPECT_EQ(names_in(run.out()), std::vector<std::string>{"config.toml"});
  EXPECT_TRUE(names_in(run.cache()).empty());
}

}  // namespace
}  // namespace cardiograd::testing
