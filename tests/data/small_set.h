// A small dataset with PTB-XL's layout in a temporary folder, which a test may spoil.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include <fmt/format.h>

#include "base/file.h"
#include "data/prepare.h"
#include "data/wfdb.h"
#include "ecg/leads.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::data::testing {

// `count` records of 50 samples at 100 Hz; record i (from 1) lies in fold 1 + (i - 1) % 10, its statement is that of
// kCodes[i % 6]; the sixth is not diagnostic.
class SmallSet {
 public:
  static constexpr int kSamples = 50;
  static constexpr const char* kCodes[6] = {"NORM", "IMI", "NDT", "LVH", "CLBBB", "SR"};

  // A copy of a prototype: writing the files anew for every test would sync each to disk.
  explicit SmallSet(int count = 20) : count_(count) {
    static std::map<int, cardiograd::testing::TemporaryFolder> prototypes;
    const auto [prototype, is_new] = prototypes.try_emplace(count);
    if (is_new) write_prototype(prototype->second.path(), count);
    std::filesystem::copy(prototype->second.path(), folder(), std::filesystem::copy_options::recursive);
  }

  std::filesystem::path folder() const { return temporary_.path() / "set"; }
  std::filesystem::path cache() const { return temporary_.path() / "cache"; }
  int count() const { return count_; }
  static std::string stem(int i) { return fmt::format("records100/{:05}_lr", i); }
  std::filesystem::path path(int i, const char* extension) const { return folder() / (stem(i) + extension); }

  // Lead l at time t is ((7 i + 3 l + t t) mod 101 - 50) / 100 mV: whole steps at gain 1000.
  static int steps(int i, int lead, int t) { return ((7 * i + 3 * lead + t * t) % 101 - 50) * 10; }
  static ecg::Recording recording(int i) {
    ecg::Recording result{"", 100, {}, {}, Eigen::ArrayXXd(kSamples, 12), {}};
    for (int lead = 0; lead < 12; ++lead) {
      result.leads.emplace_back(ecg::kStandardLeads[static_cast<std::size_t>(lead)]);
      result.units.emplace_back("mV");
      for (int t = 0; t < kSamples; ++t) result.signal(t, lead) = steps(i, lead, t) / 1000.0;
    }
    return result;
  }
  void write(int i, const ecg::Recording& value, double gain = 1000) const {
    write_wfdb(folder() / "records100", fmt::format("{:05}_lr", i), value, gain);
  }

  PrepareSettings settings() const {
    PrepareSettings settings;
    settings.folder = folder();
    settings.cache_folder = cache();
    return settings;
  }

 private:
  static void write_prototype(const std::filesystem::path& folder, int count) {
    std::filesystem::create_directories(folder / "records100");
    write_file(folder / "scp_statements.csv",
               ",description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass\n"
               "NDT,,1.0,1.0,,STTC,STTC\nNORM,,1.0,,,NORM,NORM\nIMI,,1.0,,,MI,IMI\nLVH,,1.0,,,HYP,LVH\n"
               "CLBBB,,1.0,,,CD,CLBBB\nSR,,,,1.0,,\n");
    std::string csv = "ecg_id,age,sex,scp_codes,strat_fold,filename_lr\n";
    for (int i = 1; i <= count; ++i) {
      csv += fmt::format("{},{},{},{{'{}': 100.0}},{},{}\n", i,
                         i == 3   ? "300"
                         : i == 4 ? ""
                                  : std::to_string(20 + i),
                         i % 2, kCodes[i % 6], 1 + (i - 1) % 10, stem(i));
      write_wfdb(folder / "records100", fmt::format("{:05}_lr", i), recording(i));
    }
    write_file(folder / "ptbxl_database.csv", csv);
  }

  cardiograd::testing::TemporaryFolder temporary_;
  int count_;
};

// A value of a set as it is stored, and in its unit.
inline std::int16_t stored(const Dataset& set, std::int64_t record, std::int64_t t, std::int64_t lead) {
  return set.signals[static_cast<std::size_t>((record * set.samples + t) * set.leads + lead)];
}
inline double physical(const Dataset& set, std::int64_t record, std::int64_t t, std::int64_t lead) {
  return static_cast<double>(stored(set, record, t, lead)) *
         static_cast<double>(set.scales[static_cast<std::size_t>(record * set.leads + lead)]);
}

}  // namespace cardiograd::data::testing
