// What a file is, as its first bytes tell: for errors about files that are not read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cardiograd::data {

struct FileKind {
  std::string_view name;  // "a PDF document", "DICOM", "an XML file of GE's MUSE"
  std::string_view hint;  // how to come to a file that can be read
};

// Of the first 4 KiB or more of a file; nothing for what is not recognized, among it WFDB, EDF, BDF, CSV and gzip.
// Formats that are read are recognized too: a damaged file of one is named by it.
std::optional<FileKind> kind_of(std::string_view content);

// How to come from a file of this kind to a table as text, such as one of labels: FileKind::hint is for recordings.
std::string table_hint(const FileKind& kind);

// The first 4 KiB of XML from its root on, behind byte order mark, declarations and comments; empty where it does not
// begin in the first 64 KiB.
std::string xml_head(std::string_view content);

// Whether the bytes are those of a text: no control characters but white space, in UTF-8, Latin-1 or UTF-16.
bool is_text(std::string_view content);

}  // namespace cardiograd::data
