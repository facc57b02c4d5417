#include "simt/mma.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "tests/simt/device_buffer.h"

namespace cardiograd::simt {
namespace {

float bf16_value(std::uint32_t word, int half) {
  return std::bit_cast<float>(half == 0 ? word << 16 : word & 0xFFFF0000U);
}

// D (16, 8) = A (16, 8) B (8, 8) + C, matrices row by row. The fragment indices are those of the PTX ISA, written out.
__global__ void tf32_kernel(const float* a, const float* b, const float* c, float* d) {
  const int g = static_cast<int>(threadIdx.x) / 4;
  const int t = static_cast<int>(threadIdx.x) % 4;
  const FragmentA fa{{round_to_tf32(a[g * 8 + t]), round_to_tf32(a[(g + 8) * 8 + t]), round_to_tf32(a[g * 8 + t + 4]),
                      round_to_tf32(a[(g + 8) * 8 + t + 4])}};
  const FragmentB fb{{round_to_tf32(b[t * 8 + g]), round_to_tf32(b[(t + 4) * 8 + g])}};
  const int place[4] = {g * 8 + 2 * t, g * 8 + 2 * t + 1, (g + 8) * 8 + 2 * t, (g + 8) * 8 + 2 * t + 1};
  FragmentC fc{{c[place[0]], c[place[1]], c[place[2]], c[place[3]]}};
  mma_tf32(fc, fa, fb);
  for (int i = 0; i < 4; ++i) d[place[i]] = fc.value[i];
}

__global__ void bf16_kernel(const float* a, const float* b, const float* c, float* d) {
  const int g = static_cast<int>(threadIdx.x) / 4;
  const int t = static_cast<int>(threadIdx.x) % 4;
  const auto pair_a = [&](int row, int k) { return pack_bf16(a[row * 16 + k], a[row * 16 + k + 1]); };
  const auto pair_b = [&](int k) { return pack_bf16(b[k * 8 + g], b[(k + 1) * 8 + g]); };
  const FragmentA fa{{pair_a(g, 2 * t), pair_a(g + 8, 2 * t), pair_a(g, 2 * t + 8), pair_a(g + 8, 2 * t + 8)}};
  const FragmentB fb{{pair_b(2 * t), pair_b(2 * t + 8)}};
  const int place[4] = {g * 8 + 2 * t, g * 8 + 2 * t + 1, (g + 8) * 8 + 2 * t, (g + 8) * 8 + 2 * t + 1};
  FragmentC fc{{c[place[0]], c[place[1]], c[place[2]], c[place[3]]}};
  mma_bf16(fc, fa, fb);
  for (int i = 0; i < 4; ++i) d[place[i]] = fc.value[i];
}

std::vector<float> normal(std::size_t count, std::uint64_t stream) {
  PhiloxStream random(11, stream);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

template <class Round>
void expect_product(const std::vector<float>& a, const std::vector<float>& b, const std::vector<float>& c,
                    std::size_t depth, const std::vector<float>& got, Round&& round) {
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      double expected = static_cast<double>(c[row * 8 + column]);
      for (std::size_t k = 0; k < depth; ++k)
        expected += static_cast<double>(round(a[row * depth + k])) * static_cast<double>(round(b[k * 8 + column]));
      EXPECT_TRUE(std::abs(static_cast<double>(got[row * 8 + column]) - expected) <= 1e-6) << row << ", " << column;
    }
  }
}

TEST(Mma, Tf32FragmentsMakeTheProduct) {
  const std::vector<float> a = normal(16 * 8, 1);
  const std::vector<float> b = normal(8 * 8, 2);
  const std::vector<float> c = normal(16 * 8, 3);
  in_every_order([&](Order) {
    const DeviceBuffer<float> da(a), db(b), dc(c), d(16 * 8);
    launch<tf32_kernel>(1, 32, 0, nullptr, da.data(), db.data(), dc.data(), d.data());
    expect_product(a, b, c, 8, d.read(), [](float x) { return std::bit_cast<float>(round_to_tf32(x)); });
  });
}

TEST(Mma, Bf16FragmentsMakeTheProduct) {
  const std::vector<float> a = normal(16 * 16, 4);
  const std::vector<float> b = normal(16 * 8, 5);
  const std::vector<float> c = normal(16 * 8, 6);
  in_every_order([&](Order) {
    const DeviceBuffer<float> da(a), db(b), dc(c), d(16 * 8);
    launch<bf16_kernel>(1, 32, 0, nullptr, da.data(), db.data(), dc.data(), d.data());
    expect_product(a, b, c, 16, d.read(), [](float x) { return bf16_value(pack_bf16(x, 0), 0); });
  });
}

TEST(Mma, RoundsToTf32ToNearestAndTiesAway) {
  const auto rounded = [](std::uint32_t bits) { return round_to_tf32(std::bit_cast<float>(bits)); };
  EXPECT_EQ(rounded(0x3F800FFF), 0x3F800000U);
  EXPECT_EQ(rounded(0x3F801000), 0x3F802000U);  // a tie
  EXPECT_EQ(rounded(0x3F803000), 0x3F804000U);  // a tie
  EXPECT_EQ(rounded(0xBF801000), 0xBF802000U);
  EXPECT_EQ(rounded(0x7F800000), 0x7F800000U);
  EXPECT_TRUE(std::isnan(std::bit_cast<float>(round_to_tf32(std::numeric_limits<float>::quiet_NaN()))));
}

// Lane i names row i % 8 of matrix i / 8; the PTX ISA, ldmatrix: lane i holds words 4 i ... of a matrix of 32 words.
__global__ void matrices_kernel(const float* rows, float* words) {
  SIMT_SHARED(float, shared, [32 * 4]);
  const int lane = static_cast<int>(threadIdx.x);
  for (int i = lane; i < 32 * 4; i += 32) shared[i] = rows[i];
  __syncthreads();
  FragmentA got;
  load_matrices(got, shared + 4 * lane);
  for (int i = 0; i < 4; ++i) words[32 * i + lane] = std::bit_cast<float>(got.word[i]);
}

TEST(Mma, LoadMatricesGivesALaneItsWordOfEach) {
  std::vector<float> rows(32 * 4);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i + 1);
  const DeviceBuffer<float> from(rows);
  const DeviceBuffer<float> to(rows.size());
  launch<matrices_kernel>(dim3(1), dim3(32), 0, nullptr, static_cast<const float*>(from.data()), to.data());
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(to.read(), rows);
}

TEST(Mma, RoundsToBf16ToNearestEven) {
  const auto rounded = [](std::uint32_t bits) { return pack_bf16(0, std::bit_cast<float>(bits)); };
  EXPECT_EQ(rounded(0x3F807FFF), 0x3F800000U);
  EXPECT_EQ(rounded(0x3F808000), 0x3F800000U);  // a tie
  EXPECT_EQ(rounded(0x3F818000), 0x3F820000U);  // a tie
  EXPECT_EQ(pack_bf16(1.0F, -2.0F), 0xC0003F80U);
}

}  // namespace
}  // namespace cardiograd::simt
