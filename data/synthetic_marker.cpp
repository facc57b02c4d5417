#include "data/synthetic_marker.h"

#include <array>
#include <fstream>
#include <set>
#include <string_view>
#include <system_error>

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr int kLevels = 4;  // the record's folder and three above it

bool is_marked(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / kSyntheticMarker, ignored);
}

// Headers of such records have some hundred bytes; of others no more than this is read.
constexpr std::size_t kHeaderBytes = 4096;

bool has_comment(const fs::path& record) {
  std::ifstream header(record.string() + ".hea", std::ios::binary);
  std::array<char, kHeaderBytes> begin{};
  header.read(begin.data(), begin.size());
  return std::string_view(begin.data(), static_cast<std::size_t>(header.gcount())).find(kSyntheticComment) !=
         std::string_view::npos;
}

// Where the file of a record really lies; of WFDB records the header.
fs::path folder_of(const fs::path& record) {
  std::error_code error;
  for (const char* extension : {"", ".hea"}) {
    const fs::path file = fs::canonical(record.string() + extension, error);
    if (!error) return file.parent_path();
  }
  return {};
}

}  // namespace

bool are_synthetic(const fs::path& folder, const std::vector<fs::path>& records) {
  if (is_marked(folder)) return true;
  std::set<fs::path> folders;
  for (const fs::path& record : records) {
    if (has_comment(record)) return true;
    folders.insert(folder_of(record));
  }
  for (fs::path place : folders)
    for (int level = 0; level < kLevels && !place.empty(); ++level) {
      if (is_marked(place)) return true;
      place = place == place.parent_path() ? fs::path() : place.parent_path();
    }
  return false;
}

}  // namespace cardiograd::data
