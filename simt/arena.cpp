#include "simt/arena.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "simt/settings.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace cardiograd::simt {
namespace {

constexpr std::size_t kAlignment = 128;
// More than any GPU has, so that a limit is reported by us and not by the end of the storage.
constexpr std::size_t kStorage = 1024 * kKibibyte;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

void guard_zone(void* zone, std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(zone, bytes);
#else
  std::memset(zone, kRedZoneByte, bytes);
#endif
}

void open_zone([[maybe_unused]] void* zone, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(zone, bytes);
#endif
}

bool zone_intact([[maybe_unused]] const void* zone, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  return true;
#else
  const auto* first = static_cast<const unsigned char*>(zone);
  return std::all_of(first, first + bytes, [](unsigned char byte) { return byte == kRedZoneByte; });
#endif
}

Arena::Arena() : storage_(static_cast<std::byte*>(::operator new (kStorage, std::align_val_t{kAlignment}))) {
  end_ = storage_ + kStorage;
  next_ = storage_;
}

Arena::~Arena() {
  open_zone(storage_, kStorage);
  ::operator delete (storage_, std::align_val_t{kAlignment});
}

// [zone][slice, and the rest up to a multiple of 16][zone]; the rest counts as red zone.
std::byte* Arena::append(const SharedSite* site, std::size_t bytes) {
  const std::size_t padded = round_up(bytes, 16);
  if (padded + 2 * kRedZone > static_cast<std::size_t>(end_ - next_)) throw std::bad_alloc();
  open_zone(next_, kRedZone + padded + kRedZone);
  std::byte* data = next_ + kRedZone;
  guard_zone(next_, kRedZone);
  std::memset(data, kPoisonByte, bytes);
  guard_zone(data + bytes, padded - bytes + kRedZone);
  slices_.push_back({site, data, bytes, padded});
  next_ = data + padded + kRedZone;
  return data;
}

void Arena::begin(std::size_t dynamic_bytes, std::size_t limit) {
  slices_.clear();
  next_ = storage_;
  static_bytes_ = 0;
  dynamic_bytes_ = dynamic_bytes;
  limit_ = limit;
  dynamic_ = append(nullptr, dynamic_bytes);
}

void* Arena::slice(const SharedSite& site, std::size_t bytes) {
  for (const Slice& known : slices_)
    if (known.site == &site) return known.data;
  const std::size_t total = static_bytes_ + bytes;
  if (total > settings().gpu.shared_static)
    raise_fault_at(FaultKind::kSharedMemoryLimit,
                   "static shared memory grows to " + std::to_string(total) + " bytes with '" + site.name + "', " +
                       settings().gpu.name + " takes " + std::to_string(settings().gpu.shared_static),
                   site.file, site.line);
  if (total + dynamic_bytes_ > limit_)
    raise_fault_at(FaultKind::kSharedMemoryLimit,
                   std::to_string(total) + " bytes of static and " + std::to_string(dynamic_bytes_) +
                       " of dynamic shared memory, allowed are " + std::to_string(limit_),
                   site.file, site.line);
  static_bytes_ = total;
  return append(&site, bytes);
}

std::string Arena::name_of(const void* address) const {
  for (const Slice& slice : slices_) {
    if (address < slice.data || address >= slice.data + slice.padded) continue;
    const auto byte = static_cast<const std::byte*>(address) - slice.data;
    return (slice.site == nullptr ? std::string("dynamic shared memory")
                                  : std::string("shared array '") + slice.site->name + "'") +
           ", byte " + std::to_string(byte);
  }
  return "shared memory";
}

void Arena::check() {
  for (const Slice& slice : slices_) {
    const bool before = zone_intact(slice.data - kRedZone, kRedZone);
    const bool after = zone_intact(slice.data + slice.bytes, slice.padded - slice.bytes + kRedZone);
    if (before && after) continue;
    const std::string name =
        slice.site == nullptr ? "dynamic shared memory" : std::string("'") + slice.site->name + "'";
    raise_fault_at(FaultKind::kSharedOutOfBounds,
                   "something was written " + std::string(before ? "behind" : "in front of") + " the " +
                       std::to_string(slice.bytes) + " bytes of " + name,
                   slice.site == nullptr ? "" : slice.site->file, slice.site == nullptr ? 0 : slice.site->line);
  }
}

}  // namespace cardiograd::simt
