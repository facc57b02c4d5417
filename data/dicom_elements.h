// The elements of DICOM data sets, in all three encodings. Source: DICOM PS3.5, 7.1 and 7.5.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cardiograd::data {

struct DicomEncoding {
  bool explicit_vr = true;
  bool big_endian = false;
};

// Group and element, as 0x5400'0100.
using DicomTag = std::uint32_t;

struct DicomElement {
  DicomTag tag = 0;
  std::string_view vr;     // empty where implicit
  std::string_view value;  // of a sequence: its items as they stand in the file
  DicomEncoding encoding;  // of the items
};

// A data set, or an item of a sequence: a view of the file's content, which must outlive it.
class DicomSet {
 public:
  // Throws Error naming `path` and the byte: an element that does not fit, sequences too deep in each other.
  DicomSet(std::string_view bytes, DicomEncoding encoding, const std::filesystem::path& path, int depth = 0);

  // Null where the element is not there.
  const DicomElement* find(DicomTag tag) const;
  // Text without padding; empty where the element is not there.
  std::string text(DicomTag tag) const;
  // A decimal string or a binary integer; nothing where the element is not there or empty. Throws Error for others.
  std::optional<double> number(DicomTag tag) const;
  // The items of a sequence; none where it is not there.
  std::vector<DicomSet> items(DicomTag tag) const;

  DicomEncoding encoding() const { return encoding_; }

 private:
  std::vector<DicomElement> elements_;
  DicomEncoding encoding_;
  const std::filesystem::path* path_;
  int depth_;
};

// An unsigned integer of bytes.size() bytes.
std::uint64_t dicom_integer(std::string_view bytes, bool big_endian);

// Whether a file begins with the first element of the meta information or of the data set, as some programs write it.
bool is_dicom_without_preamble(std::string_view content);

// The data set of a file, after its preamble and meta information, where it has them; without meta information it is
// little endian, and explicit where it begins so. Throws Error for transfer syntaxes other than
// implicit and explicit, little and big endian, uncompressed.
DicomSet dicom_file(std::string_view content, const std::filesystem::path& path);

}  // namespace cardiograd::data
