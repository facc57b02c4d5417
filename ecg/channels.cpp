#include "ecg/channels.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::ecg {
namespace {

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

// Within a word: other characters separate words.
bool has_ecg_word(std::string_view name) {
  for (std::size_t i = 0; i + 3 <= name.size(); ++i)
    if (same_lead(name.substr(i, 3), "ecg") || same_lead(name.substr(i, 3), "ekg")) return true;
  return false;
}

// "ecgquality" -> "quality"
std::string without_ecg(std::string word) {
  for (const std::string_view ecg : {"ecg", "ekg"})
    if (const auto at = word.find(ecg); at != std::string::npos) word.erase(at, ecg.size());
  return word;
}

// Whether a name is that of what was computed from an ECG: "ECG_Rate", "ECG_R_Peaks", "EcgQuality".
bool is_derived_name(std::string_view name) {
  constexpr std::array<std::string_view, 74> kDerived = {
      "rate",      "heartrate",  "hr",         "hrv",       "bpm",        "quality",   "qual",       "sqi",
      "score",     "peak",       "peaks",      "rpeak",     "rpeaks",     "onset",     "onsets",     "offset",
      "offsets",   "phase",      "completion", "label",     "labels",     "class",     "annotation", "annotations",
      "beat",      "beats",      "rr",         "rri",       "ibi",        "off",       "leadoff",    "leadsoff",
      "lod",       "status",     "flag",       "flags",     "valid",      "marker",    "markers",    "event",
      "events",    "trigger",    "time",       "timestamp", "timestamps", "index",     "counter",    "count",
      "impedance", "contact",    "battery",    "edr",       "detected",   "detection", "artifact",   "artifacts",
      "artefact",  "interval",   "intervals",  "qrs",       "mask",       "threshold", "baseline",   "noise",
      "diff",      "derivative", "envelope",   "template",  "gain",       "mean",      "std",        "average",
      "scale",     "saturated"};
  if (!has_ecg_word(name)) return false;
  const auto words = words_of(name);
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    const std::string bare = without_ecg(word);
    return is_one_of(bare, kDerived) || (!bare.empty() && is_other_name(bare));  // "ECG_Resp"
  });
}

// The words of a name without those that say whether it was filtered; whether it was.
std::pair<std::vector<std::string>, bool> without_filter_words(std::string_view name) {
  constexpr std::array<std::string_view, 9> kFiltered = {"clean",    "cleaned",  "filtered", "filt",     "filter",
                                                         "denoised", "smoothed", "smooth",   "processed"};
  std::vector<std::string> rest;
  bool filtered = false;
  for (const std::string& word : words_of(name)) {
    const std::string bare = without_ecg(word);
    const bool is_filter = is_one_of(bare, kFiltered);
    filtered = filtered || is_filter;
    if (bare.size() != word.size()) rest.emplace_back("ecg");
    if (!is_filter && !bare.empty() && bare != "raw") rest.push_back(bare);
  }
  return {rest, filtered};
}

// Which channels are filtered copies of others: "ECG_Clean" beside "ECG_Raw" or "ECG".
std::vector<bool> filtered_copies(std::span<const Channel> channels) {
  std::set<std::vector<std::string>> originals;
  for (const Channel& channel : channels)
    if (has_ecg_word(channel.name))
      if (auto [words, filtered] = without_filter_words(channel.name); !filtered) originals.insert(std::move(words));
  std::vector<bool> copies;
  for (const Channel& channel : channels) {
    copies.push_back(false);
    if (!has_ecg_word(channel.name)) continue;
    const auto [words, filtered] = without_filter_words(channel.name);
    copies.back() = filtered && originals.contains(words);
  }
  return copies;
}

// Whether a name has the word "raw" and another channel is the same lead without it.
bool is_raw_beside(std::span<const Channel> channels, const std::string& name) {
  const auto is_raw = [](const std::string& one) {
    const auto words = words_of(one);
    return std::find(words.begin(), words.end(), "raw") != words.end();
  };
  const auto lead = standard_lead(name);
  return lead && is_raw(name) && std::any_of(channels.begin(), channels.end(), [&](const Channel& channel) {
           return !is_raw(channel.name) && standard_lead(channel.name) == lead;
         });
}

bool is_axis(const std::vector<std::string>& words) {
  constexpr std::array<std::string_view, 3> kAxes = {"x", "y", "z"};
  return words.size() == 1 && is_one_of(words[0], kAxes);
}

// Names that are leads among leads, and may be anything beside a channel that says that it is the ECG.
struct Doubtful {
  bool ecg = false;    // a channel says so
  bool leads = false;  // others have names that are those of leads alone
  bool volts = false;  // "V" is there
  bool chest = false;  // "C1" to "C6" are chest leads
  bool frank = true;   // "x", "y" and "z" may be leads: there is no other name of one

  explicit Doubtful(std::span<const Channel> channels) {
    std::vector<std::string> names;
    for (const Channel& channel : channels) {
      names.push_back(channel.name);
      ecg = ecg || has_ecg_word(channel.name);
      const auto words = words_of(channel.name);
      volts = volts || words == std::vector<std::string>{"v"};
      frank = frank && (is_axis(words) || !is_ecg_name(channel.name));
      const auto lead = standard_lead(channel.name);
      leads = leads || (lead && !has_ecg_word(channel.name) && same_lead(channel.name, kStandardLeads.at(*lead)) &&
                        channel.name.size() > 1);
    }
    chest = has_chest_leads_as_c(names);
  }

  // Why a name is not taken for that of a lead; empty where it is.
  std::string reason(std::string_view name) const {
    if (is_chest_or_eeg(name)) return chest ? "" : "taken for an EEG electrode";
    const auto words = words_of(name);
    if (is_axis(words)) return frank && !ecg ? "" : "an axis of something else than the ECG";
    if (!ecg || words.size() != 1) return "";
    constexpr std::array<std::string_view, 7> kAmbiguous = {"v", "d1", "d2", "d3", "l1", "l2", "l3"};
    const bool ambiguous = is_one_of(words[0], kAmbiguous) || (volts && words[0] == "i");
    return ambiguous && !leads ? "ambiguous beside an ECG" : "";
  }
};

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
  const auto words = words_of(plain_lead_name(name));
  if (words.empty()) return false;
  if (standard_lead(name)) return true;
  if (has_ecg_word(name)) return !is_derived_name(name);
  constexpr std::array<std::string_view, 2> kModified = {"mod", "modified"};
  constexpr std::array<std::string_view, 3> kFrank = {"x", "y", "z"};
  constexpr std::array<std::string_view, 4> kEasi = {"e", "a", "s", "i"};
  // Frank's axes are whole names.
  if (words.size() == 1 && is_one_of(words[0], kFrank)) return true;
  std::vector<std::string> names;
  std::copy_if(words.begin(), words.end(), std::back_inserter(names),
               [&](const std::string& word) { return !is_lead_filler(word) && !is_one_of(word, kModified); });
  // EASI's electrodes come in pairs ("A-S").
  const bool pair = names.size() == 2;
  return !names.empty() && std::all_of(names.begin(), names.end(), [&](const std::string& word) {
    return is_lead_word(word) || (pair && is_one_of(word, kEasi));
  });
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
  if (is_derived_name(name)) return true;
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
  const Doubtful doubtful(channels);
  const std::vector<bool> copies = filtered_copies(channels);
  bool named = false;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::string& name = channels[i].name;
    reasons[i] = is_derived_name(name)           ? "derived from an ECG"
                 : copies[i]                     ? "a filtered copy of another one"
                 : is_raw_beside(channels, name) ? "a raw copy of another one"
                                                 : doubtful.reason(name);
    named = named || (reasons[i].empty() && is_ecg_name(name));
  }
  for (std::size_t i = 0; i < channels.size(); ++i)
    if (reasons[i].empty() && (named ? !is_ecg_name(channels[i].name) : is_other_name(channels[i].name)))
      reasons[i] = "no name of an ECG lead";
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
