#include "simt/mma.h"

#include <bit>
#include <cmath>
#include <string>

namespace cardiograd::simt {
namespace {

constexpr int kRows = 16;
constexpr int kColumns = 8;
constexpr std::uint32_t kTf32LowBits = 0x1FFF;

struct MmaSlot {
  FragmentC* c;
  const FragmentA* a;
  const FragmentB* b;
};

const MmaSlot& slot_at(void* const* data, int lane) {
  return *static_cast<const MmaSlot*>(data[lane]);
}

// The lane's part of c += a b, with a (16, depth) and b (depth, 8) gathered from all lanes.
template <int kDepth>
void multiply(void* const* data, const double (&a)[kRows][kDepth], const double (&b)[kDepth][kColumns]) {
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const int g = lane / 4;
    const int t = lane % 4;
    for (int i = 0; i < 4; ++i) {
      const int row = g + i / 2 * 8;
      const int column = 2 * t + i % 2;
      float& c = slot_at(data, lane).c->value[i];
      double sum = static_cast<double>(c);
      for (int k = 0; k < kDepth; ++k) sum += a[row][k] * b[k][column];
      c = static_cast<float>(sum);
    }
  }
}

void resolve_tf32(void* const* data, int) {
  double a[kRows][8];
  double b[8][kColumns];
  const auto read = [](std::uint32_t word) { return static_cast<double>(std::bit_cast<float>(word & ~kTf32LowBits)); };
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const int g = lane / 4;
    const int t = lane % 4;
    const MmaSlot& slot = slot_at(data, lane);
    for (int i = 0; i < 4; ++i) a[g + i % 2 * 8][t + i / 2 * 4] = read(slot.a->word[i]);
    for (int i = 0; i < 2; ++i) b[t + i * 4][g] = read(slot.b->word[i]);
  }
  multiply<8>(data, a, b);
}

void resolve_bf16(void* const* data, int) {
  double a[kRows][16];
  double b[16][kColumns];
  const auto read = [](std::uint32_t word, int half) {
    return static_cast<double>(std::bit_cast<float>(half == 0 ? word << 16 : word & 0xFFFF0000U));
  };
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const int g = lane / 4;
    const int t = lane % 4;
    const MmaSlot& slot = slot_at(data, lane);
    for (int half = 0; half < 2; ++half) {
      for (int i = 0; i < 4; ++i) a[g + i % 2 * 8][2 * t + half + i / 2 * 8] = read(slot.a->word[i], half);
      for (int i = 0; i < 2; ++i) b[2 * t + half + i * 8][g] = read(slot.b->word[i], half);
    }
  }
  multiply<16>(data, a, b);
}

struct MatricesSlot {
  std::uint32_t row[4];
  FragmentA* to;
};

void resolve_matrices(void* const* data, int) {
  const auto slot_of = [&](int lane) -> const MatricesSlot& { return *static_cast<const MatricesSlot*>(data[lane]); };
  for (int lane = 0; lane < kWarpSize; ++lane)
    for (int i = 0; i < 4; ++i) slot_of(lane).to->word[i] = slot_of(8 * i + lane / 4).row[lane % 4];
}

constexpr Collective kLoadMatrices{"ldmatrix m8n8.x4", resolve_matrices};
constexpr Collective kMmaTf32{"mma.sync m16n8k8 tf32", resolve_tf32};
constexpr Collective kMmaBf16{"mma.sync m16n8k16 bf16", resolve_bf16};

void check_rounded(std::uint32_t word, const char* operand, int index, const Where& where) {
  if ((word & kTf32LowBits) == 0 || std::isnan(std::bit_cast<float>(word))) return;
  raise_fault(FaultKind::kUnroundedTf32,
              std::string(operand) + std::to_string(index) + " = " + std::to_string(std::bit_cast<float>(word)) +
                  " has low bits that tf32 drops",
              where);
}

}  // namespace

std::uint32_t round_to_tf32(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (!std::isfinite(x)) return bits & ~kTf32LowBits;
  return (bits + 0x1000U) & ~kTf32LowBits;
}

std::uint32_t pack_bf16(float low, float high) {
  const auto round = [](float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if (std::isnan(x)) return std::uint32_t{0x7FFF};
    return (bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16;
  };
  return round(low) | round(high) << 16;
}

void exchange_rows(FragmentA& to, const float4& row, const Where& where) {
  need_capability(75, kLoadMatrices.name, where);
  MatricesSlot slot{{std::bit_cast<std::uint32_t>(row.x), std::bit_cast<std::uint32_t>(row.y),
                     std::bit_cast<std::uint32_t>(row.z), std::bit_cast<std::uint32_t>(row.w)},
                    &to};
  warp_collective(kLoadMatrices, &slot, 0xFFFFFFFFU, where);
}

void mma_tf32(FragmentC& c, const FragmentA& a, const FragmentB& b, Where where) {
  need_capability(80, kMmaTf32.name, where);
  for (int i = 0; i < 4; ++i) check_rounded(a.word[i], "a", i, where);
  for (int i = 0; i < 2; ++i) check_rounded(b.word[i], "b", i, where);
  MmaSlot slot{&c, &a, &b};
  warp_collective(kMmaTf32, &slot, 0xFFFFFFFFU, where);
}

void mma_bf16(FragmentC& c, const FragmentA& a, const FragmentB& b, Where where) {
  need_capability(80, kMmaBf16.name, where);
  MmaSlot slot{&c, &a, &b};
  warp_collective(kMmaBf16, &slot, 0xFFFFFFFFU, where);
}

}  // namespace cardiograd::simt
