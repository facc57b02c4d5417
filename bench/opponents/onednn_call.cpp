#include "bench/opponents/onednn_call.h"

#include <cstring>

#include <fmt/format.h>
#include <omp.h>

#include "base/error.h"
#include "base/threads.h"
#include "bench/opponents/libraries.h"

namespace cardiograd::bench {
namespace {

using kernels::Role;

dnnl::stream& stream() {
  static dnnl::stream one(onednn_engine());
  return one;
}

void execute(const std::vector<std::pair<dnnl::primitive, OnednnCall::Arguments>>& steps) {
  omp_set_num_threads(thread_count());  // oneDNN asks OpenMP.
  for (const auto& [primitive, arguments] : steps) primitive.execute(stream(), arguments);
  stream().wait();
}

void convert(dnnl::memory& from, dnnl::memory& to) {
  if (from.get_data_handle() == to.get_data_handle()) return;
  dnnl::reorder(from, to).execute(stream(), from, to);
  stream().wait();
}

}  // namespace

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::primitive_attr onednn_then(dnnl::algorithm kind, float alpha) {
  dnnl::post_ops passes;
#if DNNL_VERSION_MAJOR >= 3
  passes.append_eltwise(kind, alpha, 0);
#else
  passes.append_eltwise(1, kind, alpha, 0);
#endif
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(passes);
  return attributes;
}

OnednnLayout onednn_floats(const OnednnDims& dims, dnnl::memory::format_tag tag) {
  return {dims, dnnl::memory::data_type::f32, tag};
}
OnednnLayout onednn_floats(const OnednnDims& dims, const OnednnDims& strides) {
  return {dims, dnnl::memory::data_type::f32, strides};
}
OnednnLayout onednn_any(const OnednnDims& dims) {
  return {dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}

dnnl::memory OnednnCall::buffer(const std::string& name, const OnednnLayout& outer, const OnednnLayout& inner) {
  for (std::size_t i = 0; i < work_.buffers.size(); ++i) {
    if (work_.buffers[i].name != name) continue;
    const dnnl::memory outside(outer, onednn_engine());
    bound_.push_back({i, outside, inner == outer ? outside : dnnl::memory(inner, onednn_engine())});
    return bound_.back().inner;
  }
  throw Error("oneDNN: no buffer is called " + name);
}

void OnednnCall::load(void* const* buffers) {
  for (Bound& bound : bound_) {
    const kernels::BufferSpec& spec = work_.buffers[bound.index];
    const auto bytes = static_cast<std::size_t>(spec.count()) * sizeof(float);
    if (spec.role == Role::kAccumulate)
      std::memset(bound.outer.get_data_handle(), 0, bytes);
    else
      std::memcpy(bound.outer.get_data_handle(), buffers[bound.index], bytes);
    convert(bound.outer, bound.inner);
  }
  for (const auto& change : changes_) change();
  execute(preparations_);
}

void OnednnCall::run() {
  execute(steps_);
}

void OnednnCall::store(void* const* buffers) {
  for (Bound& bound : bound_) {
    const kernels::BufferSpec& spec = work_.buffers[bound.index];
    if (spec.role == Role::kInput) continue;
    convert(bound.inner, bound.outer);
    const auto* from = static_cast<const float*>(bound.outer.get_data_handle());
    auto* to = static_cast<float*>(buffers[bound.index]);
    for (std::int64_t i = 0; i < spec.count(); ++i) to[i] = spec.role == Role::kAccumulate ? to[i] + from[i] : from[i];
  }
}

Opponent onednn_opponent(const std::shared_ptr<OnednnCall>& call, const std::string& path, const std::string& note) {
  Opponent opponent;
  opponent.name = "oneDNN";
  opponent.path = path;
  opponent.note = note;
  opponent.load = [call](void* const* buffers) { call->load(buffers); };
  opponent.run = [call] { call->run(); };
  opponent.store = [call](void* const* buffers) { call->store(buffers); };
  for (const OnednnCall::Bound& bound : call->bound_)
    if (call->work_.buffers[bound.index].role != Role::kInput)
      opponent.writes.emplace_back(call->work_.buffers[bound.index].name);
  return opponent;
}

OpponentList onednn_opponents(const kernels::Op& op, const kernels::OpCase& work) {
  try {
    for (const auto& offer : {onednn_products, onednn_norms, onednn_elements})
      if (OpponentList list = offer(op, work); !list.empty()) return list;
    return {};
  } catch (const dnnl::error& error) {
    throw Error(fmt::format("oneDNN refuses {} at {}: {}", op.name, work.shape, error.what()));
  }
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace cardiograd::bench
