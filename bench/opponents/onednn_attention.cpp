// Attention from oneDNN's batched products and softmax, which keeps the (T, T) matrices. Its q, k and v are dense for
// each head, and there is no dropout: both make its task easier than ours. The backward pass is not there: with
// oneDNN 2.6's products of transposed (T, T) matrices the heap was found damaged at 125 steps.
#include "bench/opponents/onednn_call.h"
#include "kernels/attention/attention.h"

namespace cardiograd::bench {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;
using kernels::AttentionShape;
using Tag = dnnl::memory::format_tag;

// Plain memory in place of the packed buffers, and the products between them.
class Attention {
 public:
  Attention(const kernels::OpCase& work, const AttentionShape& s)
      : s_(s),
        call_(std::make_shared<OnednnCall>(work)),
        rows_(onednn_floats({s.batch * s.heads, s.time, s.width}, Tag::abc)),
        // The same memory as rows, read as its transpose.
        columns_(onednn_floats({s.batch * s.heads, s.width, s.time}, Tag::acb)),
        scores_(onednn_floats({s.batch * s.heads, s.time, s.time}, Tag::abc)) {}

  Opponent forward() {
    add_packed("qkv", {&q_, &k_, &v_});
    add_packed("y", {&y_});
    p_ = call_->extra(scores_);
    scores_and_softmax();
    product(p_, v_, y_, scores_, rows_, rows_);
    return finish("matmul, softmax, matmul", {"y"});
  }

 private:
  // The parts of a packed buffer (N, T, parts, H, D), each (N * H, T, D) on its own.
  struct Packed {
    std::string name;
    std::vector<dnnl::memory> parts;
  };

  void add_packed(const std::string& name, const std::vector<dnnl::memory*>& parts) {
    Packed packed = {name, {}};
    for (dnnl::memory* part : parts) {
      *part = call_->extra(rows_);
      packed.parts.push_back(*part);
    }
    packed_.push_back(std::move(packed));
  }

  // c = scale * a b; the layouts say how each is read.
  void product(dnnl::memory& a, dnnl::memory& b, dnnl::memory& c, const OnednnLayout& a_layout,
               const OnednnLayout& b_layout, const OnednnLayout& c_layout, float scale = 1) {
    const dnnl::primitive_attr attributes =
        scale == 1 ? dnnl::primitive_attr() : onednn_then(algorithm::eltwise_linear, scale);
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::matmul::primitive_desc description(onednn_engine(), a_layout, b_layout, c_layout, attributes);
#else
    const dnnl::matmul::primitive_desc description({a_layout, b_layout, c_layout}, attributes, onednn_engine());
#endif
    const auto view = [](dnnl::memory& memory, const OnednnLayout& layout) {
      return dnnl::memory(layout, onednn_engine(), memory.get_data_handle());
    };
    OnednnCall::Arguments arguments = {
        {DNNL_ARG_SRC, view(a, a_layout)}, {DNNL_ARG_WEIGHTS, view(b, b_layout)}, {DNNL_ARG_DST, view(c, c_layout)}};
    call_->then(dnnl::matmul(description), std::move(arguments));
    if (path_.empty()) path_ = description.impl_info_str();
  }

  void scores_and_softmax() {
    product(q_, k_, p_, rows_, columns_, scores_, s_.scale());
#if DNNL_VERSION_MAJOR >= 3
    const auto description = onednn_describe<dnnl::softmax_forward>(prop_kind::forward_training,
                                                                    algorithm::softmax_accurate, scores_, scores_, 2);
#else
    const auto description = onednn_describe<dnnl::softmax_forward>(prop_kind::forward_training, scores_, 2);
#endif
    OnednnCall::Arguments arguments = {{DNNL_ARG_SRC, p_}, {DNNL_ARG_DST, p_}};
    call_->then(dnnl::softmax_forward(description), std::move(arguments));
  }

  // Calls visit(index in the packed buffer, index in the part) for one part of `parts`.
  template <class Visit>
  static void for_each(const AttentionShape& s, std::int64_t part, std::int64_t parts, Visit&& visit) {
    for (std::int64_t n = 0; n < s.batch; ++n)
      for (std::int64_t t = 0; t < s.time; ++t)
        for (std::int64_t h = 0; h < s.heads; ++h)
          for (std::int64_t c = 0; c < s.width; ++c)
            visit((((n * s.time + t) * parts + part) * s.heads + h) * s.width + c,
                  ((n * s.heads + h) * s.time + t) * s.width + c);
  }

  Opponent finish(const std::string& path, const std::vector<std::string>& writes) {
    Opponent opponent = onednn_opponent(call_, path_ + ": " + path, "no dropout; q, k, v dense for each head");
    const auto index_of = [call = call_](const std::string& name) {
      std::size_t index = 0;
      while (call->work().buffers[index].name != name) ++index;
      return index;
    };
    const auto move = [s = s_, packed = packed_, index_of](void* const* buffers, const std::string& only, bool out) {
      for (const Packed& one : packed) {
        if (!only.empty() && one.name != only) continue;
        auto* outside = static_cast<float*>(buffers[index_of(one.name)]);
        const auto parts = static_cast<std::int64_t>(one.parts.size());
        for (std::int64_t part = 0; part < parts; ++part) {
          auto* inside = static_cast<float*>(one.parts[static_cast<std::size_t>(part)].get_data_handle());
          for_each(s, part, parts, [&](std::int64_t packed_index, std::int64_t dense) {
            if (out)
              outside[packed_index] = inside[dense];
            else
              inside[dense] = outside[packed_index];
          });
        }
      }
    };
    opponent.writes = writes;
    opponent.load = [move, prepare = opponent.load](void* const* buffers) {
      move(buffers, "", false);
      prepare(buffers);
    };
    opponent.store = [move, writes](void* const* buffers) {
      for (const std::string& name : writes) move(buffers, name, true);
    };
    return opponent;
  }

  AttentionShape s_;
  std::shared_ptr<OnednnCall> call_;
  OnednnLayout rows_, columns_, scores_;
  dnnl::memory q_, k_, v_, y_, p_;
  std::vector<Packed> packed_;
  std::string path_;
};

}  // namespace

std::vector<Opponent> onednn_attention(const kernels::Op& op, const kernels::OpCase& work) {
  const auto* shape = shape_of<AttentionShape>(op, work);
  if (shape == nullptr || op.name != "attention_forward") return {};
  Opponent opponent = Attention(work, *shape).forward();
  AttentionShape without = *shape;
  without.dropout.probability = 0;
  opponent.instead = {op.bind(&without)};
  return {opponent};
}

}  // namespace cardiograd::bench
