#include "base/mapped_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/error.h"

namespace cardiograd {
namespace {

constexpr std::size_t kPage = std::size_t{4} << 10;
// Reading one byte may map all of the piece in which the system holds that part of the file: up to a large page, and
// aligned to its size.
constexpr std::size_t kLargePage = std::size_t{2} << 20;

}  // namespace

MappedFile::MappedFile(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  const auto fail = [&] {
    throw Error(fmt::format("{}: cannot be mapped: {}", path.string(), std::generic_category().message(errno)),
                "Move it to a file system whose files can be mapped into memory.");
  };
  if (::fstat(descriptor, &status) != 0) fail();
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
  if (mapped == MAP_FAILED) fail();
  data_ = static_cast<std::byte*>(mapped);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::will_need(std::size_t offset, std::size_t count) const {
  advise(offset, offset + count, kPage, MADV_WILLNEED);
}

void MappedFile::let_go(std::size_t offset, std::size_t count) const {
  advise(offset, offset + count, kLargePage, MADV_DONTNEED);
}

// Bytes begin ... end - 1, and those up to the next multiples of `unit`.
void MappedFile::advise(std::size_t begin, std::size_t end, std::size_t unit, int advice) const {
  if (data_ == nullptr || begin >= end) return;
  const auto base = reinterpret_cast<std::uintptr_t>(data_);
  const std::uintptr_t first = std::max(base, (base + begin) / unit * unit);
  const std::uintptr_t last = std::min(base + size_, (base + end + unit - 1) / unit * unit);
  ::madvise(data_ + (first - base), last - first, advice);
}

}  // namespace cardiograd
