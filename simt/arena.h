// The shared memory of one block: slices between red zones, filled with NaN when they appear.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "simt/block.h"

namespace cardiograd::simt {

// Bytes before and after each slice. Writing there is reported at the end of the block, or at once by
// AddressSanitizer.
inline constexpr std::size_t kRedZone = 64;
inline constexpr unsigned char kRedZoneByte = 0xA5;
// As float, double, bf16: NaN. As integer: -1.
inline constexpr unsigned char kPoisonByte = 0xFF;

// Makes `bytes` of memory a red zone, or memory again. AddressSanitizer learns of it where it is on.
void guard_zone(void* zone, std::size_t bytes);
void open_zone(void* zone, std::size_t bytes);
// Whether nobody has written there. Always true under AddressSanitizer, which would have stopped the program.
bool zone_intact(const void* zone, std::size_t bytes);

// The shared memory of one block: a slice for each declaration, between red zones.
class Arena {
 public:
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // A new block: everything undefined again.
  void begin(std::size_t dynamic_bytes, std::size_t limit);
  void* slice(const SharedSite& site, std::size_t bytes);
  void* dynamic() const { return dynamic_; }
  std::size_t static_bytes() const { return static_bytes_; }
  bool contains(const void* address) const { return address >= storage_ && address < next_; }
  // "shared array 'tile', byte 12"
  std::string name_of(const void* address) const;
  // Throws Fault if a red zone was written to.
  void check();

 private:
  struct Slice {
    const SharedSite* site;  // null for dynamic memory
    std::byte* data;
    std::size_t bytes;
    std::size_t padded;
  };
  std::byte* append(const SharedSite* site, std::size_t bytes);

  std::byte* storage_;
  std::byte* end_;
  std::byte* next_;
  std::byte* dynamic_ = nullptr;
  std::size_t static_bytes_ = 0;
  std::size_t dynamic_bytes_ = 0;
  std::size_t limit_ = 0;
  std::vector<Slice> slices_;
};

}  // namespace cardiograd::simt
