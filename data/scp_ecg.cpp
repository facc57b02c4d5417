#include "data/scp_ecg.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "data/source_leads.h"
#include "ecg/person.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileHeader = 6, kSectionHeader = 16, kPointer = 10;
constexpr std::size_t kMaxLeads = 255;
constexpr std::size_t kMaxSamples = std::size_t{1} << 26;  // of a lead
constexpr std::uint32_t kStandardTable = 19999;

[[noreturn]] void fail(const fs::path& path, const std::string& what,
                       const char* hint = "The file is damaged; export the ECG again, or as EDF or WFDB.") {
  throw Error(fmt::format("{}: SCP-ECG: {}", path.string(), what), hint);
}

// Integers of a section, little-endian.
class Bytes {
 public:
  Bytes(std::string_view bytes, std::string name, const fs::path& path)
      : bytes_(bytes), name_(std::move(name)), path_(path) {}

  std::size_t left() const { return bytes_.size() - at_; }
  std::uint32_t number(std::size_t count) {
    const std::string_view taken = text(count);
    std::uint32_t value = 0;
    for (std::size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(taken[i - 1]);
    return value;
  }
  std::string_view text(std::size_t count) {
    if (count > left())
      fail(path_, fmt::format("{} ends too early: {} bytes expected, {} are left", name_, count, left()));
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

 private:
  std::string_view bytes_;
  std::string name_;
  const fs::path& path_;
  std::size_t at_ = 0;
};

// CRC-CCITT: polynomial 0x1021, from 0xFFFF.
std::uint16_t crc_of(std::string_view bytes) {
  std::uint32_t crc = 0xFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint32_t>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1 ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U)) & 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc);
}

using Sections = std::map<std::uint32_t, std::string_view>;  // without their headers

// The section of this number that begins at `offset` (from 0) and has `length` bytes.
std::string_view section_at(std::string_view content, std::uint32_t id, std::size_t offset, std::size_t length,
                            const fs::path& path) {
  const std::string name = fmt::format("section {}", id);
  if (length < kSectionHeader || offset > content.size() || length > content.size() - offset)
    fail(path,
         fmt::format("truncated: {}: {} bytes from {} on, the file has {}", name, length, offset, content.size()));
  const std::string_view section = content.substr(offset, length);
  Bytes header(section, name, path);
  const std::uint32_t crc = header.number(2), found = header.number(2);
  if (found != id) fail(path, fmt::format("section {} stands where {} is announced", found, id));
  if (crc != 0 && crc != crc_of(section.substr(2)))
    log_warning(
        "{}: SCP-ECG: {}: its checksum is {:04X}, the file says {:04X}; it was edited without it, or it is damaged",
        path.string(), name, crc_of(section.substr(2)), crc);
  return section.substr(kSectionHeader);
}

Sections sections_of(std::string_view content, const fs::path& path) {
  Bytes header(content, "header", path);
  header.number(2);  // Checksum of the whole file: those of the sections say where it is damaged.
  const std::uint32_t size = header.number(4);
  if (size > content.size())  // What counts is whether the sections are there.
    log_warning("{}: SCP-ECG: {} bytes, the file says {}", path.string(), content.size(), size);
  Bytes start(content.substr(kFileHeader), "section 0", path);
  start.number(2);
  start.number(2);
  const std::uint32_t length = start.number(4);
  Bytes pointers(section_at(content, 0, kFileHeader, length, path), "section 0", path);
  Sections sections;
  while (pointers.left() >= kPointer) {
    const std::uint32_t id = pointers.number(2), bytes = pointers.number(4), index = pointers.number(4);
    if (id == 0 || bytes == 0) continue;
    if (index == 0) fail(path, fmt::format("section {} has no place", id));
    if (id <= 6) sections[id] = section_at(content, id, index - 1, bytes, path);
  }
  return sections;
}

std::string_view section(const Sections& sections, std::uint32_t id, const char* what, const fs::path& path) {
  const auto found = sections.find(id);
  if (found == sections.end()) fail(path, fmt::format("no section {}: {}", id, what));
  return found->second;
}

void read_person(std::string_view bytes, const fs::path& path, SourceLeads& source) {
  Bytes tags(bytes, "section 1", path);
  std::string date, time, born;
  const auto date_in = [](Bytes& value) {
    const std::uint32_t year = value.number(2), month = value.number(1);
    return fmt::format("{:04}-{:02}-{:02}", year, month, value.number(1));
  };
  bool has_age = false;
  while (tags.left() >= 3) {
    const std::uint32_t tag = tags.number(1), length = tags.number(2);
    if (tag == 255) break;
    Bytes value(tags.text(length), fmt::format("section 1, tag {}", tag), path);
    if (tag == 4 && length >= 3) {  // Age
      constexpr std::array<const char*, 6> kUnits = {"", "years", "months", "weeks", "days", "hours"};
      const std::uint32_t age = value.number(2), unit = value.number(1);
      has_age = unit > 0 && unit < kUnits.size();
      if (has_age) source.comments.push_back(fmt::format("Age: {} {}", age, kUnits[unit]));
    } else if (tag == 5 && length >= 4) {
      born = date_in(value);
    } else if (tag == 8 && length >= 1) {
      const std::uint32_t sex = value.number(1);
      if (sex == 1 || sex == 2) source.comments.push_back(sex == 1 ? "Sex: M" : "Sex: F");
    } else if (tag == 25 && length >= 4) {
      date = date_in(value);
    } else if (tag == 26 && length >= 3) {
      const std::uint32_t hour = value.number(1), minute = value.number(1);
      time = fmt::format("{:02}:{:02}:{:02}", hour, minute, value.number(1));
    }
  }
  if (const std::string age = ecg::age_comment(born, date); !has_age && !age.empty()) source.comments.push_back(age);
  source.start = date + (date.empty() || time.empty() ? "" : " ") + time;
}

// A code of a Huffman table.
struct Code {
  std::uint32_t prefix_bits;
  std::uint32_t extra_bits;  // of a value that follows the prefix as it is
  std::int32_t value;
  std::uint32_t prefix;  // most significant bit first
};

// The standard's table: 0; 100 and 101 for 1 and -1; 1100 and 1101 for 2 and -2; ...; ten ones but for the last: a
// value of 8 bits follows, of 16 after ten ones.
std::vector<Code> standard_table() {
  std::vector<Code> table = {{1, 0, 0, 0}};
  for (std::uint32_t n = 1; n <= 8; ++n) {
    const std::uint32_t ones = ((1U << n) - 1) << 2;  // n ones, a zero, the sign.
    table.push_back({n + 2, 0, static_cast<std::int32_t>(n), ones});
    table.push_back({n + 2, 0, -static_cast<std::int32_t>(n), ones | 1U});
  }
  table.push_back({10, 8, 0, 0x3FE});
  table.push_back({10, 16, 0, 0x3FF});
  return table;
}

std::uint32_t reversed(std::uint32_t bits, std::uint32_t count) {
  std::uint32_t result = 0;
  for (std::uint32_t i = 0; i < count; ++i) result |= (bits >> i & 1U) << (count - 1 - i);
  return result;
}

// The tables of section 2, or the standard's.
std::vector<std::vector<Code>> tables_of(std::string_view bytes, const fs::path& path) {
  Bytes fields(bytes, "section 2", path);
  const std::uint32_t count = fields.number(2);
  if (count == kStandardTable) return {standard_table()};
  std::vector<std::vector<Code>> tables;
  for (std::uint32_t t = 0; t < count && tables.size() < kMaxLeads; ++t) {
    std::vector<Code> table;
    const std::uint32_t codes = fields.number(2);
    for (std::uint32_t c = 0; c < codes; ++c) {
      const std::uint32_t prefix = fields.number(1), total = fields.number(1), mode = fields.number(1);
      const auto value = static_cast<std::int16_t>(fields.number(2));
      const std::uint32_t code = fields.number(4);
      if (prefix == 0 || prefix > 32 || total < prefix || total - prefix > 16)
        fail(path, fmt::format("section 2: a code of {} bits, {} in all", prefix, total));
      if (mode == 0)
        fail(path, "several Huffman tables within a lead, which are not read", "Export the ECG as EDF or WFDB.");
      table.push_back({prefix, total - prefix, value, reversed(code, prefix)});
    }
    tables.push_back(std::move(table));
  }
  if (tables.empty()) fail(path, "section 2 has no table");
  return tables;
}

// The values that a lead's bytes code, at most `count`.
std::vector<std::int32_t> decode_huffman(std::string_view bytes, const std::vector<Code>& table, std::size_t count,
                                         const fs::path& path) {
  std::vector<std::int32_t> values;
  const std::size_t bits = 8 * bytes.size();
  std::size_t at = 0;
  const auto bit = [&] {
    const std::size_t i = at++;
    return static_cast<unsigned char>(bytes[i / 8]) >> (7 - i % 8) & 1U;
  };
  while (values.size() < count && at < bits) {
    std::uint64_t prefix = 0;
    std::uint32_t length = 0;
    const Code* found = nullptr;
    while (found == nullptr && at < bits && length < 32) {
      prefix = prefix << 1 | bit();
      ++length;
      const auto same = std::find_if(table.begin(), table.end(), [&](const Code& code) {
        return code.prefix_bits == length && code.prefix == prefix;
      });
      if (same != table.end()) found = &*same;
    }
    if (found == nullptr && at >= bits) break;  // What fills up the last byte.
    if (found == nullptr) fail(path, "section 6: bits that are no code of the Huffman table");
    if (found->extra_bits > bits - at) break;
    std::uint32_t extra = 0;
    for (std::uint32_t i = 0; i < found->extra_bits; ++i) extra = extra << 1 | bit();
    const std::uint32_t unused = 32 - found->extra_bits;
    values.push_back(found->extra_bits == 0 ? found->value : static_cast<std::int32_t>(extra << unused) >> unused);
  }
  return values;
}

// What section 3 says of a lead.
struct ScpLead {
  std::string name;
  std::uint32_t first = 0, last = 0;  // samples, from 1
};

std::string lead_name(std::uint32_t code) {
  constexpr std::array<std::string_view, 9> kFirst = {"", "I", "II", "V1", "V2", "V3", "V4", "V5", "V6"};
  constexpr std::array<std::string_view, 4> kLimb = {"III", "aVR", "aVL", "aVF"};
  if (code > 0 && code < kFirst.size()) return std::string(kFirst[code]);
  if (code >= 61 && code < 61 + kLimb.size()) return std::string(kLimb[code - 61]);
  return fmt::format("ECG lead {} of SCP-ECG", code);
}

std::vector<ScpLead> leads_of(std::string_view bytes, const fs::path& path) {
  Bytes fields(bytes, "section 3", path);
  const std::uint32_t count = fields.number(1), flags = fields.number(1);
  if (count == 0) fail(path, "section 3 has no leads");
  if ((flags & 1U) != 0)
    fail(path, "a reference beat was taken away from the rhythm, which is not read", "Export the ECG as EDF or WFDB.");
  std::vector<ScpLead> leads;
  for (std::uint32_t l = 0; l < count; ++l) {
    ScpLead lead;
    lead.first = fields.number(4);
    lead.last = fields.number(4);
    lead.name = lead_name(fields.number(1));
    if (lead.last < lead.first || lead.last - lead.first >= kMaxSamples)
      fail(path, fmt::format("{}: samples {} to {}", lead.name, lead.first, lead.last));
    if (!leads.empty() && (lead.first != leads.front().first || lead.last != leads.front().last))
      fail(path, fmt::format("{} was recorded at another time than {}", lead.name, leads.front().name),
           "Export the ECG as EDF or WFDB.");
    leads.push_back(std::move(lead));
  }
  return leads;
}

// Plain samples: two bytes each.
std::vector<std::int32_t> decode_plain(std::string_view bytes) {
  std::vector<std::int32_t> values;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const auto low = static_cast<unsigned char>(bytes[i]), high = static_cast<unsigned char>(bytes[i + 1]);
    values.push_back(static_cast<std::int16_t>(static_cast<std::uint16_t>(low | high << 8)));
  }
  return values;
}

// `order`: 0, 1 or 2. Modulo 2^32, whatever a damaged file holds.
void undo_differences(std::uint32_t order, std::vector<std::int32_t>& values) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(values[i]); };
  for (std::size_t i = order; order > 0 && i < values.size(); ++i) {
    const std::uint32_t before = order == 1 ? at(i - 1) : 2 * at(i - 1) - at(i - 2);
    values[i] = static_cast<std::int32_t>(at(i) + before);
  }
}

}  // namespace

bool is_scp_ecg(std::string_view content) {
  constexpr std::size_t kFirst = kFileHeader + kSectionHeader;
  if (content.size() <= kFirst) return false;
  if (content.substr(16, 6) == "SCPECG") return true;
  // Older versions leave these bytes empty: section 0 is a list of places of at least 12 sections, and vouched for.
  constexpr std::size_t kSections = 12, kMaxSections = 1024;
  const auto number = [&](std::size_t at, std::size_t count) {
    std::size_t value = 0;
    for (std::size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(content[at + i - 1]);
    return value;
  };
  const std::size_t length = number(10, 4);
  if (number(8, 2) != 0 || length < kSectionHeader + kSections * kPointer ||
      length > kSectionHeader + kMaxSections * kPointer || (length - kSectionHeader) % kPointer != 0 ||
      length > content.size() - kFileHeader)
    return false;
  const std::size_t crc = number(kFileHeader, 2);
  return crc != 0 && crc == crc_of(content.substr(kFileHeader + 2, length - 2));
}

ecg::Recording parse_scp_ecg(std::string_view content, const fs::path& path) {
  const Sections sections = sections_of(content, path);
  SourceLeads source;
  if (const auto person = sections.find(1); person != sections.end()) read_person(person->second, path, source);
  const std::vector<ScpLead> leads = leads_of(section(sections, 3, "the leads", path), path);
  Bytes rhythm(section(sections, 6, "the rhythm", path), "section 6", path);
  const std::uint32_t nanovolts = rhythm.number(2), microseconds = rhythm.number(2);
  const std::uint32_t order = rhythm.number(1), bimodal = rhythm.number(1);
  if (nanovolts == 0 || microseconds == 0)
    fail(path, fmt::format("section 6: {} nV per step, {} us per sample", nanovolts, microseconds));
  if (order > 2) fail(path, fmt::format("section 6: differences of order {}", order));
  if (bimodal != 0) fail(path, "bimodal compression, which is not read", "Export the ECG as EDF or WFDB.");
  source.rate = 1e6 / microseconds;
  const auto tables = sections.contains(2) ? tables_of(sections.at(2), path) : std::vector<std::vector<Code>>();
  std::vector<std::uint32_t> lengths;
  for (std::size_t l = 0; l < leads.size(); ++l) lengths.push_back(rhythm.number(2));
  for (std::size_t l = 0; l < leads.size(); ++l) {
    const std::string_view bytes = rhythm.text(lengths[l]);
    const std::size_t count = leads[l].last - leads[l].first + 1;
    std::vector<std::int32_t> values =
        tables.empty() ? decode_plain(bytes) : decode_huffman(bytes, tables.front(), count, path);
    if (values.size() < count)
      fail(path, fmt::format("section 6: {} has {} samples, expected {}", leads[l].name, values.size(), count));
    values.resize(count);
    undo_differences(order, values);
    SourceLead lead{leads[l].name, "mV", {}};
    for (const std::int32_t value : values) lead.samples.push_back(1e-6 * nanovolts * value);
    source.leads.push_back(std::move(lead));
  }
  return recording_of(source, path);
}

}  // namespace cardiograd::data
