#include "bench/desk/roof.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/threads.h"
#include "bench/desk/cpu_cache.h"

namespace cardiograd::bench {
namespace {

// Chains enough to hide the latency of two units, few enough for 16 registers.
constexpr int kChains = 12;
constexpr std::int64_t kSteps = 2'000'000;

#if defined(__x86_64__)
__attribute__((target("avx512f"))) float chains_of_16() {
  __m512 sums[kChains];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1);
  const __m512 a = _mm512_set1_ps(0.5F);
  const __m512 b = _mm512_set1_ps(0.25F);
  for (std::int64_t i = 0; i < kSteps; ++i)
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, a, b);
  float total = 0;
  for (const __m512& sum : sums) total += _mm512_cvtss_f32(sum);
  return total;
}

__attribute__((target("avx2,fma"))) float chains_of_8() {
  __m256 sums[kChains];
  for (__m256& sum : sums) sum = _mm256_set1_ps(1);
  const __m256 a = _mm256_set1_ps(0.5F);
  const __m256 b = _mm256_set1_ps(0.25F);
  for (std::int64_t i = 0; i < kSteps; ++i)
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, a, b);
  float total = 0;
  for (const __m256& sum : sums) total += _mm256_cvtss_f32(sum);
  return total;
}
#endif

// Returns the FLOP of one call on one thread.
double run_chains() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    benchmark::DoNotOptimize(chains_of_16());
    return 2.0 * kSteps * kChains * 16;
  }
  benchmark::DoNotOptimize(chains_of_8());
  return 2.0 * kSteps * kChains * 8;
#else
  float sums[4 * kChains] = {};
  for (std::int64_t i = 0; i < kSteps; ++i)
    for (float& sum : sums) sum = sum * 0.5F + 0.25F;
  benchmark::DoNotOptimize(sums);
  return 2.0 * kSteps * 4 * kChains;
#endif
}

template <class Work>
double best_seconds(int repeats, Work&& work) {
  double best = 1e30;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace

Roof measure_cpu_roof() {
  constexpr int kChainRuns = 30;
  constexpr int kCopies = 10;
  const int threads = thread_count();
  double flop = 0;
  const double chains = best_seconds(kChainRuns, [&] {
    std::vector<double> done(static_cast<std::size_t>(threads));
    parallel_for(threads, [&](std::int64_t i) { done[static_cast<std::size_t>(i)] = run_chains(); });
    flop = done[0] * threads;
  });
  constexpr std::size_t kPiece = std::size_t{1} << 20U;
  const std::size_t bytes = std::max(4 * last_level_cache_bytes(), std::size_t{1} << 27U) / kPiece * kPiece;
  const std::vector<std::byte> from(bytes, std::byte{1});
  std::vector<std::byte> to(bytes);
  const double copy = best_seconds(kCopies, [&] {
    parallel_for(static_cast<std::int64_t>(bytes / kPiece), [&](std::int64_t i) {
      std::memcpy(to.data() + static_cast<std::size_t>(i) * kPiece, from.data() + static_cast<std::size_t>(i) * kPiece,
                  kPiece);
    });
  });
  return {flop / chains, 2 * static_cast<double>(bytes) / copy};
}

}  // namespace cardiograd::bench
