#include "data/file_kind.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string>

#include "data/dicom.h"
#include "data/scp_ecg.h"

namespace cardiograd::data {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kHead = 4096;            // bytes that tell what a file is
constexpr std::size_t kMaxProlog = 64U << 10;  // bytes in which the root of XML is looked for
constexpr std::string_view kBeforeText = " \t\r\n\xEF\xBB\xBF\xFF\xFE";

constexpr std::string_view kExport = "Export the recording from the device or its database as EDF, WFDB or CSV.";
constexpr std::string_view kPicture =
    "A picture of an ECG has no samples. Export the recording itself, as EDF, WFDB or CSV.";
constexpr std::string_view kUnpack = "Unpack it and give the recordings in it.";
constexpr std::string_view kPython =
    "Write it as CSV with the leads' names in the first row (numpy.savetxt, DataFrame.to_csv), or as WFDB with the "
    "Python package wfdb (wrsamp).";
constexpr std::string_view kTable = "Save the sheet with a column per lead as CSV.";
constexpr std::string_view kAudio = "Write its channels as EDF or CSV.";
constexpr std::string_view kDicom =
    "Convert its waveform, for example with the Python packages pydicom and wfdb (wrsamp).";
constexpr std::string_view kXml =
    "Export it as EDF or WFDB, or convert it with sierra-ecg-tools, BioSig or a script to CSV.";
constexpr std::string_view kBiosig = "Convert it to EDF, for example with BioSig's save2gdf or EDFbrowser.";
constexpr std::string_view kModel = "Give it as --model.";
constexpr std::string_view kPickle =
    "A pickle can run any program, so it is not read. Write its signals as CSV with the leads' names in the first row "
    "(numpy.savetxt, DataFrame.to_csv).";
constexpr std::string_view kMatlab =
    "As part of a WFDB record it needs its header (.hea) beside it; else write it as CSV.";
constexpr std::string_view kLfs =
    "The file itself is elsewhere: run 'git lfs pull' in the repository, or download it from the repository's page.";

struct Signature {
  std::size_t at;
  std::string_view bytes;
  FileKind kind;
};

// The more special ones first.
constexpr std::array kSignatures = {
    Signature{10, "SCPECG"sv, {"SCP-ECG", kBiosig}},
    Signature{0, "%PDF"sv, {"a PDF document", kPicture}},
    Signature{0, "\x89PNG"sv, {"a PNG picture", kPicture}},
    Signature{0, "\xFF\xD8\xFF"sv, {"a JPEG picture", kPicture}},
    Signature{0, "GIF8"sv, {"a GIF picture", kPicture}},
    Signature{0, "II*\0"sv, {"a TIFF picture", kPicture}},
    Signature{0, "MM\0*"sv, {"a TIFF picture", kPicture}},
    Signature{0, "\x89HDF\r\n\x1A\n"sv, {"HDF5", kPython}},
    Signature{512, "\x89HDF\r\n\x1A\n"sv, {"a MATLAB file of version 7.3 (HDF5)", kPython}},
    Signature{0, "MATLAB 5.0"sv, {"a MATLAB file", kMatlab}},
    Signature{0, "\x93NUMPY"sv, {"a NumPy array", kPython}},
    Signature{0, "PAR1"sv, {"Parquet", kPython}},
    Signature{0, "ARROW1"sv, {"Arrow", kPython}},
    Signature{0, "\x80\x02"sv, {"a Python pickle", kPickle}},
    Signature{0, "\x80\x03"sv, {"a Python pickle", kPickle}},
    Signature{0, "\x80\x04\x95"sv, {"a Python pickle", kPickle}},
    Signature{0, "\x80\x05\x95"sv, {"a Python pickle", kPickle}},
    Signature{0, "version https://git-lfs"sv, {"a Git LFS pointer, not the file that it stands for", kLfs}},
    Signature{0, "version https://hawser"sv, {"a Git LFS pointer, not the file that it stands for", kLfs}},
    Signature{0, "PK\x03\x04"sv, {"a ZIP archive", kUnpack}},
    Signature{0, "BZh"sv, {"compressed with bzip2", kUnpack}},
    Signature{0,
              "\xFD"
              "7zXZ"sv,
              {"compressed with xz", kUnpack}},
    Signature{0, "\x28\xB5\x2F\xFD"sv, {"compressed with zstd", kUnpack}},
    Signature{0, "7z\xBC\xAF"sv, {"a 7z archive", kUnpack}},
    Signature{0, "Rar!"sv, {"a RAR archive", kUnpack}},
    Signature{257, "ustar"sv, {"a tar archive", kUnpack}},
    Signature{0, "\xD0\xCF\x11\xE0"sv, {"a document of an old Office version", kTable}},
    Signature{0, "SQLite format 3"sv, {"an SQLite database", kExport}},
    Signature{0, "fLaC"sv, {"FLAC", "As part of a WFDB record it needs its header (.hea) beside it; give that."}},
    Signature{8, "WEBP"sv, {"a WebP picture", kPicture}},
    Signature{8, "WAVEfmt"sv, {"a WAV file", kAudio}},
    Signature{0, "RIFF"sv, {"a RIFF (multimedia) file", kExport}},
    Signature{0, "GDF "sv, {"GDF", kBiosig}},
    Signature{0, "ISHNE"sv, {"an ISHNE Holter file", kBiosig}},
    Signature{2, "MFR "sv, {"MFER", kBiosig}},
    Signature{0, "MSH|"sv, {"an HL7 version 2 message", kExport}},
    Signature{0, "Brain Vision Data Exchange"sv, {"a BrainVision header", kBiosig}},
    Signature{0, "{\\rtf"sv, {"an RTF document", kExport}},
    Signature{0,
              "\x7F"
              "ELF"sv,
              {"a program", kExport}},
};

struct Root {
  std::string_view word;  // in lower case
  FileKind kind;
};

constexpr std::array kXmlRoots = {
    Root{"annotatedecg", {"HL7 aECG (XML)", kXml}},
    Root{"restingecgdata", {"a Philips ECG (XML)", kXml}},
    Root{"restingecg", {"an ECG of GE's MUSE (XML)", kXml}},
    Root{"cardiologyxml", {"an ECG of GE's CardioSoft (XML)", kXml}},
    Root{"muse", {"an ECG of GE's MUSE (XML)", kXml}},
    Root{"<svg", {"an SVG drawing", kPicture}},
    Root{"<html", {"an HTML page", kExport}},
};

std::string lower(std::string_view text) {
  std::string result;
  // UTF-16: every other byte is 0.
  for (const unsigned char c : text)
    if (c != 0) result += static_cast<char>(std::tolower(c));
  return result;
}

std::optional<FileKind> text_kind(std::string_view content) {
  const std::string text = lower(content.substr(0, kHead));
  const auto first = text.find_first_not_of(kBeforeText);
  if (first == std::string::npos) return std::nullopt;
  const std::string_view begin = std::string_view(text).substr(first);
  if (begin.starts_with('<')) {
    const std::string head = lower(xml_head(content));
    for (const Root& root : kXmlRoots)
      if (head.find(root.word) != std::string::npos) return root.kind;
    return FileKind{"an XML file", kXml};
  }
  if (begin.starts_with("{") || begin.starts_with("[{") || begin.starts_with("[["))
    return FileKind{"JSON", "Write it as CSV with the leads' names in the first row."};
  return std::nullopt;
}

// Five numbers (type, rows, columns, imaginary part, length of the name) and the name of a variable. The type's digits
// are byte order, 0, format of the numbers, kind of matrix.
bool is_matlab_4(std::string_view content) {
  constexpr std::size_t kHeader = 20;
  constexpr std::uint32_t kMaxName = 64;
  if (content.size() <= kHeader) return false;
  const auto is_one = [&](bool big_endian) {
    const auto number = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < 4; ++i)
        value = value << 8 | static_cast<unsigned char>(content[at + (big_endian ? i : 3 - i)]);
      return value;
    };
    const std::uint32_t type = number(0), length = number(16);
    if (type / 1000 != (big_endian ? 1U : 0U) || type / 100 % 10 != 0 || type / 10 % 10 > 5 || type % 10 > 2)
      return false;
    if (number(4) == 0 || number(8) == 0 || number(12) > 1) return false;
    if (length < 2 || length > kMaxName || content.size() < kHeader + length) return false;
    const std::string_view name = content.substr(kHeader, length - 1);
    return content[kHeader + length - 1] == '\0' && std::isalpha(static_cast<unsigned char>(name[0])) != 0 &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  };
  return is_one(false) || is_one(true);
}

}  // namespace

std::string table_hint(const FileKind& kind) {
  if (kind.hint == kLfs) return std::string(kLfs);
  if (kind.hint == kUnpack) return "Unpack it and give the table in it.";
  return "Save the table as CSV, with the names of the columns in the first row: in a spreadsheet by 'Save as', in "
         "pandas by to_csv(index=False).";
}

std::string xml_head(std::string_view content) {
  std::string text(content.substr(0, kMaxProlog));
  std::erase(text, '\0');  // of UTF-16
  std::string_view rest = text;
  while (true) {
    const auto first = rest.find_first_not_of(kBeforeText);
    if (first == std::string_view::npos) return {};
    rest.remove_prefix(first);
    const bool type = rest.starts_with("<!DOCTYPE") || rest.starts_with("<!doctype");
    const bool subset = type && rest.find('[') < rest.find('>');
    const std::string_view end = rest.starts_with("<?") ? "?>" : rest.starts_with("<!--") ? "-->" : subset ? "]>" : ">";
    if (!type && end == ">") return std::string(rest.substr(0, kHead));
    const auto at = rest.find(end, 2);
    if (at == std::string_view::npos) return {};
    rest.remove_prefix(at + end.size());
  }
}

std::optional<FileKind> kind_of(std::string_view content) {
  if (is_dicom(content)) return FileKind{"DICOM", kDicom};
  if (is_scp_ecg(content)) return FileKind{"SCP-ECG", kBiosig};
  for (const Signature& signature : kSignatures) {
    if (content.size() <= signature.at || !content.substr(signature.at).starts_with(signature.bytes)) continue;
    if (signature.bytes.starts_with("PK")) {
      const std::string_view names = content.substr(0, kHead);
      if (names.find("xl/") != std::string_view::npos || names.find("[Content_Types]") != std::string_view::npos)
        return FileKind{"an Excel workbook or another Office document", kTable};
      if (names.find("mimetypeapplication/vnd.oasis") != std::string_view::npos)
        return FileKind{"an OpenDocument file", kTable};
      if (names.find("/data.pkl") != std::string_view::npos) return FileKind{"a PyTorch file", kPickle};
      if (names.find(".npy") != std::string_view::npos) return FileKind{"an archive of NumPy arrays (npz)", kPython};
    }
    return signature.kind;
  }
  if (is_matlab_4(content)) return FileKind{"a MATLAB file of version 4", kMatlab};
  // safetensors: the length of a JSON header, then it.
  if (content.size() > 10 && content.substr(8).starts_with("{\"") && content[7] == '\0')
    return FileKind{"a model file (safetensors)", kModel};
  return text_kind(content);
}

bool is_text(std::string_view content) {
  const std::string_view head = content.substr(0, kHead);
  const bool utf16 = head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF");
  const auto zeros = static_cast<std::size_t>(std::count(head.begin(), head.end(), '\0'));
  if (!utf16 && zeros > 0 && zeros * 3 < head.size()) return false;
  return std::none_of(head.begin(), head.end(), [](unsigned char c) {
    return c != 0 && c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f';
  });
}

}  // namespace cardiograd::data
