// Reading whole files, and writing them so that a reader sees the old content or the new, never a part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace cardiograd {

// What becomes of a file that appears at the destination after writing began.
enum class Appeared {
  kRefuse,   // commit() throws, and the file stays
  kReplace,  // for files that nobody but this program has: caches, which two processes may make at once; no streams
};

// What becomes of a file that was at the destination before.
enum class Existing {
  kReplace,
  kRefuse,  // also one that appears in the moment of the rename; pipes and devices are written through all the same
};

// Writes beside the destination under a temporary name; commit() syncs it to disk and renames it into place. Without
// commit() the destructor removes the temporary file and the destination stays as it was. A temporary file that a
// killed process left behind for the same destination is removed by the next AtomicFile; one that a living process
// writes, here or on another machine, is locked and stays.
//
// The destination is a regular file or not there: its mode is kept, and what it is is looked at again in the moment of
// the rename. Pipes and character devices (a terminal, /dev/null) are written through as they are, /dev/stdout and its
// like too. Anything else is refused: links, folders, block devices, files that you may not write.
class AtomicFile {
 public:
  // Throws Error when the folder does not exist or cannot be written, and for a destination that is refused.
  explicit AtomicFile(std::filesystem::path destination, Appeared appeared = Appeared::kRefuse,
                      Existing existing = Existing::kReplace);
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
  void create_temporary(int mode);
  void put_in_place();

  std::filesystem::path destination_;
  std::filesystem::path temporary_;  // empty when written through
  int descriptor_ = -1;
  Appeared appeared_;
  bool existed_ = false;
};

// Throws what AtomicFile would for this destination, and writes nothing: for outputs that are named before long work.
void check_destination(const std::filesystem::path& destination);

// The whole of `content` in one atomic step. Throws Error, naming the destination.
void write_file(const std::filesystem::path& destination, std::string_view content,
                Existing existing = Existing::kReplace);

// Writes `content` as it goes, neither atomic nor synced: only for the many files of a hidden folder that is synced
// once and renamed into place when all are there. Nothing may be there yet. Throws Error, naming the destination.
void write_staged_file(const std::filesystem::path& destination, std::string_view content);

// Returns when everything written to the file system of `folder` is on disk; at once where the file system
// cannot be synced. Throws Error when the disk reports a failure.
void sync_file_system(const std::filesystem::path& folder);

// Whether something is there, links followed. Throws Error where a folder on the way may not be looked into: what
// cannot be seen is not missing.
bool path_exists(const std::filesystem::path& path);

// Throws the Error for a file that could not be opened, of this errno: a missing file and a denied permission are told
// apart, and the folder that denies it is named.
[[noreturn]] void fail_to_open(const std::filesystem::path& path, int error);

// The whole file. Throws Error when it is missing, is not a regular file, cannot be read, or has more than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uintmax_t max_bytes = std::uintmax_t{1} << 34);

}  // namespace cardiograd
