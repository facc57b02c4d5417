// The CPU's products against sums in double of equally rounded factors, at sizes around those of tiles, panels, blocks
// and pairs.
#include "kernels/gemm/gemm_cpu.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "base/threads.h"

namespace cardiograd::kernels {
namespace {

constexpr Precision kAll[] = {Precision::kFp32, Precision::kTf32, Precision::kBf16};

std::vector<float> random_values(std::int64_t count, std::uint64_t seed) {
  PhiloxStream random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

double factor(Precision precision, const std::vector<float>& values, std::int64_t at) {
  return round_to(precision, static_cast<double>(values[static_cast<std::size_t>(at)]));
}

// Holds c against what the product of m x n sums of k terms should be; `term(i, j, p)` is one of them.
template <class Term, class Start>
void expect_product(std::int64_t m, std::int64_t n, std::int64_t k, const std::vector<float>& c, Term&& term,
                    Start&& start, bool relu, const std::string& where) {
  double worst = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = start(i, j);
      double size = std::abs(sum);
      for (std::int64_t p = 0; p < k; ++p) {
        sum += term(i, j, p);
        size += std::abs(term(i, j, p));
      }
      if (relu) sum = std::max(sum, 0.0);
      const double error = std::abs(static_cast<double>(c[static_cast<std::size_t>(i * n + j)]) - sum) / (size + 1e-30);
      if (!(error <= worst)) worst = error;
    }
  }
  EXPECT_TRUE(worst <= 2e-6) << where << ": " << worst;
}

struct Sizes {
  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
};

std::string text(const Sizes& s, Precision precision) {
  return std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k) + ", precision " +
         std::to_string(static_cast<int>(precision));
}

TEST(GemmCpu, ProductsAreThoseOfRoundedFactors) {
  for (const Precision precision : kAll) {
    for (const Sizes s : {Sizes{1, 1, 1}, {7, 33, 5}, {12, 32, 64}, {13, 31, 29}, {190, 65, 40}, {401, 70, 33}}) {
      for (const bool b_transposed : {false, true}) {
        const std::vector<float> a = random_values(s.m * s.k, 1);
        const std::vector<float> b = random_values(s.k * s.n, 2);
        const std::vector<float> bias = random_values(s.n, 3);
        const auto at_b = [&](std::int64_t p, std::int64_t j) {
          return factor(precision, b, b_transposed ? j * s.k + p : p * s.n + j);
        };
        const auto term = [&](std::int64_t i, std::int64_t j, std::int64_t p) {
          return factor(precision, a, i * s.k + p) * at_b(p, j);
        };
        const MatrixView view = b_transposed ? transposed(row_major(b.data(), s.k)) : row_major(b.data(), s.n);
        std::vector<float> c(static_cast<std::size_t>(s.m * s.n), NAN);
        gemm(precision, s.m, s.n, s.k, a.data(), view, c.data(), {.bias = bias.data(), .relu = true});
        expect_product(
            s.m, s.n, s.k, c, term,
            [&](std::int64_t, std::int64_t j) { return static_cast<double>(bias[static_cast<std::size_t>(j)]); }, true,
            text(s, precision));
        const std::vector<float> before = random_values(s.m * s.n, 4);
        c = before;
        gemm(precision, s.m, s.n, s.k, a.data(), view, c.data(), {.accumulate = true});
        expect_product(
            s.m, s.n, s.k, c, term,
            [&](std::int64_t i, std::int64_t j) {
              return static_cast<double>(before[static_cast<std::size_t>(i * s.n + j)]);
            },
            false, text(s, precision) + ", added");
      }
    }
  }
}

TEST(GemmCpu, LongReductionsAddTheTransposedProduct) {
  for (const Precision precision : kAll) {
    for (const Sizes s : {Sizes{3, 5, 1}, {12, 32, 256}, {29, 33, 257}, {40, 7, 1301}, {5, 800, 700}}) {
      const std::vector<float> a = random_values(s.k * s.m, 1);
      const std::vector<float> b = random_values(s.k * s.n, 2);
      const std::vector<float> before = random_values(s.m * s.n, 3);
      std::vector<float> c = before;
      gemm_long_reduction(precision, s.m, s.n, s.k, a.data(), b.data(), c.data());
      expect_product(
          s.m, s.n, s.k, c,
          [&](std::int64_t i, std::int64_t j, std::int64_t p) {
            return factor(precision, a, p * s.m + i) * factor(precision, b, p * s.n + j);
          },
          [&](std::int64_t i, std::int64_t j) {
            return static_cast<double>(before[static_cast<std::size_t>(i * s.n + j)]);
          },
          false, text(s, precision));
    }
  }
}

TEST(GemmCpu, BitsAreTheSameOnAnyNumberOfThreads) {
  const int before = thread_count();
  for (const Precision precision : kAll) {
    for (const Sizes s : {Sizes{130, 100, 70}, {500, 100, 70}}) {
      std::vector<std::vector<float>> results;
      for (const int threads : {1, 2, 5}) {
        set_thread_count(threads);
        const std::vector<float> a = random_values(s.m * s.k, 1);
        const std::vector<float> b = random_values(s.m * s.n, 2);
        std::vector<float> c(static_cast<std::size_t>(s.m * s.n));
        gemm(precision, s.m, s.n, s.k, a.data(), row_major(b.data(), s.n), c.data());
        std::vector<float> d(static_cast<std::size_t>(s.k * s.n));
        gemm_long_reduction(precision, s.k, s.n, s.m, a.data(), b.data(), d.data());
        c.insert(c.end(), d.begin(), d.end());
        results.push_back(c);
      }
      EXPECT_EQ(results[0], results[1]) << text(s, precision);
      EXPECT_EQ(results[0], results[2]) << text(s, precision);
    }
  }
  set_thread_count(before);
}

// What is not finite stays in its row, also behind an odd number of steps, where a pair has one half.
TEST(GemmCpu, OtherRowsDoNotReachIntoASum) {
  constexpr std::int64_t kRows = 3;
  constexpr std::int64_t kDepth = 5;
  for (const Precision precision : kAll) {
    std::vector<float> a = random_values(kRows * kDepth, 1);
    a[kDepth] = std::numeric_limits<float>::infinity();  // the first of row 1, behind the last of row 0
    const std::vector<float> b(kDepth, 1.0F);
    const Rows overlapping = {a.data(), kRows, kDepth, kDepth};
    std::vector<float> copy(static_cast<std::size_t>(left_size(precision, overlapping)));
    std::vector<float> packed(static_cast<std::size_t>(packed_size(precision, kDepth, 1)));
    pack_b(precision, kDepth, 1, row_major(b.data(), 1), packed.data());
    float c[kRows];
    gemm_packed(precision, kRows, 1, kDepth, left_factors(precision, overlapping, copy.data()), packed.data(), c, 1);
    EXPECT_TRUE(std::isfinite(c[0]));
    EXPECT_EQ(c[1], std::numeric_limits<float>::infinity());
    EXPECT_TRUE(std::isfinite(c[2]));
  }
}

// Rows that overlap, as those of a convolution do.
TEST(GemmCpu, LeftFactorsMayOverlap) {
  const Sizes s = {.m = 25, .n = 9, .k = 15};
  for (const Precision precision : kAll) {
    for (const std::int64_t stride : {3, 8, 15, 20}) {
      const std::vector<float> a = random_values((s.m - 1) * stride + s.k, 1);
      for (const bool is_transposed : {false, true}) {
        const Rows rows = {a.data(), s.m, s.k, stride};
        const std::int64_t m = is_transposed ? s.k : s.m;
        const std::int64_t k = is_transposed ? s.m : s.k;
        const std::vector<float> b = random_values(k * s.n, 2);
        std::vector<float> copy(static_cast<std::size_t>(left_size(precision, rows)));
        std::vector<float> packed(static_cast<std::size_t>(packed_size(precision, k, s.n)));
        pack_b(precision, k, s.n, row_major(b.data(), s.n), packed.data());
        const LeftFactors left =
            is_transposed ? left_transposed(precision, rows, copy.data()) : left_factors(precision, rows, copy.data());
        std::vector<float> c(static_cast<std::size_t>(m * s.n), NAN);
        gemm_packed(precision, m, s.n, k, left, packed.data(), c.data(), s.n);
        expect_product(
            m, s.n, k, c,
            [&](std::int64_t i, std::int64_t j, std::int64_t p) {
              const std::int64_t at = is_transposed ? p * stride + i : i * stride + p;
              return factor(precision, a, at) * factor(precision, b, p * s.n + j);
            },
            [](std::int64_t, std::int64_t) { return 0.0; }, false, text(s, precision));
      }
    }
  }
}

TEST(GemmCpu, OnlyRoundedFactorsAreEmulated) {
  EXPECT_FALSE(emulates(Precision::kFp32));
  EXPECT_TRUE(emulates(Precision::kTf32));
  EXPECT_EQ(emulates(Precision::kBf16), std::string(gemm_instruction_set()) != "avx512_bf16");
}

}  // namespace
}  // namespace cardiograd::kernels
