#include "dsp/features/wavelet.h"

#include <array>
#include <cstddef>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::dsp {
namespace {

constexpr std::array kDb4 = {-0.010597401785069032, 0.0328830116668852, 0.030841381835560764, -0.18703481171909309,
                             -0.027983769416859854, 0.6308807679298589, 0.7148465705529157,   0.2303778133088965};
constexpr std::array kDb6 = {-0.0010773010853084796, 0.004777257510945511, 0.0005538422011614961, -0.03158203931748603,
                             0.027522865530305727,   0.09750160558732304,  -0.12976686756726194,  -0.22626469396543983,
                             0.31525035170919763,    0.7511339080210954,   0.49462389039845306,   0.11154074335010947};

// Index of the sample that stands at `position` when the signal is mirrored at its ends again and again.
std::size_t mirrored(std::ptrdiff_t position, std::ptrdiff_t count) {
  const std::ptrdiff_t period = 2 * count;
  const std::ptrdiff_t at = ((position % period) + period) % period;
  return static_cast<std::size_t>(at < count ? at : period - 1 - at);
}

}  // namespace

std::span<const double> wavelet_lowpass(std::string_view name) {
  if (name == "db4") return kDb4;
  if (name == "db6") return kDb6;
  throw Error(fmt::format("no wavelet named '{}'", name), "db4 and db6 are known.");
}

WaveletLevel wavelet_step(std::span<const double> signal, std::span<const double> lowpass) {
  if (signal.empty()) throw Error("wavelet transform of no samples", "Give at least one sample.");
  const auto count = static_cast<std::ptrdiff_t>(signal.size());
  const std::size_t taps = lowpass.size();
  const std::size_t length = (signal.size() + taps - 1) / 2;
  WaveletLevel level{std::vector<double>(length, 0.0), std::vector<double>(length, 0.0)};
  for (std::size_t k = 0; k < length; ++k) {
    for (std::size_t j = 0; j < taps; ++j) {
      const double x = signal[mirrored(static_cast<std::ptrdiff_t>(2 * k + 1) - static_cast<std::ptrdiff_t>(j), count)];
      level.approximation[k] += lowpass[j] * x;
      // The quadrature mirror filter: the low-pass reversed, its even taps negated.
      level.detail[k] += (j % 2 == 0 ? -1.0 : 1.0) * lowpass[taps - 1 - j] * x;
    }
  }
  return level;
}

std::vector<std::vector<double>> wavelet_decomposition(std::span<const double> signal, std::string_view name,
                                                       int levels) {
  const std::span<const double> lowpass = wavelet_lowpass(name);
  std::vector<std::vector<double>> result;
  std::vector<double> rest(signal.begin(), signal.end());
  for (int level = 0; level < levels; ++level) {
    WaveletLevel step = wavelet_step(rest, lowpass);
    result.push_back(std::move(step.detail));
    rest = std::move(step.approximation);
  }
  result.push_back(std::move(rest));
  return result;
}

}  // namespace cardiograd::dsp
