#include "data/source_recording.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "data/edf.h"
#include "data/file_kind.h"
#include "data/recording_stream.h"
#include "data/wfdb_annotation.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/edf_builder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::edf_of;
using cardiograd::testing::TemporaryFolder;
using testing::expect_error;
using testing::golden_folder;

ecg::Recording small_recording() {
  ecg::Recording recording{"", 100, {"I", "II"}, {"mV", "mV"}, Eigen::ArrayXXd(200, 2), {"Age: 5 months"}};
  for (Eigen::Index t = 0; t < 200; ++t)
    recording.signal.row(t) << 0.001 * static_cast<double>(t % 50), -0.002 * static_cast<double>(t % 7);
  return recording;
}

std::string csv_of(const ecg::Recording& recording) {
  std::string text = "time,I,II\n";
  for (Eigen::Index t = 0; t < recording.signal.rows(); ++t)
    text += fmt::format("{:.2f},{:.3f},{:.3f}\n", static_cast<double>(t) / 100, recording.signal(t, 0),
                        recording.signal(t, 1));
  return text;
}

class SourceRecordingTest : public ::testing::Test {
 protected:
  void expect_read(const fs::path& name) const {
    const SourceRecording source = read_recording(folder_ / name);
    const ecg::Recording expected = small_recording();
    EXPECT_EQ(source.recording.rate, 100) << name;
    ASSERT_EQ(source.recording.leads, expected.leads) << name;
    ASSERT_EQ(source.recording.signal.rows(), 200) << name;
    ecg::Recording converted = source.recording;
    for (std::size_t i = 0; i < 2; ++i)
      if (converted.units[i] == "uV") converted.signal.col(static_cast<Eigen::Index>(i)) /= 1000;
    EXPECT_TRUE(((converted.signal - expected.signal).abs() <= 1e-9).all()) << name;
    EXPECT_EQ(source.recording.name, (folder_ / name).string());
  }
  void expect_refused(const std::string& name, const std::string& content,
                      std::initializer_list<std::string_view> parts) const {
    write_file(folder_ / name, content);
    expect_error([&] { read_recording(folder_ / name); }, parts);
  }

  TemporaryFolder folder_;
};

// --rate and --unit are for tables; that other files do not need them is said where it makes a difference.
TEST_F(SourceRecordingTest, OptionsOfTablesBesideOtherFiles) {
  write_wfdb(folder_.path(), "r", small_recording());
  write_file(folder_ / "e.edf", edf_of(small_recording()).bytes());
  for (const char* name : {"r", "e.edf"}) {
    const testing::LogCapture log;
    read_recording(folder_ / name, {.rate = 100, .unit = "mV"});
    open_recording(folder_ / name, {.rate = 100, .unit = "mV"});
    EXPECT_TRUE(log.warnings.empty()) << name;
    EXPECT_EQ(read_recording(folder_ / name, {.rate = 250, .unit = "V"}).recording.rate, 100);
    EXPECT_EQ(log.warnings.size(), 2U);
    EXPECT_TRUE(log.warned(std::string(name) + ": --rate 250 is for text tables and not used: the file says 100 Hz"));
    EXPECT_TRUE(log.warned(std::string(name) + ": --unit V is for text tables and not used: the file says "));
    open_recording(folder_ / name, {.rate = 250, .unit = "V"});
    EXPECT_EQ(log.warnings.size(), 4U);
  }
  write_file(folder_ / "t.csv", csv_of(small_recording()));
  const testing::LogCapture log;
  EXPECT_EQ(read_recording(folder_ / "t.csv", {.rate = 250, .unit = "mV"}).recording.rate, 250);
  EXPECT_TRUE(log.warnings.empty());
}

// They cannot be read as they are; how they can is said.
TEST_F(SourceRecordingTest, CompressedAndRenamedFilesOfWfdbRecords) {
  write_wfdb(folder_.path(), "r", small_recording());
  const std::string header = read_file(folder_ / "r.hea"), samples = read_file(folder_ / "r.dat");
  const std::string packed("\x1F\x8B\x08\0\0\0\0\0", 8);
  fs::remove(folder_ / "r.dat");
  write_file(folder_ / "r.dat.gz", packed);
  expect_error([&] { read_recording(folder_ / "r"); }, {"r.dat.gz: the signal file is compressed with gzip"});
  expect_error([&] { read_recording(folder_ / "r.dat.gz"); }, {"r.dat.gz: a compressed file of a WFDB record"});
  std::string named = header;
  for (std::size_t at = 0; (at = named.find("r.dat ", at)) != std::string::npos; at += 8) named.insert(at + 5, ".gz");
  write_file(folder_ / "r.hea", named);
  expect_error([&] { read_recording(folder_ / "r"); }, {"r.dat.gz: the signal file is compressed with gzip"});
  fs::remove(folder_ / "r.dat.gz");
  write_file(folder_ / "r.dat", samples);
  expect_read("r");  // The header still says r.dat.gz.
  expect_refused("s.hea.gz", packed, {"s.hea.gz: a compressed file of a WFDB record"});
  expect_refused("s.hea.txt", header, {"s.hea.txt: a file of a WFDB record with .txt behind its name"});
}

TEST_F(SourceRecordingTest, AFileIsWhatItsContentSays) {
  const ecg::Recording recording = small_recording();
  write_wfdb(folder_.path(), "r", recording);
  for (const char* name : {"r", "r.hea", "r.dat"}) expect_read(name);
  EXPECT_TRUE(read_recording(folder_ / "r").digital.has_value());
  EXPECT_TRUE(std::abs(read_recording(folder_ / "r").person.age - 5.0 / 12) <= 1e-12);
  const std::string edf = edf_of(recording).bytes();
  for (const char* name : {"a.edf", "b.EDF", "c.rec", "d", "e.dat.x", "f.csv.edf"}) {
    write_file(folder_ / name, edf);
    expect_read(name);
  }
  for (const char* name : {"a.csv", "b.CSV", "c.txt", "d.tsv", "e.asc", "g"}) {
    write_file(folder_ / name, csv_of(recording));
    expect_read(name);
  }
}

TEST_F(SourceRecordingTest, SegmentsAreOneRecording) {
  const SourceRecording source = read_recording(golden_folder() / "wfdb" / "variable");
  EXPECT_EQ(source.recording.signal.rows(), 49);
  EXPECT_FALSE(source.digital.has_value());
  EXPECT_EQ(source.recording.others.at(0).name, "ABP");
}

TEST_F(SourceRecordingTest, OtherFilesAreNamedForWhatTheyAre) {
  const std::string dicom = std::string(128, '\0') + "DICM" + std::string(12, '\0');
  expect_refused("a.pdf", "%PDF-1.7\n", {"a.pdf: a PDF document"});
  expect_refused("a.edf", "%PDF-1.7\n", {"a.edf: a PDF document"});
  expect_refused("a.png", "\x89PNG\r\n\x1A\n", {"a PNG picture"});
  expect_refused("a.jpg", "\xFF\xD8\xFF\xE0", {"a JPEG picture"});
  expect_refused("a.dcm", dicom, {"a.dcm: DICOM"});
  expect_refused("a", dicom, {"DICOM"});
  expect_refused("a.scp", std::string("\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0\0SCPECG\0\0", 24), {"SCP-ECG"});
  expect_refused("a.npy", std::string("\x93NUMPY\1\0v\0{}", 12), {"a NumPy array"});
  expect_refused("a.h5", "\x89HDF\r\n\x1A\n", {"HDF5"});
  expect_refused("a.mat", "MATLAB 5.0 MAT-file, Platform: x", {"a MATLAB file"});
  expect_refused("a.zip", "PK\3\4 leads/I.txt", {"a ZIP archive"});
  expect_refused("a.xlsx", "PK\3\4....[Content_Types].xml", {"an Excel workbook"});
  expect_refused("a.xml", "<?xml version=\"1.0\"?>\n<RestingECG><Waveform/></RestingECG>",
                 {"an ECG of GE's MUSE (XML), but it cannot be read: ", "SampleBase: found ''"});
  expect_refused("b.xml", "<?xml version=\"1.0\"?><restingecgdata/>", {"Philips"});
  expect_refused("c.xml", "<AnnotatedECG xmlns=\"urn:hl7-org:v3\"/>",
                 {"HL7 aECG (XML), but it cannot be read: ", "no rhythm with leads"});
  expect_refused("d.xml", "<root/>", {"an XML file"});
  expect_refused("a.svg", "<svg viewBox=\"0 0 1 1\"/>", {"an SVG drawing"});
  expect_refused("a.json", "{\"I\": [1, 2]}", {"JSON"});
  expect_refused("a.csv", "%PDF-1.7\n", {"a PDF document"});
  expect_refused("a.safetensors", std::string("\x40\0\0\0\0\0\0\0{\"a\":1}", 15), {"a model file"});
  expect_refused("a.txt", "Dear reader,\nthe ECG was normal.\n", {"a.txt: a text, but no table of leads"});
  expect_refused("b.txt", "0.1\n0.2\n", {"b.txt: a text, but no table of leads"});
  expect_refused("a.bin", std::string("\1\2\3\0\0\0\4", 7), {"a.bin: a file of an unknown kind"});
  expect_refused("a.log", "", {"a.log: empty"});
}

// 80 MB in 78 kB.
TEST(SourceRecording, CompressedFilesAreNotUnpackedWithoutEnd) {
  const TemporaryFolder folder;
  const std::string file = folder / "zeros.csv.gz";
  ASSERT_EQ(std::system(("head -c 80000000 /dev/zero | gzip > " + file).c_str()), 0);
  expect_error([&] { read_recording(file, {}); }, {"zeros.csv.gz: ", "more than 7"});
}

TEST_F(SourceRecordingTest, PathsThatNameNothing) {
  expect_error([&] { read_recording(folder_ / "none"); }, {"none: not there", "none.hea"});
  expect_error([&] { read_recording(folder_ / "none.edf"); }, {"none.edf: not there"});
  expect_error([&] { read_recording(folder_ / "none.dat"); },
               {"none.dat: cannot be opened: ", "none.hea is not there"});
  expect_error([&] { read_recording(folder_.path()); }, {"a folder, expected a recording"});
  write_wfdb(folder_.path(), "r", small_recording());
  try {
    read_recording(folder_.path());
  } catch (const Error& error) {
    EXPECT_NE(error.hint().find("for example " + (folder_ / "r.hea").string()), std::string::npos) << error.hint();
  }
  write_file(folder_ / "ptbxl_database.csv", "ecg_id\n");
  expect_error([&] { read_recording(folder_.path()); }, {"a folder in PTB-XL's layout, expected a recording"});
}

TEST_F(SourceRecordingTest, AnnotationsAreNotTheRecord) {
  write_wfdb(folder_.path(), "r", small_recording());
  write_wfdb_annotations(folder_ / "r.atr", {0, {{.sample = 5, .aux = ""}, {.sample = 80, .aux = ""}}});
  expect_error([&] { read_recording(folder_ / "r.atr"); }, {"r.atr: a WFDB annotation file", "2 instants"});
}

TEST_F(SourceRecordingTest, Stems) {
  write_file(folder_ / "a.edf.gz", "");
  write_file(folder_ / "a.b", "");
  EXPECT_EQ(recording_stem(folder_ / "a.edf.gz"), folder_ / "a");
  EXPECT_EQ(recording_stem(folder_ / "a.b"), folder_ / "a.b");
  EXPECT_EQ(recording_stem("r"), "r");
}

// The document is made from the table in the code.
TEST(RecordingFormats, TheDocumentIsThatOfTheCode) {
  EXPECT_EQ(read_file(std::string(CARDIOGRAD_TESTS_DIR) + "/../docs/formats.md"), formats_document())
      << "make it anew: features --formats > docs/formats.md";
}

TEST(FileKind, FilesEasilyTakenForAnother) {
  const auto name = [](std::string_view content) { return std::string(kind_of(content).value_or(FileKind{}).name); };
  EXPECT_EQ(name("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 5\n"),
            "a Git LFS pointer, not the file that it stands for");
  EXPECT_EQ(name("RIFF\1\1\1\1WEBPVP8 "), "a WebP picture");
  EXPECT_EQ(name("RIFF\1\1\1\1WAVEfmt "), "a WAV file");
  EXPECT_EQ(name("RIFF\1\1\1\1AVI LIST"), "a RIFF (multimedia) file");
  EXPECT_EQ(name("PK\3\4....mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), "an OpenDocument file");
  EXPECT_EQ(name("PK\3\4....archive/data.pkl"), "a PyTorch file");
  EXPECT_EQ(name("\x80\x02]q"), "a Python pickle");
  const auto matlab = [](const char* numbers, const char* variable) {
    return std::string(numbers, 20) + variable + std::string(9, '\0');
  };
  const char little[] = "\x1E\0\0\0\x0C\0\0\0\x64\0\0\0\0\0\0\0\4\0\0\0";
  const char big[] = "\0\0\x03\xE8\0\0\0\x0C\0\0\0\x64\0\0\0\0\0\0\0\4";
  EXPECT_EQ(name(matlab(little, "val")), "a MATLAB file of version 4");
  EXPECT_EQ(name(matlab(big, "val")), "a MATLAB file of version 4");
  EXPECT_EQ(name(matlab(little, "v l")), "") << "no name of a variable";
  EXPECT_EQ(name(matlab(little, "values")), "") << "its length does not fit";
}

TEST_F(SourceRecordingTest, GitLfsPointersAreNoRecordings) {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 5\n";
  for (const char* name : {"a.csv", "a.edf", "a.txt", "a"}) expect_refused(name, pointer, {"a Git LFS pointer"});
}

}  // namespace
}  // namespace cardiograd::data
