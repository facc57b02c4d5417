#include "data/edf.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "data/wfdb_header.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFixedHeader = 256;
constexpr std::size_t kSignalHeader = 256;
constexpr std::int64_t kMaxSignals = 4096;
constexpr std::size_t kMonths = 12;
constexpr std::string_view kAnnotations = "EDF Annotations";
constexpr const char* kDamaged = "The file is no EDF file or was damaged on its way; fetch or export it again.";

struct EdfSignal {
  std::string label;
  std::string unit;
  double physical_min = 0, physical_max = 0;
  std::int64_t digital_min = 0, digital_max = 0;
  std::int64_t per_record = 0;  // samples
  std::int64_t offset = 0;      // samples before it in each data record
  bool annotations = false;
};

struct EdfHeader {
  std::string patient, recording, start_date, kind;  // kind: "", EDF+C, EDF+D
  std::int64_t bytes = 0;                            // of the header
  std::int64_t records = 0;
  double duration = 0;  // s, of a data record
  std::vector<EdfSignal> signals;
  std::int64_t per_record = 0;  // samples of all signals
};

[[noreturn]] void fail(const fs::path& path, const std::string& what, const std::string& hint = kDamaged) {
  throw Error(fmt::format("{}: {}", path.string(), what), hint);
}

// Without what follows a zero byte and without blanks around it.
std::string trimmed(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

// The fields of a header one after the other.
class Fields {
 public:
  Fields(std::string_view content, const fs::path& path) : content_(content), path_(path) {}

  std::string text(std::size_t width) {
    if (at_ + width > content_.size())
      fail(path_, fmt::format("truncated: {} bytes end within the header", content_.size()));
    const auto field = content_.substr(at_, width);
    at_ += width;
    return trimmed(field);
  }
  double number(const std::string& name, std::size_t width = 8) {
    const std::string field = text(width);
    std::string_view digits = field;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value))
      fail(path_, fmt::format("{}: found '{}', expected a number", name, printable(field)));
    return value;
  }
  std::int64_t whole(const std::string& name, double low, double high, std::size_t width = 8) {
    const double value = number(name, width);
    if (!(value >= low && value <= high) || value != std::floor(value))
      fail(path_, fmt::format("{} is {}, expected a whole number from {} to {}", name, value, low, high));
    return static_cast<std::int64_t>(value);
  }
  static std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c > 0x7E; }, '?');
    return text;
  }

 private:
  std::string_view content_;
  const fs::path& path_;
  std::size_t at_ = 0;
};

void parse_signals(Fields& fields, const fs::path& path, EdfHeader& header) {
  auto& signals = header.signals;
  const auto name = [](std::size_t i, const char* field) { return fmt::format("signal {}: {}", i + 1, field); };
  for (auto& signal : signals) {
    signal.label = fields.text(16);
    signal.annotations = signal.label == kAnnotations;
  }
  for (std::size_t i = 0; i < signals.size(); ++i) fields.text(80);  // transducer
  for (auto& signal : signals) signal.unit = fields.text(8);
  for (std::size_t i = 0; i < signals.size(); ++i) signals[i].physical_min = fields.number(name(i, "physical minimum"));
  for (std::size_t i = 0; i < signals.size(); ++i) signals[i].physical_max = fields.number(name(i, "physical maximum"));
  for (std::size_t i = 0; i < signals.size(); ++i)
    signals[i].digital_min = fields.whole(name(i, "digital minimum"), -32768, 32767);
  for (std::size_t i = 0; i < signals.size(); ++i)
    signals[i].digital_max = fields.whole(name(i, "digital maximum"), -32768, 32767);
  for (std::size_t i = 0; i < signals.size(); ++i) fields.text(80);  // prefiltering
  for (std::size_t i = 0; i < signals.size(); ++i) {
    signals[i].per_record = fields.whole(name(i, "samples per data record"), 1, 1e7);
    signals[i].offset = header.per_record;
    header.per_record += signals[i].per_record;
  }
  if (header.per_record > kMaxWfdbValues)
    fail(path, fmt::format("data records of {} samples are more than this reader takes ({})", header.per_record,
                           kMaxWfdbValues));
}

EdfHeader parse_header(std::string_view content, const fs::path& path) {
  if (content.size() >= 8 && content.substr(1, 7) == "BIOSEMI")
    fail(path, "a BDF file (24 bits), which this reader does not take",
         "Convert it to EDF, for example with EDFbrowser.");
  if (content.size() < kFixedHeader || content.substr(0, 8) != "0       ")
    fail(path, content.empty() ? "empty" : "no EDF file: it does not begin with version 0 and a header of 256 bytes");
  Fields fields(content, path);
  EdfHeader header;
  fields.text(8);
  header.patient = fields.text(80);
  header.recording = fields.text(80);
  header.start_date = fields.text(8);
  fields.text(8);  // start time
  header.bytes = fields.whole("bytes in the header", kFixedHeader, (kMaxSignals + 1) * 256.0);
  header.kind = fields.text(44).substr(0, 5);
  header.records = fields.whole("number of data records", -1, 1e9);
  header.duration = fields.number("duration of a data record");
  const auto count = fields.whole("number of signals", 0, kMaxSignals, 4);
  if (header.bytes != static_cast<std::int64_t>(kFixedHeader + kSignalHeader * static_cast<std::size_t>(count)))
    fail(path, fmt::format("bytes in the header is {}, expected {} for {} signals", header.bytes,
                           kFixedHeader + kSignalHeader * static_cast<std::size_t>(count), count));
  if (count == 0) fail(path, "no signals", "Export the recording with its ECG leads.");
  header.signals.resize(static_cast<std::size_t>(count));
  parse_signals(fields, path, header);
  return header;
}

void check_signals(const EdfHeader& header, const fs::path& path) {
  std::size_t annotations = 0;
  for (std::size_t i = 0; i < header.signals.size(); ++i) {
    const EdfSignal& signal = header.signals[i];
    if (signal.annotations) {
      ++annotations;
      continue;
    }
    const std::string name = fmt::format("signal {} ({})", i + 1, Fields::printable(signal.label));
    if (signal.digital_min >= signal.digital_max)
      fail(path, fmt::format("{}: digital minimum {}, maximum {}, expected less and more", name, signal.digital_min,
                             signal.digital_max));
    if (signal.physical_min == signal.physical_max)
      fail(path, fmt::format("{}: physical minimum and maximum are both {}", name, signal.physical_min));
  }
  if (annotations == header.signals.size())
    fail(path, "annotations only: the file has no signal", "Give the EDF file that holds the ECG leads itself.");
  if (!(header.duration > 0))
    fail(path, fmt::format("duration of a data record is {} s, expected more than 0", header.duration));
}

// The number of data records, from the size of the file where the header says -1 (unknown).
std::int64_t count_records(const EdfHeader& header, std::size_t size, const fs::path& path) {
  const auto body = static_cast<std::int64_t>(size) - header.bytes;
  const std::int64_t record = 2 * header.per_record;
  if (header.records == 0 || body < record) fail(path, fmt::format("no data: {} bytes after the header", body));
  if (header.records < 0) {
    if (body % record != 0)
      fail(path, fmt::format("truncated: {} bytes are not a whole number of data records of {}", body, record));
    return body / record;
  }
  if (body != header.records * record)
    fail(path, fmt::format("{}: {} bytes, expected {} for {} data records of {}",
                           body < header.records * record ? "truncated" : "over-long", size,
                           header.bytes + header.records * record, header.records, record));
  return header.records;
}

// The onset in seconds that the first annotation list of each data record begins with: "+12.5\x14\x14".
std::optional<double> onset_of(std::string_view list) {
  if (list.starts_with('+')) list.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), value);
  if (error != std::errc() || end == list.data() + list.size() || (*end != '\x14' && *end != '\x15'))
    return std::nullopt;
  return value;
}

void check_continuous(const EdfHeader& header, std::string_view body, std::int64_t records, const fs::path& path) {
  if (header.kind != "EDF+D") return;
  const auto channel = std::find_if(header.signals.begin(), header.signals.end(),
                                    [](const EdfSignal& signal) { return signal.annotations; });
  if (channel == header.signals.end()) fail(path, "EDF+D without an annotation channel");
  std::optional<double> first;
  for (std::int64_t record = 0; record < records; ++record) {
    const auto at = static_cast<std::size_t>(2 * (record * header.per_record + channel->offset));
    const auto onset = onset_of(body.substr(at, static_cast<std::size_t>(2 * channel->per_record)));
    if (!onset) fail(path, fmt::format("data record {}: the annotations do not begin with its time", record + 1));
    if (!first) first = onset;
    const double expected = *first + static_cast<double>(record) * header.duration;
    if (std::abs(*onset - expected) > 1e-3)
      fail(path,
           fmt::format("interrupted recording: data record {} begins at {} s, expected {} s", record + 1, *onset,
                       expected),
           "Export its continuous parts as files of their own.");
  }
}

// The channels to take: those at the rate of the first standard lead.
std::vector<std::size_t> choose_signals(const EdfHeader& header, const fs::path& path) {
  std::optional<std::size_t> lead;
  std::vector<std::size_t> ordinary;
  for (std::size_t i = 0; i < header.signals.size(); ++i) {
    if (header.signals[i].annotations) continue;
    ordinary.push_back(i);
    if (!ecg::standard_lead(header.signals[i].label)) continue;
    if (!lead) lead = i;
    if (header.signals[i].per_record != header.signals[*lead].per_record)
      fail(path,
           fmt::format("leads {} and {} have different rates: {} and {} samples in {} s", header.signals[*lead].label,
                       header.signals[i].label, header.signals[*lead].per_record, header.signals[i].per_record,
                       header.duration),
           "Export all leads at one rate.");
  }
  const std::int64_t wanted = header.signals[lead.value_or(ordinary.front())].per_record;
  std::erase_if(ordinary, [&](std::size_t i) { return header.signals[i].per_record != wanted; });
  return ordinary;
}

// Days since 1 March of year 0, for differences.
std::optional<std::int64_t> day_number(std::string_view day, std::string_view month, std::string_view year) {
  static constexpr std::array<std::string_view, kMonths> kNames = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
  std::int64_t d = 0, y = 0;
  const auto parse = [](std::string_view text, std::int64_t& value) {
    return std::from_chars(text.data(), text.data() + text.size(), value).ptr == text.data() + text.size();
  };
  const auto found = std::find(kNames.begin(), kNames.end(), month);
  if (!parse(day, d) || !parse(year, y) || found == kNames.end()) return std::nullopt;
  const std::int64_t m = (found - kNames.begin() + 10) % 12;
  if (m >= 10) --y;
  return 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + d - 1;
}

// "02-MAY-1951"
std::optional<std::int64_t> day_number(std::string_view date) {
  if (date.size() != 11 || date[2] != '-' || date[6] != '-') return std::nullopt;
  return day_number(date.substr(0, 2), date.substr(3, 3), date.substr(7));
}

std::string word(const std::string& text, int index) {
  std::size_t at = 0;
  for (; index > 0 && at != std::string::npos; --index) at = text.find(' ', at) + (text.find(' ', at) < text.size());
  if (at >= text.size()) return {};
  return text.substr(at, text.find(' ', at) - at);
}

// EDF+: "code sex birthdate name", and "Startdate 02-MAY-2002 ...".
std::vector<std::string> comments_of(const EdfHeader& header) {
  constexpr double kDaysPerYear = 365.25;
  std::vector<std::string> comments;
  if (!header.kind.starts_with("EDF+")) return comments;
  const std::string sex = word(header.patient, 1);
  if (sex == "M" || sex == "F") comments.push_back(sex == "M" ? "Sex: Male" : "Sex: Female");
  const auto born = day_number(word(header.patient, 2));
  const auto start = day_number(word(header.recording, 1));
  if (born && start && *start >= *born)
    comments.push_back(fmt::format("Age: {}", static_cast<int>(static_cast<double>(*start - *born) / kDaysPerYear)));
  return comments;
}

}  // namespace

ecg::Recording parse_edf(std::string_view content, const fs::path& path) {
  const EdfHeader header = parse_header(content, path);
  check_signals(header, path);
  const std::int64_t records = count_records(header, content.size(), path);
  const std::string_view body = content.substr(static_cast<std::size_t>(header.bytes));
  check_continuous(header, body, records, path);
  const auto chosen = choose_signals(header, path);
  const std::int64_t width = header.signals[chosen.front()].per_record;
  ecg::Recording recording;
  recording.name = path.string();
  recording.rate = static_cast<double>(width) / header.duration;
  recording.comments = comments_of(header);
  recording.signal.resize(records * width, static_cast<Eigen::Index>(chosen.size()));
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const EdfSignal& signal = header.signals[chosen[i]];
    recording.leads.push_back(Fields::printable(signal.label));
    recording.units.push_back(ecg::canonical_unit(signal.unit));
    const double step =
        (signal.physical_max - signal.physical_min) / static_cast<double>(signal.digital_max - signal.digital_min);
    for (std::int64_t t = 0; t < records * width; ++t) {
      const auto at = static_cast<std::size_t>(2 * (t / width * header.per_record + signal.offset + t % width));
      const auto low = static_cast<unsigned char>(body[at]), high = static_cast<unsigned char>(body[at + 1]);
      const auto stored = static_cast<std::int16_t>(static_cast<std::uint16_t>(low | high << 8));
      recording.signal(t, static_cast<Eigen::Index>(i)) =
          signal.physical_min + static_cast<double>(stored - signal.digital_min) * step;
    }
  }
  return recording;
}

ecg::Recording read_edf(const fs::path& path) {
  return parse_edf(read_file(path, 2 * static_cast<std::uintmax_t>(kMaxWfdbValues)), path);
}

}  // namespace cardiograd::data
