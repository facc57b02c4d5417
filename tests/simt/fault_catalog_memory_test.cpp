// Planted faults in memory accesses and operands (fault_catalog.h).
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "simt/mma.h"
#include "tests/simt/fault_catalog.h"

namespace cardiograd::simt {
namespace {

// --- memory

template <bool kPlanted>
__global__ void sum_rows_kernel(const float* x, float* y) {
  SIMT_SHARED(float, sums, [32]);
  if (!kPlanted || threadIdx.x < 31) sums[threadIdx.x] = 0;
  for (int row = 0; row < 4; ++row) sums[threadIdx.x] += x[row * 32 + static_cast<int>(threadIdx.x)];
  y[threadIdx.x] = sums[threadIdx.x];
}
template <bool kPlanted>
void uninitialized_shared_memory() {
  const DeviceBuffer<float> x(std::vector<float>(128, 1.0F)), y(32);
  launch<sum_rows_kernel<kPlanted>>(1, 32, 0, nullptr, x.data(), y.data());
  expect(y.read(), std::vector<float>(32, 4.0F));
}

__global__ void accumulate_kernel(float* sum) {
  sum[threadIdx.x] += 1;
}
template <bool kPlanted>
void uninitialized_device_memory() {
  const DeviceBuffer<float> sum(8);
  if (!kPlanted) cudaMemset(sum.data(), 0, 8 * sizeof(float));
  launch<accumulate_kernel>(1, 8, 0, nullptr, sum.data());
  expect(sum.read(), std::vector<float>(8, 1.0F));
}

template <bool kPlanted>
__global__ void shared_index_kernel(float* y) {
  SIMT_SHARED(float, window, [32 + 4]);
  for (unsigned i = threadIdx.x; i < (kPlanted ? 37 : 36); i += 32) window[i] = 1;
  __syncthreads();
  y[threadIdx.x] = window[threadIdx.x + 4];
}
template <bool kPlanted>
void index_past_a_shared_array() {
  const DeviceBuffer<float> y(32);
  launch<shared_index_kernel<kPlanted>>(1, 32, 0, nullptr, y.data());
  expect(y.read(), std::vector<float>(32, 1.0F));
}

template <bool kPlanted>
__global__ void tail_kernel(int count, float* y) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (kPlanted ? i <= count : i < count) y[i] = 1;
}
template <bool kPlanted>
void off_by_one_past_the_tail() {
  const DeviceBuffer<float> y(37);
  launch<tail_kernel<kPlanted>>(2, 32, 0, nullptr, 37, y.data());
  expect(y.read(), std::vector<float>(37, 1.0F));
}

template <bool kPlanted>
__global__ void vector_tail_kernel(int count, float* y) {
  const int i = 4 * static_cast<int>(threadIdx.x);
  if (i + 4 <= count) {
    store4(y + i, make_float4(1, 1, 1, 1));
  } else if (!kPlanted) {
    for (int j = i; j < count; ++j) y[j] = 1;
  }
}
template <bool kPlanted>
void off_by_one_before_the_tail() {
  const DeviceBuffer<float> y(37);
  launch<vector_tail_kernel<kPlanted>>(1, 32, 0, nullptr, 37, y.data());
  expect(y.read(), std::vector<float>(37, 1.0F));
}

template <bool kPlanted>
__global__ void vector_kernel(const float* x, float* y) {
  const float* row = x + (kPlanted ? 3 : 4) * threadIdx.x;
  const float4 v = load4(row);
  y[threadIdx.x] = v.x + v.y + v.z + v.w;
}
template <bool kPlanted>
void misaligned_float4() {
  const DeviceBuffer<float> x(std::vector<float>(128, 1.0F)), y(32);
  launch<vector_kernel<kPlanted>>(1, 32, 0, nullptr, x.data(), y.data());
  expect(y.read(), std::vector<float>(32, 4.0F));
}

template <bool kPlanted>
__global__ void early_read_kernel(const float* x, float* y) {
  SIMT_SHARED(float, row, [128]);
  copy_async<16>(row + 4 * threadIdx.x, x + 4 * threadIdx.x);
  commit_async();
  if (!kPlanted) wait_async<0>();
  __syncthreads();
  y[threadIdx.x] = row[threadIdx.x];
}
template <bool kPlanted>
void early_read_of_cp_async() {
  const DeviceBuffer<float> x(ramp(128)), y(32);
  launch<early_read_kernel<kPlanted>>(1, 32, 0, nullptr, x.data(), y.data());
  expect(y.read(), ramp(32));
}

// --- tensor cores

template <bool kSwapped, bool kRounded>
__global__ void product_kernel(const float* a, const float* b, float* d) {
  const int g = static_cast<int>(threadIdx.x) / 4;
  const int t = static_cast<int>(threadIdx.x) % 4;
  const auto word = [](float x) { return kRounded ? round_to_tf32(x) : __float_as_uint(x); };
  const FragmentA fa{{word(a[g * 8 + t]), word(a[(kSwapped ? g * 8 + t + 4 : (g + 8) * 8 + t)]),
                      word(a[(kSwapped ? (g + 8) * 8 + t : g * 8 + t + 4)]), word(a[(g + 8) * 8 + t + 4])}};
  const FragmentB fb{{word(b[t * 8 + g]), word(b[(t + 4) * 8 + g])}};
  FragmentC fc{};
  mma_tf32(fc, fa, fb);
  for (int i = 0; i < 4; ++i) d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = fc.value[i];
}
template <bool kSwapped, bool kRounded>
void run_product(float scale) {
  std::vector<float> a = ramp(128);
  for (float& value : a) value *= scale;
  const DeviceBuffer<float> da(a), db(std::vector<float>(64, 1.0F)), d(128);
  launch<product_kernel<kSwapped, kRounded>>(1, 32, 0, nullptr, da.data(), db.data(), d.data());
  const std::vector<float> got = d.read();
  for (std::size_t row = 0; row < 16; ++row) {
    const float sum = scale * (64.0F * static_cast<float>(row) + 36.0F);
    for (std::size_t column = 0; column < 8; ++column)
      if (!(std::abs(got[row * 8 + column] - sum) <= 1e-3F * sum)) throw WrongResult();
  }
}
template <bool kPlanted>
void wrong_fragment_layout() {
  run_product<kPlanted, true>(1.0F);
}
template <bool kPlanted>
void missing_tf32_rounding() {
  run_product<false, !kPlanted>(0.1F);
}

// ---

std::vector<Planted> catalog() {
  return {
      CATALOG_ENTRY(uninitialized_shared_memory, kWrongResult),
      CATALOG_ENTRY(uninitialized_device_memory, kWrongResult),
      CATALOG_ENTRY(index_past_a_shared_array, fault_name(FaultKind::kSharedOutOfBounds)),
      CATALOG_ENTRY(off_by_one_past_the_tail, fault_name(FaultKind::kDeviceOutOfBounds)),
      CATALOG_ENTRY(off_by_one_before_the_tail, kWrongResult),
      CATALOG_ENTRY(misaligned_float4, fault_name(FaultKind::kMisalignedAccess)),
      CATALOG_ENTRY(early_read_of_cp_async, kWrongResult),
      CATALOG_ENTRY(wrong_fragment_layout, kWrongResult),
      CATALOG_ENTRY(missing_tf32_rounding, fault_name(FaultKind::kUnroundedTf32)),
  };
}

class MemoryFaults : public ::testing::TestWithParam<Planted> {};

TEST_P(MemoryFaults, IsCaughtAndItsTwinPasses) {
  expect_caught(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Simt, MemoryFaults, ::testing::ValuesIn(catalog()), name_of);

}  // namespace
}  // namespace cardiograd::simt
