// Files as read-only memory that the system fills when it is read and takes back when others need it.
#pragma once

#include <cstddef>
#include <filesystem>

namespace cardiograd {

// The content of a file, mapped. It stays what it was when the name is given to another file (base/file.h writes so); a
// program that shortens the file itself, or a disk that fails, ends the reading process by SIGBUS.
class MappedFile {
 public:
  MappedFile() = default;
  // All of an open file, which may be closed then; `path` is for messages. Throws Error when it cannot be mapped.
  MappedFile(int descriptor, const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

  // Has the system read these bytes from disk meanwhile, if it must. Neither waits nor fails.
  void will_need(std::size_t offset, std::size_t count) const;
  // Takes the pages of these bytes out of the process's memory, with those that came along; they stay in the system's
  // page cache as long as there is room. Reading them again is allowed, also at the same time.
  void let_go(std::size_t offset, std::size_t count) const;

 private:
  void advise(std::size_t begin, std::size_t end, std::size_t unit, int advice) const;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace cardiograd
