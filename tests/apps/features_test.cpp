// The program features as a user runs it: every option, bad input, restart, and real recordings at two rates.
#include <cmath>
#include <csignal>
#include <map>
#include <numeric>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/folder_lock.h"
#include "data/csv.h"
#include "data/wfdb.h"
#include "data/wfdb_annotation.h"
#include "tests/apps/run_app.h"
#include "tests/apps/tiny_ptbxl.h"
#include "tests/common/test_data.h"
#include "tests/data/edf_builder.h"
#include "tests/report/xml_check.h"

namespace cardiograd::testing {
namespace {

namespace fs = std::filesystem;

Outcome features(const std::vector<std::string>& arguments, const RunSettings& settings = {}) {
  return run_app("features", arguments, settings);
}

std::string record_of(const TinyPtbxl& tiny, int i) {
  return (tiny.folder() / TinyPtbxl::stem(i)).string();
}

std::size_t lines_of(const fs::path& path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(FeaturesApp, TableOfARecord) {
  const TinyPtbxl tiny;
  const Outcome outcome = features({record_of(tiny, 1)});
  expect_success(outcome);
  expect_parts(outcome.out, {"12 leads, 100 Hz, 10.0 s, mV", "  rr_mean_ms ", "usual 600 to 1000", "  hr_sd_bpm ",
                             "age_years", "not recorded", "pr_interval_ms", "qtc_fridericia_ms", "frontal_axis_deg",
                             "sokolow_lyon_mv", "\n  V6 "});
  const TinyPtbxl scores("z");
  expect_parts(features({record_of(scores, 1)}).out, {"no scale"});
  const Outcome two = features({record_of(tiny, 1), record_of(tiny, 2)});
  expect_success(two);
  EXPECT_EQ(lines_with(two.out, "  rr_mean_ms ").size(), 2U);
}

TEST(FeaturesApp, ARecordThatCannotBeReadDoesNotKeepTheOthersFromTheirTable) {
  const TinyPtbxl tiny;
  const std::string good = record_of(tiny, 1), none = record_of(tiny, 1) + "x";
  const Outcome some = features({none, good, none, record_of(tiny, 2)});
  EXPECT_EQ(some.status, 3) << some.err;
  EXPECT_EQ(lines_with(some.out, "  rr_mean_ms ").size(), 2U);
  EXPECT_EQ(lines_with(some.err, "error: " + none).size(), 2U) << some.err;
  EXPECT_EQ(lines_with(some.err, "hint: ").size(), 2U);
  expect_failure(features({none}), 1, {"00001_lrx: not there"});
  EXPECT_EQ(features({none, none}).status, 3);
}

TEST(FeaturesApp, AgeAndSexOfTheRecordsComments) {
  const TinyPtbxl tiny;
  write_file(tiny.header(1), read_file(tiny.header(1)) + "# Age: 63\n# Sex: Female\n");
  const std::string out = features({record_of(tiny, 1)}).out;
  expect_parts(out, {"age_years                      63.000", "sex                             1.000"});
}

TEST(FeaturesApp, FiducialsAndAnnotations) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const std::string table = (folder / "f.csv").string();
  expect_success(features({"--fiducials", table, "--annotator", "mine", record_of(tiny, 1), record_of(tiny, 2)}));
  const data::CsvTable csv = data::CsvTable::read(table);
  EXPECT_TRUE(
      read_file(table).starts_with("record,lead,beat,p_onset_s,p_peak_s,p_offset_s,qrs_onset_s,r_peak_s,"
                                   "qrs_offset_s,t_onset_s,t_peak_s,t_offset_s\n"));
  std::map<std::string, int> rows;
  for (std::size_t i = 0; i < csv.rows(); ++i) ++rows[std::string(csv.cell(i, csv.column("lead")))];
  ASSERT_EQ(rows.size(), 13U);
  for (const auto& [lead, count] : rows) EXPECT_EQ(count, rows["all"]) << lead;
  EXPECT_GT(rows["all"], 16);  // Both at 60 to 90 a minute for 10 s.
  const data::WfdbAnnotations annotations = data::read_wfdb_annotations(record_of(tiny, 1) + ".mine");
  const auto beats = std::count_if(annotations.annotations.begin(), annotations.annotations.end(),
                                   [](const auto& a) { return a.code == data::annotation_code("N"); });
  EXPECT_GT(beats, 8);
  EXPECT_EQ(annotations.annotations.front().aux, "## cardiograd features");
  // The order of records is the order of rows, whatever the number of threads.
  const std::string once = read_file(table);
  expect_success(features({"--threads", "1", "--fiducials", table, record_of(tiny, 1), record_of(tiny, 2)}));
  EXPECT_EQ(read_file(table), once);
}

TEST(FeaturesApp, AnnotationsReplaceOnlyTheirOwn) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const std::string record = record_of(tiny, 1), out = folder.path().string();
  const auto annotate = [&](const std::string& annotator, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"--annotator", annotator, record};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return features(arguments);
  };
  const std::string samples = read_file(record + ".dat"), header = read_file(record + ".hea");
  for (const char* name : {"dat", "hea", "DAT", "atr", "edf", "a/b", "../x", "", "my-own", "a.b", "q 1"})
    expect_failure(annotate(name), 2, {"--annotator"});
  EXPECT_EQ(read_file(record + ".dat"), samples);
  EXPECT_EQ(read_file(record + ".hea"), header);
  // An expert's file, and one that is no annotation file.
  data::write_wfdb_annotations(record + ".q1c", {0, {{.sample = 5, .aux = ""}}});
  write_file(record + ".notes", "mine");
  const std::string expert = read_file(record + ".q1c");
  expect_failure(annotate("q1c"), 1, {".q1c: is there already and was not written by this program"});
  expect_failure(annotate("notes"), 1, {".notes: is there already"});
  EXPECT_EQ(read_file(record + ".q1c"), expert);
  EXPECT_EQ(read_file(record + ".notes"), "mine");
  // Nothing is written for any record when one cannot be.
  expect_failure(features({"--annotator", "q1c", record_of(tiny, 2), record}), 1, {".q1c"});
  EXPECT_FALSE(fs::exists(record_of(tiny, 2) + ".q1c"));
  // Its own it replaces, and others' stay where --out says so.
  expect_success(annotate("cg"));
  expect_success(annotate("cg"));
  expect_success(annotate("q1c", {"--out", out}));
  EXPECT_EQ(read_file(record + ".q1c"), expert);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"00001_lr.q1c"});
  EXPECT_EQ(read_file(folder / "00001_lr.q1c"), read_file(record + ".cg"));
  expect_failure(annotate("cg", {"--out", out + "/none"}), 1, {"none: no folder"});
  expect_failure(features({"--annotator", "cg", "--out", out, record, record}), 1, {"would both have"});
}

// Everything that predict reads.
TEST(FeaturesApp, FilesOfOtherFormats) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const ecg::Recording recording = data::read_wfdb(record_of(tiny, 1));
  write_file(folder / "a.edf", edf_of(recording).bytes());
  std::string csv;
  for (const std::string& lead : recording.leads) csv += (csv.empty() ? "" : ";") + lead;
  for (Eigen::Index t = 0; t < recording.signal.rows(); ++t)
    for (Eigen::Index lead = 0; lead < 12; ++lead)
      csv += fmt::format("{}{:.4f}", lead == 0 ? "\n" : ";", recording.signal(t, lead));
  write_file(folder / "a.csv", csv + "\n");
  const auto rate_line = [](const Outcome& outcome) {
    expect_success(outcome);
    return lines_with(outcome.out, "  rr_mean_ms ").at(0);
  };
  const std::string expected = rate_line(features({record_of(tiny, 1)}));
  EXPECT_EQ(rate_line(features({(folder / "a.edf").string()})), expected);
  EXPECT_EQ(rate_line(features({"--rate", "100", (folder / "a.csv").string()})), expected);
  expect_success(features({"--annotator", "cg", (folder / "a.edf").string()}));
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"a.cg", "a.csv", "a.edf"}));
  expect_failure(features({folder.path().string()}), 1, {"a folder, expected a recording"});
  expect_failure(features({"--unit", "bar", record_of(tiny, 1)}), 2, {"--unit bar"});
  EXPECT_EQ(features({"--formats"}).out, read_file(std::string(CARDIOGRAD_TESTS_DIR) + "/../docs/formats.md"));
}

TEST(FeaturesApp, Drawing) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const fs::path svg = folder / "a.svg";
  expect_success(features({"--svg", svg.string(), record_of(tiny, 1)}));
  const XmlCheck check(read_file(svg));
  std::size_t traces = 0, waves = 0;
  for (const XmlElement& element : check.elements()) {
    const auto css_class = element.attributes.find("class");
    if (css_class == element.attributes.end()) continue;
    traces += css_class->second == "ecg-trace" ? 1U : 0U;
    waves += css_class->second == "ecg-wave ecg-qrs" ? 1U : 0U;
  }
  EXPECT_EQ(traces, 13U);
  EXPECT_GT(waves, 30U);  // Ten beats in three rows and the rhythm strip.
  expect_parts(read_file(svg), {"25 mm/s, 10 mm/mV", "0.0 to 10.0 s of 10.0 s", "00001_lr", "date not recorded",
                                "/min, PR ", "QRS ", "QTc ", "axis "});
  TinyPtbxl::edit(tiny.header(1), "12 100 1000", "12 100 1000 09:30:00 12/05/2020");
  write_file(tiny.header(1), read_file(tiny.header(1)) + "# Age: 63\n# Sex: Female\n");
  expect_success(features({"--svg", svg.string(), record_of(tiny, 1)}));
  expect_parts(read_file(svg), {"2020-05-12 09:30:00, 63 years, female"});
  expect_success(features({"--svg", svg.string(), "--from", "6.5", record_of(tiny, 1)}));
  expect_parts(read_file(svg), {"6.5 to 10.0 s of 10.0 s"});
  expect_failure(features({"--svg", svg.string(), "--from", "99", record_of(tiny, 1)}), 1,
                 {"nothing to draw from 99 s on", "lasts 10.0 s"});
  expect_parts(read_file(svg), {"6.5 to 10.0 s of 10.0 s"});  // What was there stays.
  const TemporaryFolder tables;
  write_file(tables.path() / "one.csv", "I (mV),II (mV)\n0.1,0.2\n");
  const Outcome one = features({"--svg", svg.string(), "--rate", "100", (tables.path() / "one.csv").string()});
  expect_failure(one, 1, {"nothing to draw, the record has 1 sample"});
  EXPECT_EQ(one.err.find("--from"), std::string::npos) << one.err;
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a.svg"});
}

TEST(FeaturesApp, ReportOfOneRecord) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const fs::path html = folder / "a.html";
  expect_success(features({"--report", html.string(), record_of(tiny, 1)}));
  const std::string text = read_file(html);
  const XmlCheck check(text.substr(text.find('\n') + 1));  // Behind the document type.
  std::size_t rows = 0, drawings = 0;
  for (const XmlElement& element : check.elements()) {
    rows += element.name == "tr" ? 1U : 0U;
    drawings += element.name == "svg" ? 1U : 0U;
  }
  EXPECT_EQ(drawings, 1U);
  EXPECT_GT(rows, 29U + 12U + 8U);
  expect_parts(text, {"ECG 00001_lr", "pr_interval_ms", "hr_mean_bpm", "V6", "25 mm/s, 10 mm/mV"});
  expect_failure(features({"--report", html.string(), record_of(tiny, 1), record_of(tiny, 2)}), 2, {"--report and 2"});
  EXPECT_EQ(read_file(html), text);
}

TEST(FeaturesApp, DataSet) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const fs::path out = folder / "f.csv";
  const Outcome outcome = features({"--data", tiny.folder().string(), "--out", out.string()});
  expect_success(outcome);
  expect_parts(outcome.err, {"40 records"});
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"f.csv", "f_missing.csv"}));
  const data::CsvTable csv = data::CsvTable::read(out);
  EXPECT_EQ(csv.rows(), 40U);
  const std::size_t hr = csv.column("hr_mean_bpm");
  for (std::size_t i = 0; i < csv.rows(); ++i) {
    const double value = csv.number(i, hr).value();
    EXPECT_TRUE(value > 55.0 && value < 95.0) << value;
  }
  // Each empty cell has its reason.
  const data::CsvTable reasons = data::CsvTable::read(folder / "f_missing.csv");
  std::size_t empty = 0;
  const std::string text = read_file(out);
  for (std::size_t at = text.find('\n'); at + 1 < text.size(); ++at)
    empty += text[at] == ',' && (text[at + 1] == ',' || text[at + 1] == '\n') ? 1U : 0U;
  EXPECT_EQ(empty, reasons.rows());
  const std::string once = read_file(out);
  expect_success(features({"--data", tiny.folder().string(), "--out", out.string(), "--threads", "1"}));
  EXPECT_EQ(read_file(out), once);
}

// tests/data/dataset_features_test.cpp has what becomes of a partial table that is whole.
TEST(FeaturesApp, APartialTableThatIsNoneIsRefusedAndStays) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const fs::path partial = folder / "f.csv.partial";
  for (const char* text : {"", "half a letter", "# 100 Hz /elsewhere\necg_id\n1\n",
                           "# unfinished table of cardiograd features, xxh3_128 0\n"}) {
    write_file(partial, text);
    expect_failure(features({"--data", tiny.folder().string(), "--out", (folder / "f.csv").string()}), 1,
                   {"f.csv.partial"});
    EXPECT_EQ(read_file(partial), text);
    EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"f.csv.partial"});
  }
}

TEST(FeaturesApp, KilledRunsLeaveNothingHalfWritten) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const fs::path out = folder / "f.csv";
  for (const double seconds : {0.0, 0.01, 0.03, 0.1}) {
    RunSettings settings;
    settings.kill_after_s = seconds;
    features({"--data", tiny.folder().string(), "--out", out.string(), "--threads", "1"}, settings);
    if (fs::exists(out)) {
      EXPECT_EQ(lines_of(out), 41U);
    }
  }
}

TEST(FeaturesApp, OneProcessWritesATable) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const fs::path out = folder / "f.csv";
  const std::vector<std::string> command = {"--data", tiny.folder().string(), "--out", out.string()};
  {
    const FolderLock other = FolderLock::of_file(out);
    expect_failure(features(command), 1, {"f.csv: another process writes there: process ", " since 20"});
    EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{".f.csv.lock"}));
  }
  write_file(folder / ".f.csv.lock", "process 999999999 on nowhere since 2026-01-01 00:00:00\n");  // of a dead one
  expect_success(features(command));
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"f.csv", "f_missing.csv"}));
}

// Files go beside the table, which must not be beside a device.
TEST(FeaturesApp, ATableIsAFile) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  expect_failure(features({"--data", tiny.folder().string(), "--out", "/dev/stdout"}), 1,
                 {"/dev/stdout: is no regular"});
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_failure(features({"--data", tiny.folder().string(), "--out", (folder / "pipe").string()}), 1,
                 {"pipe: is no regular file"});
  write_file(folder / "thesis", "years of work");
  fs::create_symlink("thesis", folder / "link");
  expect_failure(features({"--data", tiny.folder().string(), "--out", (folder / "link").string()}), 1,
                 {"link: is a link to thesis"});
  EXPECT_EQ(read_file(folder / "thesis"), "years of work");
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"link", "pipe", "thesis"}));
}

TEST(FeaturesApp, RecordsThatAreNotThere) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const fs::path out = folder / "f.csv";
  fs::remove(tiny.header(5));
  const std::vector<std::string> arguments = {"--data", tiny.folder().string(), "--out", out.string()};
  expect_failure(features(arguments), 1, {"ptbxl_database.csv:6", "ecg_id 5", "is not there"});
  EXPECT_TRUE(names_in(folder.path()).empty());
  std::vector<std::string> skipping = arguments;
  skipping.emplace_back("--skip-missing");
  const Outcome outcome = features(skipping);
  expect_success(outcome);
  expect_parts(outcome.err, {"1 records of the table are not there"});
  EXPECT_EQ(lines_of(out), 40U);
  std::vector<std::string> high = arguments;
  high.emplace_back("--500hz");
  expect_failure(features(high), 1, {"filename_hr"});
}

TEST(FeaturesApp, DamagedRecords) {
  const TinyPtbxl tiny;
  const TemporaryFolder folder;
  const std::string table = (folder / "f.csv").string();
  TinyPtbxl::edit(tiny.header(3), "12 100 1000", "12 ten 1000");
  expect_failure(features({"--fiducials", table, record_of(tiny, 1), record_of(tiny, 3)}), 1, {"00003_lr"});
  expect_failure(features({record_of(tiny, 3)}), 1, {"00003_lr"});
  expect_failure(features({"--svg", table, record_of(tiny, 3)}), 1, {"00003_lr"});
  expect_failure(features({"--data", tiny.folder().string(), "--out", table}), 1, {"00003_lr"});
  EXPECT_TRUE(names_in(folder.path()).empty());
  TinyPtbxl::edit(tiny.header(3), "12 ten 1000", "12 100 1000");
  // Of a file that was cut short what is there is read alone, and no part of a set.
  fs::resize_file(tiny.signals(2), 1000);
  const Outcome cut = features({record_of(tiny, 2)});
  expect_success(cut);
  expect_parts(cut.err, {"00002_lr.dat: 1000 bytes, expected 24000: 41 of 1000 samples are there"});
  expect_failure(features({"--data", tiny.folder().string(), "--out", table}), 1, {"00002_lr"});
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(FeaturesApp, RecordsWithoutBeats) {
  const TemporaryFolder folder;
  ecg::Recording recording{"", 100, {"I", "II"}, {"mV", "mV"}, Eigen::ArrayXXd::Zero(1000, 2), {}};
  data::write_wfdb(folder.path(), "flat", recording);
  recording.signal = Eigen::ArrayXXd::Constant(1000, 2, std::nan(""));
  data::write_wfdb(folder.path(), "missing", recording);
  recording.signal = Eigen::ArrayXXd::Zero(20, 2);
  data::write_wfdb(folder.path(), "short", recording);
  for (const char* name : {"flat", "missing", "short"}) {
    const std::string record = (folder / name).string();
    const Outcome table = features({record});
    expect_success(table);
    expect_parts(table.out, {"0 beats", "  rr_mean_ms                          - ms"});
    expect_success(features({"--svg", (folder / "a.svg").string(), record}));
    const Outcome fiducials = features({"--fiducials", (folder / "f.csv").string(), record});
    expect_success(fiducials);
    expect_parts(fiducials.err, {"no beats"});
    EXPECT_EQ(lines_of(folder / "f.csv"), 1U);
  }
}

TEST(FeaturesApp, WrongUsage) {
  const TinyPtbxl tiny;
  const std::string record = record_of(tiny, 1), data = tiny.folder().string();
  expect_failure(features({}), 2, {"no record"});
  expect_failure(features({"--data", data}), 2, {"--out"});
  expect_failure(features({"--out", "x.csv", record}), 2, {"--out without --data or --annotator"});
  expect_failure(features({"--data", data, "--out", "x.csv", record}), 2, {"--data and single records"});
  expect_failure(features({"--data", data, "--out", "x.csv", "--svg", "y"}), 2, {"--svg"});
  expect_failure(features({"--svg", "x.svg", record, record}), 2, {"--svg and 2 records"});
  expect_failure(features({"--from", "-1", "--svg", "x", record}), 2, {"--from"});
  expect_failure(features({"--threads", "many", record}), 2, {"--threads"});
  expect_failure(features({"--color", record}), 2, {"--color"});
  expect_failure(features({"/nowhere/x"}), 1, {"/nowhere/x.hea"});
  expect_failure(features({"--data", "/nowhere", "--out", "x.csv"}), 1, {"/nowhere"});
  expect_failure(features({"--data", data, "--out", "/nowhere/x.csv"}), 1, {"/nowhere"});
  expect_failure(features({"--fiducials", "/nowhere/x.csv", record}), 1, {"/nowhere"});
  expect_failure(features({"--svg", "/nowhere/x.svg", record}), 1, {"/nowhere"});
  const Outcome help = features({"--help"});
  expect_success(help);
  for (const char* option : {"--data", "--out", "--fiducials", "--annotator", "--svg", "--from", "--rate", "--unit",
                             "--formats", "--500hz", "--skip-missing", "--threads"})
    expect_parts(help.out, {option});
}

// Of one record: R peaks, QRS onset and end of the global beats, in seconds.
struct Global {
  std::vector<double> r, duration;
};

std::map<std::string, Global> globals(const fs::path& table) {
  std::map<std::string, Global> result;
  const data::CsvTable csv = data::CsvTable::read(table);
  const std::size_t record = csv.column("record"), lead = csv.column("lead"), r = csv.column("r_peak_s");
  const std::size_t onset = csv.column("qrs_onset_s"), offset = csv.column("qrs_offset_s");
  for (std::size_t i = 0; i < csv.rows(); ++i) {
    if (csv.cell(i, lead) != "all") continue;
    Global& global = result[std::string(csv.cell(i, record))];
    const bool there = !csv.cell(i, onset).empty() && !csv.cell(i, offset).empty();
    global.r.push_back(csv.number(i, r).value());
    global.duration.push_back(there ? csv.number(i, offset).value() - csv.number(i, onset).value() : NAN);
  }
  return result;
}

// The 500 Hz and the 100 Hz file of the same record: R within 5 ms, mean RR 2 ms, QRS duration 10 ms, in 98 %.
TEST(FeaturesApp, TwoRenderingsOfARecordAgree) {
  CARDIOGRAD_NEED_DATA("ptbxl_raw");
  const fs::path data = data_folder() / "ptbxl_raw";
  const data::CsvTable database = data::CsvTable::read(data / "ptbxl_database.csv");
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<std::string> arguments = {"--fiducials", ""};
  for (std::size_t i = 0; i < database.rows(); ++i) {
    const std::string high(database.cell(i, database.column("filename_hr")));
    if (high.empty()) continue;
    pairs.emplace_back((data / high).string(), (data / database.cell(i, database.column("filename_lr"))).string());
    arguments.push_back(pairs.back().first);
    arguments.push_back(pairs.back().second);
  }
  const TemporaryFolder folder;
  arguments[1] = (folder / "f.csv").string();
  expect_success(features(arguments));
  const auto found = globals(folder / "f.csv");
  double beats = 0, same_r = 0, same_qrs = 0, same_rr = 0;
  const auto mean_rr = [](const Global& global) {
    return (global.r.back() - global.r.front()) / static_cast<double>(global.r.size() - 1);
  };
  for (const auto& [high, low] : pairs) {
    const Global &a = found.at(high), &b = found.at(low);
    for (std::size_t i = 0; i < a.r.size(); ++i) {
      const auto near = std::min_element(
          b.r.begin(), b.r.end(), [&](double x, double y) { return std::abs(x - a.r[i]) < std::abs(y - a.r[i]); });
      const auto j = static_cast<std::size_t>(near - b.r.begin());
      ++beats;
      same_r += std::abs(*near - a.r[i]) <= 0.005 ? 1 : 0;
      same_qrs += std::abs(b.duration[j] - a.duration[i]) <= 0.010 ? 1 : 0;
    }
    same_rr += std::abs(mean_rr(a) - mean_rr(b)) <= 0.002 ? 1 : 0;
  }
  EXPECT_GE(same_r / beats, 0.98);
  EXPECT_GE(same_qrs / beats, 0.98);
  EXPECT_GE(same_rr / static_cast<double>(pairs.size()), 0.98);
}

}  // namespace
}  // namespace cardiograd::testing
