#include "data/dicom.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"
#include "data/dicom_elements.h"
#include "data/source_leads.h"
#include "ecg/channels.h"
#include "ecg/person.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr DicomTag kStudyDate = 0x00080020, kAcquisition = 0x0008002A, kCode = 0x00080100, kMeaning = 0x00080104;
constexpr DicomTag kBirth = 0x00100030, kSex = 0x00100040, kAge = 0x00101010;
constexpr DicomTag kTimeOffset = 0x00181068, kOriginality = 0x003A0004;
constexpr DicomTag kChannels = 0x003A0005, kSamples = 0x003A0010, kRate = 0x003A001A, kDefinitions = 0x003A0200;
constexpr DicomTag kLabel = 0x003A0203, kSource = 0x003A0208, kSensitivity = 0x003A0210, kUnits = 0x003A0211;
constexpr DicomTag kCorrection = 0x003A0212, kBaseline = 0x003A0213;
constexpr DicomTag kWaveforms = 0x54000100, kBits = 0x54001004, kInterpretation = 0x54001006, kPadding = 0x5400100A;
constexpr DicomTag kData = 0x54001010;
// Groups without a time offset are taken as recorded at once when they are at least this long: recorders that write
// leads one after the other give each 2.5 or 5 s.
constexpr double kMinTogether = 6;       // s
constexpr double kSurelyTogether = 9.5;  // s; below it that is warned about
constexpr double kLongestBeat = 2;       // s; what is longer is a rhythm
constexpr double kMaxChannels = 4096, kMaxSamples = 1U << 29;

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(fmt::format("{}: {}", path.string(), what), "The file is damaged; export it again, or as EDF or WFDB.");
}

// Codes of leads: "5.6.3-9-61" (SCP-ECG), "2:61" (ISO 11073-10101), each with the number that SCP-ECG has for the lead.
std::string lead_of_code(std::string_view code) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kLeads = {{{"1", "I"},
                                                                                     {"2", "II"},
                                                                                     {"61", "III"},
                                                                                     {"62", "aVR"},
                                                                                     {"63", "aVL"},
                                                                                     {"64", "aVF"},
                                                                                     {"3", "V1"},
                                                                                     {"4", "V2"},
                                                                                     {"5", "V3"},
                                                                                     {"6", "V4"},
                                                                                     {"7", "V5"},
                                                                                     {"8", "V6"}}};
  for (const std::string_view begin : {"5.6.3-9-", "2:"}) {
    if (!code.starts_with(begin)) continue;
    for (const auto& [number, lead] : kLeads)
      if (code.substr(begin.size()) == number) return std::string(lead);
  }
  return {};
}

// The lead's code, or what a reader would call it: "Lead I (Einthoven)" is "I".
std::string name_of(const DicomSet& definition) {
  std::string meaning;
  for (const DicomSet& source : definition.items(kSource)) {
    std::string code = source.text(kCode);
    if (std::string lead = lead_of_code(code); !lead.empty()) return lead;
    if (code.starts_with("MDC_ECG_")) return code;
    if (meaning.empty()) meaning = source.text(kMeaning);
  }
  if (meaning.empty()) meaning = definition.text(kLabel);
  meaning.erase(std::min(meaning.find('('), meaning.size()));
  meaning.erase(meaning.find_last_not_of(' ') + 1);
  return meaning;
}

std::string unit_of(const DicomSet& definition) {
  for (const DicomSet& unit : definition.items(kUnits))
    if (std::string code = unit.text(kCode); !code.empty()) return code;
  return {};
}

// How samples are stored.
struct Storage {
  std::size_t bytes = 2;
  bool is_signed = true;
  bool big_endian = false;
  std::optional<std::uint64_t> padding;

  double value(std::uint64_t stored) const {
    if (!is_signed) return static_cast<double>(stored);
    const std::uint64_t sign = std::uint64_t{1} << (8 * bytes - 1);
    return static_cast<double>(static_cast<std::int64_t>(stored ^ sign) - static_cast<std::int64_t>(sign));
  }
};

Storage storage_of(const DicomSet& waveform, const fs::path& path) {
  const std::string kind = waveform.text(kInterpretation);
  constexpr std::array<std::string_view, 6> kKinds = {"SB", "UB", "SS", "US", "SL", "UL"};
  const auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  if (found == kKinds.end())
    fail(path, fmt::format("samples are stored as '{}', expected SB, UB, SS, US, SL or UL", kind.substr(0, 16)));
  const auto index = static_cast<std::size_t>(found - kKinds.begin());
  Storage storage;
  storage.bytes = std::size_t{1} << (index / 2);
  storage.is_signed = index % 2 == 0;
  storage.big_endian = waveform.encoding().big_endian;
  if (waveform.number(kBits).value_or(static_cast<double>(8 * storage.bytes)) != static_cast<double>(8 * storage.bytes))
    fail(path, fmt::format("samples of {} bits stored as {}", *waveform.number(kBits), kind));
  if (const DicomElement* padding = waveform.find(kPadding);
      padding != nullptr && padding->value.size() >= storage.bytes)
    storage.padding = dicom_integer(padding->value.substr(0, storage.bytes), storage.big_endian);
  return storage;
}

std::size_t count_of(const DicomSet& waveform, DicomTag tag, double most, const char* what, const fs::path& path) {
  const double count = waveform.number(tag).value_or(0);
  if (!(count >= 1 && count <= most)) fail(path, fmt::format("{} is {}, expected 1 to {}", what, count, most));
  return static_cast<std::size_t>(count);
}

// A factor that says something: 0 is what some exports write for "not known".
std::optional<double> factor_of(const DicomSet& definition, DicomTag tag) {
  const std::optional<double> factor = definition.number(tag);
  return factor && *factor != 0 && std::isfinite(*factor) ? factor : std::nullopt;
}

// The leads of a multiplex group.
SourceLeads read_waveform(const DicomSet& waveform, const fs::path& path) {
  SourceLeads source;
  const std::size_t channels = count_of(waveform, kChannels, kMaxChannels, "the number of channels", path);
  const std::size_t samples = count_of(waveform, kSamples, kMaxSamples, "the number of samples", path);
  source.rate = waveform.number(kRate).value_or(0);
  const std::vector<DicomSet> definitions = waveform.items(kDefinitions);
  if (definitions.size() != channels)
    fail(path, fmt::format("{} channels, but {} of them are defined", channels, definitions.size()));
  const Storage storage = storage_of(waveform, path);
  const DicomElement* data = waveform.find(kData);
  const std::size_t there = data == nullptr ? 0 : data->value.size();
  if (there / storage.bytes / channels < samples)
    fail(path, fmt::format("{} bytes of samples, expected {} channels of {} samples of {} bytes", there, channels,
                           samples, storage.bytes));
  std::vector<std::string> uncalibrated;
  for (std::size_t c = 0; c < channels; ++c) {
    const DicomSet& definition = definitions[c];
    SourceLead lead{name_of(definition), unit_of(definition), {}};
    const std::optional<double> sensitivity = factor_of(definition, kSensitivity);
    const double step = sensitivity.value_or(1) * factor_of(definition, kCorrection).value_or(1);
    if (!sensitivity) uncalibrated.push_back(lead.name);
    const double baseline = definition.number(kBaseline).value_or(0);
    lead.samples.reserve(samples);
    for (std::size_t t = 0; t < samples; ++t) {
      const auto bytes = data->value.substr((t * channels + c) * storage.bytes, storage.bytes);
      const std::uint64_t stored = dicom_integer(bytes, storage.big_endian);
      lead.samples.push_back(stored == storage.padding ? std::numeric_limits<double>::quiet_NaN()
                                                       : storage.value(stored) * step + baseline);
    }
    source.leads.push_back(std::move(lead));
  }
  if (!uncalibrated.empty())
    log_warning("{}: no channel sensitivity for lead {}; 1 unit per step is assumed, voltages may be wrong",
                path.string(), fmt::join(uncalibrated, ", "));
  return source;
}

// The groups that hold what was recorded; derived ones, such as the median beat, only where there is nothing else.
std::vector<DicomSet> recorded_of(const std::vector<DicomSet>& groups) {
  std::vector<DicomSet> recorded;
  for (const DicomSet& group : groups)
    if (group.text(kOriginality) != "DERIVED") recorded.push_back(group);
  return recorded.empty() ? groups : recorded;
}

// Whether the samples of two groups were taken at the same times.
bool at_once(const DicomSet& a, const DicomSet& b) {
  if (a.number(kRate) != b.number(kRate) || a.number(kSamples) != b.number(kSamples)) return false;
  const std::optional<double> begin = a.number(kTimeOffset), other = b.number(kTimeOffset);
  if (begin || other) return begin.value_or(0) == other.value_or(0);
  return a.number(kSamples).value_or(0) >= kMinTogether * a.number(kRate).value_or(0);
}

bool have_a_name_in_common(const SourceLeads& a, const SourceLeads& b) {
  return std::any_of(a.leads.begin(), a.leads.end(), [&](const SourceLead& lead) {
    return std::any_of(b.leads.begin(), b.leads.end(), [&](const SourceLead& one) { return one.name == lead.name; });
  });
}

double seconds_of(const DicomSet& group) {
  const double rate = group.number(kRate).value_or(0);
  return rate > 0 ? group.number(kSamples).value_or(0) / rate : 0;
}

std::vector<std::string> names_of(const DicomSet& group) {
  std::vector<std::string> names;
  for (const DicomSet& definition : group.items(kDefinitions)) names.push_back(name_of(definition));
  return names;
}

// What makes a group the main one: it has leads by name, is longer than a beat, and has most ECG in leads times
// seconds.
std::array<double, 3> rank_of(const DicomSet& group) {
  std::vector<ecg::Channel> channels;
  for (const DicomSet& definition : group.items(kDefinitions))
    channels.push_back({name_of(definition), ecg::canonical_unit(unit_of(definition))});
  const std::vector<std::size_t> leads = ecg::choose_ecg_channels(channels).leads;
  const bool named =
      std::any_of(leads.begin(), leads.end(), [&](std::size_t lead) { return ecg::is_ecg_name(channels[lead].name); });
  const double seconds = seconds_of(group);
  return {named ? 1.0 : 0.0, seconds > kLongestBeat ? 1.0 : 0.0, static_cast<double>(leads.size()) * seconds};
}

// The first of the highest rank: what stands first may be a blood pressure or an average beat.
std::size_t main_group(const std::vector<DicomSet>& groups) {
  std::vector<std::array<double, 3>> ranks;
  ranks.reserve(groups.size());
  for (const DicomSet& group : groups) ranks.push_back(rank_of(group));
  return static_cast<std::size_t>(std::max_element(ranks.begin(), ranks.end()) - ranks.begin());
}

// The main group and those that belong to it; those that are left are others, with their leads.
SourceLeads read_groups(const std::vector<DicomSet>& groups, const fs::path& path) {
  const std::size_t main = main_group(groups);
  SourceLeads source = read_waveform(groups[main], path);
  bool assumed = false;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i == main) continue;
    SourceLeads more;
    if (at_once(groups[main], groups[i])) more = read_waveform(groups[i], path);
    if (more.leads.empty() || have_a_name_in_common(source, more)) {
      source.others.push_back({fmt::format("{} of another waveform of {:.3g} s", fmt::join(names_of(groups[i]), ", "),
                                           seconds_of(groups[i])),
                               "not recorded at the same time, or with leads that are there already"});
      continue;
    }
    assumed = assumed || !groups[main].number(kTimeOffset);
    std::move(more.leads.begin(), more.leads.end(), std::back_inserter(source.leads));
  }
  if (assumed && seconds_of(groups[main]) < kSurelyTogether)
    log_warning("{}: waveforms of {:.3g} s each without times; they are taken as recorded at once", path.string(),
                seconds_of(groups[main]));
  return source;
}

// "20200512123359" as "2020-05-12 12:33:59".
std::string start_of(const DicomSet& set) {
  std::string digits = set.text(kAcquisition);
  if (digits.empty()) digits = set.text(kStudyDate);
  if (digits.size() < 8) return {};
  std::string text = fmt::format("{}-{}-{}", digits.substr(0, 4), digits.substr(4, 2), digits.substr(6, 2));
  if (digits.size() >= 14)
    text += fmt::format(" {}:{}:{}", digits.substr(8, 2), digits.substr(10, 2), digits.substr(12, 2));
  return text;
}

}  // namespace

bool is_dicom(std::string_view content) {
  return (content.size() > 132 && content.substr(128, 4) == "DICM") || is_dicom_without_preamble(content);
}

ecg::Recording parse_dicom(std::string_view content, const fs::path& path) {
  const DicomSet set = dicom_file(content, path);
  const std::vector<DicomSet> waveforms = set.items(kWaveforms);
  if (waveforms.empty())
    throw Error(fmt::format("{}: no waveform: an image, a report or another object", path.string()),
                "Give the object with the ECG's waveform.");
  SourceLeads source = read_groups(recorded_of(waveforms), path);
  source.start = start_of(set);
  std::string age = set.text(kAge);
  age = age.empty() ? ecg::age_comment(set.text(kBirth), source.start) : "Age: " + age;
  if (!age.empty()) source.comments.push_back(age);
  if (const std::string sex = set.text(kSex); sex == "M" || sex == "F") source.comments.push_back("Sex: " + sex);
  return recording_of(source, path);
}

}  // namespace cardiograd::data
