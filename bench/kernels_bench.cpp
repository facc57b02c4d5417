// Times every kernel of the op table on the shapes of HC-CNN-TN's training step at batch 64, one Google Benchmark case
// each. Counters: GFLOP/s, GB/s of the least traffic, and the fraction of the floor (the larger of FLOP over the
// measured matrix-product rate and bytes over the measured copy rate) that the time is.
//
// Usage: kernels_bench [--device cpu|cuda] [--benchmark_filter=conv1d] [...]
//   CARDIOGRAD_THREADS=N for another number of threads; cuda: each run from a cold cache, variants of kernels too
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/error.h"
#include "base/philox.h"
#include "base/threads.h"
#include "engine/tensor.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/op_table.h"
#if defined(CARDIOGRAD_DEVICE_CODE)
#include "bench/cuda_timing.h"
#include "kernels/linear/linear.h"
#endif
#if defined(CARDIOGRAD_CUBLASLT)
#include "kernels/gemm/matmul.h"
#endif

namespace cardiograd {
namespace {

using kernels::BufferSpec;
using kernels::Fill;
using kernels::OpCase;

Tensor random_buffer(const BufferSpec& spec, PhiloxStream& random) {
  Tensor tensor = Tensor::empty({spec.count()}, spec.dtype);
  for (std::int64_t i = 0; i < spec.count(); ++i) {
    const auto bound = static_cast<std::uint32_t>(std::max<std::int64_t>(1, spec.bound));
    switch (spec.dtype) {
      case DType::kFloat32:
        tensor.data()[i] = static_cast<float>(spec.fill == Fill::kNormal     ? random.normal()
                                              : spec.fill == Fill::kPositive ? random.uniform(0.5, 2)
                                                                             : random.below(2));
        break;
      case DType::kInt16:
        tensor.data<std::int16_t>()[i] = static_cast<std::int16_t>(random.next());
        break;
      case DType::kInt32:
        tensor.data<std::int32_t>()[i] = static_cast<std::int32_t>(random.below(bound));
        break;
      case DType::kUint8:
        tensor.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(random.below(bound));
        break;
      case DType::kBFloat16:
        throw Error("a buffer of bfloat16: no kernel has one");
    }
  }
  return tensor;
}

// What this machine does at best, measured here and now.
struct Ceilings {
  double flop_per_s = 0;
  double bytes_per_s = 0;
};

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

Ceilings measure_ceilings() {
  constexpr std::int64_t kSize = 1536;
  constexpr std::int64_t kFloats = std::int64_t{1} << 26;
  PhiloxStream random(1);
  const BufferSpec matrix = {"matrix", {kSize, kSize}};
  const Tensor a = random_buffer(matrix, random);
  const Tensor b = random_buffer(matrix, random);
  Tensor c = Tensor::zeros({kSize, kSize});
  const double product = best_seconds(5, [&] {
    kernels::gemm(kSize, kSize, kSize, kernels::row_major(a.data(), kSize), kernels::row_major(b.data(), kSize),
                  c.data(), kSize);
  });
  const Tensor from = Tensor::zeros({kFloats});
  Tensor to = Tensor::zeros({kFloats});
  const double copy = best_seconds(5, [&] {
    constexpr std::int64_t kChunk = std::int64_t{1} << 18;
    parallel_for(kFloats / kChunk, [&](std::int64_t i) {
      std::memcpy(to.data() + i * kChunk, from.data() + i * kChunk, kChunk * sizeof(float));
    });
  });
  return {2.0 * kSize * kSize * kSize / product, 2.0 * kFloats * sizeof(float) / copy};
}

void count(benchmark::State& state, const OpCase& work, const Ceilings& ceilings) {
  const double floor = std::max(work.cost.flop / ceilings.flop_per_s, work.cost.bytes / ceilings.bytes_per_s);
  const auto runs = static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(work.cost.flop * runs / 1e9, benchmark::Counter::kIsRate);
  state.counters["GB/s"] = benchmark::Counter(work.cost.bytes * runs / 1e9, benchmark::Counter::kIsRate);
  state.counters["of_floor"] = benchmark::Counter(floor * runs, benchmark::Counter::kIsRate);
  state.counters["floor_ms"] = 1e3 * floor;
}

void run_case(benchmark::State& state, const OpCase& work, const Ceilings& ceilings) {
  PhiloxStream random(7);
  std::vector<Tensor> buffers;
  std::vector<void*> pointers;
  for (const BufferSpec& spec : work.buffers) {
    buffers.push_back(random_buffer(spec, random));
    pointers.push_back(buffers.back().bytes());
  }
  while (state.KeepRunning()) work.run(kernels::Implementation::kCpu, pointers.data());
  count(state, work, ceilings);
}

void register_cpu_cases() {
  if (const char* threads = std::getenv("CARDIOGRAD_THREADS")) set_thread_count(std::atoi(threads));
  const auto ceilings = measure_ceilings();
  fmt::print(stderr, "{} threads, {}: matrix product {:.0f} GFLOP/s, copy {:.1f} GB/s (read + written)\n",
             thread_count(), kernels::gemm_instruction_set(), ceilings.flop_per_s / 1e9, ceilings.bytes_per_s / 1e9);
  for (const kernels::Op& op : kernels::op_table())
    for (const kernels::OpCase& work : op.workload())
      // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): the library owns what it registers
      benchmark::RegisterBenchmark((op.name + "/" + work.shape).c_str(),
                                   [work, ceilings](benchmark::State& state) { run_case(state, work, ceilings); })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
}

#if defined(CARDIOGRAD_DEVICE_CODE)

// A product of square matrices, in FLOP/s.
template <class Product>
double product_rate(bench::CudaTimer& timer, std::int64_t size, Product&& product) {
  double best = 1e30;
  for (int i = 0; i < 5; ++i) best = std::min(best, timer.seconds(product));
  return 2.0 * static_cast<double>(size * size * size) / best;
}

// Also puts what was measured into the context of the JSON report.
Ceilings measure_gpu(bench::CudaTimer& timer) {
#if defined(CARDIOGRAD_SIMT)
  constexpr std::int64_t kSize = 64;
  constexpr std::size_t kBytes = std::size_t{1} << 12;
#else
  constexpr std::int64_t kSize = 8192;
  constexpr std::size_t kBytes = std::size_t{1} << 30;
#endif
  constexpr std::size_t kMatrix = sizeof(float) * kSize * kSize;
  PhiloxStream random(1);
  const Tensor values = random_buffer({"matrix", {kSize, kSize}}, random);
  bench::CudaMemory a(kMatrix);
  bench::CudaMemory b(kMatrix);
  const bench::CudaMemory c(kMatrix);
  a.fill(values.data(), kMatrix);
  b.fill(values.data(), kMatrix);
  const auto* left = static_cast<const float*>(a.data());
  const auto* right = static_cast<const float*>(b.data());
  auto* result = static_cast<float*>(c.data());
  const double fp32 = product_rate(timer, kSize, [&] {
    kernels::linear_backward_input_cuda({kSize, kSize, kSize}, right, left, result, nullptr);
  });
  const bench::CudaGpu gpu = bench::describe_gpu();
  benchmark::AddCustomContext("GPU", gpu.name);
  benchmark::AddCustomContext("compute_capability", std::to_string(gpu.compute_capability));
  benchmark::AddCustomContext("cuda_of_driver", gpu.driver);
  benchmark::AddCustomContext("cuda_of_build", gpu.runtime);
  benchmark::AddCustomContext("precision", "fp32");
  benchmark::AddCustomContext("product_fp32_gflop_per_s", fmt::format("{:.0f}", fp32 / 1e9));
#if defined(CARDIOGRAD_CUBLASLT)
  if (gpu.compute_capability >= 80) {
    const kernels::Matmul product = {.rows = kSize,
                                     .columns = kSize,
                                     .depth = kSize,
                                     .a = left,
                                     .b = right,
                                     .c = result,
                                     .precision = Precision::kTf32};
    const double tf32 = product_rate(timer, kSize, [&] { kernels::matmul_cuda(product, nullptr); });
    benchmark::AddCustomContext("product_tf32_gflop_per_s", fmt::format("{:.0f}", tf32 / 1e9));
  }
#endif
  const bench::CudaMemory from(kBytes);
  const bench::CudaMemory to(kBytes);
  double copy = 1e30;
  for (int i = 0; i < 5; ++i)
    copy = std::min(copy, timer.seconds([&] {
      kernels::check_cuda(cudaMemcpyAsync(to.data(), from.data(), kBytes, cudaMemcpyDeviceToDevice, nullptr),
                          "copying on the GPU");
    }));
  const double bytes_per_s = 2.0 * static_cast<double>(kBytes) / copy;
  benchmark::AddCustomContext("copy_gb_per_s", fmt::format("{:.1f}", bytes_per_s / 1e9));
  fmt::print(stderr, "{}: matrix product {:.0f} GFLOP/s in fp32, copy {:.1f} GB/s (read + written)\n", gpu.name,
             fp32 / 1e9, bytes_per_s / 1e9);
  return {fp32, bytes_per_s};
}

void run_cuda_case(benchmark::State& state, const OpCase& work, const std::function<void(void* const*)>& run,
                   const Ceilings& ceilings, bench::CudaTimer& timer) {
  PhiloxStream random(7);
  std::vector<bench::CudaMemory> buffers;
  std::vector<void*> pointers;
  for (const BufferSpec& spec : work.buffers) {
    const Tensor values = random_buffer(spec, random);
    const auto bytes = static_cast<std::size_t>(spec.count()) * static_cast<std::size_t>(dtype_bytes(values.dtype()));
    buffers.emplace_back(bytes);
    buffers.back().fill(values.bytes(), bytes);
    pointers.push_back(buffers.back().data());
  }
  run(pointers.data());  // working memory, choice of algorithms, loading of code
  while (state.KeepRunning()) state.SetIterationTime(timer.seconds([&] { run(pointers.data()); }));
  count(state, work, ceilings);
}

void register_cuda_cases() {
  static bench::CudaTimer timer;
  const Ceilings ceilings = measure_gpu(timer);
  const auto add = [&](const std::string& name, const OpCase& work, const std::function<void(void* const*)>& run) {
    benchmark::RegisterBenchmark(name.c_str(),
                                 [=](benchmark::State& state) { run_cuda_case(state, work, run, ceilings, timer); })
        ->Unit(benchmark::kMillisecond)
        ->UseManualTime();
  };
  for (const kernels::Op& op : kernels::op_table()) {
    for (const kernels::OpCase& work : op.workload()) {
      const std::string name = op.name + "/" + work.shape;
      add(name, work, [run = work.run](void* const* at) { run(kernels::Implementation::kCuda, at); });
      for (const kernels::BoundVariant& variant : work.cuda_variants)
        add(name + "/variant " + variant.name, work, variant.run);
    }
  }
}

#else

void register_cuda_cases() {
  throw Error("--device cuda: this build has no CUDA kernels", "build the preset cuda");
}

#endif

// Takes --device out of the arguments.
std::string take_device(int& argc, char** argv) {
  std::string device = "cpu";
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--device" && i + 1 < argc)
      device = argv[++i];
    else if (argument.rfind("--device=", 0) == 0)
      device = argument.substr(9);
    else
      argv[kept++] = argv[i];
  }
  argc = kept;
  if (device != "cpu" && device != "cuda") throw Error("--device " + device, "cpu or cuda");
  return device;
}

}  // namespace
}  // namespace cardiograd

int main(int argc, char** argv) {
  try {
    const std::string device = cardiograd::take_device(argc, argv);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    if (device == "cuda")
      cardiograd::register_cuda_cases();
    else
      cardiograd::register_cpu_cases();
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  } catch (const cardiograd::Error& error) {
    fmt::print(stderr, "kernels_bench: {}\n{}\n", error.what(), error.hint());
  } catch (const std::exception& error) {
    fmt::print(stderr, "kernels_bench: {}\n", error.what());
  }
  return 1;
}
