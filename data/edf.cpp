#include "data/edf.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/wfdb_decode.h"
#include "data/wfdb_header.h"
#include "data/wfdb_stream.h"
#include "ecg/channels.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFixedHeader = 256;
constexpr std::size_t kVersionWidth = 8;
constexpr std::size_t kHeaderBytesAt = 184;  // where the header says its own size
constexpr std::size_t kSignalHeader = 256;
constexpr std::int64_t kMaxSignals = 4096;
constexpr std::size_t kMonths = 12;
constexpr std::string_view kAnnotations = "EDF Annotations";
constexpr std::string_view kBdfAnnotations = "BDF Annotations";
constexpr std::string_view kBdfVersion =
    "\xFF"
    "BIOSEMI";
constexpr const char* kDamaged = "The file is no EDF file or was damaged on its way; fetch or export it again.";
constexpr const char* kField =
    "Correct this field of the header, for example with EDFbrowser's header editor, or export the file again.";

// As the header has it: only fields of signals that are wanted need make sense.
struct EdfSignal {
  std::string label;
  std::string unit;
  std::string physical_min, physical_max, digital_min, digital_max;
  std::int64_t per_record = 0;  // samples
  std::int64_t offset = 0;      // samples before it in each data record
  bool annotations = false;
};

struct EdfHeader {
  std::int64_t width = 2;                                        // bytes of a sample: 3 in BDF
  std::string patient, recording, start_date, start_time, kind;  // kind: "", EDF+C, EDF+D
  std::int64_t bytes = 0;                                        // of the header
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

// Accented letters, which some programs write in Latin-1, become plain ones, other bytes that print nothing '?'.
std::string printable(const std::string& field) {
  std::string text = ecg::without_accents(field);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c > 0x7E; }, '?');
  return text;
}

// Some devices write a decimal comma.
double number_of(const std::string& field, const std::string& name, const fs::path& path) {
  std::string digits = field.starts_with('+') ? field.substr(1) : field;
  if (std::count(digits.begin(), digits.end(), ',') == 1 && digits.find('.') == std::string::npos)
    digits[digits.find(',')] = '.';
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value))
    fail(path, fmt::format("{}: found '{}', expected a number", name, printable(field)), kField);
  return value;
}

std::int64_t whole_of(const std::string& field, const std::string& name, double low, double high,
                      const fs::path& path) {
  const double value = number_of(field, name, path);
  if (!(value >= low && value <= high) || value != std::floor(value))
    fail(path, fmt::format("{} is {}, expected a whole number from {} to {}", name, value, low, high), kField);
  return static_cast<std::int64_t>(value);
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
  double number(const std::string& name, std::size_t width = 8) { return number_of(text(width), name, path_); }
  std::int64_t whole(const std::string& name, double low, double high, std::size_t width = 8) {
    return whole_of(text(width), name, low, high, path_);
  }

 private:
  std::string_view content_;
  const fs::path& path_;
  std::size_t at_ = 0;
};

void parse_signals(Fields& fields, const fs::path& path, EdfHeader& header) {
  auto& signals = header.signals;
  for (auto& signal : signals) {
    signal.label = fields.text(16);
    signal.annotations = signal.label == kAnnotations || signal.label == kBdfAnnotations;
  }
  for (std::size_t i = 0; i < signals.size(); ++i) fields.text(80);  // transducer
  for (auto& signal : signals) signal.unit = fields.text(8);
  for (auto& signal : signals) signal.physical_min = fields.text(8);
  for (auto& signal : signals) signal.physical_max = fields.text(8);
  for (auto& signal : signals) signal.digital_min = fields.text(8);
  for (auto& signal : signals) signal.digital_max = fields.text(8);
  for (std::size_t i = 0; i < signals.size(); ++i) fields.text(80);  // prefiltering
  for (std::size_t i = 0; i < signals.size(); ++i) {                 // Of all: the signals' places depend on them.
    signals[i].per_record = fields.whole(fmt::format("signal {}: samples per data record", i + 1), 0, 1e7);
    signals[i].offset = header.per_record;
    header.per_record += signals[i].per_record;
  }
  if (header.per_record > kMaxWfdbValues)
    fail(path, fmt::format("data records of {} samples are more than this reader takes ({})", header.per_record,
                           kMaxWfdbValues));
}

// Whether the version is 0. Some programs fill its field up with zero bytes or others that print nothing, or write 0.0.
bool is_edf_version(std::string_view content) {
  std::string version(content.substr(0, kVersionWidth));
  std::replace_if(
      version.begin(), version.end(), [](unsigned char c) { return c < 0x20 || c > 0x7E; }, ' ');
  version = trimmed(version);
  double value = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), value);
  return content.starts_with('0') && error == std::errc() && end == version.data() + version.size() && value == 0;
}

// -1, which stands for an unknown number, where the field holds none.
std::int64_t records_of(const std::string& field, const fs::path& path) {
  try {
    return whole_of(field, "number of data records", -1, 1e9, path);
  } catch (const Error&) {
    log_warning("{}: the number of data records is '{}'; all that are there are read", path.string(), printable(field));
    return -1;
  }
}

EdfHeader parse_header(std::string_view content, const fs::path& path) {
  const bool bdf = content.substr(0, kVersionWidth) == kBdfVersion;
  if (content.size() < kFixedHeader || (!bdf && !is_edf_version(content)))
    fail(path, content.empty() ? "empty" : "no EDF file: it does not begin with version 0 and a header of 256 bytes");
  Fields fields(content, path);
  EdfHeader header;
  if (bdf) header.width = 3;
  fields.text(kVersionWidth);
  header.patient = fields.text(80);
  header.recording = fields.text(80);
  header.start_date = fields.text(8);
  header.start_time = fields.text(8);
  const std::string announced = fields.text(8);
  header.kind = fields.text(44).substr(0, 5);
  header.records = records_of(fields.text(8), path);
  header.duration = fields.number("duration of a data record");
  const auto count = fields.whole("number of signals", 0, kMaxSignals, 4);
  header.bytes = static_cast<std::int64_t>(kFixedHeader) + static_cast<std::int64_t>(kSignalHeader) * count;
  if (count == 0) fail(path, "no signals", "Export the recording with its ECG leads.");
  header.signals.resize(static_cast<std::size_t>(count));
  if (announced == std::to_string(header.bytes)) {
    parse_signals(fields, path, header);
    return header;
  }
  const std::string contradiction =
      fmt::format("bytes in the header is '{}', expected {} for {} signals", printable(announced), header.bytes, count);
  try {
    parse_signals(fields, path, header);
  } catch (const Error&) {  // The number of signals is wrong, too.
    fail(path, contradiction);
  }
  log_warning("{}: {}; the signals tell", path.string(), contradiction);
  return header;
}

// The number of data records: as many whole ones as are there, at most as many as the header says. What is missing or
// left over is warned about: devices are switched off, and files padded.
std::int64_t count_records(const EdfHeader& header, std::size_t size, const fs::path& path) {
  const auto body = static_cast<std::int64_t>(size) - header.bytes;
  const std::int64_t record = header.width * header.per_record;
  if (record == 0 || body < record) fail(path, fmt::format("no data: {} bytes after the header", body));
  const std::int64_t there = body / record;
  if (header.records == 0) log_warning("{}: the header announces no data records, there are {}", path.string(), there);
  if (there < header.records) {
    log_warning("{}: {} of {} data records are missing{}", path.string(), header.records - there, header.records,
                body % record == 0 ? "" : ", the last one there is incomplete");
    return there;
  }
  const std::int64_t taken = header.records > 0 ? header.records : there;
  if (body > taken * record)
    log_warning("{}: {} bytes after the {} data records are not read{}", path.string(), body - taken * record, taken,
                header.records > 0 ? "" : ": an incomplete data record");
  return taken;
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

// The time from one data record to the next is compared, not that from the first: a duration is rounded to the eight
// characters of its field. Onsets may be rounded to milliseconds. `rate`: of the leads.
void check_continuous(const EdfHeader& header, std::string_view body, std::int64_t records, double rate,
                      const fs::path& path) {
  constexpr double kSmallestGap = 1e-3, kRounding = 1e-9;  // s
  if (header.kind != "EDF+D" && header.kind != "BDF+D") return;
  const auto channel = std::find_if(header.signals.begin(), header.signals.end(),
                                    [](const EdfSignal& signal) { return signal.annotations; });
  if (channel == header.signals.end()) fail(path, fmt::format("{} without an annotation channel", header.kind));
  const double gap = std::max(0.5 / rate, kSmallestGap) - kRounding;
  std::optional<double> previous;
  for (std::int64_t record = 0; record < records; ++record) {
    const auto at = static_cast<std::size_t>(header.width * (record * header.per_record + channel->offset));
    const auto onset = onset_of(body.substr(at, static_cast<std::size_t>(header.width * channel->per_record)));
    if (!onset) fail(path, fmt::format("data record {}: the annotations do not begin with its time", record + 1));
    const double expected = previous ? *previous + header.duration : *onset;
    previous = onset;
    if (std::abs(*onset - expected) >= gap)
      fail(path,
           fmt::format("interrupted recording: data record {} begins at {} s, expected {} s", record + 1, *onset,
                       expected),
           "Export its continuous parts as files of their own.");
  }
}

ecg::ChannelChoice choose_signals(const EdfHeader& header, std::vector<std::size_t>& positions, const fs::path& path) {
  std::vector<ecg::Channel> channels;
  for (std::size_t i = 0; i < header.signals.size(); ++i) {
    const EdfSignal& signal = header.signals[i];
    if (signal.annotations) continue;
    positions.push_back(i);
    channels.push_back({printable(signal.label), ecg::canonical_unit(signal.unit),
                        static_cast<double>(signal.per_record) / header.duration});
  }
  if (channels.empty())
    fail(path, "annotations only: the file has no signal", "Give the EDF file that holds the ECG leads itself.");
  ecg::ChannelChoice choice = ecg::choose_ecg_channels(channels);
  ecg::require_leads(choice, path.string());
  return choice;
}

struct Scale {
  double physical_min = 0;
  std::int64_t digital_min = 0;
  double step = 1;
  bool beyond = false;  // a limit is one that samples cannot have

  double physical(std::int64_t stored) const { return physical_min + static_cast<double>(stored - digital_min) * step; }
};

// Samples cannot have such a limit, but many exports write 2^15 as the maximum, which only tells the scale.
constexpr double kBeyondLimits = 1;

Scale scale_of(const EdfSignal& signal, std::size_t index, const EdfHeader& header, const fs::path& path) {
  const auto name = [&](const char* field) { return fmt::format("signal {}: {}", index + 1, field); };
  const double low = header.width == 3 ? -8388608 : -32768, high = -low - 1;
  const double physical_min = number_of(signal.physical_min, name("physical minimum"), path);
  const double physical_max = number_of(signal.physical_max, name("physical maximum"), path);
  const double lowest = low - kBeyondLimits, highest = high + kBeyondLimits;
  const auto digital_min = whole_of(signal.digital_min, name("digital minimum"), lowest, highest, path);
  const auto digital_max = whole_of(signal.digital_max, name("digital maximum"), lowest, highest, path);
  const std::string label = fmt::format("signal {} ({})", index + 1, printable(signal.label));
  if (digital_min >= digital_max)
    fail(path,
         fmt::format("{}: digital minimum {}, maximum {}, expected less and more", label, digital_min, digital_max),
         kField);
  if (physical_min == physical_max)
    fail(path, fmt::format("{}: physical minimum and maximum are both {}", label, physical_min), kField);
  const bool beyond = static_cast<double>(digital_min) < low || static_cast<double>(digital_max) > high;
  const double step = (physical_max - physical_min) / static_cast<double>(digital_max - digital_min);
  return {physical_min, digital_min, step, beyond};
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

// "02-MAY-1951", in any case
std::optional<std::chrono::year_month_day> date_of(std::string_view text) {
  static constexpr std::array<std::string_view, kMonths> kNames = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
  if (text.size() != 11 || text[2] != '-' || text[6] != '-') return std::nullopt;
  int day = 0, year = 0;
  const auto parse = [](std::string_view digits, int& value) {
    return std::from_chars(digits.data(), digits.data() + digits.size(), value).ptr == digits.data() + digits.size();
  };
  const auto found = std::find(kNames.begin(), kNames.end(), upper(text.substr(3, 3)));
  if (!parse(text.substr(0, 2), day) || !parse(text.substr(7), year) || found == kNames.end()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(found - kNames.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(day))};
  return date.ok() ? std::optional(date) : std::nullopt;
}

// Birthdays between the two, which are in this order.
int years_between(const std::chrono::year_month_day& from, const std::chrono::year_month_day& to) {
  const bool before_birthday = std::pair(to.month(), to.day()) < std::pair(from.month(), from.day());
  return static_cast<int>(to.year()) - static_cast<int>(from.year()) - (before_birthday ? 1 : 0);
}

std::string word(const std::string& text, int index) {
  std::size_t at = 0;
  for (; index > 0 && at != std::string::npos; --index) at = text.find(' ', at) + (text.find(' ', at) < text.size());
  if (at >= text.size()) return {};
  return text.substr(at, text.find(' ', at) - at);
}

// EDF+: "code sex birthdate name", and "Startdate 02-MAY-2002 ...".
std::vector<std::string> comments_of(const EdfHeader& header) {
  std::vector<std::string> comments;
  if (!header.kind.starts_with("EDF+") && !header.kind.starts_with("BDF+")) return comments;
  const std::string sex = upper(word(header.patient, 1));
  if (sex == "M" || sex == "MALE") comments.emplace_back("Sex: Male");
  if (sex == "F" || sex == "FEMALE") comments.emplace_back("Sex: Female");
  const auto born = date_of(word(header.patient, 2)), start = date_of(word(header.recording, 1));
  if (born && start && *start >= *born) comments.push_back(fmt::format("Age: {}", years_between(*born, *start)));
  return comments;
}

// "12.05.20", "12.33.59"; years from 85 on are of the last century.
std::string start_of(const EdfHeader& header) {
  const std::string &date = header.start_date, &time = header.start_time;
  const auto is_digits = [](const std::string& text) {
    return text.size() == 8 &&
           std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) == 6;
  };
  if (!is_digits(date) || !is_digits(time)) return {};
  return fmt::format("{}{}-{}-{} {}:{}:{}", date.substr(6) >= "85" ? "19" : "20", date.substr(6), date.substr(3, 2),
                     date.substr(0, 2), time.substr(0, 2), time.substr(3, 2), time.substr(6));
}

// A file's leads: where their samples are, and what they mean.
struct EdfLeads {
  EdfHeader header;
  std::int64_t records = 0;
  std::int64_t width = 0;  // samples of a lead in each data record
  std::vector<std::int64_t> offsets;
  std::vector<Scale> scales;
  ecg::Recording head;  // without samples

  std::int64_t record_bytes() const { return header.width * header.per_record; }
  // Of the data records in `body`.
  Eigen::ArrayXXd decode(std::string_view body) const;
};

// `content`: the whole file, or its header alone where that is enough; `size`: of the file.
EdfLeads edf_leads(std::string_view content, std::size_t size, const fs::path& path) {
  EdfLeads leads;
  EdfHeader& header = leads.header;
  header = parse_header(content, path);
  std::vector<std::size_t> positions;
  const ecg::ChannelChoice choice = choose_signals(header, positions, path);
  if (!(header.duration > 0))
    fail(path, fmt::format("duration of a data record is {} s, expected more than 0", header.duration), kField);
  leads.records = count_records(header, size, path);
  leads.width = header.signals[positions[choice.leads.front()]].per_record;
  if (leads.width == 0) fail(path, "the leads have no samples in a data record");
  leads.head.name = path.string();
  leads.head.rate = static_cast<double>(leads.width) / header.duration;
  leads.head.comments = comments_of(header);
  leads.head.others = choice.others;
  leads.head.start = start_of(header);
  std::optional<Error> fault;
  std::vector<std::string> beyond;
  for (const std::size_t lead : choice.leads) {
    const std::size_t position = positions[lead];
    const EdfSignal& signal = header.signals[position];
    try {
      leads.scales.push_back(scale_of(signal, position, header, path));
    } catch (const Error& error) {  // It may be a connector that was left open.
      const std::string_view what = error.what();
      leads.head.others.push_back({printable(signal.label), std::string(what.substr(path.string().size() + 2))});
      if (!fault) fault = error;
      continue;
    }
    if (leads.scales.back().beyond) beyond.push_back(printable(signal.label));
    leads.head.leads.push_back(printable(signal.label));
    leads.head.units.push_back(ecg::canonical_unit(signal.unit));
    leads.offsets.push_back(signal.offset);
  }
  if (leads.offsets.empty()) throw Error(*fault);
  if (!beyond.empty())
    log_warning("{}: lead {}: a digital limit is beyond {} bits by one; it is taken as it stands", path.string(),
                fmt::join(beyond, ", "), 8 * header.width);
  leads.head.signal.resize(0, static_cast<Eigen::Index>(leads.offsets.size()));
  return leads;
}

Eigen::ArrayXXd EdfLeads::decode(std::string_view body) const {
  const auto count = static_cast<std::int64_t>(body.size()) / record_bytes();
  Eigen::ArrayXXd signal(count * width, static_cast<Eigen::Index>(offsets.size()));
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    for (std::int64_t record = 0; record < count; ++record) {
      const auto from = static_cast<std::size_t>(header.width * (record * header.per_record + offsets[i]));
      const auto bytes = static_cast<std::size_t>(header.width * width);
      const auto stored = wfdb_decode(header.width == 3 ? 24 : 16, body.substr(from, bytes), width);
      for (std::int64_t t = 0; t < width; ++t)
        signal(record * width + t, static_cast<Eigen::Index>(i)) =
            scales[i].physical(stored[static_cast<std::size_t>(t)]);
    }
  }
  return signal;
}

class EdfStream : public RecordingStream {
 public:
  EdfStream(EdfLeads leads, fs::path path) : leads_(std::move(leads)), path_(std::move(path)) {
    head_ = leads_.head;
    samples_ = leads_.records * leads_.width;
  }
  Eigen::ArrayXXd read(std::int64_t first, std::int64_t count) const override {
    if (count == 0) return Eigen::ArrayXXd(0, static_cast<Eigen::Index>(head_.leads.size()));
    const std::int64_t record = first / leads_.width, last = (first + count - 1) / leads_.width;
    const std::string body =
        read_piece(path_, static_cast<std::uintmax_t>(leads_.header.bytes + record * leads_.record_bytes()),
                   static_cast<std::size_t>((last - record + 1) * leads_.record_bytes()));
    return leads_.decode(body).middleRows(first - record * leads_.width, count);
  }

 private:
  EdfLeads leads_;
  fs::path path_;
};

}  // namespace

bool begins_as_edf(std::string_view content) {
  if (content.starts_with(kBdfVersion) || content.starts_with("0       ")) return true;
  if (content.size() < kFixedHeader || !is_edf_version(content)) return false;
  // Other files may begin so; an EDF file says the size of its header.
  const std::string bytes = trimmed(content.substr(kHeaderBytesAt, 8));
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), size);
  return error == std::errc() && end == bytes.data() + bytes.size() && size > 0 && size % kSignalHeader == 0;
}

ecg::Recording parse_edf(std::string_view content, const fs::path& path) {
  EdfLeads leads = edf_leads(content, content.size(), path);
  const std::string_view body = content.substr(static_cast<std::size_t>(leads.header.bytes));
  check_continuous(leads.header, body, leads.records, leads.head.rate, path);
  leads.head.signal = leads.decode(body.substr(0, static_cast<std::size_t>(leads.records * leads.record_bytes())));
  return std::move(leads.head);
}

ecg::Recording read_edf(const fs::path& path) {
  return parse_edf(read_file(path, 4 * static_cast<std::uintmax_t>(kMaxWfdbValues)), path);
}

std::unique_ptr<RecordingStream> open_edf_stream(const fs::path& path, std::uintmax_t min_bytes) {
  std::error_code error;
  const std::uintmax_t size = fs::is_regular_file(path, error) ? fs::file_size(path, error) : 0;
  if (error || size < std::max<std::uintmax_t>(min_bytes, kFixedHeader)) return nullptr;
  const std::string fixed = read_piece(path, 0, kFixedHeader);
  if (!begins_as_edf(fixed)) return nullptr;
  const std::string_view kind = std::string_view(fixed).substr(192, 5);
  if (kind == "EDF+D" || kind == "BDF+D") return nullptr;  // Whether it has gaps, all of its records say.
  const std::string header = read_piece(path, 0, std::min<std::size_t>(size, (kMaxSignals + 1) * kSignalHeader));
  return std::make_unique<EdfStream>(edf_leads(header, size, path), path);
}

}  // namespace cardiograd::data
