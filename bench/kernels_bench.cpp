// Times every kernel of the op table on the shapes of HC-CNN-TN's training step at batch 64, one Google Benchmark case
// each. Counters: GFLOP/s, GB/s of the least traffic, and the share of the floor (the larger of FLOP over the measured
// matrix-product rate and bytes over the measured copy rate) that the time is.
//
// Usage: kernels_bench [--benchmark_filter=conv1d] [...]     CARDIOGRAD_THREADS=N for another number of threads
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/philox.h"
#include "base/threads.h"
#include "engine/tensor.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/op_table.h"

namespace cardiograd {
namespace {

using kernels::BufferSpec;
using kernels::Element;
using kernels::Fill;
using kernels::OpCase;

DType dtype_of_element(Element element) {
  switch (element) {
    case Element::kFloat32:
      return DType::kFloat32;
    case Element::kInt16:
      return DType::kInt16;
    case Element::kInt32:
      return DType::kInt32;
    case Element::kUint8:
      return DType::kUint8;
  }
  return DType::kFloat32;
}

Tensor random_buffer(const BufferSpec& spec, PhiloxStream& random) {
  Tensor tensor = Tensor::empty({spec.count()}, dtype_of_element(spec.element));
  for (std::int64_t i = 0; i < spec.count(); ++i) {
    const auto bound = static_cast<std::uint32_t>(std::max<std::int64_t>(1, spec.bound));
    switch (spec.element) {
      case Element::kFloat32:
        tensor.data()[i] = static_cast<float>(spec.fill == Fill::kNormal     ? random.normal()
                                              : spec.fill == Fill::kPositive ? random.uniform(0.5, 2)
                                                                             : random.below(2));
        break;
      case Element::kInt16:
        tensor.data<std::int16_t>()[i] = static_cast<std::int16_t>(random.next());
        break;
      case Element::kInt32:
        tensor.data<std::int32_t>()[i] = static_cast<std::int32_t>(random.below(bound));
        break;
      case Element::kUint8:
        tensor.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(random.below(bound));
        break;
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

void run_case(benchmark::State& state, const OpCase& work, const Ceilings& ceilings) {
  PhiloxStream random(7);
  std::vector<Tensor> buffers;
  std::vector<void*> pointers;
  for (const BufferSpec& spec : work.buffers) {
    buffers.push_back(random_buffer(spec, random));
    pointers.push_back(buffers.back().bytes());
  }
  for (auto _ : state) work.run(kernels::Implementation::kCpu, pointers.data());
  const double floor = std::max(work.cost.flop / ceilings.flop_per_s, work.cost.bytes / ceilings.bytes_per_s);
  const auto runs = static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = benchmark::Counter(work.cost.flop * runs / 1e9, benchmark::Counter::kIsRate);
  state.counters["GB/s"] = benchmark::Counter(work.cost.bytes * runs / 1e9, benchmark::Counter::kIsRate);
  state.counters["of_floor"] = benchmark::Counter(floor * runs, benchmark::Counter::kIsRate);
}

}  // namespace
}  // namespace cardiograd

int main(int argc, char** argv) {
  using namespace cardiograd;
  if (const char* threads = std::getenv("CARDIOGRAD_THREADS")) set_thread_count(std::atoi(threads));
  const auto ceilings = measure_ceilings();
  fmt::print(stderr, "{} threads, {}: matrix product {:.0f} GFLOP/s, copy {:.1f} GB/s (read + written)\n",
             thread_count(), kernels::gemm_instruction_set(), ceilings.flop_per_s / 1e9, ceilings.bytes_per_s / 1e9);
  for (const kernels::Op& op : kernels::op_table())
    for (const kernels::OpCase& work : op.workload())
      benchmark::RegisterBenchmark((op.name + "/" + work.shape).c_str(),
                                   [work, ceilings](benchmark::State& state) { run_case(state, work, ceilings); })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
