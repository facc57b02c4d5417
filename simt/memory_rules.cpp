#include "simt/memory_rules.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

namespace cardiograd::simt {
namespace {

// At most kMax numbers, then the different ones in order.
template <std::size_t kMax>
class NumberSet {
 public:
  void add(std::uintptr_t number) { numbers_[count_++] = number; }
  void finish() {
    const auto end = numbers_.begin() + static_cast<std::ptrdiff_t>(count_);
    if (!std::is_sorted(numbers_.begin(), end)) std::sort(numbers_.begin(), end);
    count_ = static_cast<std::size_t>(std::unique(numbers_.begin(), end) - numbers_.begin());
  }
  const std::uintptr_t* begin() const { return numbers_.data(); }
  const std::uintptr_t* end() const { return numbers_.data() + count_; }
  int size() const { return static_cast<int>(count_); }

 private:
  std::array<std::uintptr_t, kMax> numbers_;
  std::size_t count_ = 0;
};

template <class Visit>
void for_each_lane(std::uint32_t lanes, Visit&& visit) {
  for (; lanes != 0; lanes &= lanes - 1) visit(static_cast<std::size_t>(std::countr_zero(lanes)));
}

}  // namespace

SectorCount count_sectors(const Request& request) {
  NumberSet<2 * kWarpSize> sectors;
  std::array<std::pair<std::uintptr_t, std::uintptr_t>, kWarpSize> ranges;
  std::size_t count = 0;
  for_each_lane(request.lanes, [&](std::size_t lane) {
    const std::uintptr_t first = request.address[lane];
    const std::uintptr_t last = first + request.used[lane];
    if (first == last) return;
    sectors.add(first / kSectorBytes);
    if ((last - 1) / kSectorBytes != first / kSectorBytes) sectors.add((last - 1) / kSectorBytes);
    ranges[count++] = {first, last};
  });
  sectors.finish();
  const auto end = ranges.begin() + static_cast<std::ptrdiff_t>(count);
  if (!std::is_sorted(ranges.begin(), end)) std::sort(ranges.begin(), end);
  std::uintptr_t bytes = 0;
  std::uintptr_t reached = 0;
  for (auto range = ranges.begin(); range != end; ++range) {
    const std::uintptr_t first = std::max(range->first, reached);
    if (range->second > first) bytes += range->second - first;
    reached = std::max(reached, range->second);
  }
  return {sectors.size(), static_cast<int>((bytes + kSectorBytes - 1) / kSectorBytes)};
}

WavefrontCount count_wavefronts(const Request& request) {
  const int parts = request.width <= 4 ? 1 : request.width == 8 ? 2 : 4;
  const int lanes_of_part = kWarpSize / parts;
  WavefrontCount count;
  for (int part = 0; part < parts; ++part) {
    const auto all = static_cast<std::uint32_t>((std::uint64_t{1} << lanes_of_part) - 1);
    const std::uint32_t lanes = request.lanes & (all << (part * lanes_of_part));
    if (lanes == 0) continue;
    NumberSet<2 * kWarpSize> words;
    for_each_lane(lanes, [&](std::size_t lane) {
      const std::uintptr_t last = request.address[lane] + request.width - 1;
      for (std::uintptr_t word = request.address[lane] / kBankBytes; word <= last / kBankBytes; ++word) words.add(word);
    });
    words.finish();
    std::array<int, kBanks> of_bank{};
    for (const std::uintptr_t word : words) ++of_bank[word % kBanks];
    count.wavefronts += *std::max_element(of_bank.begin(), of_bank.end());
    ++count.min_wavefronts;
  }
  return count;
}

}  // namespace cardiograd::simt
