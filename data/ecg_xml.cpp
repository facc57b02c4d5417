#include "data/ecg_xml.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pugixml.hpp>

#include "base/error.h"
#include "data/file_kind.h"
#include "data/philips_xli.h"
#include "data/signal_table.h"
#include "data/source_leads.h"
#include "ecg/person.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

using Lead = SourceLead;
using Source = SourceLeads;

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(fmt::format("{}: {}", path.string(), what),
              "The file is damaged or of a kind that is not known; export the ECG again, as EDF, WFDB or CSV.");
}

// Without a namespace's prefix.
std::string_view local_name(const pugi::xml_node& node) {
  std::string_view name = node.name();
  if (const auto colon = name.find(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
  return name;
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  return node.find_child([&](const pugi::xml_node& c) { return local_name(c) == name; });
}

pugi::xml_node descendant(const pugi::xml_node& node, std::string_view name) {
  return node.find_node([&](const pugi::xml_node& c) { return local_name(c) == name; });
}

template <class Use>
void for_each_child(const pugi::xml_node& node, std::string_view name, Use use) {
  for (const pugi::xml_node& c : node.children())
    if (local_name(c) == name) use(c);
}

std::string text_of(const pugi::xml_node& node) {
  const std::string_view text = node.text().get();
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// A single number may have a decimal comma; "1,000" may be a thousand and is none.
double number_of(const std::string& text, const std::string& name, const fs::path& path) {
  auto value = cell_number(text, false);
  const auto comma = text.find(',');
  const bool thousands = text.size() == comma + 4 && comma >= 1 && comma <= 3 && text.front() != '0';
  if (!value && comma != std::string::npos && !thousands) value = cell_number(text, true);
  if (!value || !std::isfinite(*value))
    fail(path, fmt::format("{}: found '{}', expected a number", name, text.substr(0, 40)));
  return *value;
}

std::vector<double> numbers_of(std::string_view text, double scale, double origin, const std::string& name,
                               const fs::path& path) {
  std::vector<double> numbers;
  while (true) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return numbers;
    const auto end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (word.find(',') != std::string_view::npos)
      fail(path, fmt::format("{}: found '{}', expected numbers with blanks between them", name, word.substr(0, 40)));
    numbers.push_back(origin + scale * number_of(std::string(word), name, path));
    text.remove_prefix(end);
  }
}

// "20021122091000.000" as "2002-11-22 09:10:00".
std::string date_time(std::string_view digits) {
  if (digits.size() < 8) return {};
  std::string text = fmt::format("{}-{}-{}", digits.substr(0, 4), digits.substr(4, 2), digits.substr(6, 2));
  if (digits.size() >= 14)
    text += fmt::format(" {}:{}:{}", digits.substr(8, 2), digits.substr(10, 2), digits.substr(12, 2));
  return text;
}

// Where the file does not say the age itself. `born`: a date that age_comment understands.
void add_age(std::string_view born, Source& source) {
  if (const std::string age = ecg::age_comment(born, source.start); !age.empty()) source.comments.push_back(age);
}

void read_aecg_person(const pugi::xml_node& root, Source& source) {
  const std::string_view start = descendant(child(root, "effectiveTime"), "low").attribute("value").value();
  source.start = date_time(start);
  const pugi::xml_node person = descendant(root, "subjectDemographicPerson");
  add_age(child(person, "birthTime").attribute("value").value(), source);
  const std::string_view sex = child(person, "administrativeGenderCode").attribute("code").value();
  if (!sex.empty()) source.comments.push_back(fmt::format("Sex: {}", sex));
}

// A sequenceSet: leads at common times.
struct LeadSet {
  Source source;
  std::string head;  // the time of the first sample, as written
  std::size_t series = 0;

  std::size_t samples() const { return source.leads.front().samples.size(); }
};

// A sequence is a list of times or the samples of a lead.
void read_sequence(const pugi::xml_node& sequence, const fs::path& path, LeadSet& set) {
  Source& source = set.source;
  const std::string code = child(sequence, "code").attribute("code").value();
  const pugi::xml_node value = child(sequence, "value");
  if (code == "TIME_ABSOLUTE" || code == "TIME_RELATIVE") {
    const pugi::xml_node increment = child(value, "increment");
    const TimeColumn unit = time_column({"time", increment.attribute("unit").as_string("s")});
    const double step = number_of(increment.attribute("value").value(), "increment", path);
    set.head = child(value, "head").attribute("value").value();
    if (!unit.seconds || !(step > 0))
      fail(path, fmt::format("{}: the increment is {} {}", code, step, unit.unknown_unit));
    source.rate = 1 / (step * *unit.seconds);
    if (std::abs(source.rate - std::round(source.rate)) < 1e-6 * source.rate) source.rate = std::round(source.rate);
    return;
  }
  const pugi::xml_node origin = child(value, "origin"), scale = child(value, "scale");
  const std::string unit = scale.attribute("unit").value();
  if (child(value, "digits").empty()) return;
  if (!origin.empty() && origin.attribute("unit").value() != unit)
    fail(path, fmt::format("{}: origin and scale are in different units", code));
  source.leads.push_back(
      {code, unit,
       numbers_of(child(value, "digits").text().get(),
                  number_of(scale.attribute("value").value(), code + ": scale", path),
                  number_of(origin.attribute("value").as_string("0"), code + ": origin", path), code, path)});
}

// All sets with leads; of representative beats only where there is nothing else.
std::vector<LeadSet> read_sets(const pugi::xml_node& root, const fs::path& path) {
  std::vector<LeadSet> rhythms, beats;
  std::size_t number = 0;
  for_each_child(root, "component", [&](const pugi::xml_node& component) {
    const pugi::xml_node series = child(component, "series");
    const bool beat = std::string_view(child(series, "code").attribute("code").value()) == "REPRESENTATIVE_BEAT";
    ++number;
    for_each_child(series, "component", [&](const pugi::xml_node& inner) {
      LeadSet set;
      set.series = number;
      for_each_child(child(inner, "sequenceSet"), "component", [&](const pugi::xml_node& part) {
        if (const auto sequence = child(part, "sequence")) read_sequence(sequence, path, set);
      });
      if (!set.source.leads.empty()) (beat ? beats : rhythms).push_back(std::move(set));
    });
  });
  return rhythms.empty() ? beats : rhythms;
}

bool have_a_name_in_common(const Source& a, const Source& b) {
  return std::any_of(a.leads.begin(), a.leads.end(), [&](const Lead& lead) {
    return std::any_of(b.leads.begin(), b.leads.end(), [&](const Lead& one) { return one.name == lead.name; });
  });
}

// The set with most samples, and those of its series that were recorded at the same times.
Source read_aecg(const pugi::xml_node& root, const fs::path& path) {
  std::vector<LeadSet> sets = read_sets(root, path);
  Source source;
  read_aecg_person(root, source);
  if (sets.empty()) return source;
  const auto main = std::max_element(sets.begin(), sets.end(), [](const LeadSet& a, const LeadSet& b) {
    return a.source.leads.size() * a.samples() < b.source.leads.size() * b.samples();
  });
  const std::size_t samples = main->samples();
  source.rate = main->source.rate;
  source.leads = std::move(main->source.leads);
  for (auto set = sets.begin(); set != sets.end(); ++set) {
    if (set == main) continue;
    std::vector<Lead>& leads = set->source.leads;
    if (set->series == main->series && set->head == main->head && set->source.rate == source.rate &&
        set->samples() == samples && !have_a_name_in_common(source, set->source)) {
      std::move(leads.begin(), leads.end(), std::back_inserter(source.leads));
      continue;
    }
    std::vector<std::string> names;
    names.reserve(leads.size());
    for (const Lead& lead : leads) names.push_back(lead.name);
    source.others.push_back({fmt::format("{} of another set of {} samples", fmt::join(names, ", "), set->samples()),
                             "not recorded at the same time, or with leads that are there already"});
  }
  return source;
}

// RFC 4648, blanks left out.
std::string from_base64(std::string_view text, const std::string& name, const fs::path& path) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0 || c == '=') continue;
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) fail(path, fmt::format("{}: the waveform is not in base64", name));
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

Lead muse_lead(const pugi::xml_node& data, const fs::path& path) {
  Lead lead;
  lead.name = text_of(child(data, "LeadID"));
  lead.unit = text_of(child(data, "LeadAmplitudeUnits"));
  const double step =
      number_of(text_of(child(data, "LeadAmplitudeUnitsPerBit")), lead.name + ": LeadAmplitudeUnitsPerBit", path);
  const std::string bytes = from_base64(child(data, "WaveFormData").text().get(), lead.name, path);
  if (bytes.size() % 2 != 0) fail(path, fmt::format("{}: {} bytes are no 16-bit samples", lead.name, bytes.size()));
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto low = static_cast<unsigned char>(bytes[i]), high = static_cast<unsigned char>(bytes[i + 1]);
    const auto stored = static_cast<std::int16_t>(static_cast<std::uint16_t>(low | high << 8));
    lead.samples.push_back(stored == std::numeric_limits<std::int16_t>::min() ? std::nan("") : step * stored);
  }
  return lead;
}

double muse_rate(const pugi::xml_node& waveform, const fs::path& path) {
  const std::string exponent = text_of(child(waveform, "SampleExponent"));
  return number_of(text_of(child(waveform, "SampleBase")), "SampleBase", path) *
         std::pow(10, number_of(exponent.empty() ? "0" : exponent, "SampleExponent", path));
}

// The waveforms that are no median beat.
std::vector<pugi::xml_node> muse_waveforms(const pugi::xml_node& root) {
  std::vector<pugi::xml_node> waveforms;
  for_each_child(root, "Waveform", [&](const pugi::xml_node& waveform) {
    std::string type = text_of(child(waveform, "WaveformType"));
    std::transform(type.begin(), type.end(), type.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (type != "median") waveforms.push_back(waveform);
  });
  return waveforms;
}

// How much ECG a waveform has, in leads times seconds but for a factor: from the length of its texts, so that damage in
// one that is not read does not matter. 0 without a rate.
double muse_size(const pugi::xml_node& waveform) {
  const auto base = cell_number(text_of(child(waveform, "SampleBase")), false);
  const double exponent = cell_number(text_of(child(waveform, "SampleExponent")), false).value_or(0);
  double characters = 0;
  for_each_child(waveform, "LeadData", [&](const pugi::xml_node& data) {
    for (const char c : std::string_view(child(data, "WaveFormData").text().get()))
      characters += c == '=' || std::isspace(static_cast<unsigned char>(c)) != 0 ? 0 : 1;
  });
  return base && *base > 0 ? characters / (*base * std::pow(10, exponent)) : 0;
}

Source read_muse(const pugi::xml_node& root, const fs::path& path) {
  Source source;
  const pugi::xml_node patient = child(root, "PatientDemographics"), test = child(root, "TestDemographics");
  const auto year_first = [](const std::string& date) {  // They are written month first.
    return date.size() == 10 ? fmt::format("{}-{}-{}", date.substr(6), date.substr(0, 2), date.substr(3, 2)) : "";
  };
  if (const std::string date = year_first(text_of(child(test, "AcquisitionDate"))); !date.empty())
    source.start = date + " " + text_of(child(test, "AcquisitionTime"));
  if (const std::string age = text_of(child(patient, "PatientAge")); !age.empty()) {
    source.comments.push_back(fmt::format("Age: {} {}", age, text_of(child(patient, "AgeUnits"))));
  } else {
    add_age(year_first(text_of(child(patient, "DateofBirth"))), source);
  }
  if (const std::string sex = text_of(child(patient, "Gender")); !sex.empty())
    source.comments.push_back(fmt::format("Sex: {}", sex));
  const std::vector<pugi::xml_node> waveforms = muse_waveforms(root);
  if (waveforms.empty()) return source;
  const auto main = std::max_element(waveforms.begin(), waveforms.end(), [](const auto& one, const auto& other) {
    return muse_size(one) < muse_size(other);
  });
  source.rate = muse_rate(*main, path);
  for_each_child(*main, "LeadData", [&](const pugi::xml_node& data) { source.leads.push_back(muse_lead(data, path)); });
  for (auto waveform = waveforms.begin(); waveform != waveforms.end(); ++waveform) {
    if (waveform == main) continue;
    std::vector<std::string> names;
    for_each_child(*waveform, "LeadData",
                   [&](const pugi::xml_node& data) { names.push_back(text_of(child(data, "LeadID"))); });
    source.others.push_back(
        {fmt::format("{} of another waveform", fmt::join(names, ", ")), "the one with most leads and seconds is read"});
  }
  return source;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const auto begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return words;
    const auto end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

// Compressed limb leads other than I and II are stored as differences from what Einthoven's and Goldberger's identities
// make of these.
void restore_limb_leads(std::vector<std::vector<std::int16_t>>& leads) {
  const auto half = [](int sum) { return (sum - (sum < 0 && sum % 2 != 0 ? 1 : 0)) / 2; };  // Rounded down.
  for (std::size_t t = 0; t < leads[0].size(); ++t) {
    const int one = leads[0][t], two = leads[1][t];
    const auto set = [&](std::size_t lead, int expected) {
      leads[lead][t] = static_cast<std::int16_t>(expected - leads[lead][t]);
    };
    set(2, two - one);
    set(3, -half(one + two));
    set(4, half(one - leads[2][t]));
    set(5, half(two + leads[2][t]));
  }
}

// Leads one after the other, 16 bits, little-endian. The limb leads that follow from I and II are left out: in some
// versions they are differences, which the file does not say.
std::vector<std::vector<std::int16_t>> plain_leads(const std::string& bytes, std::size_t count, const fs::path& path) {
  if (bytes.size() % (2 * count) != 0)
    fail(path, fmt::format("parsedwaveforms: {} bytes are no {} leads of equal length", bytes.size(), count));
  const std::size_t samples = bytes.size() / 2 / count;
  std::vector<std::vector<std::int16_t>> leads(count);
  for (std::size_t i = 0; i < count * samples; ++i) {
    const auto low = static_cast<unsigned char>(bytes[2 * i]), high = static_cast<unsigned char>(bytes[2 * i + 1]);
    leads[i / samples].push_back(static_cast<std::int16_t>(static_cast<std::uint16_t>(low | high << 8)));
  }
  return leads;
}

// "Age: 56", "Age: 2 years 3 months" from the two largest units that are not 0; empty where none is given, or 0 beside
// a birth date, which says more.
std::string philips_age(const pugi::xml_node& patient) {
  const pugi::xml_node age = descendant(patient, "age");
  const std::string years = text_of(descendant(patient, "years"));
  std::string text;
  std::size_t units = 0;
  for (const char* unit : {"years", "months", "weeks", "days", "hours"}) {
    const std::string value = text_of(descendant(age, unit));
    if (value.find_first_of("123456789") == std::string::npos || units == 2) continue;
    text += fmt::format(" {} {}", value, unit);
    ++units;
  }
  if (text == fmt::format(" {} years", years)) return "Age: " + years;
  if (!text.empty()) return "Age:" + text;
  return years.empty() || !text_of(descendant(patient, "dateofbirth")).empty() ? "" : "Age: " + years;
}

void read_philips_person(const pugi::xml_node& root, Source& source) {
  const pugi::xml_node acquisition = descendant(root, "dataacquisition");
  source.start = acquisition.attribute("date").value();
  if (const std::string_view time = acquisition.attribute("time").value(); !source.start.empty() && !time.empty())
    source.start += " " + std::string(time);
  const pugi::xml_node patient = descendant(root, "generalpatientdata");
  if (const std::string age = philips_age(patient); !age.empty()) {
    source.comments.push_back(age);
  } else {
    add_age(text_of(descendant(patient, "dateofbirth")), source);
  }
  if (const std::string sex = text_of(descendant(patient, "sex")); !sex.empty())
    source.comments.push_back("Sex: " + sex);
}

Source read_philips(const pugi::xml_node& root, const fs::path& path) {
  Source source;
  read_philips_person(root, source);
  const pugi::xml_node signal = descendant(root, "signalcharacteristics"), waves = descendant(root, "parsedwaveforms");
  if (!waves) fail(path, "no parsedwaveforms");
  source.rate = number_of(text_of(child(signal, "samplingrate")), "samplingrate", path);
  const double step = number_of(text_of(child(signal, "resolution")), "resolution", path);  // uV
  std::vector<std::string> names = words_of(waves.attribute("leadlabels").value());
  if (names.empty()) names = {"I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"};
  const auto wanted = static_cast<std::size_t>(
      std::clamp(number_of(waves.attribute("numberofleads").as_string("12"), "numberofleads", path), 1.0, 1e3));
  names.resize(std::min(names.size(), wanted));
  if (std::string_view(waves.attribute("dataencoding").as_string("Base64")) != "Base64")
    fail(path, fmt::format("parsedwaveforms in {}", waves.attribute("dataencoding").value()));
  std::string method = waves.attribute("compressmethod").value();
  if (method.empty()) method = waves.attribute("compression").value();
  const bool flagged = std::string_view(waves.attribute("compressflag").as_string("True")) != "False";
  const bool packed = flagged && !method.empty() && method != "Uncompressed";
  if (packed && method != "XLI") fail(path, fmt::format("waveforms compressed with {}", method));
  const std::string bytes = from_base64(waves.text().get(), "parsedwaveforms", path);
  std::vector<std::vector<std::int16_t>> leads =
      packed ? decode_xli(bytes, path) : plain_leads(bytes, names.size(), path);
  if (leads.size() < names.size()) fail(path, fmt::format("{} leads, {} are named", leads.size(), names.size()));
  constexpr std::size_t kLimbLeads = 6;
  constexpr std::array<std::string_view, kLimbLeads> kLimb = {"I", "II", "III", "aVR", "aVL", "aVF"};
  const bool limb = names.size() >= kLimbLeads && std::equal(kLimb.begin(), kLimb.end(), names.begin());
  for (const auto& lead : leads)
    if (lead.size() != leads.front().size()) fail(path, "leads of different lengths");
  if (limb && packed) restore_limb_leads(leads);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (limb && !packed && i >= 2 && i < kLimbLeads) continue;
    Lead lead{names[i], "uV", {}};
    for (const std::int16_t sample : leads[i]) lead.samples.push_back(step * sample);
    source.leads.push_back(std::move(lead));
  }
  return source;
}

}  // namespace

bool is_ecg_xml(std::string_view content) {
  const std::string head = xml_head(content);
  const auto has = [&](const char* text) { return head.find(text) != std::string::npos; };
  return has("<") && (has("AnnotatedECG") || has("<RestingECG") || has("<restingecgdata"));
}

ecg::Recording parse_ecg_xml(std::string_view content, const fs::path& path) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(content.data(), content.size());
  if (!parsed) fail(path, fmt::format("no whole XML file: {} at byte {}", parsed.description(), parsed.offset));
  const pugi::xml_node root = document.document_element();
  const std::string_view name = local_name(root);
  const Source source = name == "AnnotatedECG"     ? read_aecg(root, path)
                        : name == "restingecgdata" ? read_philips(root, path)
                                                   : read_muse(root, path);
  return recording_of(source, path);
}

}  // namespace cardiograd::data
