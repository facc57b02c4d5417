#include "bench/opponents/gpu_call.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/precision.h"

namespace cardiograd::bench {
namespace {

using kernels::Role;

// For each element of a buffer whose axes were put into another order: its place in the buffer.
std::vector<std::int64_t> places_of(const std::vector<std::int64_t>& dims, const std::vector<std::size_t>& axes) {
  std::vector<std::int64_t> strides(dims.size(), 1);
  for (std::size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
  std::vector<std::int64_t> places = {0};
  for (const std::size_t axis : axes) {
    std::vector<std::int64_t> longer;
    longer.reserve(places.size() * static_cast<std::size_t>(dims[axis]));
    for (const std::int64_t place : places)
      for (std::int64_t i = 0; i < dims[axis]; ++i) longer.push_back(place + i * strides[axis]);
    places = std::move(longer);
  }
  return places;
}

std::uint16_t to_bfloat16(float x) {
  const float rounded = round_to(Precision::kBf16, x);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &rounded, sizeof(bits));
  return static_cast<std::uint16_t>(bits >> 16U);
}
float from_bfloat16(std::uint16_t x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x) << 16U;
  float value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

}  // namespace

void* GpuCall::buffer(const std::string& name, GpuNumber number, const std::vector<std::size_t>& axes) {
  for (std::size_t i = 0; i < work_.buffers.size(); ++i) {
    const kernels::BufferSpec& spec = work_.buffers[i];
    if (spec.name != name) continue;
    memory_.emplace_back(static_cast<std::size_t>(spec.count()) * gpu_number_bytes(number));
    bound_.push_back(
        {i, number, axes.empty() ? std::vector<std::int64_t>() : places_of(spec.dims, axes), memory_.size() - 1});
    return memory_.back().data();
  }
  throw Error("no buffer of " + work_.shape + " is called " + name);
}

void* GpuCall::extra(std::size_t bytes) {
  memory_.emplace_back(std::max<std::size_t>(bytes, 1));
  kernels::check_cuda(cudaMemset(memory_.back().data(), 0, bytes), "clearing memory of an opponent");
  return memory_.back().data();
}

void GpuCall::load(void* const* buffers) {
  for (const Bound& bound : bound_) {
    const kernels::BufferSpec& spec = work_.buffers[bound.index];
    const auto count = static_cast<std::size_t>(spec.count());
    const auto* from = static_cast<const float*>(buffers[bound.index]);
    const auto value = [&](std::size_t i) {
      if (spec.role == Role::kAccumulate) return 0.0F;
      return from[bound.places.empty() ? i : static_cast<std::size_t>(bound.places[i])];
    };
    HostBuffer packed(count * gpu_number_bytes(bound.number));
    for (std::size_t i = 0; i < count; ++i) {
      if (bound.number == GpuNumber::kFloat) {
        packed.floats()[i] = value(i);
      } else {
        const std::uint16_t bits = to_bfloat16(value(i));
        std::memcpy(packed.data() + i * sizeof(bits), &bits, sizeof(bits));
      }
    }
    memory_[bound.memory].fill(packed.data(), packed.bytes());
  }
  for (const auto& prepare : preparations_) prepare();
}

void GpuCall::store(void* const* buffers) const {
  kernels::check_cuda(cudaDeviceSynchronize(), "running an opponent");
  for (const Bound& bound : bound_) {
    const kernels::BufferSpec& spec = work_.buffers[bound.index];
    if (spec.role == Role::kInput) continue;
    const auto count = static_cast<std::size_t>(spec.count());
    const HostBuffer packed(count * gpu_number_bytes(bound.number));
    kernels::check_cuda(cudaMemcpy(packed.data(), memory_[bound.memory].data(), packed.bytes(), cudaMemcpyDeviceToHost),
                        "copying from the GPU");
    auto* to = static_cast<float*>(buffers[bound.index]);
    for (std::size_t i = 0; i < count; ++i) {
      float value = 0;
      if (bound.number == GpuNumber::kFloat) {
        value = packed.floats()[i];
      } else {
        std::uint16_t bits = 0;
        std::memcpy(&bits, packed.data() + i * sizeof(bits), sizeof(bits));
        value = from_bfloat16(bits);
      }
      float& target = to[bound.places.empty() ? i : static_cast<std::size_t>(bound.places[i])];
      target = spec.role == Role::kAccumulate ? target + value : value;
    }
  }
}

std::vector<std::string> GpuCall::writes() const {
  std::vector<std::string> names;
  for (const Bound& bound : bound_)
    if (work_.buffers[bound.index].role != Role::kInput) names.emplace_back(work_.buffers[bound.index].name);
  return names;
}

Opponent gpu_opponent(const std::string& name, const std::string& path, const std::shared_ptr<GpuCall>& call,
                      std::function<void()> run, const std::string& note) {
  Opponent opponent;
  opponent.name = name;
  opponent.path = path;
  opponent.note = note;
  opponent.load = [call](void* const* buffers) { call->load(buffers); };
  opponent.run = [call, run = std::move(run)] { run(); };  // The memory lives as long as the work.
  opponent.store = [call](void* const* buffers) { call->store(buffers); };
  opponent.writes = call->writes();
  return opponent;
}

std::size_t fastest_on_gpu(std::size_t count, const std::function<void(std::size_t)>& work) {
  CudaTimer timer;
  std::size_t best = count;
  double best_seconds = std::numeric_limits<double>::infinity();
  std::string failure = "there are none";
  for (std::size_t i = 0; i < count; ++i) {
    try {
      work(i);
      std::vector<double> times;
      for (int run = 0; run < 3; ++run) times.push_back(timer.seconds([&] { work(i); }));
      std::sort(times.begin(), times.end());
      if (times[1] < best_seconds) {
        best = i;
        best_seconds = times[1];
      }
    } catch (const Error& error) {
      failure = error.what();
    }
  }
  if (best == count) throw Error("no algorithm works: " + failure);
  return best;
}

}  // namespace cardiograd::bench
