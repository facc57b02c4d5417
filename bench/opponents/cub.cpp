// CUB as an opponent.
#include <memory>
#include <string>

#include "bench/opponents/cub_launch.h"
#include "bench/opponents/gpu_call.h"
#include "bench/opponents/libraries.h"
#include "kernels/activation/activation.h"
#include "kernels/add/add.h"
#include "kernels/reduce/reduce.h"

namespace cardiograd::bench {
namespace {

void check(cudaError_t status) {
  kernels::check_cuda(status, "CUB");
}

struct Floats {
  std::shared_ptr<GpuCall> call;
  float* operator()(const char* name) const { return static_cast<float*>(call->buffer(name)); }
};

Opponent cub(const Floats& floats, std::function<cudaError_t()> launch, const std::string& path = "DeviceTransform") {
  return gpu_opponent("CUB", path, floats.call, [launch = std::move(launch)] { check(launch()); });
}

OpponentList squared_norm(const Floats& floats, std::int64_t count) {
  const float* x = floats("x");
  float* y = floats("y");
  std::size_t bytes = 0;
  check(cub_squared_norm(nullptr, bytes, count, x, y));
  void* temporary = floats.call->extra(bytes);
  return {cub(
      floats,
      [=] {
        std::size_t size = bytes;
        return cub_squared_norm(temporary, size, count, x, y);
      },
      "DeviceReduce::TransformReduce")};
}

}  // namespace

OpponentList cub_opponents(const kernels::Op& op, const kernels::OpCase& work) {
  const Floats floats = {std::make_shared<GpuCall>(work)};
  if (const auto* s = shape_of<kernels::SquaredNormShape>(op, work)) return squared_norm(floats, s->count);
  if (const auto* s = shape_of<kernels::ScaleShape>(op, work)) {
    float* x = floats("x");
    return {cub(floats, [=, count = s->count, factor = s->factor] { return cub_scale(count, factor, x, x); })};
  }
  if (const auto* s = shape_of<kernels::ActivationShape>(op, work)) {
    const auto count = s->count;
    if (op.name == "relu_forward") {
      const float* x = floats("x");
      float* y = floats("y");
      return {cub(floats, [=] { return cub_relu(count, x, y); })};
    }
    if (op.name == "relu_backward") {
      const float* y = floats("y");
      const float* dy = floats("dy");
      float* dx = floats("dx");
      return {cub(floats, [=] { return cub_relu_backward(count, y, dy, dx); })};
    }
  }
  if (const auto* s = shape_of<kernels::AddShape>(op, work)) {
    const auto count = s->count;
    const bool in_place = op.name == "accumulate_forward";
    if (!in_place && (op.name != "add_forward" || s->count != s->period)) return {};
    float* y = floats("y");
    const float* a = in_place ? y : floats("a");
    const float* b = floats(in_place ? "x" : "b");
    return {cub(floats, [=] { return cub_add(count, a, b, y); })};
  }
  return {};
}

}  // namespace cardiograd::bench
