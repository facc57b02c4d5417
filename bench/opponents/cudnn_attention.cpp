// cuDNN's fused attention through its graph API (the headers of its frontend): bf16 only. It reads q, k and v from the
// packed buffer by strides, as ours do, and has no dropout here.
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <cudnn_frontend.h>

#include "bench/opponents/cudnn_handle.h"
#include "bench/opponents/cudnn_opponents.h"
#include "bench/opponents/gpu_call.h"
#include "kernels/attention/attention.h"

namespace cardiograd::bench {
namespace {

namespace fe = cudnn_frontend;
using Tensor = std::shared_ptr<fe::graph::Tensor_attributes>;
using kernels::AttentionShape;

void check_graph(fe::error_t status, const char* what) {
  if (status.is_bad()) throw Error(fmt::format("cuDNN: {}: {}", what, status.get_message()));
}

// One graph with its tensors' memory.
class Graph {
 public:
  Graph(const kernels::OpCase& work, const AttentionShape& s) : call_(std::make_shared<GpuCall>(work)), s_(s) {
    graph_.set_io_data_type(fe::DataType_t::BFLOAT16)
        .set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT);
  }

  const std::shared_ptr<GpuCall>& call() const { return call_; }
  fe::graph::Graph& graph() { return graph_; }

  // Part `part` of a packed (N, T, parts, H, D) buffer as (N, H, T, D).
  Tensor packed(void* memory, std::int64_t part, std::int64_t parts) {
    return place(graph_.tensor(described(parts)), at(memory, part));
  }
  Tensor statistics(void* memory) {
    return place(graph_.tensor(fe::graph::Tensor_attributes()
                                   .set_dim({s_.batch, s_.heads, s_.time, 1})
                                   .set_stride({s_.heads * s_.time, s_.time, 1, 1})
                                   .set_data_type(fe::DataType_t::FLOAT)),
                 memory);
  }
  void output(const Tensor& tensor, void* memory, std::int64_t part, std::int64_t parts) {
    const auto form = described(parts);
    tensor->set_output(true).set_dim(form.get_dim()).set_stride(form.get_stride());
    place(tensor, at(memory, part));
  }
  void output_statistics(const Tensor& tensor, void* memory) {
    tensor->set_output(true).set_data_type(fe::DataType_t::FLOAT);
    place(tensor, memory);
  }

  void build() {
    check_graph(graph_.validate(), "a graph");
    check_graph(graph_.build_operation_graph(cudnn_handle()), "building a graph");
    check_graph(graph_.create_execution_plans({fe::HeurMode_t::A}), "planning a graph");
    check_graph(graph_.check_support(), "a graph on this GPU");
    check_graph(graph_.build_plans(), "building a plan");
    std::int64_t bytes = 0;
    check_graph(graph_.get_workspace_size(bytes), "asking for memory");
    workspace_ = call_->extra(static_cast<std::size_t>(bytes));
  }
  void run() { check_graph(graph_.execute(cudnn_handle(), memory_, workspace_), "attention"); }

 private:
  fe::graph::Tensor_attributes described(std::int64_t parts) const {
    const std::int64_t row = parts * s_.heads * s_.width;
    return fe::graph::Tensor_attributes()
        .set_dim({s_.batch, s_.heads, s_.time, s_.width})
        .set_stride({s_.time * row, s_.width, row, 1});
  }
  void* at(void* memory, std::int64_t part) const {
    return static_cast<std::uint16_t*>(memory) + part * s_.heads * s_.width;
  }
  Tensor place(const Tensor& tensor, void* memory) {
    tensor->set_uid(next_uid_);
    memory_[next_uid_++] = memory;
    return tensor;
  }

  std::shared_ptr<GpuCall> call_;
  AttentionShape s_;
  fe::graph::Graph graph_;
  std::unordered_map<std::int64_t, void*> memory_;
  std::int64_t next_uid_ = 1;
  void* workspace_ = nullptr;
};

std::size_t count_of(const AttentionShape& s) {
  return static_cast<std::size_t>(s.batch * s.time * s.heads * s.width);
}

// A graph of the forward pass on `qkv`, writing to `y` and `lse`.
std::shared_ptr<Graph> forward_graph(const std::shared_ptr<Graph>& g, const AttentionShape& s, void* qkv, void* y,
                                     void* lse) {
  auto settings = fe::graph::SDPA_attributes().set_generate_stats(true).set_attn_scale(s.scale());
  auto [out, statistics] = g->graph().sdpa(g->packed(qkv, 0, 3), g->packed(qkv, 1, 3), g->packed(qkv, 2, 3), settings);
  g->output(out, y, 0, 1);
  g->output_statistics(statistics, lse);
  g->build();
  return g;
}

Opponent forward(const kernels::OpCase& work, const AttentionShape& s) {
  auto g = std::make_shared<Graph>(work, s);
  void* qkv = g->call()->buffer("qkv", GpuNumber::kBFloat16);
  void* y = g->call()->buffer("y", GpuNumber::kBFloat16);
  void* lse = g->call()->buffer("lse");
  forward_graph(g, s, qkv, y, lse);
  return gpu_opponent("cuDNN", "fused attention", g->call(), [g] { g->run(); });
}

Opponent backward(const kernels::OpCase& work, const AttentionShape& s) {
  auto g = std::make_shared<Graph>(work, s);
  const auto& call = g->call();
  void* qkv = call->buffer("qkv", GpuNumber::kBFloat16);
  void* dy = call->buffer("dy", GpuNumber::kBFloat16);
  void* dqkv = call->buffer("dqkv", GpuNumber::kBFloat16);
  void* y = call->extra(count_of(s) * 2);
  void* lse = call->extra(static_cast<std::size_t>(s.batch * s.heads * s.time) * sizeof(float));
  auto before = forward_graph(std::make_shared<Graph>(work, s), s, qkv, y, lse);
  call->before([before] { before->run(); });
  auto settings = fe::graph::SDPA_backward_attributes().set_attn_scale(s.scale());
  auto [dq, dk, dv] = g->graph().sdpa_backward(g->packed(qkv, 0, 3), g->packed(qkv, 1, 3), g->packed(qkv, 2, 3),
                                               g->packed(y, 0, 1), g->packed(dy, 0, 1), g->statistics(lse), settings);
  g->output(dq, dqkv, 0, 3);
  g->output(dk, dqkv, 1, 3);
  g->output(dv, dqkv, 2, 3);
  g->build();
  return gpu_opponent("cuDNN", "fused attention", call, [g] { g->run(); });
}

}  // namespace

OpponentList cudnn_attention_opponents(const kernels::Op& op, const kernels::OpCase& work, Precision precision) {
  const auto* s = shape_of<AttentionShape>(op, work);
  if (s == nullptr || precision != Precision::kBf16) return {};
  Opponent opponent = op.name == "attention_forward" ? forward(work, *s) : backward(work, *s);
  opponent.note = "no dropout; q, k, v stored in bf16";
  AttentionShape without = *s;
  without.dropout.probability = 0;
  opponent.instead = {op.bind(&without)};
  return {opponent};
}

std::string cudnn_frontend_version() {
  return fmt::format("{}.{}.{}", CUDNN_FRONTEND_MAJOR_VERSION, CUDNN_FRONTEND_MINOR_VERSION,
                     CUDNN_FRONTEND_PATCH_VERSION);
}

}  // namespace cardiograd::bench
