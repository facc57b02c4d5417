// Dropout factors by vector instructions, included once per instruction set behind these definitions of its own:
//   Words                           a vector of 32-bit words; its 128-bit lanes hold four each
//   kLanes                          words per vector, one Philox block each
//   lane_order()                    which of the kLanes blocks a word belongs to, for transposed() below
//   all(word), all_wide(word)       the word in all 32-bit or 64-bit elements
//   add(a, b), mix(a, b, c)         a + b, a ^ b ^ c
//   multiply(a, multiplier, high, low)          the halves of 32 x 32 bit products
//   keep(words, threshold, scale)   scale where the word is at least the threshold, else 0
//   unpack_low32, unpack_high32, unpack_low64, unpack_high64, store
// Everything is internal to the including file.

#include "kernels/dropout/dropout_micro.h"

namespace cardiograd::kernels {
namespace {

// The factors of blocks first ... first + kLanes - 1. lane_order() is such that the transposition, which works within
// 128 bits, leaves them in the order of the elements.
inline void fill_factors(const DropoutGroup& g, std::uint32_t first, float* factors) {
  Words c0 = add(all(first), lane_order());
  Words c1 = all(g.counter_high);
  Words c2 = all(g.layer);
  Words c3 = all(g.step);
  const Words m0 = all_wide(0xD2511F53U);
  const Words m1 = all_wide(0xCD9E8D57U);
  std::uint32_t k0 = g.key_low;
  std::uint32_t k1 = g.key_high;
  for (int round = 0; round < 10; ++round) {  // philox() of base/philox.h
    Words high0;
    Words high1;
    Words low0;
    Words low1;
    multiply(c0, m0, high0, low0);
    multiply(c2, m1, high1, low1);
    c0 = mix(high1, c1, all(k0));
    c2 = mix(high0, c3, all(k1));
    c1 = low1;
    c3 = low0;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  const Words threshold = all(g.threshold);
  const Words f0 = keep(c0, threshold, g.scale);
  const Words f1 = keep(c1, threshold, g.scale);
  const Words f2 = keep(c2, threshold, g.scale);
  const Words f3 = keep(c3, threshold, g.scale);
  const Words f01_low = unpack_low32(f0, f1);
  const Words f01_high = unpack_high32(f0, f1);
  const Words f23_low = unpack_low32(f2, f3);
  const Words f23_high = unpack_high32(f2, f3);
  store(unpack_low64(f01_low, f23_low), factors);
  store(unpack_high64(f01_low, f23_low), factors + kLanes);
  store(unpack_low64(f01_high, f23_high), factors + 2 * kLanes);
  store(unpack_high64(f01_high, f23_high), factors + 3 * kLanes);
}

inline void fill_group(const DropoutGroup& group, float* factors) {
  for (int first = 0; first < kDropoutBlocks; first += kLanes)
    fill_factors(group, group.counter_low + static_cast<std::uint32_t>(first), factors + 4 * first);
}

}  // namespace
}  // namespace cardiograd::kernels
