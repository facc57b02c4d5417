#include "ecg/channels.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include <fmt/format.h>

#include "base/error.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::ecg {
namespace {

// In lower case; bytes of other alphabets count as letters.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  bool inside = false;
  for (const unsigned char c : name) {
    const bool belongs = std::isalnum(c) != 0 || c >= 0x80;
    if (belongs && !inside) words.emplace_back();
    if (belongs) words.back() += static_cast<char>(std::tolower(c));
    inside = belongs;
  }
  return words;
}

template <std::size_t n>
bool is_one_of(std::string_view word, const std::array<std::string_view, n>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// "mlii", "ml2", "mcl1", "mv2": modified leads; "cm5", "cc5", "cs5", "cb5", "cr3": bipolar chest leads.
bool is_modified_lead(std::string_view word) {
  if (word == "mcl" || word == "ml") return true;
  if (word.starts_with("mcl")) return is_number(word.substr(3)) && word.size() <= 4;
  if (word.starts_with("ml") || word.starts_with("mv")) {
    const std::string_view rest = word.substr(word.starts_with("ml") ? 2 : 1);
    return standard_lead(rest).has_value() || (is_number(rest) && rest.size() == 1);
  }
  constexpr std::array<std::string_view, 5> kChest = {"cm", "cc", "cs", "cb", "cr"};
  return word.size() == 3 && is_one_of(word.substr(0, 2), kChest) && is_number(word.substr(2));
}

// "v", "v7", "v4r", "vx", "d4", "5": what stands for a lead or an electrode in a whole name.
bool is_lead_word(std::string_view word) {
  constexpr std::array<std::string_view, 12> kElectrodes = {"ra", "la",  "ll", "rl", "lf", "rf",
                                                            "ca", "wct", "vx", "vy", "vz", "v"};
  if (word.empty()) return false;
  if (standard_lead(word) || is_modified_lead(word) || is_one_of(word, kElectrodes)) return true;
  if (word.front() != 'v' && word.front() != 'd') return false;
  std::string_view rest = word.substr(1);
  if (rest.ends_with('r') || rest.ends_with('l')) rest.remove_suffix(1);
  return is_number(rest) && rest.size() <= 2;
}

bool is_voltage(const std::string& unit) {
  return millivolts_per_unit(unit).has_value();
}

// Of the channels without a reason against them.
double most_frequent_rate(std::span<const Channel> channels, const std::vector<std::string>& reasons) {
  std::map<double, int> counts;
  for (std::size_t i = 0; i < channels.size(); ++i)
    if (reasons[i].empty()) ++counts[channels[i].rate];
  double rate = 0;
  int most = 0;
  for (const auto& [candidate, count] : counts) {
    if (count < most) continue;
    rate = candidate;
    most = count;
  }
  return rate;
}

}  // namespace

bool is_ecg_name(std::string_view name) {
  const auto words = words_of(name);
  if (words.empty()) return false;
  if (standard_lead(name)) return true;
  for (const std::string& word : words)
    if (word.find("ecg") != std::string::npos || word.find("ekg") != std::string::npos) return true;
  constexpr std::array<std::string_view, 6> kFillers = {"lead", "mod", "modified", "mdc", "channel", "ch"};
  constexpr std::array<std::string_view, 3> kFrank = {"x", "y", "z"};
  constexpr std::array<std::string_view, 4> kEasi = {"e", "a", "s", "i"};
  std::size_t leads = 0, others = 0;
  for (const std::string& word : words) {
    // Frank's axes are whole names, EASI's electrodes come in pairs ("A-S").
    const bool letter = words.size() == 1 ? is_one_of(word, kFrank) : words.size() == 2 && is_one_of(word, kEasi);
    if (is_lead_word(word) || letter) {
      ++leads;
    } else if (!is_one_of(word, kFillers)) {
      ++others;
    }
  }
  return leads > 0 && others == 0;
}

bool is_other_name(std::string_view name) {
  constexpr std::array<std::string_view, 48> kOthers = {
      "abp",      "art",     "artery",  "cvp",   "pap",   "icp",       "bp",      "nibp",    "pressure", "pleth",
      "ppg",      "spo2",    "so2",     "sao2",  "resp",  "respir",    "flow",    "airflow", "co2",      "etco2",
      "eeg",      "eog",     "emg",     "eda",   "gsr",   "temp",      "marker",  "mark",    "event",    "events",
      "status",   "trigger", "trig",    "stim",  "annot", "hr",        "pulse",   "acc",     "accel",    "snore",
      "position", "sample",  "samples", "index", "time",  "timestamp", "counter", "crc"};
  constexpr std::array<std::string_view, 9> kPrefixes = {"pleth", "resp",  "spo2",   "marker", "event",
                                                         "trig",  "annot", "status", "accel"};
  for (const std::string& word : words_of(name)) {
    std::string_view letters = word;
    while (!letters.empty() && std::isdigit(static_cast<unsigned char>(letters.back())) != 0) letters.remove_suffix(1);
    if (is_one_of(word, kOthers) || is_one_of(letters, kOthers)) return true;
    for (const std::string_view prefix : kPrefixes)
      if (word.starts_with(prefix)) return true;
  }
  return false;
}

ChannelChoice choose_ecg_channels(std::span<const Channel> channels) {
  std::vector<std::string> reasons(channels.size());
  const bool named =
      std::any_of(channels.begin(), channels.end(), [](const Channel& channel) { return is_ecg_name(channel.name); });
  for (std::size_t i = 0; i < channels.size(); ++i)
    if (named ? !is_ecg_name(channels[i].name) : is_other_name(channels[i].name)) reasons[i] = "no name of an ECG lead";
  const auto in_volts = [&](std::size_t i) { return reasons[i].empty() && is_voltage(channels[i].unit); };
  bool volts = false;
  for (std::size_t i = 0; i < channels.size(); ++i) volts = volts || in_volts(i);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string& unit = channels[i].unit;
    if (!is_voltage(unit) && (volts || (!named && unit != "z")))
      reasons[i] = unit.empty() ? "without unit" : fmt::format("unit {}", unit);
  }
  ChannelChoice choice;
  choice.rate = most_frequent_rate(channels, reasons);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (reasons[i].empty() && channels[i].rate != choice.rate) reasons[i] = fmt::format("at {:g} Hz", channels[i].rate);
    if (reasons[i].empty()) {
      choice.leads.push_back(i);
    } else {
      choice.others.push_back({channels[i].name, reasons[i]});
    }
  }
  return choice;
}

std::string others_text(std::span<const LeftAside> others) {
  std::string text;
  for (const LeftAside& other : others)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", other.name, other.reason);
  return text;
}

void require_leads(const ChannelChoice& choice, const std::string& record) {
  if (!choice.leads.empty()) return;
  throw Error(fmt::format("{}: no ECG among its signals: {}", record,
                          choice.others.empty() ? "there are none" : others_text(choice.others)),
              "Expected signals with the names of leads (I, II, V1, MLII, ECG, ...), in a unit of voltage.");
}

}  // namespace cardiograd::ecg
