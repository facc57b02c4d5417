#include "ecg/leads.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace cardiograd::ecg {
namespace {

constexpr std::size_t kFirstChestLead = 6;
constexpr std::size_t kMinChestLeadsAsC = 3;

// Whether a hyphen in a name is a minus: before all letters, behind all, or right before a word but not right behind
// one ("ECG -aVR"; in "ECG-aVR" and "ch - II" it separates).
bool has_sign(std::string_view name) {
  const auto is_word = [&](std::size_t i) {
    return i < name.size() && std::isalnum(static_cast<unsigned char>(name[i]));
  };
  const auto is_any = [](unsigned char c) { return std::isalnum(c) != 0; };
  for (std::size_t i = name.find('-'); i != std::string_view::npos; i = name.find('-', i + 1)) {
    const bool first = std::none_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(i), is_any);
    const bool last = std::none_of(name.begin() + static_cast<std::ptrdiff_t>(i), name.end(), is_any);
    if (first || last || (is_word(i + 1) && !is_word(i - 1))) return true;
  }
  return false;
}

// "c1" to "c6"
bool is_c_word(std::string_view word) {
  return word.size() == 2 && word[0] == 'c' && word[1] >= '1' && word[1] <= '6';
}

bool has_eeg_electrode(std::string_view name) {
  constexpr std::array<std::string_view, 28> kElectrodes = {
      "eeg", "fp1", "fp2", "fpz", "f3", "f4", "f7", "f8", "fz", "cz", "pz", "oz", "o1", "o2",
      "p3",  "p4",  "t3",  "t4",  "t5", "t6", "t7", "t8", "p7", "p8", "a1", "a2", "m1", "m2"};
  const auto words = words_of(name);
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(kElectrodes.begin(), kElectrodes.end(), word) != kElectrodes.end();
  });
}

}  // namespace

bool same_lead(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<std::size_t> find_lead(std::span<const std::string> names, std::string_view wanted) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (same_lead(names[i], wanted)) return i;
  return std::nullopt;
}

bool are_standard_leads(std::span<const std::string> names) {
  return std::equal(names.begin(), names.end(), kStandardLeads.begin(), kStandardLeads.end());
}

std::array<std::size_t, kStandardLeadCount> match_standard_leads(std::span<const std::string> names,
                                                                 const std::string& record) {
  std::array<std::size_t, kStandardLeadCount> positions{};
  std::vector<std::string_view> missing;
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead) {
    const auto first = find_lead(names, kStandardLeads[lead]);
    if (!first) {
      missing.push_back(kStandardLeads[lead]);
      continue;
    }
    if (find_lead(names.subspan(*first + 1), kStandardLeads[lead]))
      throw Error(fmt::format("{}: lead {} is there twice", record, kStandardLeads[lead]),
                  "Correct the lead names in the header: each of the twelve must be there once.");
    positions[lead] = *first;
  }
  if (!missing.empty())
    throw Error(fmt::format("{}: lead {} missing among {}", record, fmt::join(missing, ", "), fmt::join(names, ", ")),
                "Expected the twelve standard leads, in any order.");
  return positions;
}

char without_accent(unsigned char latin) {
  const unsigned char c = latin | 0x20;  // in lower case
  if (latin < 0xC0) return '\0';
  if (c >= 0xE0 && c <= 0xE6) return 'a';
  if (c == 0xE7) return 'c';
  if (c >= 0xE8 && c <= 0xEB) return 'e';
  if (c >= 0xEC && c <= 0xEF) return 'i';
  if (c == 0xF1) return 'n';
  if (c >= 0xF2 && c <= 0xF6) return 'o';
  if (c >= 0xF9 && c <= 0xFC) return 'u';
  return '\0';
}

std::string without_accents(std::string_view name) {
  std::string plain;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const auto c = static_cast<unsigned char>(name[at]);
    const auto next = static_cast<unsigned char>(at + 1 < name.size() ? name[at + 1] : 0);
    const bool several = (next & 0xC0) == 0x80;  // bytes of one character in UTF-8
    const bool utf8 = c == 0xC3 && several;
    const char letter = utf8      ? without_accent(static_cast<unsigned char>(next | 0x40))
                        : several ? '\0'
                                  : without_accent(c);
    plain += letter == '\0' ? name[at] : letter;
    at += utf8 && letter != '\0' ? 1 : 0;
  }
  return plain;
}

std::optional<std::pair<std::size_t, std::size_t>> find_same_leads(std::span<const std::string> names) {
  const auto standard = standard_leads(names);
  for (std::size_t second = 1; second < names.size(); ++second)
    for (std::size_t first = 0; first < second; ++first)
      if (same_lead(names[first], names[second]) || (standard[first] && standard[first] == standard[second]))
        return std::pair(first, second);
  return std::nullopt;
}

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

namespace {

// "I-II", "I/II": what lies between two leads, or both.
bool names_several_leads(std::string_view name) {
  constexpr std::array<std::string_view, 12> kLeads = {"i",  "ii", "iii", "avr", "avl", "avf",
                                                       "v1", "v2", "v3",  "v4",  "v5",  "v6"};
  const auto words = words_of(name);
  return std::count_if(words.begin(), words.end(), [&](const std::string& word) {
           return std::find(kLeads.begin(), kLeads.end(), word) != kLeads.end();
         }) > 1;
}

}  // namespace

std::string plain_lead_name(std::string_view name) {
  using Numeral = std::pair<std::string_view, std::string_view>;
  static constexpr std::array kNumerals = {Numeral{"Ⅰ", "I"}, Numeral{"Ⅱ", "II"}, Numeral{"Ⅲ", "III"},
                                           Numeral{"ⅰ", "i"}, Numeral{"ⅱ", "ii"}, Numeral{"ⅲ", "iii"}};
  constexpr std::array<std::string_view, 9> kLeads = {"导联",      "導聯",      "誘導",    "리드",   "유도",
                                                      "отведение", "Отведение", "απαγωγή", "Απαγωγή"};
  std::string plain = without_accents(name);
  for (const auto& [numeral, letters] : kNumerals)
    for (std::size_t at = 0; (at = plain.find(numeral, at)) != std::string::npos;)
      plain.replace(at, numeral.size(), letters);
  for (const std::string_view lead : kLeads)
    for (std::size_t at = 0; (at = plain.find(lead, at)) != std::string::npos;) {
      const std::size_t behind = at + lead.size();
      const bool joined = behind < plain.size() && std::isalnum(static_cast<unsigned char>(plain[behind])) != 0;
      plain.replace(at, lead.size(), joined ? " lead " : " lead");
    }
  return plain;
}

bool is_lead_filler(std::string_view word) {
  constexpr std::array<std::string_view, 20> kWords = {
      "raw",       "lead",        "leads",     "mdc",       "channel",    "chan",         "ch",
      "kanal",     "canal",       "canale",    "signal",    "ableitung",  "derivation",   "derivacion",
      "derivacao", "derivazione", "afleiding", "avledning", "derivasyon", "odprowadzenie"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

std::optional<std::size_t> standard_lead(std::string_view name) {
  const std::string plain = plain_lead_name(name);
  if (has_sign(plain)) return std::nullopt;  // Cabrera's -aVR is aVR upside down.
  if (std::any_of(plain.begin(), plain.end(), [](unsigned char c) { return c >= 0x80; })) return std::nullopt;
  std::vector<std::string> words = words_of(plain);
  std::erase_if(words, is_lead_filler);
  // "1: I", "12_V6": their numbers.
  if (words.size() > 1 &&
      std::all_of(words[0].begin(), words[0].end(), [](unsigned char c) { return std::isdigit(c); }))
    words.erase(words.begin());
  std::string key;
  for (const std::string& word : words) key += word;
  for (const std::string_view prefix :
       {"mdc", "ecg", "ekg", "lead", "derivation", "derivacion", "derivacao", "derivazione", "ableitung"})
    if (key.starts_with(prefix)) key.erase(0, prefix.size());
  if (key.size() > 3 && (key.ends_with("ecg") || key.ends_with("ekg"))) key.resize(key.size() - 3);
  static constexpr std::array<std::array<std::string_view, 4>, kStandardLeadCount> kNames = {
      {{"i", "d1", "di", "l1"},
       {"ii", "d2", "dii", "l2"},
       {"iii", "d3", "diii", "l3"},
       {"avr"},
       {"avl"},
       {"avf"},
       {"v1", "c1"},
       {"v2", "c2"},
       {"v3", "c3"},
       {"v4", "c4"},
       {"v5", "c5"},
       {"v6", "c6"}}};
  if (key.empty() || names_several_leads(plain)) return std::nullopt;
  for (std::size_t lead = 0; lead < kStandardLeadCount; ++lead)
    if (std::find(kNames[lead].begin(), kNames[lead].end(), key) != kNames[lead].end()) return lead;
  return std::nullopt;
}

bool is_chest_or_eeg(std::string_view name) {
  // "CH C3" says no more than "C3"; "Lead C3" does.
  constexpr std::array<std::string_view, 5> kAnySignal = {"channel", "chan", "ch", "kanal", "signal"};
  auto words = words_of(name);
  std::erase_if(words, [&](const std::string& word) {
    return std::find(kAnySignal.begin(), kAnySignal.end(), word) != kAnySignal.end();
  });
  return !words.empty() && std::all_of(words.begin(), words.end(), is_c_word);
}

bool has_chest_leads_as_c(std::span<const std::string> names) {
  std::array<bool, kStandardLeadCount> there{};
  std::vector<std::string_view> others;
  for (const std::string& name : names) {
    if (!is_chest_or_eeg(name)) {
      others.push_back(name);
    } else if (const auto lead = standard_lead(name)) {
      there.at(*lead) = true;
    }
  }
  if (static_cast<std::size_t>(std::count(there.begin(), there.end(), true)) < kMinChestLeadsAsC) return false;
  return std::none_of(others.begin(), others.end(), [](std::string_view name) {
    return standard_lead(name).value_or(0) >= kFirstChestLead || has_eeg_electrode(name);
  });
}

std::vector<std::optional<std::size_t>> standard_leads(std::span<const std::string> names) {
  const bool chest = has_chest_leads_as_c(names);
  std::vector<std::optional<std::size_t>> leads;
  for (const std::string& name : names)
    leads.push_back(chest || !is_chest_or_eeg(name) ? standard_lead(name) : std::nullopt);
  return leads;
}

}  // namespace cardiograd::ecg
