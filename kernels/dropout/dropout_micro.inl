// Dropout factors by vector instructions, included once per instruction set behind these definitions of its own:
//   Words                           a vector of 64-bit elements, each of one Philox block; the low half of an element
//                                   is a word of the block, the high half is left to chance
//   kLanes                          elements per vector
//   kBeside                         vectors side by side: while one waits for a product, another goes on
//   lane_order()                    which of the kLanes blocks an element belongs to, for fill_factors() below
//   all(word)                       the word in all halves
//   add(a, b), mix(a, b, c)         a + b, a ^ b ^ c
//   multiply(a, b), high(a)         the 64-bit products of the words; the high halves, as words
//   pairs(a, b)                     a's words in the low halves, b's in the high ones
//   unpack_low, unpack_high, store  of 64-bit elements, within 128 bits
//   keep(words, threshold, scale)   scale where a half is at least the threshold, else 0
// Everything is internal to the including file.

#include "kernels/dropout/dropout_micro.h"

namespace cardiograd::kernels {
namespace {

// The factors of kBeside * kLanes blocks from `first` on. lane_order() is such that unpacking, which works within 128
// bits, leaves them in the order of the elements.
inline void fill_factors(const DropoutGroup& g, std::uint32_t first, float* factors) {
  Words c0[kBeside];
  Words c1[kBeside];
  Words c2[kBeside];
  Words c3[kBeside];
  for (int v = 0; v < kBeside; ++v) {
    c0[v] = add(all(first + static_cast<std::uint32_t>(v * kLanes)), lane_order());
    c1[v] = all(g.counter_high);
    c2[v] = all(g.layer);
    c3[v] = all(g.step);
  }
  const Words m0 = all(0xD2511F53U);
  const Words m1 = all(0xCD9E8D57U);
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {  // philox() of base/philox.h
    const Words k0 = all(g.keys[round][0]);
    const Words k1 = all(g.keys[round][1]);
#pragma GCC unroll 8
    for (int v = 0; v < kBeside; ++v) {
      const Words product0 = multiply(c0[v], m0);
      const Words product1 = multiply(c2[v], m1);
      c0[v] = mix(high(product1), c1[v], k0);
      c2[v] = mix(high(product0), c3[v], k1);
      c1[v] = product1;
      c3[v] = product0;
    }
  }
  const Words threshold = all(g.threshold);
  for (int v = 0; v < kBeside; ++v) {
    const Words c01 = pairs(c0[v], c1[v]);
    const Words c23 = pairs(c2[v], c3[v]);
    store(keep(unpack_low(c01, c23), threshold, g.scale), factors + 4 * v * kLanes);
    store(keep(unpack_high(c01, c23), threshold, g.scale), factors + 4 * v * kLanes + 2 * kLanes);
  }
}

inline void fill_group(const DropoutGroup& group, float* factors) {
  for (int first = 0; first < kDropoutBlocks; first += kBeside * kLanes)
    fill_factors(group, group.counter_low + static_cast<std::uint32_t>(first), factors + 4 * first);
}

}  // namespace
}  // namespace cardiograd::kernels
