#include "data/dicom_elements.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

#include "base/error.h"
#include "data/signal_table.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPreamble = 132;
constexpr std::uint64_t kUndefined = 0xFFFFFFFF;
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxElements = 1 << 16;
constexpr DicomTag kItem = 0xFFFEE000, kItemEnd = 0xFFFEE00D, kSequenceEnd = 0xFFFEE0DD;
constexpr DicomTag kTransferSyntax = 0x00020010;

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(fmt::format("{}: {}", path.string(), what), "The file is damaged; export it again, or as EDF or WFDB.");
}

// Walks through encoded elements.
class Walker {
 public:
  Walker(std::string_view bytes, DicomEncoding encoding, const fs::path& path)
      : bytes_(bytes), encoding_(encoding), path_(path) {}

  bool at_end() const { return at_ >= bytes_.size(); }
  std::size_t at() const { return at_; }

  // The next element, or the delimiter or item that stands there; `depth`: of the sequences it lies in.
  DicomElement next(int depth) {
    if (depth > kMaxDepth) fail(path_, "sequences lie too deep in each other");
    DicomElement element;
    element.encoding = encoding_;
    const auto group = static_cast<DicomTag>(number(2));
    element.tag = group << 16 | static_cast<DicomTag>(number(2));
    std::uint64_t length = 0;
    if (encoding_.explicit_vr && group != 0xFFFE) {
      element.vr = take(2);
      constexpr std::array<std::string_view, 13> kLong = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ",
                                                          "SV", "UC", "UN", "UR", "UT", "UV"};
      if (std::find(kLong.begin(), kLong.end(), element.vr) != kLong.end()) {
        take(2);
        length = number(4);
      } else {
        length = number(2);
      }
    } else {
      length = number(4);
    }
    if (length != kUndefined) {
      element.value = take(length);
      return element;
    }
    if (element.vr == "UN") element.encoding = {false, false};  // PS3.5, 6.2.2
    element.value = delimited(element, depth);
    return element;
  }

 private:
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_)
      fail(path_, fmt::format("truncated: {} bytes expected, {} are left", count, bytes_.size() - at_));
    const std::string_view taken = bytes_.substr(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return taken;
  }
  std::uint64_t number(std::size_t count) { return dicom_integer(take(count), encoding_.big_endian); }

  // The value of an element of undefined length, up to its delimiter.
  std::string_view delimited(const DicomElement& element, int depth) {
    const std::size_t begin = at_;
    Walker inner(bytes_.substr(begin), element.encoding, path_);
    const DicomTag end = element.tag == kItem ? kItemEnd : kSequenceEnd;
    while (!inner.at_end()) {
      const std::size_t before = inner.at();
      if (inner.next(depth + 1).tag != end) continue;
      at_ = begin + inner.at();
      return bytes_.substr(begin, before);
    }
    fail(path_, fmt::format("the sequence {:08X} has no end", element.tag));
  }

  std::string_view bytes_;
  DicomEncoding encoding_;
  const fs::path& path_;
  std::size_t at_ = 0;
};

std::string trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\0'; };
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return std::string(text);
}

}  // namespace

std::uint64_t dicom_integer(std::string_view bytes, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[big_endian ? i : bytes.size() - 1 - i]);
  return value;
}

DicomSet::DicomSet(std::string_view bytes, DicomEncoding encoding, const fs::path& path, int depth)
    : encoding_(encoding), path_(&path), depth_(depth) {
  Walker walker(bytes, encoding, path);
  // Files are filled up with zeros.
  const std::size_t last = depth == 0 ? bytes.find_last_not_of('\0') : std::string_view::npos;
  while (!walker.at_end() && (last == std::string_view::npos || walker.at() <= last)) {
    const DicomElement element = walker.next(depth);
    if (element.tag == kItemEnd || element.tag == kSequenceEnd) break;
    if (elements_.size() == kMaxElements) fail(path, "more elements than any ECG has");
    elements_.push_back(element);
  }
}

const DicomElement* DicomSet::find(DicomTag tag) const {
  const auto found = std::find_if(elements_.begin(), elements_.end(),
                                  [tag](const DicomElement& element) { return element.tag == tag; });
  return found == elements_.end() ? nullptr : &*found;
}

std::string DicomSet::text(DicomTag tag) const {
  const DicomElement* element = find(tag);
  return element == nullptr ? "" : trimmed(element->value.substr(0, element->value.find('\\')));
}

std::optional<double> DicomSet::number(DicomTag tag) const {
  const DicomElement* element = find(tag);
  if (element == nullptr || element->value.empty()) return std::nullopt;
  const bool integer = element->vr == "US" || element->vr == "UL" ||
                       (element->vr.empty() && (element->value.size() == 2 || element->value.size() == 4) &&
                        (tag == 0x003A0005 || tag == 0x003A0010 || tag == 0x54001004));
  if (integer) return static_cast<double>(dicom_integer(element->value, encoding_.big_endian));
  const std::string digits = text(tag);
  const auto value = cell_number(digits, false);
  if (digits.empty()) return std::nullopt;
  if (!value || !std::isfinite(*value))
    fail(*path_, fmt::format("element {:08X}: found '{}', expected a number", tag, digits.substr(0, 40)));
  return value;
}

std::vector<DicomSet> DicomSet::items(DicomTag tag) const {
  std::vector<DicomSet> items;
  const DicomElement* element = find(tag);
  if (element == nullptr) return items;
  Walker walker(element->value, element->encoding, *path_);
  while (!walker.at_end()) {
    const DicomElement item = walker.next(depth_ + 1);
    if (item.tag == kSequenceEnd) break;
    if (item.tag != kItem) fail(*path_, fmt::format("the sequence {:08X} holds something else than items", tag));
    items.emplace_back(item.value, element->encoding, *path_, depth_ + 1);
  }
  return items;
}

bool is_dicom_without_preamble(std::string_view content) {
  if (content.size() < 16) return false;
  if (content.starts_with(std::string_view("\2\0\0\0UL\4\0", 8))) return true;
  // Group 8: its length, the length to the end, the character set, type, date or class of the object.
  constexpr std::array<std::uint64_t, 6> kFirst = {0x0000, 0x0001, 0x0005, 0x0008, 0x0012, 0x0016};
  const std::uint64_t group = dicom_integer(content.substr(0, 2), false);
  const std::uint64_t element = dicom_integer(content.substr(2, 2), false);
  if (group != 8 || std::find(kFirst.begin(), kFirst.end(), element) == kFirst.end()) return false;
  constexpr std::array<std::string_view, 4> kTypes = {"UL", "CS", "DA", "UI"};
  if (std::find(kTypes.begin(), kTypes.end(), content.substr(4, 2)) != kTypes.end()) return true;
  constexpr std::uint64_t kMaxFirst = 64;  // bytes: numbers, words and identifiers
  const std::uint64_t length = dicom_integer(content.substr(4, 4), false);
  return length > 0 && length <= kMaxFirst && length % 2 == 0;
}

DicomSet dicom_file(std::string_view content, const fs::path& path) {
  const bool bare = is_dicom_without_preamble(content);
  std::string_view rest = bare ? content : content.substr(std::min(kPreamble, content.size()));
  // Meta information: group 2, explicit and little endian, whatever follows.
  std::string syntax;
  while (rest.size() >= 2 && dicom_integer(rest.substr(0, 2), false) == 2) {
    Walker walker(rest, {true, false}, path);
    const DicomElement element = walker.next(0);
    if (element.tag == kTransferSyntax) syntax = trimmed(element.value);
    rest.remove_prefix(walker.at());
  }
  if (syntax == "1.2.840.10008.1.2") return DicomSet(rest, {false, false}, path);
  if (syntax == "1.2.840.10008.1.2.1") return DicomSet(rest, {true, false}, path);
  if (syntax == "1.2.840.10008.1.2.2") return DicomSet(rest, {true, true}, path);
  if (syntax.empty() && rest.size() > 5) {  // Written without group 2: the type's letters tell.
    const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
    return DicomSet(rest, {capital(rest[4]) && capital(rest[5]), false}, path);
  }
  throw Error(
      fmt::format("{}: DICOM in the transfer syntax '{}', which is not read", path.string(), syntax.substr(0, 64)),
      "Store the waveform uncompressed, for example with dcmconv +te.");
}

}  // namespace cardiograd::data
