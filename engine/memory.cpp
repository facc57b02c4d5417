#include "engine/memory.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>

#include "engine/cuda.h"
#include "engine/observer.h"
#include "kernels/common/device_code.h"
#include "kernels/common/scratch_cuda.h"

namespace cardiograd {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Block sizes: eight steps per power of two, so that at most an eighth is wasted and near-equal requests share blocks.
std::size_t block_size(std::size_t bytes) {
  bytes = std::max(bytes, kAlignment);
  const std::size_t step = std::max(kAlignment, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

std::size_t exact_size(std::size_t bytes) {
  return std::max<std::size_t>(1, (bytes + kAlignment - 1) / kAlignment) * kAlignment;
}

std::byte* allocate_on_host(std::size_t size) {
  const std::size_t alignment = size >= kHugePage ? kHugePage : kAlignment;
  void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  // Large pages save most page faults and TLB misses; where they are switched off this does nothing.
  if (block != nullptr && size >= kHugePage) ::madvise(block, size, MADV_HUGEPAGE);
  return static_cast<std::byte*>(block);
}

// Pinned blocks are few, small and used to the end.
void keep(std::byte*, std::size_t) {}

std::byte* reserve_addresses(std::size_t size) {
  void* block = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return block == MAP_FAILED ? nullptr : static_cast<std::byte*>(block);
}

std::string no_text() {
  return {};
}

std::string gpu_text() {
  return fmt::format(" on the {} of {}", cuda::gpu().name, memory_text(cuda::gpu().memory));
}

// What the user allows, at most the GPU.
std::size_t wanted_limit() {
  const char* text = std::getenv("CARDIOGRAD_DEVICE_MEMORY");
  if (text == nullptr) return SIZE_MAX;
  char* end = nullptr;
  const unsigned long long mebibytes = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0' || mebibytes == 0 || mebibytes > (SIZE_MAX >> 20))
    throw UsageError(fmt::format("CARDIOGRAD_DEVICE_MEMORY is '{}', expected a number of MiB", text));
  return static_cast<std::size_t>(mebibytes) << 20;
}

}  // namespace

MemorySource host_memory() {
  return {allocate_on_host, [](std::byte* block, std::size_t) { std::free(block); }, no_text};
}

CachingAllocator::CachingAllocator(const MemorySource& source) : source_(source) {}

CachingAllocator::~CachingAllocator() {
  release_cached();
}

Storage CachingAllocator::allocate(std::size_t bytes, BlockSize rounding) {
  const std::size_t size = rounding == BlockSize::kExact ? exact_size(bytes) : block_size(bytes);
  std::byte* block = nullptr;
  {
    const std::lock_guard lock(mutex_);
    block = take(size);
    if (block == nullptr) refuse(bytes);
    statistics_.in_use += size;
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
  }
  return {block, [this, size](std::byte* freed) { give_back(freed, size); }};
}

std::byte* CachingAllocator::take(std::size_t size) {
  Bin& bin = bins_[size];
  if (!bin.free.empty()) {
    std::byte* block = bin.free.back();
    bin.free.pop_back();
    return block;
  }
  std::byte* block = take_from_source(size, bin);
  if (block == nullptr) {
    release_free_blocks();
    block = take_from_source(size, bin);
  }
  return block;
}

std::byte* CachingAllocator::take_from_source(std::size_t size, Bin& bin) {
  if (size > limit_ || statistics_.reserved > limit_ - size) return nullptr;
  if (bin.free.capacity() <= bin.blocks) bin.free.reserve(2 * bin.blocks + 1);
  std::byte* block = source_.allocate(size);
  if (block == nullptr) return nullptr;
  ++bin.blocks;
  statistics_.reserved += size;
  ++statistics_.system_allocations;
  return block;
}

void CachingAllocator::refuse(std::size_t bytes) const {
  throw OutOfMemory(
      fmt::format("out of memory: {} asked for, {} in use{}{}", memory_text(bytes), memory_text(statistics_.in_use),
                  source_.describe(), limit_ == SIZE_MAX ? "" : fmt::format(", limited to {}", memory_text(limit_))),
      "Use smaller batches.");
}

// Called when a tensor goes, maybe because memory has run out.
void CachingAllocator::give_back(std::byte* block, std::size_t size) noexcept {
  const std::lock_guard lock(mutex_);
  bins_.find(size)->second.free.push_back(block);
  statistics_.in_use -= size;
}

MemoryStatistics CachingAllocator::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

void CachingAllocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  statistics_.peak_in_use = statistics_.in_use;
}

void CachingAllocator::release_cached() {
  const std::lock_guard lock(mutex_);
  release_free_blocks();
}

void CachingAllocator::release_free_blocks() {
  for (auto& [size, bin] : bins_) {
    for (std::byte* block : bin.free) source_.release(block, size);
    statistics_.reserved -= size * bin.free.size();
    bin.blocks -= bin.free.size();
    bin.free.clear();
  }
}

void CachingAllocator::set_limit(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  limit_ = bytes;
}

std::size_t CachingAllocator::limit() const {
  const std::lock_guard lock(mutex_);
  return limit_;
}

// Never destroyed, all four: tensors with static lifetime may outlive any order of destruction.
CachingAllocator& cpu_allocator() {
  static auto* allocator = new CachingAllocator;
  return *allocator;
}

CachingAllocator& cuda_allocator() {
  static auto* allocator = [] {
    cuda::gpu();  // Throws where there is none.
    const std::size_t limit = wanted_limit();
    auto* made =
        new CachingAllocator({cuda::allocate, [](std::byte* block, std::size_t) { cuda::release(block); }, gpu_text});
    made->set_limit(limit);
    if constexpr (kernels::kHasDeviceCode) kernels::on_scratch_exhausted([] { cuda_allocator().release_cached(); });
    return made;
  }();
  return *allocator;
}

CachingAllocator& allocator(Device device) {
  return device == Device::kCpu ? cpu_allocator() : cuda_allocator();
}

CachingAllocator& pinned_allocator() {
  static auto* allocator = new CachingAllocator({cuda::allocate_pinned, keep, no_text});
  return *allocator;
}

CachingAllocator& dry_run_allocator() {
  static auto* allocator = new CachingAllocator(
      {reserve_addresses, [](std::byte* block, std::size_t size) { ::munmap(block, size); }, no_text});
  return *allocator;
}

namespace {

thread_local Device scope_device = Device::kCpu;
thread_local TensorMemory* scope_memory = nullptr;

}  // namespace

TensorMemoryScope::TensorMemoryScope(Device device, TensorMemory* memory)
    : device_before_(std::exchange(scope_device, device)), memory_before_(std::exchange(scope_memory, memory)) {}
TensorMemoryScope::~TensorMemoryScope() {
  scope_device = device_before_;
  scope_memory = memory_before_;
}

Storage tensor_memory(Device device, std::size_t bytes) {
  if (scope_memory != nullptr && device == scope_device) return scope_memory->allocate(bytes);
  return tensor_memory_without_scope(device, bytes);
}

Storage tensor_memory_without_scope(Device device, std::size_t bytes) {
  return (dry_run() ? dry_run_allocator() : allocator(device)).allocate(bytes);
}

std::size_t cuda_memory_for_tensors() {
  const std::size_t reserved = cuda_allocator().statistics().reserved;
  return std::min(cuda_allocator().limit(), reserved + cuda::free_memory());
}

std::string memory_text(std::size_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 1e9) return fmt::format("{:.2f} GB", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.1f} MB", value / 1e6);
  if (value >= 1e3) return fmt::format("{:.1f} kB", value / 1e3);
  return fmt::format("{} bytes", bytes);
}

}  // namespace cardiograd
