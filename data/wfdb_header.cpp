#include "data/wfdb_header.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <system_error>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "data/text_encoding.h"
#include "data/wfdb_decode.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxHeaderBytes = 16U << 20;
constexpr std::int64_t kMaxSamplesPerFrame = 65536;
constexpr std::int64_t kMaxWfdbSegments = 1'000'000;
constexpr double kMaxRate = 1e6;  // Hz
constexpr double kDefaultGain = 200;
constexpr int kUnknownFormat = -1;      // of a signal whose line has a fault there
constexpr double kSmallestGain = 1e-9;  // Between these no physical value overflows a float.
constexpr double kLargestGain = 1e12;
constexpr std::string_view kBlanks = " \t\r\f\v";

// Where a field stands, for messages: "a/b.hea:3: gain".
struct Place {
  const fs::path& path;
  std::size_t line;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

[[noreturn]] void fail(const Place& place, const std::string& message, const std::string& hint = "") {
  throw Error(fmt::format("{}:{}: {}", place.path.string(), place.line, message),
              hint.empty() ? "Expected a WFDB header as header(5) describes it; fetch the record again." : hint);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Takes the next blank-separated word off the front of `rest`; empty at the end.
std::string_view next_word(std::string_view& rest) {
  rest = trimmed(rest);
  const auto end = std::min(rest.find_first_of(kBlanks), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return word;
}

// A decimal comma and what follows it, which it takes off `text`; three digits behind one may be thousands, and stay.
double with_decimals(double whole, std::string_view& text) {
  constexpr std::size_t kThousands = 3;
  if (!text.starts_with(',') || whole != std::floor(whole)) return whole;
  const std::size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
  if (end == 1 || (end == kThousands + 1 && whole != 0)) return whole;
  double decimals = 0;
  const std::string digits = "0." + std::string(text.substr(1, end - 1));
  std::from_chars(digits.data(), digits.data() + digits.size(), decimals);
  text.remove_prefix(end);
  return std::signbit(whole) ? whole - decimals : whole + decimals;
}

// The number at the front of `text`, which it takes off.
template <class Number>
Number take_number(std::string_view& text, const Place& place, const char* field) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) fail(place, fmt::format("{} '{}' is out of range", field, text));
  if (error != std::errc()) fail(place, fmt::format("{}: found '{}', expected a number", field, text));
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if constexpr (std::is_integral_v<Number>) {  // "16.0"
    const std::size_t zeros = text.starts_with('.') ? text.find_first_not_of('0', 1) : 0;
    text.remove_prefix(std::min(zeros, text.size()));
    return value;
  } else {
    return with_decimals(value, text);
  }
}

template <class Number>
Number whole_number(std::string_view text, const Place& place, const char* field) {
  const std::string_view all = text;
  const auto value = take_number<Number>(text, place, field);
  if (!text.empty()) fail(place, fmt::format("{}: found '{}', expected a number", field, all));
  return value;
}

// The number of a field that programs fill with "nan" where they do not know it.
template <class Number>
std::optional<Number> known_number(std::string_view text, const Place& place, const char* field) {
  if (text.empty() || lower(std::string(text)) == "nan") return std::nullopt;
  return whole_number<Number>(text, place, field);
}

std::int64_t bounded(std::int64_t value, std::int64_t low, std::int64_t high, const Place& place, const char* field) {
  if (value < low || value > high) fail(place, fmt::format("{} is {}, expected {} to {}", field, value, low, high));
  return value;
}

// "360", "250/360", "360/360(0)": the counter frequency and its base do not concern signals.
double parse_rate(std::string_view word, const Place& place) {
  const auto rate = take_number<double>(word, place, "sampling rate");
  if (!(rate > 0 && rate <= kMaxRate))
    fail(place, fmt::format("sampling rate is {:g}, expected more than 0 and at most {:g} Hz", rate, kMaxRate));
  if (word.starts_with('/')) {
    word.remove_prefix(1);
    take_number<double>(word, place, "counter frequency");
  }
  if (word.starts_with('(')) {
    word.remove_prefix(1);
    take_number<double>(word, place, "base counter value");
    if (word != ")") fail(place, "base counter value: the ')' is missing");
    word = {};
  }
  if (!word.empty()) fail(place, fmt::format("sampling rate: '{}' follows the number", word));
  return rate;
}

struct RecordLine {
  std::int64_t signals = 0;
  std::int64_t segments = 0;  // what may be one: the digits after a slash in the name
};

// "12:33:59" and "12/05/2020" (day first) as one text; what does not look so is no date.
std::string start_of(std::string_view line) {
  std::string time(next_word(line));
  const std::string date(next_word(line));
  if (time.find(':') == std::string::npos) return {};
  if (date.size() != 10 || date[2] != '/' || date[5] != '/') return time;
  return fmt::format("{}-{}-{} {}", date.substr(6), date.substr(3, 2), date.substr(0, 2), time);
}

// Fills name, rate, samples and start.
RecordLine parse_record_line(std::string_view line, const Place& place, WfdbHeader& header) {
  RecordLine count;
  header.record = next_word(line);
  if (const auto slash = header.record.rfind('/'); slash != std::string::npos) {
    const std::string_view digits = std::string_view(header.record).substr(slash + 1);
    const bool number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
    if (number)
      count.segments = bounded(whole_number<std::int64_t>(digits, place, "number of segments"), 0, kMaxWfdbSegments,
                               place, "number of segments");
  }
  std::string_view word = next_word(line);
  if (word.empty()) fail(place, "the number of signals is missing");
  count.signals = bounded(whole_number<std::int64_t>(word, place, "number of signals"), 0, kMaxWfdbSignals, place,
                          "number of signals");
  word = next_word(line);
  header.rate_known = !word.empty();
  if (word.empty()) return count;
  header.rate = parse_rate(word, place);
  word = next_word(line);
  if (word.empty()) return count;
  header.samples = bounded(known_number<std::int64_t>(word, place, "number of samples").value_or(0), 0, kMaxWfdbValues,
                           place, "number of samples");
  header.start = start_of(line);
  return count;
}

// Behind the last slash or backslash.
std::string bare_name(const std::string& file) {
  return file.substr(file.find_last_of("/\\") + 1);
}

// The one file beside `path` whose name differs from it only in upper and lower case; `path` where there is none, or
// more than one.
fs::path in_any_case(const fs::path& path) {
  const fs::path folder = path.parent_path();
  const std::string wanted = lower(path.filename().string());
  std::vector<fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder.empty() ? fs::path(".") : folder, ignored), end; entry != end;
       entry.increment(ignored))
    if (lower(entry->path().filename().string()) == wanted) found.push_back(folder / entry->path().filename());
  return found.size() == 1 ? found.front() : path;
}

bool leaves_folder(const std::string& file) {
  const fs::path normal = fs::path(file).lexically_normal();
  return normal.is_absolute() || normal.empty() || *normal.begin() == ".." || normal == ".";
}

// The signal file of a line, inside the folder of the header. `written`: how the lines before name theirs.
std::string signal_file(const std::string& named, const Place& place, std::map<std::string, std::string>& written) {
  std::string file = named;
  const bool zero = named.find('\0') != std::string::npos;
  if (!zero && leaves_folder(named)) {
    const std::string bare = bare_name(named);
    if (!leaves_folder(bare) && path_exists(in_any_case(place.path.parent_path() / bare))) file = bare;
  }
  if (zero || leaves_folder(file))
    fail(place, fmt::format("signal file '{}' does not lie in the folder of the header", named),
         "A record's signal files must lie beside its header; do not use headers from sources that you do not trust.");
  const auto before = written.emplace(file, named).first;
  if (before->second != named)
    fail(place,
         fmt::format("signal files '{}' and '{}' would both be {} beside the header", before->second, named, file),
         "Name in the header the files that lie beside it.");
  return file;
}

// "16", "212+8", "16x1+24", "16x2:3+24".
void parse_format(std::string_view word, const Place& place, WfdbSignalSpec& signal) {
  signal.format = take_number<int>(word, place, "format");
  const bool stored = std::find(kWfdbFormats.begin(), kWfdbFormats.end(), signal.format) != kWfdbFormats.end();
  if (!stored && signal.format != kNullSignal)
    fail(place, fmt::format("unknown format {}, expected one of {}", signal.format, fmt::join(kWfdbFormats, ", ")),
         "Convert the record to format 16, for example with WFDB's xform.");
  while (!word.empty()) {
    const char tag = word.front();
    word.remove_prefix(1);
    if (tag == 'x') {
      signal.samples_per_frame = static_cast<int>(bounded(take_number<std::int64_t>(word, place, "samples per frame"),
                                                          1, kMaxSamplesPerFrame, place, "samples per frame"));
    } else if (tag == ':') {
      signal.skew = static_cast<int>(
          bounded(take_number<std::int64_t>(word, place, "skew"), 0, std::numeric_limits<int>::max(), place, "skew"));
    } else if (tag == '+') {
      signal.byte_offset = bounded(take_number<std::int64_t>(word, place, "byte offset"), 0,
                                   std::numeric_limits<std::int64_t>::max() / 2, place, "byte offset");
    } else {
      fail(place, fmt::format("format: found '{}{}', expected x, : or +", tag, word));
    }
  }
}

// "1000", "200(1024)", "1000.0(0)/mV", "0/mV", "200/mV(1024)". Returns whether the baseline was given.
bool parse_gain(std::string_view field, const Place& place, WfdbSignalSpec& signal) {
  std::string joined(field);
  std::erase_if(joined, [](char c) { return kBlanks.find(c) != std::string_view::npos; });
  std::string_view word = joined;
  signal.gain = take_number<double>(word, place, "gain");
  signal.gain_known = signal.gain != 0;
  if (signal.gain_known && !(std::abs(signal.gain) >= kSmallestGain && std::abs(signal.gain) <= kLargestGain))
    fail(place,
         fmt::format("gain is {}, expected {} to {}, or 0 for unknown", signal.gain, kSmallestGain, kLargestGain));
  if (!signal.gain_known) signal.gain = kDefaultGain;
  bool has_baseline = false;
  const auto parse_baseline = [&](std::string_view& text) {
    text.remove_prefix(1);
    signal.baseline = take_number<int>(text, place, "baseline");
    if (!text.starts_with(')')) fail(place, "baseline: the ')' is missing");
    text.remove_prefix(1);
    has_baseline = true;
  };
  if (word.starts_with('(')) parse_baseline(word);
  if (!word.empty() && word.front() != '/')
    fail(place, fmt::format("gain: found '{}', expected (baseline) or /unit", word));
  if (word.size() < 2) return has_baseline;
  std::string_view unit = word.substr(1);
  if (const auto open = unit.find('('); !has_baseline && open != std::string_view::npos && open > 0) {
    std::string_view rest = unit.substr(open);
    const bool number = rest.size() > 2 && rest.ends_with(')') &&
                        rest.substr(1, rest.size() - 2).find_first_not_of("+-.0123456789") == std::string_view::npos;
    if (number) parse_baseline(rest);
    if (number) unit = unit.substr(0, open);
  }
  signal.unit = unit;
  return has_baseline;
}

// What stands between the file and the description of a signal line; absent fields are empty.
struct SignalFields {
  std::string_view format, gain, adc_resolution, adc_zero, initial_value, checksum;
};

void parse_fields(const SignalFields& fields, const Place& place, WfdbSignalSpec& signal) {
  if (fields.format.empty()) fail(place, "the format is missing");
  WfdbSignalSpec with_format = signal;  // All of the format or nothing of it: other signals' places depend on it.
  parse_format(fields.format, place, with_format);
  signal = std::move(with_format);
  const bool has_baseline = !fields.gain.empty() && parse_gain(fields.gain, place, signal);
  signal.adc_resolution = known_number<int>(fields.adc_resolution, place, "ADC resolution").value_or(0);
  signal.adc_zero = known_number<int>(fields.adc_zero, place, "ADC zero").value_or(0);
  if (!has_baseline) signal.baseline = signal.adc_zero;
  signal.initial_value = known_number<std::int32_t>(fields.initial_value, place, "initial value");
  // 16 bits: some programs write them as a signed number, others as an unsigned one, others the whole sum.
  if (const auto checksum = known_number<std::int64_t>(fields.checksum, place, "checksum"))
    signal.checksum = static_cast<std::uint16_t>(*checksum);
}

// What stands behind the numbers of a signal line, without a comment ("I # noisy"; "ECG #1" is a name).
std::string description_of(std::string_view line, std::size_t index) {
  for (auto at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (at + 1 < line.size() && kBlanks.find(line[at + 1]) == std::string_view::npos) continue;
    line = trimmed(line.substr(0, at));
    break;
  }
  return line.empty() ? unnamed_wfdb_signal(index) : std::string(line);
}

bool is_number(std::string_view word) {
  double value = 0;
  if (word.starts_with('+')) word.remove_prefix(1);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size();
}

WfdbSignalSpec parse_signal_line(std::string_view line, const Place& place, std::size_t index,
                                 std::map<std::string, std::string>& written) {
  WfdbSignalSpec signal;
  signal.gain_known = false;
  signal.format = kUnknownFormat;
  signal.file = signal_file(std::string(next_word(line)), place, written);
  SignalFields fields;
  fields.format = next_word(line);
  fields.gain = next_word(line);
  if (line.starts_with('/')) {  // "1000(0) /mV"
    const char* end = next_word(line).end();
    fields.gain = std::string_view(fields.gain.data(), static_cast<std::size_t>(end - fields.gain.data()));
  }
  for (std::string_view* field : {&fields.adc_resolution, &fields.adc_zero, &fields.initial_value, &fields.checksum})
    *field = next_word(line);
  // The block size, which many leave out.
  if (std::string_view rest = line; is_number(next_word(rest))) line = rest;
  signal.name = description_of(line, index);
  try {
    parse_fields(fields, place, signal);
  } catch (const Error& error) {
    signal.fault = error;
  }
  return signal;
}

// Signals of one file are interleaved sample by sample, so their lines must stand together and agree.
void check_groups(const WfdbHeader& header, const Place& last) {
  for (std::size_t i = 1; i < header.signals.size(); ++i) {
    const auto& signal = header.signals[i];
    const auto& previous = header.signals[i - 1];
    if (signal.file == previous.file) {
      if (signal.format == previous.format && signal.byte_offset == previous.byte_offset) continue;
      if (signal.fault) throw Error(*signal.fault);
      if (previous.fault) throw Error(*previous.fault);
      fail(last, fmt::format("leads {} and {} share {} but differ in format or byte offset", previous.name, signal.name,
                             signal.file));
    }
    for (std::size_t j = 0; j + 1 < i; ++j)
      if (header.signals[j].file == signal.file)
        fail(last, fmt::format("leads {} and {} share {} but other files' leads stand between them",
                               header.signals[j].name, signal.name, signal.file));
  }
}

// "name frames", where a signal line has a format: a record may also be called "folder/1".
bool is_segment_line(std::string_view line) {
  next_word(line);
  const std::string_view word = next_word(line);
  return !word.empty() && (line.empty() || line.front() == '#');
}

// A segment whose folder is gone lies beside the header, as signal files do.
std::string segment_name(const std::string& named, const Place& place) {
  const fs::path folder = place.path.parent_path();
  const auto has_header = [&](const std::string& name) { return path_exists(folder / (name + ".hea")); };
  std::string bare = bare_name(named);
  const bool zero = named.find('\0') != std::string::npos;
  if (!zero && bare != named && (leaves_folder(named) || !has_header(named)) && !leaves_folder(bare) &&
      has_header(bare))
    return bare;
  if (zero || leaves_folder(named))
    fail(place, fmt::format("segment '{}' does not lie in the folder of the header", named),
         "A record's segments must lie beside its header or in folders below it.");
  return named;
}

WfdbSegment parse_segment_line(std::string_view line, const Place& place) {
  WfdbSegment segment;
  segment.record = segment_name(std::string(next_word(line)), place);
  segment.samples = bounded(whole_number<std::int64_t>(next_word(line), place, "number of samples"), 0, kMaxWfdbValues,
                            place, "number of samples");
  return segment;
}

void check_counts(WfdbHeader& header, const RecordLine& count, const Place& last, WfdbFaults faults) {
  const auto found = static_cast<std::int64_t>(header.signals.size());
  header.announced_signals = count.signals;
  if (!header.segments.empty()) {
    header.missing_segments = count.segments - static_cast<std::int64_t>(header.segments.size());
    if (header.missing_segments != 0 && faults == WfdbFaults::kRefuse)
      fail(last, fmt::format("{} segment lines, the record line announces {}", header.segments.size(), count.segments));
    return;
  }
  if (found != count.signals)
    fail(last, fmt::format("{} signal lines, the record line announces {}", found, count.signals));
}

}  // namespace

std::string unnamed_wfdb_signal(std::size_t index) {
  return fmt::format("signal {}", index);
}

std::vector<std::string> WfdbHeader::leads() const {
  std::vector<std::string> names;
  for (const auto& signal : signals) names.push_back(signal.name);
  return names;
}

WfdbHeader parse_wfdb_header(std::string_view text, const fs::path& path, WfdbFaults faults) {
  std::string converted;
  if (is_utf16(text)) return parse_wfdb_header(utf8_text(text, converted), path, faults);
  WfdbHeader header;
  header.path = path;
  std::optional<RecordLine> count;
  std::map<std::string, std::string> written;
  Place place{path, 0};
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // byte order mark
  while (!text.empty()) {
    ++place.line;
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end);
    text.remove_prefix(text.starts_with("\r\n") ? 2 : text.empty() ? 0 : 1);
    if (line.empty()) continue;
    if (line.front() == '#') {
      header.comments.emplace_back(trimmed(line.substr(1)));
    } else if (!count) {
      count = parse_record_line(line, place, header);
    } else if (header.signals.empty() && count->segments > 0 && is_segment_line(line)) {
      if (static_cast<std::int64_t>(header.segments.size()) < count->segments)
        header.segments.push_back(parse_segment_line(line, place));
    } else if (header.segments.empty() && static_cast<std::int64_t>(header.signals.size()) < count->signals) {
      header.signals.push_back(parse_signal_line(line, place, header.signals.size(), written));
      if (header.signals.back().fault && faults == WfdbFaults::kRefuse) throw Error(*header.signals.back().fault);
    }
  }
  if (!count) fail(place, "no record line");
  check_counts(header, *count, place, faults);
  check_groups(header, place);
  return header;
}

fs::path wfdb_signal_path(const WfdbHeader& header, const WfdbSignalSpec& signal) {
  const fs::path folder = header.path.parent_path();
  fs::path named = folder / signal.file;
  if (path_exists(named)) return named;
  fs::path beside = in_any_case(folder / bare_name(signal.file));
  if (path_exists(beside)) return beside;
  // Unpacked since.
  if (fs::path unpacked = folder / fs::path(signal.file).replace_extension();
      lower(named.extension().string()) == ".gz" && path_exists(unpacked))
    return unpacked;
  return named;
}

std::optional<fs::path> find_wfdb_header(const fs::path& record) {
  const std::string extension = lower(record.extension().string());
  if (extension == ".hea" && path_exists(record)) return record;
  std::vector<fs::path> stems;
  if (extension != ".hea") stems.push_back(record);
  if (extension == ".hea" || extension == ".dat" || extension == ".mat")
    stems.push_back(fs::path(record).replace_extension());
  for (const fs::path& stem : stems)
    for (const char* ending : {".hea", ".HEA"})
      if (fs::path path = stem; path_exists(path += ending)) return path;
  return std::nullopt;
}

WfdbHeader read_wfdb_header(const fs::path& record, const FileObserver& observer, WfdbFaults faults) {
  fs::path path = record;
  const std::string extension = lower(path.extension().string());
  if (extension == ".dat" || extension == ".mat") path.replace_extension(".hea");
  if (lower(path.extension().string()) != ".hea") path += ".hea";
  if (!path_exists(path)) path = find_wfdb_header(path).value_or(path);
  const std::string content = read_file(path, kMaxHeaderBytes);
  if (observer) observer(path, content);
  return parse_wfdb_header(content, path, faults);
}

}  // namespace cardiograd::data
