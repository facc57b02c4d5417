#include "simt/source_lines.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <link.h>

#include "base/error.h"

namespace cardiograd::simt {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAddressesPerCall = 2000;

const fs::path& source_root() {
  static const fs::path root = fs::path(CARDIOGRAD_SOURCE_DIR).lexically_normal();
  return root;
}

// By how much the program was moved when it was loaded.
std::uintptr_t load_offset() {
  std::uintptr_t offset = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        *static_cast<std::uintptr_t*>(data) = info->dlpi_addr;
        return 1;  // The first entry is the program itself.
      },
      &offset);
  return offset;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

// What a shell command prints.
std::string output_of(const std::string& command) {
  const auto close = [](std::FILE* file) { return ::pclose(file); };
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw Error("addr2line: no process can be started", "close other programs");
  std::string text;
  std::array<char, 4096> part;
  while (const std::size_t count = std::fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), count);
  if (close(pipe) != 0)
    throw Error("addr2line fails; it names the source lines of what was counted",
                "install the Debian package binutils");
  return text;
}

// "path:12 (discriminator 3)"
SourceLine parse(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || text[0] == '?') return {"?", 0};
  return {source_name(text.substr(0, colon)),
          static_cast<unsigned>(std::strtoul(text.c_str() + colon + 1, nullptr, 10))};
}

bool is_library(const SourceLine& place) {
  if (place.file == "?" || place.file.rfind("/usr/", 0) == 0) return true;
  return place.file.rfind("simt/", 0) == 0 && place.file.find('/', 5) == std::string::npos;
}

}  // namespace

std::string source_name(const std::string& path) {
  const fs::path normal = fs::path(path).lexically_normal();
  fs::path name = normal.is_absolute() ? normal.lexically_relative(source_root()) : normal;
  if (normal.is_absolute() && *name.begin() == "..") return normal.string();
  while (!name.empty() && *name.begin() == "..") name = name.lexically_relative("..");  // of a relative compile command
  return name.string();
}

std::string source_path(const std::string& name) {
  return fs::path(name).is_absolute() ? name : (source_root() / name).string();
}

std::vector<SourceLine> source_lines(const std::vector<const void*>& return_addresses) {
  const std::uintptr_t offset = load_offset();
  const std::string program = fs::read_symlink("/proc/self/exe").string();
  std::vector<SourceLine> lines;
  for (std::size_t first = 0; first < return_addresses.size(); first += kAddressesPerCall) {
    std::string command = "addr2line -a -i -e " + quoted(program);
    for (std::size_t i = first; i < return_addresses.size() && i < first + kAddressesPerCall; ++i) {
      char text[32];
      const std::uintptr_t call = reinterpret_cast<std::uintptr_t>(return_addresses[i]) - offset - 1;
      std::snprintf(text, sizeof(text), " %zx", static_cast<std::size_t>(call));
      command += text;
    }
    const std::string text = output_of(command);
    bool settled = false;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::string row = text.substr(at, end - at);
      at = end == std::string::npos ? text.size() : end + 1;
      if (row.rfind("0x", 0) == 0) {  // the next address; its frames follow, innermost first
        lines.emplace_back(SourceLine{"?", 0});
        settled = false;
        continue;
      }
      const SourceLine place = parse(row);
      if (settled || lines.empty()) continue;
      settled = !is_library(place);
      if (settled || lines.back().file == "?") lines.back() = place;
    }
  }
  if (lines.size() != return_addresses.size())
    throw Error("addr2line names " + std::to_string(lines.size()) + " of " + std::to_string(return_addresses.size()) +
                    " addresses",
                "use the addr2line of binutils");
  return lines;
}

}  // namespace cardiograd::simt
