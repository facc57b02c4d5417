#include "dsp/features/wavelet.h"

#include <cmath>
#include <cstdio>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/dsp/golden.h"

namespace cardiograd::dsp {
namespace {

TEST(Wavelet, EqualsPyWavelets) {
  int lists = 0;
  for (const auto& [key, golden] : read_golden("measures")) {
    int moments = 0, levels = 0, length = 0, index = 0;
    if (std::sscanf(key.c_str(), "wavedec_db%d_%d_%d_%d", &moments, &levels, &length, &index) != 4) continue;
    const Eigen::ArrayXd x = golden_signal(length);
    const auto found =
        wavelet_decomposition({x.data(), static_cast<std::size_t>(length)}, moments == 4 ? "db4" : "db6", levels);
    const auto& list = found.at(static_cast<std::size_t>(index));
    EXPECT_TRUE(golden_error(Eigen::Map<const Eigen::ArrayXd>(list.data(), static_cast<Eigen::Index>(list.size())),
                             golden) <= 1e-9)
        << key;
    ++lists;
  }
  EXPECT_EQ(lists, 3 * 5 + 3 * 6);
}

TEST(Wavelet, LengthsOfTenSecondsAt100Hz) {
  const Eigen::ArrayXd x = golden_signal(1000);
  const auto levels = wavelet_decomposition({x.data(), 1000}, "db4", 4);
  const std::size_t expected[] = {503, 255, 131, 69, 69};
  ASSERT_EQ(levels.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(levels[i].size(), expected[i]);
}

TEST(Wavelet, DetailsOfAConstantVanish) {
  const std::vector<double> x(50, 3.0);
  const auto levels = wavelet_decomposition(x, "db4", 3);
  for (std::size_t i = 0; i < 3; ++i) {
    for (const double d : levels[i]) EXPECT_NEAR(d, 0.0, 1e-10);
  }
}

TEST(Wavelet, SignalsShorterThanTheFilter) {
  for (std::size_t length = 1; length < 9; ++length) {
    EXPECT_EQ(wavelet_step(std::vector<double>(length, 1.0), wavelet_lowpass("db4")).detail.size(), (length + 7) / 2);
  }
  EXPECT_THROW(wavelet_step({}, wavelet_lowpass("db4")), Error);
  EXPECT_THROW(wavelet_lowpass("db5"), Error);
}

}  // namespace
}  // namespace cardiograd::dsp
