#include "data/signal_preamble.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "data/signal_table.h"
#include "ecg/channels.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

constexpr double kLowestRate = 20;  // Hz
constexpr int kByUnit = 1, kByName = Preamble::kNamed, kSurely = 4;

std::string_view without(std::string_view text, std::string_view around) {
  const auto first = text.find_first_not_of(around);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(around) - first + 1);
}

// Letters in lower case; bytes of other alphabets count as such.
std::string letters_of(std::string_view text) {
  std::string letters;
  for (const unsigned char c : text)
    if (std::isalpha(c) != 0 || c >= 0x80) letters += static_cast<char>(std::tolower(c));
  return letters;
}

template <std::size_t n>
bool is_one_of(std::string_view word, const std::array<std::string_view, n>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The letters of a name without a unit behind them: "samplingrate" of "Sampling rate (Hz)".
std::string letters_without_unit(std::string_view name) {
  std::string letters = letters_of(name);
  for (const std::string_view unit : {"hz", "hertz", "in"})
    if (letters.ends_with(unit)) letters.resize(letters.size() - unit.size());
  return letters;
}

// How surely a line of this name says the sampling rate of the ECG; 0: it does not say one. `hertz`: its unit.
int rank_of_rate(std::string_view name, bool hertz) {
  constexpr std::array<std::string_view, 13> kNames = {
      "samplerate", "samplingrate", "samplefrequency", "samplingfrequency", "samplingfreq",   "samplefreq",      "fs",
      "sfreq",      "sps",          "abtastrate",      "messrate",          "abtastfrequenz", "samplespersecond"};
  // Of something else that is counted in hertz, or of another signal or time.
  constexpr std::array<std::string_view, 15> kOthers = {"filter", "pass", "notch", "mains", "line",
                                                        "cut",    "band", "netz",  "heart", "pulse",
                                                        "puls",   "beat", "herz",  "vent",  "hum"};
  constexpr std::array<std::string_view, 12> kForeign = {"ppg",  "pleth", "resp", "spo", "emg", "eeg",
                                                         "gyro", "accel", "orig", "max", "adc", "internal"};
  std::string letters = letters_without_unit(name);
  for (const std::string_view own : {"ecg", "ekg"})
    if (letters.starts_with(own)) letters.erase(0, own.size());
  if (is_one_of(letters, kNames)) return kSurely;
  const auto within = [&](std::string_view word) { return letters.find(word) != std::string::npos; };
  if (std::any_of(kOthers.begin(), kOthers.end(), within)) return 0;
  const bool foreign = std::any_of(kForeign.begin(), kForeign.end(), within);
  if (hertz && within("sampl") && !foreign) return kSurely - 1;
  if (letters == "rate" || letters == "frequency") return hertz ? kSurely - 1 : kByName;
  return hertz ? kByUnit : 0;
}

bool is_interval_name(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"interval", "sampleinterval", "samplinginterval", "sampleperiod",
                                                      "samplingperiod"};
  return is_one_of(letters_of(name), kNames);
}

// A word for hertz: languages write it by its sound, with endings of their own.
bool is_hertz(std::string_view word) {
  constexpr std::array<std::string_view, 11> kBegins = {"hert",   "herz",   "herc",  "Герц", "герц", "赫",
                                                        "ヘルツ", "헤르츠", "χερτζ", "هرتز", "הרץ"};
  return word == "hz" || word == "Гц" || word == "гц" ||
         std::any_of(kBegins.begin(), kBegins.end(), [&](std::string_view begin) { return word.starts_with(begin); });
}

// "512 hertz" as 512 and "hertz"; "512,844 hertz" as 512.844, for rates are not of millions.
struct Quantity {
  double value = 0;
  std::string_view unit;
};
std::optional<Quantity> quantity_in(std::string_view text) {
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789.,"));
  const std::string_view number = digits.substr(0, digits.find_last_not_of(".,") + 1);
  auto value = cell_number(number, true);
  if (has_thousands(number) && (!value || *value < kLowestRate)) {
    std::string plain(number);
    std::erase(plain, ',');
    value = cell_number(plain, false);
  }
  if (!value || !(*value > 0)) return std::nullopt;
  return Quantity{*value, without(text.substr(digits.size()), " \t\r\",;")};
}

void take_rate(std::string_view name, std::string_view value, Preamble& preamble) {
  const auto quantity = quantity_in(value);
  if (!quantity) return;
  const std::string unit = letters_of(quantity->unit);
  if (unit.size() != quantity->unit.size()) return;  // "0.05-150 Hz"
  double rate = quantity->value;
  int rank = unit.empty() || is_hertz(unit) ? rank_of_rate(name, is_hertz(unit)) : 0;
  if (const auto seconds = time_column({"time", unit}).seconds; seconds && is_interval_name(name)) {
    rate = 1 / (rate * *seconds);
    rank = kSurely;
  }
  if (rank <= preamble.rate_rank) return;
  preamble.rate = rate;
  preamble.rate_rank = rank;
}

// "I" of "Lead,Lead I" and "Lead,I Lead" in any language, of "Lead,I" and of "Channel,I".
std::string lead_in(std::string_view name, std::string_view value) {
  constexpr std::array<std::string_view, 4> kNames = {"lead", "channel", "ableitung", "kanal"};
  const bool before = value.size() > name.size() && value.starts_with(name);
  const bool behind = value.size() > name.size() && value.ends_with(name);
  if (!before && !behind && !is_one_of(letters_of(name), kNames)) return {};
  std::string_view lead = value;
  if (before)
    lead.remove_prefix(name.size());
  else if (behind)
    lead.remove_suffix(name.size());
  lead = without_quotes(lead);
  return ecg::is_ecg_name(lead) ? std::string(lead) : std::string();
}

}  // namespace

std::string_view without_quotes(std::string_view text) {
  return without(text, " \t\r\"");
}

std::string_view without_comment_mark(std::string_view line) {
  const auto first = std::min(line.find_first_not_of(' '), line.size());
  std::string_view rest = line.substr(first);
  const std::size_t mark = rest.starts_with("//") ? 2 : std::min(rest.find_first_not_of("#%"), rest.size());
  if (mark == 0) return line;
  rest.remove_prefix(mark);
  return rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
}

bool read_preamble_line(std::string_view line, Preamble& preamble) {
  line = without_quotes(without_comment_mark(line));
  const auto separator = std::min(line.find_first_of(",;\t:=|"), line.size());
  const std::string_view name = without_quotes(line.substr(0, separator));
  if (name.empty() || cell_number(name, true) || is_missing_cell(name) || letters_of(name).empty()) return false;
  if (separator == line.size()) {
    if (preamble.lead.empty() && ecg::is_ecg_name(name)) preamble.lead = name;
    if (preamble.unit.empty() && name.size() > 1 && ecg::millivolts_per_unit(name)) preamble.unit = name;
    return true;
  }
  const std::string_view value = without(line.substr(separator + 1), " \t\r\",;");
  take_rate(name, value, preamble);
  if (std::string lead = lead_in(name, value); !lead.empty() && !preamble.lead_named) {
    preamble.lead = std::move(lead);
    preamble.lead_named = true;
  }
  // "Lead,V" says no unit.
  const std::string letters = letters_of(name);
  const bool unit = value.size() > 1 || letters.starts_with("unit") || letters.starts_with("einheit");
  if (unit && ecg::millivolts_per_unit(value) && preamble.unit.empty()) preamble.unit = value;
  return true;
}

}  // namespace cardiograd::data
