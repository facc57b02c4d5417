#include "apps/common/version.h"

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "kernels/gemm/gemm_cpu.h"

namespace cardiograd::apps {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

#if defined(CARDIOGRAD_SIMT)
constexpr const char* kBackEnds = "cpu, simt (the CUDA kernels on the host, for tests)";
#elif defined(CARDIOGRAD_DEVICE_CODE)
constexpr const char* kBackEnds = "cpu, cuda";
#else
constexpr const char* kBackEnds = "cpu";
#endif

// kernels/ knows it only where there is device code.
#if defined(CARDIOGRAD_CUBLASLT)
constexpr const char* kCublasLt = "yes";
#else
constexpr const char* kCublasLt = "no";
#endif

}  // namespace

const char* version() {
  return CARDIOGRAD_VERSION;
}

std::string made_by() {
  return fmt::format("cardiograd {}, commit {}", version(), commit());
}

std::string date_now() {
  return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::time(nullptr)));
}

std::string version_text(const std::string& program) {
  return fmt::format(
      "{} {}\n"
      "commit:          {}\n"
      "compiler:        {}, {}\n"
      "instruction set: {}\n"
      "back ends:       {}\n"
      "cuBLASLt:        {}",
      program, CARDIOGRAD_VERSION, commit(), kCompiler, CARDIOGRAD_BUILD_TYPE, kernels::gemm_instruction_set(),
      kBackEnds, kCublasLt);
}

}  // namespace cardiograd::apps
