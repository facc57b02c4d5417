#include "data/wfdb_stream.h"

#include <cmath>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/philox.h"
#include "data/edf.h"
#include "data/source_recording.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;

void expect_pieces(const RecordingStream& stream, const ecg::Recording& whole) {
  ASSERT_EQ(stream.samples(), whole.signal.rows());
  EXPECT_EQ(stream.head().rate, whole.rate);
  EXPECT_EQ(stream.head().leads, whole.leads);
  EXPECT_EQ(stream.head().units, whole.units);
  EXPECT_EQ(stream.head().comments, whole.comments);
  EXPECT_EQ(stream.head().start, whole.start);
  EXPECT_EQ(stream.head().others.size(), whole.others.size());
  const std::int64_t samples = stream.samples();
  for (const auto& [first, count] : {std::pair{std::int64_t{0}, samples},
                                     {std::int64_t{1}, std::int64_t{1}},
                                     {std::int64_t{7}, std::int64_t{30}},
                                     {samples - 11, std::int64_t{11}},
                                     {samples, std::int64_t{0}}}) {
    const Eigen::ArrayXXd piece = stream.read(first, count), expected = whole.signal.middleRows(first, count);
    ASSERT_EQ(piece.rows(), count);
    ASSERT_EQ(piece.cols(), expected.cols());
    EXPECT_TRUE(((piece == expected) || (piece.isNaN() && expected.isNaN())).all()) << first << " " << count;
  }
}

TEST(WfdbStream, PiecesAreThoseOfTheWholeRecord) {
  const cardiograd::testing::TemporaryFolder folder;
  PhiloxStream random(1, 2);
  std::string bytes(4000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.below(256));
  write_file(folder / "r.dat", bytes);
  for (const int format : {16, 24, 32, 61, 80, 160, 212, 310, 311}) {
    for (const char* frame : {"", "x2"}) {
      SCOPED_TRACE(fmt::format("{}{}", format, frame));
      // A blood pressure between the leads, and bytes before the first sample.
      std::string header = "r 3 125 101 09:10:11\n";
      for (const auto& [name, unit, width] : {std::tuple{"II", "mV", frame}, {"ABP", "mmHg", ""}, {"V1", "mV", frame}})
        header += fmt::format("r.dat {}{}+6 200(3)/{} 12 0 0 0 0 {}\n", format, width, unit, name);
      write_file(folder / "r.hea", header + "# Age: 7\n");
      const auto stream = open_wfdb_stream(folder / "r", 0);
      ASSERT_TRUE(stream);
      EXPECT_EQ(stream->samples(), *frame == '\0' ? 101 : 202);
      expect_pieces(*stream, read_recording(folder / "r").recording);
    }
  }
  EXPECT_FALSE(open_wfdb_stream(folder / "r")) << "too short";
  EXPECT_FALSE(open_wfdb_stream(folder / "other", 0));
}

TEST(WfdbStream, FaultsAreFoundWhenItIsOpened) {
  const cardiograd::testing::TemporaryFolder folder;
  const testing::LogCapture log;
  write_file(folder / "r.dat", std::string(400, '\1'));
  write_file(folder / "r.hea", "r 1 100 200\nr.dat 16 200/mV 16 0 257 7 0 II\n");
  EXPECT_EQ(open_wfdb_stream(folder / "r", 0)->samples(), 200);
  EXPECT_TRUE(log.warned("r.hea: the samples have other checksums than the header says: lead II (51400, "));
  write_file(folder / "r.hea", "r 1 100 201\nr.dat 16 200/mV 16 0 257 51400 0 II\n");
  EXPECT_EQ(open_wfdb_stream(folder / "r", 0)->samples(), 200);
  EXPECT_TRUE(log.warned("r.dat: 400 bytes, expected 402: 200 of 201 samples"));
  EXPECT_EQ(log.warnings.size(), 2U);
  // What is wrong with other signals does not matter.
  write_file(folder / "r.hea",
             "r 2 100 200\nr.dat 16 200/mV 16 0 257 51400 0 II\ngone.dat 16 nan/mmHg 9 0 0 0 0 ABP\n");
  const auto stream = open_wfdb_stream(folder / "r", 0);
  expect_pieces(*stream, read_recording(folder / "r").recording);
  EXPECT_EQ(log.warnings.size(), 2U);
  std::filesystem::resize_file(folder / "r.dat", 100);
  expect_error([&] { stream->read(0, 200); }, {"r.dat: only 100 of 400 bytes"});
}

TEST(EdfStream, PiecesAreThoseOfTheWholeFile) {
  for (const char* name : {"plus.edf", "plain.edf"}) {
    const auto path = testing::golden_folder() / "edf" / name;
    const auto stream = open_edf_stream(path, 0);
    ASSERT_TRUE(stream);
    expect_pieces(*stream, read_edf(path));
    EXPECT_FALSE(open_edf_stream(path)) << "too short";
  }
}

}  // namespace
}  // namespace cardiograd::data
