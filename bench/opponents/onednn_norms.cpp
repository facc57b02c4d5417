// oneDNN's batch and layer normalization, and its max pooling.
#include "bench/opponents/onednn_call.h"
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/max_pool/max_pool.h"

namespace cardiograd::bench {
namespace {

using dnnl::algorithm;
using dnnl::normalization_flags;
using dnnl::prop_kind;
using kernels::BatchNormShape;
using kernels::LayerNormShape;
using kernels::MaxPoolShape;
using kernels::Op;
using kernels::OpCase;
using Tag = dnnl::memory::format_tag;

// Descriptors that oneDNN 3 took apart into source and destination.
dnnl::batch_normalization_forward::primitive_desc batch_norm_forward(prop_kind kind, const OnednnLayout& x,
                                                                     float epsilon, normalization_flags flags) {
#if DNNL_VERSION_MAJOR >= 3
  return onednn_describe<dnnl::batch_normalization_forward>(kind, x, x, epsilon, flags);
#else
  return onednn_describe<dnnl::batch_normalization_forward>(kind, x, epsilon, flags);
#endif
}
dnnl::batch_normalization_backward::primitive_desc batch_norm_backward(
    const dnnl::batch_normalization_forward::primitive_desc& forward, const OnednnLayout& x, float epsilon,
    normalization_flags flags) {
#if DNNL_VERSION_MAJOR >= 3
  return onednn_gradient<dnnl::batch_normalization_backward>(forward, prop_kind::backward, x, x, x, epsilon, flags);
#else
  return onednn_gradient<dnnl::batch_normalization_backward>(forward, prop_kind::backward, x, x, epsilon, flags);
#endif
}

// Rows as images one sample high, since oneDNN's fast versions take images only; in 64 records where that divides them,
// because it distributes records over threads.
OnednnLayout batch_norm_layout(const BatchNormShape& s) {
  const std::int64_t records = s.rows % 64 == 0 ? 64 : 1;
  return onednn_floats({records, s.channels, 1, s.rows / records}, Tag::nhwc);
}

std::vector<Opponent> batch_norm(const Op& op, const OpCase& work, const BatchNormShape& s) {
  const bool evaluation = op.name.find("_eval_") != std::string::npos;
  const bool gradient = !op.gradient_of.empty();
  const OnednnLayout x = batch_norm_layout(s);
  const OnednnLayout channel = onednn_floats({s.channels}, Tag::a);
  const OnednnLayout statistic = onednn_floats({1, s.channels}, Tag::ab);
  const auto epsilon = static_cast<float>(s.epsilon);
  auto flags = normalization_flags::use_scale | normalization_flags::use_shift;
  if (s.relu) flags |= normalization_flags::fuse_norm_relu;
  if (evaluation) flags |= normalization_flags::use_global_stats;
  const bool keeps_mask = s.relu && (gradient || !evaluation);
  const auto forward = batch_norm_forward(
      evaluation && !gradient ? prop_kind::forward_inference : prop_kind::forward_training, x, epsilon, flags);
  auto call = std::make_shared<OnednnCall>(work);
  const dnnl::memory input = call->buffer("x", x);
  const dnnl::memory output = gradient ? call->extra(x) : call->buffer("y", x);
  OnednnCall::Arguments arguments = {
      {DNNL_ARG_SRC, input},
      {DNNL_ARG_SCALE, call->buffer("gamma", channel)},
      {DNNL_ARG_SHIFT, call->buffer("beta", channel)},
      {DNNL_ARG_MEAN, call->buffer(evaluation ? "running_mean" : "mean", statistic)},
      {DNNL_ARG_VARIANCE, call->buffer(evaluation ? "running_var" : "variance", statistic)},
      {DNNL_ARG_DST, output}};
  if (keeps_mask) arguments[DNNL_ARG_WORKSPACE] = call->extra(forward.workspace_desc());
  const std::string note = evaluation ? "" : "no running statistics";
  if (!gradient) {
    call->then(dnnl::batch_normalization_forward(forward), arguments);
    return {onednn_opponent(call, forward.impl_info_str(), note)};
  }
  call->before(dnnl::batch_normalization_forward(forward), arguments);
  const auto backward = batch_norm_backward(forward, x, epsilon, flags);
  arguments.erase(DNNL_ARG_DST);
  arguments[DNNL_ARG_DIFF_DST] = call->buffer("dy", x);
  arguments[DNNL_ARG_DIFF_SRC] = call->buffer("dx", x);
  arguments[DNNL_ARG_DIFF_SCALE] = call->buffer("dgamma", channel);
  arguments[DNNL_ARG_DIFF_SHIFT] = call->buffer("dbeta", channel);
  call->then(dnnl::batch_normalization_backward(backward), arguments);
  Opponent opponent =
      onednn_opponent(call, backward.impl_info_str(), s.relu ? "mask of ReLU kept from the forward pass" : "");
  if (s.relu) opponent.tolerance = kMaskTolerance;
  return {opponent};
}

std::vector<Opponent> layer_norm(const Op& op, const OpCase& work, const LayerNormShape& s) {
  const OnednnLayout x = onednn_floats({s.rows, s.width}, Tag::ab);
  const OnednnLayout statistic = onednn_floats({s.rows}, Tag::a);
  const OnednnLayout channel = onednn_floats({s.width}, Tag::a);
  const auto epsilon = static_cast<float>(s.epsilon);
  const auto flags = normalization_flags::use_scale | normalization_flags::use_shift;
#if DNNL_VERSION_MAJOR >= 3
  const auto forward =
      onednn_describe<dnnl::layer_normalization_forward>(prop_kind::forward_training, x, x, statistic, epsilon, flags);
#else
  const auto forward =
      onednn_describe<dnnl::layer_normalization_forward>(prop_kind::forward_training, x, statistic, epsilon, flags);
#endif
  auto call = std::make_shared<OnednnCall>(work);
  dnnl::memory variance = call->extra(statistic);
  OnednnCall::Arguments arguments = {{DNNL_ARG_SRC, call->buffer("x", x)},
                                     {DNNL_ARG_SCALE, call->buffer("gamma", channel)},
                                     {DNNL_ARG_MEAN, call->buffer("mean", statistic)},
                                     {DNNL_ARG_VARIANCE, variance}};
  if (op.gradient_of.empty()) {
    arguments[DNNL_ARG_SHIFT] = call->buffer("beta", channel);
    arguments[DNNL_ARG_DST] = call->buffer("y", x);
    call->then(dnnl::layer_normalization_forward(forward), arguments);
    return {onednn_opponent(call, forward.impl_info_str(), "variance instead of rstd")};
  }
#if DNNL_VERSION_MAJOR >= 3
  const auto backward = onednn_gradient<dnnl::layer_normalization_backward>(forward, prop_kind::backward, x, x, x,
                                                                            statistic, epsilon, flags);
#else
  const auto backward = onednn_gradient<dnnl::layer_normalization_backward>(forward, prop_kind::backward, x, x,
                                                                            statistic, epsilon, flags);
#endif
  const dnnl::memory rstd = call->buffer("rstd", statistic);
  call->before([rstd, variance, s] {
    const auto* from = static_cast<const float*>(rstd.get_data_handle());
    auto* to = static_cast<float*>(variance.get_data_handle());
    for (std::int64_t r = 0; r < s.rows; ++r)
      to[r] = static_cast<float>(1 / (static_cast<double>(from[r]) * static_cast<double>(from[r])) - s.epsilon);
  });
  arguments[DNNL_ARG_SHIFT] = call->extra(channel);  // oneDNN 2 asks for it and does not read it.
  arguments[DNNL_ARG_DIFF_DST] = call->buffer("dy", x);
  arguments[DNNL_ARG_DIFF_SRC] = call->buffer("dx", x);
  arguments[DNNL_ARG_DIFF_SCALE] = call->buffer("dgamma", channel);
  arguments[DNNL_ARG_DIFF_SHIFT] = call->buffer("dbeta", channel);
  call->then(dnnl::layer_normalization_backward(backward), arguments);
  return {onednn_opponent(call, backward.impl_info_str(), "variance instead of rstd")};
}

std::vector<Opponent> max_pool(const Op& op, const OpCase& work, const MaxPoolShape& s) {
  const bool gradient = !op.gradient_of.empty();
  const OnednnLayout x = onednn_floats({s.batch, s.channels, s.time}, Tag::nwc);
  const OnednnLayout y = onednn_floats({s.batch, s.channels, s.output_time()}, Tag::nwc);
  const OnednnDims stride = {s.stride};
  const OnednnDims kernel = {s.kernel};
  const OnednnDims padding = {s.padding};
  const OnednnDims padding_end = {(s.output_time() - 1) * s.stride + s.kernel - s.time - s.padding};
  const auto kind = gradient ? prop_kind::forward_training : prop_kind::forward_inference;
#if DNNL_VERSION_MAJOR >= 3
  const OnednnDims dilation = {0};
  const auto forward = onednn_describe<dnnl::pooling_forward>(kind, algorithm::pooling_max, x, y, stride, kernel,
                                                              dilation, padding, padding_end);
#else
  const auto forward =
      onednn_describe<dnnl::pooling_forward>(kind, algorithm::pooling_max, x, y, stride, kernel, padding, padding_end);
#endif
  auto call = std::make_shared<OnednnCall>(work);
  const dnnl::memory input = call->buffer("x", x);
  if (!gradient) {
    call->then(dnnl::pooling_forward(forward), {{DNNL_ARG_SRC, input}, {DNNL_ARG_DST, call->buffer("y", y)}});
    return {onednn_opponent(call, forward.impl_info_str())};
  }
  const dnnl::memory places = call->extra(forward.workspace_desc());
  call->before(dnnl::pooling_forward(forward),
               {{DNNL_ARG_SRC, input}, {DNNL_ARG_DST, call->extra(y)}, {DNNL_ARG_WORKSPACE, places}});
#if DNNL_VERSION_MAJOR >= 3
  const auto backward = onednn_gradient<dnnl::pooling_backward>(forward, algorithm::pooling_max, x, y, stride, kernel,
                                                                dilation, padding, padding_end);
#else
  const auto backward = onednn_gradient<dnnl::pooling_backward>(forward, algorithm::pooling_max, x, y, stride, kernel,
                                                                padding, padding_end);
#endif
  call->then(dnnl::pooling_backward(backward), {{DNNL_ARG_DIFF_DST, call->buffer("dy", y)},
                                                {DNNL_ARG_DIFF_SRC, call->buffer("dx", x)},
                                                {DNNL_ARG_WORKSPACE, places}});
  return {onednn_opponent(call, backward.impl_info_str(), "places of the maxima kept from the forward pass")};
}

}  // namespace

std::vector<Opponent> onednn_norms(const Op& op, const OpCase& work) {
  if (const auto* s = shape_of<BatchNormShape>(op, work)) return batch_norm(op, work, *s);
  if (const auto* s = shape_of<LayerNormShape>(op, work)) return layer_norm(op, work, *s);
  if (const auto* s = shape_of<MaxPoolShape>(op, work)) return max_pool(op, work, *s);
  return {};
}

}  // namespace cardiograd::bench
