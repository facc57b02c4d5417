// The program predict as its users call it: every kind of file, every way to name records, what is refused and what
// fails, and one bad record among good ones.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "data/csv.h"
#include "engine/cuda.h"
#include "engine/device.h"
#include "tests/apps/small_run.h"
#include "tests/common/test_data.h"
#include "tests/data/edf_builder.h"

namespace cardiograd::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kSomeWithoutAnswer = 3;

// A trained model and synthetic ECGs of ten seconds at 100 Hz, made once.
class PredictTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = new SmallRun;
    expect_success(run_app("train", run_->arguments()));
    expect_success(run_app("synthesize", {"--out", (run_->folder() / "ecgs").string(), "--records", "4", "--seed", "2",
                                          "--noise", "low"}));
  }
  static void TearDownTestSuite() {
    delete run_;
    run_ = nullptr;
  }

  static std::string model() { return run_->out() / "last.safetensors"; }
  static std::string record(int i) {
    return (run_->folder() / "ecgs" / "records100" / "00000" / fmt::format("{:05}_lr", i)).string();
  }
  static Outcome predict(const std::vector<std::string>& arguments, const RunSettings& settings = {}) {
    std::vector<std::string> all = {"--model", model()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_app("predict", all, settings);
  }
  // With `input` as standard input.
  Outcome predict_from(const std::string& input, const std::vector<std::string>& arguments) const {
    const fs::path path = folder_ / "input.txt";
    std::ofstream(path, std::ios::binary) << input;
    RunSettings settings;
    settings.in_child = [path] { ::dup2(::open(path.c_str(), O_RDONLY), STDIN_FILENO); };
    return predict(arguments, settings);
  }
  static std::vector<json> json_lines(const Outcome& outcome) {
    std::vector<json> lines;
    for (const std::string& line : lines_with(outcome.out, "")) lines.push_back(json::parse(line));
    return lines;
  }
  static std::vector<double> probabilities(const json& line) {
    std::vector<double> values;
    for (const json& entry : line.at("classes")) values.push_back(entry.at("probability"));
    return values;
  }
  std::string file(const std::string& name, const std::string& content) const {
    write_file(folder_ / name, content);
    return folder_ / name;
  }
  static std::string csv_of(const ecg::Recording& recording, const std::string& header) {
    std::string text = header + "\n";
    for (Eigen::Index t = 0; t < recording.signal.rows(); ++t) {
      text += fmt::format("{}", static_cast<double>(t) / recording.rate);
      for (Eigen::Index lead = 0; lead < recording.signal.cols(); ++lead)
        text += fmt::format(",{:.3f}", recording.signal(t, lead));
      text += "\n";
    }
    return text;
  }

  static SmallRun* run_;
  TemporaryFolder folder_;
};
SmallRun* PredictTest::run_ = nullptr;

TEST_F(PredictTest, TheTableIsForReaders) {
  const Outcome outcome = predict({record(1), "--age", "60", "--sex", "female", "--timing"});
  expect_success(outcome);
  expect_parts(outcome.out,
               {"00001_lr: 10 s at 100 Hz: ", "\n  NORM ", "threshold", "leads (SNR)", "aVR", "V6", "network"});
  EXPECT_EQ(outcome.out.find("not known"), std::string::npos);
  EXPECT_EQ(outcome.err, "");
  const Outcome unknown = predict({record(1)});
  expect_parts(unknown.out, {"age not known", "sex not known"});
  EXPECT_EQ(unknown.out.find("network"), std::string::npos);
}

TEST_F(PredictTest, EitherDeviceGivesTheSameAnswer) {
  if (!cuda_available()) {
    expect_failure(predict({record(1), "--device", "cuda"}), 1, {cuda::problem()->message});
    GTEST_SKIP() << cuda::problem()->message;
  }
  std::vector<std::vector<double>> answers;
  for (const char* device : {"cpu", "cuda"}) {
    const Outcome outcome = predict({record(1), "--json", "--device", device});
    expect_success(outcome);
    answers.push_back(probabilities(json_lines(outcome).at(0)));
  }
  ASSERT_EQ(answers[0].size(), answers[1].size());
  for (std::size_t i = 0; i < answers[0].size(); ++i) EXPECT_NEAR(answers[0][i], answers[1][i], 1e-5);
}

TEST_F(PredictTest, WfdbEdfAndCsvOfOneRecordAgree) {
  const ecg::Recording recording = data::read_wfdb(record(2));
  const std::string edf = file("two.EDF", edf_of(recording).bytes());
  const std::string csv = file("two.csv", csv_of(recording, "time,I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6"));
  const Outcome outcome = predict({record(2) + ".hea", edf, csv, "--json", "--age", "50", "--sex", "m"});
  expect_success(outcome);
  const auto lines = json_lines(outcome);
  ASSERT_EQ(lines.size(), 3U);
  const auto expected = probabilities(lines[0]);
  ASSERT_EQ(expected.size(), 5U);
  for (const json& line : lines) {
    EXPECT_EQ(line.at("status"), "answered");
    const auto actual = probabilities(line);
    for (std::size_t c = 0; c < actual.size(); ++c) EXPECT_TRUE(std::abs(actual[c] - expected[c]) <= 1e-3);
    for (const json& entry : line.at("classes"))
      EXPECT_EQ(entry.at("positive").get<bool>(), entry.at("probability") > entry.at("threshold"));
    EXPECT_EQ(line.at("leads").size(), 12U);
    EXPECT_EQ(line.at("features").at("age_years"), 50.0);
    EXPECT_TRUE(line.at("milliseconds").at("network") > 0);
  }
}

TEST_F(PredictTest, DerivedLeadsAreNamed) {
  ecg::Recording recording = data::read_wfdb(record(3));
  recording.leads = {"I", "II", "x", "y", "z", "w", "V1", "V2", "V3", "V4", "V5", "V6"};
  data::write_wfdb(folder_.path(), "eight", recording);
  const Outcome outcome = predict({folder_ / "eight", "--json"});
  expect_success(outcome);
  const json line = json_lines(outcome).at(0);
  EXPECT_EQ(line.at("leads").at(2).at("formula"), "II - I");
  EXPECT_EQ(line.at("leads").at(3).at("source"), "derived");
  EXPECT_EQ(line.at("leads").at(0).at("source"), "file");
  EXPECT_EQ(probabilities(line).size(), 5U);
  expect_parts(predict({folder_ / "eight"}).out, {"III = II - I", "aVL = I - 0.5 II"});
}

TEST_F(PredictTest, AgeAndSexComeFromTheHeader) {
  ecg::Recording recording = data::read_wfdb(record(1));
  recording.comments = {"Age: 71", "Sex: Female"};
  data::write_wfdb(folder_.path(), "told", recording);
  const auto lines = json_lines(predict({folder_ / "told", "--json"}));
  EXPECT_EQ(lines.at(0).at("features").at("age_years"), 71.0);
  EXPECT_EQ(lines.at(0).at("features").at("sex"), 1.0);
  const auto given = json_lines(predict({folder_ / "told", "--json", "--age", "95"}));
  EXPECT_EQ(given.at(0).at("features").at("age_years"), 90.0) << "above 89 PTB-XL has 90";
}

TEST_F(PredictTest, CsvRowsHaveOneShape) {
  ecg::Recording flat = data::read_wfdb(record(1));
  flat.signal.col(7).setConstant(0.1);
  data::write_wfdb(folder_.path(), "flat", flat);
  const Outcome outcome = predict({record(1), folder_ / "flat", folder_ / "no,such", "--csv"});
  EXPECT_EQ(outcome.status, kSomeWithoutAnswer);
  const data::CsvTable table = data::CsvTable::parse(outcome.out, "out.csv");
  ASSERT_EQ(table.rows(), 3U);
  const std::size_t status = table.column("status");
  EXPECT_EQ(table.cell(0, status), "answered");
  EXPECT_EQ(table.cell(1, status), "refused");
  EXPECT_EQ(table.cell(1, table.column("reason")), "V2: flat");
  EXPECT_EQ(table.cell(2, status), "failed");
  EXPECT_EQ(table.cell(2, 0), (folder_ / "no,such").string());
  EXPECT_TRUE(table.number(0, table.column("NORM")).has_value());
  EXPECT_FALSE(table.number(1, table.column("NORM")).has_value());
}

TEST_F(PredictTest, OptionsThatAreNotUsedAreSaid) {
  const Outcome outcome = predict({record(1), "--rate", "250", "--unit", "uV"});
  expect_success(outcome);
  expect_parts(outcome.err, {"00001_lr: --rate 250 is for text tables and not used: the file says 100 Hz",
                             "00001_lr: --unit uV is for text tables and not used: the file says mV"});
  EXPECT_EQ(outcome.out, predict({record(1)}).out);
}

TEST_F(PredictTest, OneBadRecordDoesNotStopTheRest) {
  const Outcome outcome = predict({record(1), folder_ / "none", record(2), record(3) + ".dat"});
  EXPECT_EQ(outcome.status, kSomeWithoutAnswer);
  EXPECT_EQ(lines_with(outcome.err, "error: ").size(), 1U) << outcome.err;
  EXPECT_EQ(lines_with(outcome.err, "hint: ").size(), 1U) << outcome.err;
  expect_parts(outcome.err, {"none.hea"});
  expect_parts(outcome.out, {"00001_lr: 10 s", "00002_lr: 10 s", "00003_lr.dat: 10 s"});
}

TEST_F(PredictTest, NamesFromStandardInput) {
  const std::string names = record(1) + "\n\n" + record(2) + "\r\n" + record(3);
  const Outcome given = predict({record(1), record(2), record(3)});
  expect_success(given);
  const Outcome read = predict_from(names, {});
  expect_success(read);
  EXPECT_EQ(read.out, given.out);
  const Outcome marked = predict_from("\xEF\xBB\xBF" + names, {});
  expect_success(marked);
  EXPECT_EQ(marked.out, given.out) << "a byte order mark before the first name";
  const Outcome mixed = predict_from(record(2) + "\n", {record(1), "-", record(3)});
  expect_success(mixed);
  EXPECT_EQ(mixed.out, given.out);
}

// PowerShell's `dir > list.txt` writes UTF-16; a name with a zero byte is no file's.
TEST_F(PredictTest, NamesInOtherEncodings) {
  const Outcome given = predict({record(1), record(2)});
  const std::string names = record(1) + "\r\n" + record(2) + "\r\n";
  std::string little, big;
  for (const char c : names) {
    little += {c, '\0'};
    big += {'\0', c};
  }
  for (const std::string& list : {"\xFF\xFE" + little, "\xFE\xFF" + big, little, big}) {
    const Outcome read = predict_from(list, {});
    expect_success(read);
    EXPECT_EQ(read.out, given.out);
  }
  const std::string zeros = std::string("\0\n", 2) + record(1) + "\na" + '\0' + "b\n";
  const Outcome rows = predict_from(zeros, {"--csv"});
  EXPECT_EQ(rows.status, kSomeWithoutAnswer);
  const data::CsvTable table = data::CsvTable::parse(rows.out, "out.csv");
  ASSERT_EQ(table.rows(), 3U);
  const std::size_t status = table.column("status");
  EXPECT_EQ(table.cell(0, 0), "\\x00");
  EXPECT_EQ(table.cell(0, status), "failed");
  EXPECT_EQ(table.cell(1, status), "answered");
  EXPECT_EQ(table.cell(2, status), "failed");
  EXPECT_EQ(table.cell(2, table.column("reason")), "a\\x00b: a name with a zero byte");
  const auto lines = json_lines(predict_from(zeros, {"--json"}));
  EXPECT_EQ(lines.at(0).at("status"), "failed");
  EXPECT_EQ(lines.at(0).at("reason"), "\\x00: a name with a zero byte");
}

TEST_F(PredictTest, StandardInputThatIsEmptyOrClosed) {
  for (const char* nothing : {"", "\n\r\n"}) {
    const Outcome empty = predict_from(nothing, {});
    expect_failure(empty, 2, {"no record: standard input is empty"});
    EXPECT_EQ(empty.out, "");
  }
  RunSettings closed;
  closed.in_child = [] { ::close(STDIN_FILENO); };
  expect_failure(predict({}, closed), 2, {"no record: standard input is empty"});
  expect_success(predict({record(1)}, closed));
}

// A reader that went away has not got everything.
TEST_F(PredictTest, StandardOutputThatNobodyReads) {
  RunSettings settings;
  settings.in_child = [] {
    int ends[2];
    if (::pipe(ends) != 0) ::_exit(125);
    ::close(ends[0]);
    ::dup2(ends[1], STDOUT_FILENO);
  };
  for (const char* form : {"--json", "--csv", "--timing"}) {
    const Outcome outcome = predict({record(1), record(2), form}, settings);
    expect_failure(outcome, 1, {"standard output cannot be written: Broken pipe"});
  }
}

TEST_F(PredictTest, StandardOutputWithoutRoom) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  RunSettings settings;
  settings.in_child = [] { ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO); };
  expect_failure(predict({record(1)}, settings), 1, {"standard output cannot be written", "No space left"});
}

TEST_F(PredictTest, WrongUse) {
  expect_failure(run_app("predict", {record(1)}), 2, {"--model"});
  expect_failure(predict({record(1), "--json", "--csv"}), 2, {"--csv"});
  expect_failure(predict({record(1), "--age", "old"}), 2, {"old"});
  expect_failure(predict({record(1), "--age", "-1"}), 2, {"--age"});
  expect_failure(predict({record(1), "--sex", "x"}), 2, {"--sex x"});
  expect_failure(predict({record(1), "--unit", "bar"}), 2, {"--unit bar"});
  expect_failure(predict({record(1), "--rate", "0"}), 2, {"--rate"});
  expect_failure(predict({record(1), "--xml"}), 2, {"--xml"});
  const Outcome help = run_app("predict", {"--help"});
  expect_success(help);
  expect_parts(help.out, {"RECORD", "--json", "Exit status: 0", "3 some records"});
}

TEST_F(PredictTest, ModelFilesThatAreNone) {
  const auto expect = [&](const std::string& path, std::initializer_list<std::string_view> parts) {
    const Outcome outcome = run_app("predict", {"--model", path, record(1)});
    expect_failure(outcome, 1, parts);
    EXPECT_EQ(outcome.out, "");
  };
  expect(folder_ / "none", {"none", "cannot be opened"});
  expect(file("empty.safetensors", ""), {"empty.safetensors", "not a valid safetensors file"});
  expect(file("text.safetensors", "a model"), {"not a valid safetensors file"});
  expect(run_->out() / "state.safetensors", {"no cardiograd model"});
  const std::string good = read_file(model());
  expect(file("half.safetensors", good.substr(0, good.size() / 2)), {"not a valid safetensors file"});
}

// Files that cannot be read: status 3, one error with its hint, nothing on standard output.
TEST_F(PredictTest, RecordsThatCannotBeRead) {
  const auto expect = [&](const std::string& path, std::initializer_list<std::string_view> parts) {
    const Outcome outcome = predict({path});
    expect_failure(outcome, kSomeWithoutAnswer, parts);
    EXPECT_EQ(outcome.out, "");
    const auto line = json_lines(predict({path, "--json"})).at(0);
    EXPECT_EQ(line.at("status"), "failed");
    EXPECT_FALSE(line.at("hint").get<std::string>().empty());
  };
  expect(folder_.path(), {"a folder, expected a recording"});
  expect(folder_ / "none.edf", {"none.edf: not there"});
  expect(folder_ / "none.csv", {"none.csv: not there"});
  expect(file("report.pdf", "%PDF-1.7"), {"report.pdf: a PDF document"});
  expect(file("empty.hea", ""), {"empty.hea", "no record line"});
  expect(file("empty.edf", ""), {"empty.edf: empty"});
  expect(file("empty.csv", ""), {"empty.csv: empty"});
  EdfFile annotations;
  annotations.kind = "EDF+C";
  annotations.channels = {edf_annotations({"+0"})};
  expect(file("notes.edf", annotations.bytes()), {"notes.edf: annotations only"});
  const ecg::Recording recording = data::read_wfdb(record(1));
  const std::string edf = edf_of(recording).bytes();
  expect(file("cut.edf", edf.substr(0, 5000)), {"cut.edf: no data"});
  const std::string csv = csv_of(recording, "time,I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6");
  expect(file("bare.csv", csv.substr(csv.find('\n') + 1)), {"bare.csv:1: no header"});
  std::string words = csv;
  words.replace(words.find("\n0.05,") + 6, 2, "oops,");
  expect(file("words.csv", words), {"words.csv:7: "});
  fs::copy(record(1) + ".hea", folder_ / "00001_lr.hea");
  file("00001_lr.dat", "");
  expect(folder_ / "00001_lr", {"00001_lr.dat", "truncated: 0 bytes"});
  ASSERT_EQ(::mkfifo((folder_ / "pipe.edf").c_str(), 0600), 0);
  expect(folder_ / "pipe.edf", {"pipe.edf", "not a regular file"});
}

// What is damaged or recorded beside the leads does not stop an answer, and is told.
TEST_F(PredictTest, OtherSignalsAndPartsOfFiles) {
  ecg::Recording recording = data::read_wfdb(record(1));
  const std::string edf = edf_of(recording).bytes();
  const Outcome cut = predict({file("cut.edf", edf.substr(0, edf.size() - 100))});
  expect_success(cut);
  expect_parts(cut.err, {"cut.edf: 1 of 10 data records are missing"});
  file("00001_lr.hea", read_file(record(1) + ".hea"));
  file("00001_lr.dat", read_file(record(1) + ".dat").substr(0, 23000));
  const Outcome shorter = predict({folder_ / "00001_lr"});
  expect_success(shorter);
  expect_parts(shorter.err, {"00001_lr.dat: 23000 bytes, expected 24000: 958 of 1000 samples"});
  recording.leads.emplace_back("ABP");
  recording.units.emplace_back("mmHg");
  recording.signal.conservativeResize(Eigen::NoChange, 13);
  recording.signal.col(12).setConstant(20);
  data::write_wfdb(folder_.path(), "abp", recording);
  const Outcome with = predict({folder_ / "abp"});
  expect_success(with);
  expect_parts(with.out, {"left aside: ABP (unit mmHg)"});
  EXPECT_EQ(probabilities(json_lines(predict({folder_ / "abp", "--json"})).at(0)),
            probabilities(json_lines(predict({record(1), "--json"})).at(0)));
}

// 12 leads in frames of a second are at their own rate, not at one frame a second.
TEST_F(PredictTest, FramesOfManySamples) {
  const std::string header = read_file(record(1) + ".hea"), samples = read_file(record(1) + ".dat");
  std::string frames(samples.size(), '\0');
  for (std::size_t t = 0; t < 1000; ++t)
    for (std::size_t lead = 0; lead < 12; ++lead)
      samples.copy(frames.data() + 2 * ((t / 100 * 12 + lead) * 100 + t % 100), 2, 2 * (t * 12 + lead));
  std::string wide = header;
  const std::string line = wide.substr(0, wide.find('\n'));
  wide.replace(0, line.size(), "00001_lr 12 1 10");
  for (std::size_t at = 0; (at = wide.find(".dat 16 ", at)) != std::string::npos; at += 12) wide.insert(at + 7, "x100");
  file("00001_lr.hea", wide);
  file("00001_lr.dat", frames);
  const auto line_of = [&](const std::string& name) { return json_lines(predict({name, "--json"})).at(0); };
  const json found = line_of(folder_ / "00001_lr"), expected = line_of(record(1));
  EXPECT_EQ(found.at("rate_hz"), 100);
  ASSERT_EQ(found.at("status"), "answered");
  const auto a = probabilities(found), b = probabilities(expected);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-3);
}

TEST_F(PredictTest, RefusalsSayWhyInEveryForm) {
  ecg::Recording recording = data::read_wfdb(record(1));
  recording.signal.conservativeResize(250, 12);
  data::write_wfdb(folder_.path(), "short", recording);
  const Outcome outcome = predict({folder_ / "short"});
  EXPECT_EQ(outcome.status, kSomeWithoutAnswer);
  EXPECT_EQ(outcome.err, "");
  expect_parts(outcome.out, {"short: 2.5 s at 100 Hz\n  refused: too short: 2.5 s, at least 3 s are needed"});
  const json line = json_lines(predict({folder_ / "short", "--json"})).at(0);
  EXPECT_EQ(line.at("status"), "refused");
  EXPECT_EQ(line.at("reason"), "too short: 2.5 s, at least 3 s are needed");
  EXPECT_FALSE(line.contains("classes"));
  ecg::Recording flat = data::read_wfdb(record(1));
  flat.signal.col(6).setZero();
  data::write_wfdb(folder_.path(), "flat", flat);
  expect_parts(predict({folder_ / "flat"}).out, {"refused: V1: flat", "V1  unusable"});
  expect_success(predict({folder_ / "flat", "--any-quality"}));
}

TEST_F(PredictTest, TheResultDoesNotDependOnThreads) {
  const auto without_times = [](const Outcome& outcome) {
    std::vector<json> lines = json_lines(outcome);
    for (json& line : lines) line.erase("milliseconds");
    return lines;
  };
  EXPECT_EQ(without_times(predict({record(1), record(2), "--json", "--threads", "1"})),
            without_times(predict({record(1), record(2), "--json", "--threads", "3"})));
}

// Every real record gets an answer or a reason.
TEST_F(PredictTest, RealRecordsOfManyHospitals) {
  CARDIOGRAD_NEED_DATA("challenge2021");
  std::string names;
  int count = 0;
  for (const auto& entry : fs::directory_iterator(data_folder() / "challenge2021")) {
    if (entry.path().extension() != ".hea") continue;
    names += entry.path().string() + "\n";
    ++count;
  }
  const auto lines = json_lines(predict_from(names, {"--json"}));
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(count));
  int answered = 0;
  for (const json& line : lines) {
    EXPECT_NE(line.at("status"), "failed") << line.dump();
    answered += line.at("status") == "answered" ? 1 : 0;
    EXPECT_EQ(line.at("status") == "refused", line.contains("reason")) << line.dump();
  }
  EXPECT_GE(answered, count - 2);
}

}  // namespace
}  // namespace cardiograd::testing
