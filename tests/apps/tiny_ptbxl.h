// A small data set with PTB-XL's layout, made of synthetic ECGs whose labels can be learnt from the signal.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/philox.h"
#include "data/wfdb.h"
#include "ecg/leads.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::testing {

struct TinyCode {
  const char* code;
  const char* superclass;
  const char* subclass;
};

// One code for each of the 23 subclasses, so ordered that the five superclasses take turns as long as they last.
inline constexpr std::array<TinyCode, 23> kTinyCodes = {
    {{"NORM", "NORM", "NORM"},    {"IMI", "MI", "IMI"},      {"NDT", "STTC", "STTC"},   {"LVH", "HYP", "LVH"},
     {"LAFB", "CD", "LAFB/LPFB"}, {"ASMI", "MI", "AMI"},     {"NST_", "STTC", "NST_"},  {"LAO/LAE", "HYP", "LAO/LAE"},
     {"IRBBB", "CD", "IRBBB"},    {"LMI", "MI", "LMI"},      {"ISC_", "STTC", "ISC_"},  {"RVH", "HYP", "RVH"},
     {"1AVB", "CD", "_AVB"},      {"PMI", "MI", "PMI"},      {"ISCAL", "STTC", "ISCA"}, {"RAO/RAE", "HYP", "RAO/RAE"},
     {"IVCD", "CD", "IVCD"},      {"ISCIN", "STTC", "ISCI"}, {"SEHYP", "HYP", "SEHYP"}, {"CRBBB", "CD", "CRBBB"},
     {"CLBBB", "CD", "CLBBB"},    {"WPW", "CD", "WPW"},      {"ILBBB", "CD", "ILBBB"}}};

// 40 records of 1000 samples at 100 Hz: record i (from 1) lies in fold 1 + (i - 1) % 10. Every subclass occurs in the
// folds 1 to 8; every record has two diagnostic statements.
class TinyPtbxl {
 public:
  static constexpr int kRecords = 40;
  static constexpr int kSamples = 1000;

  // `unit`: "mV", or "z" for signals of mean 0 and standard deviation 1 per lead.
  explicit TinyPtbxl(const std::string& unit = "mV") {
    static std::map<std::string, TemporaryFolder> prototypes;
    const auto [prototype, is_new] = prototypes.try_emplace(unit);
    if (is_new) write_prototype(prototype->second.path(), unit);
    std::filesystem::copy(prototype->second.path(), folder(), std::filesystem::copy_options::recursive);
  }

  std::filesystem::path folder() const { return temporary_.path() / "data"; }
  std::filesystem::path table() const { return folder() / "ptbxl_database.csv"; }
  static std::string stem(int i) { return fmt::format("records100/00000/{:05}_lr", i); }
  std::filesystem::path header(int i) const { return folder() / (stem(i) + ".hea"); }
  std::filesystem::path signals(int i) const { return folder() / (stem(i) + ".dat"); }

  // Indices into kTinyCodes of the statements of record i.
  static std::set<std::size_t> codes(int i) {
    const int round = (i - 1) / 10;
    const int fold = (i - 1) % 10;
    const auto j = static_cast<std::size_t>(fold < 8 ? round * 8 + fold : 3 * round + 5 * fold);
    return {j % kTinyCodes.size(), (j * 5 + 2) % kTinyCodes.size()};
  }

  // R waves at 60 to 90 beats a minute in all leads; a sine of its own frequency for each superclass in all leads, and
  // one for each subclass in one lead; noise.
  static ecg::Recording recording(int i, const std::string& unit) {
    ecg::Recording result{"", 100, {}, {}, Eigen::ArrayXXd::Zero(kSamples, 12), {}};
    PhiloxStream random(77, static_cast<std::uint64_t>(i));
    for (Eigen::Index lead = 0; lead < 12; ++lead) {
      result.leads.emplace_back(ecg::kStandardLeads[static_cast<std::size_t>(lead)]);
      result.units.emplace_back(unit);
      auto column = result.signal.col(lead);
      add_beats(i, 0.4 + 0.1 * static_cast<double>(lead), column);
      for (const std::size_t code : codes(i)) {
        add_sine(3 + 3 * static_cast<double>(kTinyCodes[code].superclass[0] % 7), 0.06,
                 column);  // 3 to 21 Hz, each its own
        if (static_cast<Eigen::Index>(code % 12) == lead)
          add_sine(25 + static_cast<double>(code / 12) * 8, 0.1, column);
      }
      for (Eigen::Index t = 0; t < kSamples; ++t) column(t) += 0.02 * random.normal();
      if (unit != "z") continue;
      column -= column.mean();
      column /= std::sqrt(column.square().mean());
    }
    return result;
  }

  // Replaces the one occurrence of `from` in a text file; false when there is none.
  static bool edit(const std::filesystem::path& path, const std::string& from, const std::string& to) {
    std::string text = read_file(path);
    const std::size_t at = text.find(from);
    if (at == std::string::npos) return false;
    write_file(path, text.replace(at, from.size(), to));
    return true;
  }

 private:
  static void add_beats(int i, double height, Eigen::Ref<Eigen::ArrayXd> lead) {
    const double period = 100 * 60.0 / (60 + 30.0 * (i % 7) / 6);
    for (double beat = 40; beat < kSamples; beat += period)
      for (Eigen::Index t = 0; t < kSamples; ++t)
        lead(t) += height * std::exp(-0.5 * std::pow((static_cast<double>(t) - beat) / 2, 2));
  }
  static void add_sine(double frequency, double height, Eigen::Ref<Eigen::ArrayXd> lead) {
    for (Eigen::Index t = 0; t < kSamples; ++t)
      lead(t) += height * std::sin(2 * std::numbers::pi * frequency * static_cast<double>(t) / 100);
  }

  static void write_prototype(const std::filesystem::path& folder, const std::string& unit) {
    std::filesystem::create_directories(folder / "records100" / "00000");
    std::string statements = ",description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass\n";
    for (const TinyCode& code : kTinyCodes)
      statements += fmt::format("{},,1.0,,,{},{}\n", code.code, code.superclass, code.subclass);
    write_file(folder / "scp_statements.csv", statements + "SR,sinus rhythm,,,1.0,,\n");
    std::string csv = "ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr\n";
    for (int i = 1; i <= kRecords; ++i) {
      std::string literal = "'SR': 0.0";
      for (const std::size_t code : codes(i)) literal += fmt::format(", '{}': 100.0", kTinyCodes[code].code);
      csv += fmt::format("{},{},{},{},\"{{{}}}\",{},{}\n", i, 1000 + i, i == 7 ? "" : std::to_string(30 + i), i % 2,
                         literal, 1 + (i - 1) % 10, stem(i));
      data::write_wfdb(folder / "records100" / "00000", fmt::format("{:05}_lr", i), recording(i, unit));
    }
    write_file(folder / "ptbxl_database.csv", csv);
  }

  TemporaryFolder temporary_;
};

}  // namespace cardiograd::testing
