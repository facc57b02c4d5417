#include "bench/opponents/own_buffers.h"

#include <cstring>
#include <memory>
#include <utility>

#include "bench/desk/values.h"

namespace cardiograd::bench {

Opponent own_buffers(const std::string& name, const std::string& path, const kernels::OpCase& work,
                     std::function<void(float* const*)> run) {
  struct Memory {
    HostBuffers buffers;
    std::vector<float*> pointers;
  };
  auto memory = std::make_shared<Memory>();
  for (const kernels::BufferSpec& spec : work.buffers)
    memory->buffers.emplace_back(static_cast<std::size_t>(spec.count() * dtype_bytes(spec.dtype)));
  for (const HostBuffer& buffer : memory->buffers) memory->pointers.push_back(buffer.floats());
  Opponent opponent;
  opponent.name = name;
  opponent.path = path;
  opponent.load = [memory, specs = work.buffers](void* const* from) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
      const HostBuffer& buffer = memory->buffers[i];
      if (specs[i].role == kernels::Role::kAccumulate)
        std::memset(buffer.data(), 0, buffer.bytes());
      else
        std::memcpy(buffer.data(), from[i], buffer.bytes());
    }
  };
  opponent.run = [memory, run = std::move(run)] { run(memory->pointers.data()); };
  opponent.store = [memory, specs = work.buffers](void* const* to) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
      const HostBuffer& buffer = memory->buffers[i];
      if (specs[i].role == kernels::Role::kAccumulate)
        for (std::int64_t j = 0; j < specs[i].count(); ++j) static_cast<float*>(to[i])[j] += buffer.floats()[j];
      else if (specs[i].role != kernels::Role::kInput)
        std::memcpy(to[i], buffer.data(), buffer.bytes());
    }
  };
  return opponent;
}

}  // namespace cardiograd::bench
