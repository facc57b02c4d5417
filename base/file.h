// Reading whole files, and writing them so that a reader sees the old content or the new, never a part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace cardiograd {

// Writes beside the destination under a temporary name; commit() syncs it to disk and renames it into place. Without
// commit() the destructor removes the temporary file and the destination stays as it was. A temporary file that a
// killed process left behind for the same destination is removed by the next AtomicFile.
class AtomicFile {
 public:
  // Throws Error when the folder does not exist or cannot be written.
  explicit AtomicFile(std::filesystem::path destination);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Throws Error (disk full, quota, ...), naming the destination.
  void write(const void* bytes, std::size_t count);
  void write(std::string_view text) { write(text.data(), text.size()); }
  // Makes what was written the destination's content; nothing may be written after it. Throws Error as write() does.
  void commit();

 private:
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path destination_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

// The whole of `content` in one atomic step. Throws Error, naming the destination.
void write_file(const std::filesystem::path& destination, std::string_view content);

// Writes `content` as it goes, neither atomic nor synced: only for the many files of a hidden folder that is synced
// once and renamed into place when all are there. Throws Error, naming the destination.
void write_staged_file(const std::filesystem::path& destination, std::string_view content);

// Returns when everything written to the file system of `folder` is on disk; at once where the file system
// cannot be synced.
void sync_file_system(const std::filesystem::path& folder);

// The whole file. Throws Error when it is missing, is not a regular file, cannot be read, or has more than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uintmax_t max_bytes = std::uintmax_t{1} << 34);

}  // namespace cardiograd
