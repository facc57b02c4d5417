#include "bench/desk/values.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/philox.h"
#include "base/threads.h"

namespace cardiograd::bench {
namespace {

using kernels::BufferSpec;
using kernels::Fill;
using kernels::Role;

template <class T, class Draw>
void fill(const HostBuffer& buffer, Draw&& draw) {
  for (std::size_t i = 0; i < buffer.bytes() / sizeof(T); ++i) {
    const T value = static_cast<T>(draw());
    std::memcpy(buffer.data() + i * sizeof(T), &value, sizeof(T));
  }
}

// Pieces of a fixed size, each with a stream of its own: many threads, the same values.
void fill_floats(const HostBuffer& buffer, Fill kind, std::uint64_t seed, std::uint64_t index) {
  constexpr std::int64_t kPiece = std::int64_t{1} << 16;
  const auto count = static_cast<std::int64_t>(buffer.bytes() / sizeof(float));
  parallel_for((count + kPiece - 1) / kPiece, [&](std::int64_t piece) {
    PhiloxStream random(seed, (index << 32U) + static_cast<std::uint64_t>(piece));
    const std::int64_t end = std::min(count, (piece + 1) * kPiece);
    for (std::int64_t i = piece * kPiece; i < end; ++i)
      buffer.floats()[i] = static_cast<float>(kind == Fill::kNormal     ? random.normal()
                                              : kind == Fill::kPositive ? random.uniform(0.5, 2)
                                                                        : static_cast<double>(random.below(2)));
  });
}

void fill_random(const HostBuffer& buffer, const BufferSpec& spec, std::uint64_t seed, std::uint64_t index) {
  PhiloxStream random(seed, index << 32U);
  const auto bound = static_cast<std::uint32_t>(std::max<std::int64_t>(1, spec.bound));
  switch (spec.dtype) {
    case DType::kFloat32:
      fill_floats(buffer, spec.fill, seed, index);
      return;
    case DType::kInt16:
      fill<std::int16_t>(buffer, [&] { return random.next(); });
      return;
    case DType::kInt32:
      fill<std::int32_t>(buffer, [&] { return random.below(bound); });
      return;
    case DType::kUint8:
      fill<std::uint8_t>(buffer, [&] { return random.below(spec.bound > 0 ? bound : 256); });
      return;
    case DType::kBFloat16:
      break;
  }
  throw Error("a buffer of bfloat16: no kernel has one");
}

HostBuffers random_buffers(const kernels::OpCase& work, std::uint64_t seed) {
  HostBuffers buffers;
  for (std::size_t i = 0; i < work.buffers.size(); ++i) {
    const BufferSpec& spec = work.buffers[i];
    const HostBuffer& buffer = buffers.emplace_back(static_cast<std::size_t>(spec.count() * dtype_bytes(spec.dtype)));
    if (spec.role != Role::kOutput)
      fill_random(buffer, spec, seed, i);
    else if (spec.dtype == DType::kFloat32)
      std::fill_n(buffer.floats(), spec.count(), std::numeric_limits<float>::quiet_NaN());
    else
      std::memset(buffer.data(), 0xA5, buffer.bytes());
  }
  return buffers;
}

}  // namespace

HostBuffer::HostBuffer(std::size_t bytes)
    : data_(static_cast<std::byte*>(::operator new(std::max<std::size_t>(bytes, 1), kAlignment))), bytes_(bytes) {}

HostBuffer::HostBuffer(const HostBuffer& other) : HostBuffer(other.bytes_) {
  std::memcpy(data(), other.data(), bytes_);
}

HostBuffer random_floats(std::int64_t count, std::uint64_t seed) {
  HostBuffer buffer(static_cast<std::size_t>(count) * sizeof(float));
  fill_floats(buffer, Fill::kNormal, seed, 0);
  return buffer;
}

std::vector<void*> pointers_of(const HostBuffers& buffers) {
  std::vector<void*> pointers;
  for (const HostBuffer& buffer : buffers) pointers.push_back(buffer.data());
  return pointers;
}

HostBuffers make_inputs(const kernels::Op& op, const kernels::OpCase& work, std::uint64_t seed) {
  HostBuffers buffers = random_buffers(work, seed);
  const kernels::Op* forward_op = op.gradient_of.empty() ? nullptr : kernels::find_op(op.gradient_of);
  if (forward_op == nullptr || forward_op->shape_type != op.shape_type) return buffers;
  const kernels::OpCase forward = forward_op->bind(work.value.get());
  const auto index_in_forward = [&](const BufferSpec& wanted) {
    const auto found = std::find_if(forward.buffers.begin(), forward.buffers.end(),
                                    [&](const BufferSpec& spec) { return spec.name == wanted.name; });
    return static_cast<std::size_t>(found - forward.buffers.begin());
  };
  const auto made_by_forward = [&](const BufferSpec& spec) {
    const std::size_t at = index_in_forward(spec);
    return spec.role == Role::kInput && at < forward.buffers.size() && forward.buffers[at].role == Role::kOutput;
  };
  if (std::none_of(work.buffers.begin(), work.buffers.end(), made_by_forward)) return buffers;

  const HostBuffers call = random_buffers(forward, seed + 1);
  for (std::size_t i = 0; i < work.buffers.size(); ++i) {
    const std::size_t at = index_in_forward(work.buffers[i]);
    if (work.buffers[i].role == Role::kInput && at < call.size() && !made_by_forward(work.buffers[i]))
      std::memcpy(call[at].data(), buffers[i].data(), buffers[i].bytes());
  }
  forward.run(kernels::Implementation::kCpu, pointers_of(call).data());
  for (std::size_t i = 0; i < work.buffers.size(); ++i)
    if (made_by_forward(work.buffers[i]))
      std::memcpy(buffers[i].data(), call[index_in_forward(work.buffers[i])].data(), buffers[i].bytes());
  return buffers;
}

}  // namespace cardiograd::bench
