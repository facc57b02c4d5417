// oneDNN's primitives over elements: activations, additions, reductions.
#include <algorithm>
#include <iterator>

#include "bench/opponents/onednn_call.h"
#include "kernels/activation/activation.h"
#include "kernels/add/add.h"
#include "kernels/reduce/reduce.h"

namespace cardiograd::bench {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;
using kernels::Op;
using kernels::OpCase;
using Tag = dnnl::memory::format_tag;

dnnl::eltwise_forward::primitive_desc eltwise(algorithm kind, const OnednnLayout& x, float alpha = 0) {
#if DNNL_VERSION_MAJOR >= 3
  return onednn_describe<dnnl::eltwise_forward>(prop_kind::forward_training, kind, x, x, alpha, 0.0F);
#else
  return onednn_describe<dnnl::eltwise_forward>(prop_kind::forward_training, kind, x, alpha, 0.0F);
#endif
}

// An activation in oneDNN; the gradient of some is computed from y instead of x.
struct Activation {
  const char* name;
  algorithm forward;
  algorithm backward;
  bool from_y;
};
constexpr Activation kActivations[] = {
    {"relu_", algorithm::eltwise_relu, algorithm::eltwise_relu_use_dst_for_bwd, true},
    {"gelu_", algorithm::eltwise_gelu_erf, algorithm::eltwise_gelu_erf, false},
    {"tanh_", algorithm::eltwise_tanh, algorithm::eltwise_tanh_use_dst_for_bwd, true},
};

std::vector<Opponent> activation(const Op& op, const OpCase& work, const kernels::ActivationShape& s) {
  const auto* known = std::find_if(std::begin(kActivations), std::end(kActivations),
                                   [&](const Activation& one) { return op.name.rfind(one.name, 0) == 0; });
  if (known == std::end(kActivations)) return {};
  const OnednnLayout x = onednn_floats({s.count}, Tag::a);
  auto call = std::make_shared<OnednnCall>(work);
  if (op.gradient_of.empty()) {
    const auto forward = eltwise(known->forward, x);
    call->then(dnnl::eltwise_forward(forward),
               {{DNNL_ARG_SRC, call->buffer("x", x)}, {DNNL_ARG_DST, call->buffer("y", x)}});
    return {onednn_opponent(call, forward.impl_info_str())};
  }
  const algorithm kind = known->backward;
  const auto forward = eltwise(kind, x);
#if DNNL_VERSION_MAJOR >= 3
  const auto backward = onednn_gradient<dnnl::eltwise_backward>(forward, kind, x, x, x, 0.0F, 0.0F);
#else
  const auto backward = onednn_gradient<dnnl::eltwise_backward>(forward, kind, x, x, 0.0F, 0.0F);
#endif
  call->then(dnnl::eltwise_backward(backward),
             {{known->from_y ? DNNL_ARG_DST : DNNL_ARG_SRC, call->buffer(known->from_y ? "y" : "x", x)},
              {DNNL_ARG_DIFF_DST, call->buffer("dy", x)},
              {DNNL_ARG_DIFF_SRC, call->buffer("dx", x)}});
  return {onednn_opponent(call, backward.impl_info_str())};
}

std::vector<Opponent> add(const Op& op, const OpCase& work, const kernels::AddShape& s) {
  const OnednnLayout all = onednn_floats({s.count / s.period, s.period}, Tag::ab);
  const OnednnLayout one = onednn_floats({1, s.period}, Tag::ab);
  auto call = std::make_shared<OnednnCall>(work);
  if (op.name == "add_backward_broadcast") {
    if (s.count == s.period) return {};  // It refuses to sum over one row.
    const auto sum = onednn_describe<dnnl::reduction>(algorithm::reduction_sum, all, one, 0.0F, 0.0F);
    call->then(dnnl::reduction(sum),
               {{DNNL_ARG_SRC, call->buffer("dy", all)}, {DNNL_ARG_DST, call->buffer("db", one)}});
    return {onednn_opponent(call, sum.impl_info_str())};
  }
  const bool in_place = op.name == "accumulate_forward";
  if (!in_place && op.name != "add_forward") return {};
  const OnednnLayout second = in_place ? all : one;
  const auto sum = onednn_describe<dnnl::binary>(algorithm::binary_add, all, second, all);
  const dnnl::memory y = call->buffer("y", all);
  call->then(dnnl::binary(sum), {{DNNL_ARG_SRC_0, in_place ? y : call->buffer("a", all)},
                                 {DNNL_ARG_SRC_1, call->buffer(in_place ? "x" : "b", second)},
                                 {DNNL_ARG_DST, y}});
  return {onednn_opponent(call, sum.impl_info_str())};
}

}  // namespace

std::vector<Opponent> onednn_elements(const Op& op, const OpCase& work) {
  if (const auto* s = shape_of<kernels::ActivationShape>(op, work)) return activation(op, work, *s);
  if (const auto* s = shape_of<kernels::AddShape>(op, work)) return add(op, work, *s);
  auto call = std::make_shared<OnednnCall>(work);
  if (const auto* s = shape_of<kernels::MeanTimeShape>(op, work); s != nullptr && op.name == "mean_time_forward") {
    const OnednnLayout x = onednn_floats({s->batch, s->time, s->channels}, Tag::abc);
    const OnednnLayout y = onednn_floats({s->batch, 1, s->channels}, Tag::abc);
    const auto mean = onednn_describe<dnnl::reduction>(algorithm::reduction_mean, x, y, 0.0F, 0.0F);
    call->then(dnnl::reduction(mean), {{DNNL_ARG_SRC, call->buffer("x", x)}, {DNNL_ARG_DST, call->buffer("y", y)}});
    return {onednn_opponent(call, mean.impl_info_str())};
  }
  if (const auto* s = shape_of<kernels::SquaredNormShape>(op, work)) {
    const OnednnLayout x = onednn_floats({s->count}, Tag::a);
    const OnednnLayout y = onednn_floats({1}, Tag::a);
    const auto sum = onednn_describe<dnnl::reduction>(algorithm::reduction_norm_lp_power_p_sum, x, y, 2.0F, 0.0F);
    call->then(dnnl::reduction(sum), {{DNNL_ARG_SRC, call->buffer("x", x)}, {DNNL_ARG_DST, call->buffer("y", y)}});
    return {onednn_opponent(call, sum.impl_info_str())};
  }
  if (const auto* s = shape_of<kernels::ScaleShape>(op, work)) {
    const OnednnLayout layout = onednn_floats({s->count}, Tag::a);
    const auto scale = eltwise(algorithm::eltwise_linear, layout, s->factor);
    const dnnl::memory x = call->buffer("x", layout);
    call->then(dnnl::eltwise_forward(scale), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, x}});
    return {onednn_opponent(call, scale.impl_info_str())};
  }
  return {};
}

}  // namespace cardiograd::bench
