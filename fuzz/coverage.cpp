// Which basic blocks of the parsers an input reaches, for libFuzzer. g++ calls __sanitizer_cov_trace_pc in each block
// of sources compiled with -fsanitize-coverage=trace-pc; libFuzzer itself counts only what clang compiles, but takes
// extra counters. The linker's --wrap leads the calls here.
#include <cstddef>
#include <cstdint>

namespace {

constexpr std::size_t kCounters = std::size_t{1} << 15;
__attribute__((section("__libfuzzer_extra_counters"), used)) std::uint8_t counters[kCounters];

}  // namespace

extern "C" void __wrap___sanitizer_cov_trace_pc() {
  const auto block = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  std::uint8_t& count = counters[(block ^ block >> 15) % kCounters];
  if (count < 255) ++count;
}

// Comparisons of floating-point numbers, which neither libFuzzer nor AddressSanitizer takes note of.
extern "C" void __sanitizer_cov_trace_cmpf(float, float) {}
extern "C" void __sanitizer_cov_trace_cmpd(double, double) {}
