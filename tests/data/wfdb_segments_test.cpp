#include "data/wfdb_segments.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/wfdb.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::data {
namespace {

using cardiograd::testing::TemporaryFolder;
using nlohmann::json;
using testing::expect_error;
using testing::golden_folder;

ecg::Recording read(const std::filesystem::path& record) {
  return read_wfdb_segments(read_wfdb_header(record));
}

// Golden values by scripts/golden/wfdb_records.py.
TEST(WfdbSegments, EqualThePythonPackage) {
  const json golden = json::parse(read_file(golden_folder() / "wfdb_records.json")).at("segments");
  EXPECT_EQ(golden.size(), 2U);
  for (const auto& [name, leads] : golden.items()) {
    const ecg::Recording recording = read(golden_folder() / "wfdb" / name);
    EXPECT_EQ(recording.rate, 125);
    EXPECT_EQ(recording.leads, (std::vector<std::string>{"I", "V2"}));
    ASSERT_EQ(recording.signal.rows(), static_cast<Eigen::Index>(leads[0].size()));
    for (Eigen::Index lead = 0; lead < 2; ++lead)
      for (Eigen::Index t = 0; t < recording.signal.rows(); ++t) {
        const json& expected = leads[static_cast<std::size_t>(lead)][static_cast<std::size_t>(t)];
        const double value = recording.signal(t, lead);
        EXPECT_TRUE(expected.is_null() ? std::isnan(value) : std::abs(value - expected.get<double>()) <= 1e-12)
            << name << " " << lead << " " << t << ": " << value;
      }
  }
  EXPECT_EQ(read(golden_folder() / "wfdb" / "fixed").comments, std::vector<std::string>{"age: 70"});
  const auto others = read(golden_folder() / "wfdb" / "variable").others;
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0].name, "ABP");
}

TEST(WfdbSegments, ContradictionsAreNamed) {
  const TemporaryFolder folder;
  ecg::Recording part{"", 100, {"I", "II"}, {"mV", "mV"}, Eigen::ArrayXXd::Ones(10, 2), {}};
  write_wfdb(folder.path(), "s1", part);
  const auto expect = [&](const std::string& header, std::initializer_list<std::string_view> parts) {
    write_file(folder / "r.hea", header);
    expect_error([&] { read(folder / "r"); }, parts);
  };
  expect("r/2 2 100 20\ns1 10\ns2 10\n", {"s2.hea"});
  expect("r/1 2 100 9\ns1 9\n", {"s1.hea: 10 samples", "announces 9"});
  expect("r/1 2 200 10\ns1 10\n", {"100 frames per second", "says 200"});
  expect("r/1 2 100 11\ns1 10\n", {"the segments have 10 samples", "announces 11"});
  expect("r/1 2 100 10\n~ 10\n", {"all 1 segments are gaps"});
  part.signal.conservativeResize(10, 1);
  part.leads.pop_back();
  part.units.pop_back();
  write_wfdb(folder.path(), "s2", part);
  expect("r/2 2 100 20\ns1 10\ns2 10\n", {"s2.hea: signal II is missing"});
  // One part of a record is read as the record that it is; training takes no others.
  write_file(folder / "r.hea", "r/2 2 100 20\ns1 10\ns1 10\n");
  EXPECT_EQ(read(folder / "r").signal.rows(), 20);
  expect_error([&] { read_wfdb_digital(folder / "r"); }, {"consists of 2 segments"});
}

}  // namespace
}  // namespace cardiograd::data
