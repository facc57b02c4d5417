// oneDNN's convolutions and inner products. Weights are in the layout that it likes best, as if the optimizer kept them
// so.
#include "bench/opponents/onednn_call.h"
#include "kernels/conv1d/conv1d.h"
#include "kernels/linear/linear.h"

namespace cardiograd::bench {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;
using kernels::Conv1dShape;
using kernels::Op;
using kernels::OpCase;
using Tag = dnnl::memory::format_tag;

// The layouts of a convolution. Activations: channels last, or what oneDNN likes best for them.
struct ConvLayouts {
  OnednnLayout x, y, w, b;               // ours
  OnednnLayout x_inner, y_inner, w_any;  // what it computes on
  OnednnDims strides, dilation, padding, padding_end;

  ConvLayouts(const Conv1dShape& s, bool channels_last)
      : x(onednn_floats({s.batch, s.input_channels, s.time}, Tag::nwc)),
        y(onednn_floats({s.batch, s.output_channels, s.output_time()}, Tag::nwc)),
        b(onednn_floats({s.output_channels}, Tag::a)),
        strides{s.stride},
        dilation{s.dilation - 1},
        padding{s.padding},
        // Exactly what the last window needs: a stride may leave samples over.
        padding_end{(s.output_time() - 1) * s.stride + s.dilation * (s.kernel - 1) + 1 - s.time - s.padding} {
    const std::int64_t inputs = s.input_channels / s.groups;
    const std::int64_t outputs = s.output_channels / s.groups;
    if (s.groups == 1) {
      const OnednnDims dims = {outputs, inputs, s.kernel};
      w = onednn_floats(dims, {1, s.output_channels, inputs * s.output_channels});
      w_any = onednn_any(dims);
    } else {
      const OnednnDims dims = {s.groups, outputs, inputs, s.kernel};
      w = onednn_floats(dims, {outputs, 1, s.output_channels, inputs * s.output_channels});
      w_any = onednn_any(dims);
    }
    x_inner = channels_last ? x : onednn_any({s.batch, s.input_channels, s.time});
    y_inner = channels_last ? y : onednn_any({s.batch, s.output_channels, s.output_time()});
  }
};

Opponent conv1d_of(const Op& op, const OpCase& work, const Conv1dShape& s, bool channels_last) {
  const ConvLayouts l(s, channels_last);
  auto call = std::make_shared<OnednnCall>(work);
  const auto forward = onednn_describe<dnnl::convolution_forward>(
      prop_kind::forward_training, algorithm::convolution_direct, l.x_inner, l.w_any, l.b, l.y_inner, l.strides,
      l.dilation, l.padding, l.padding_end);
  std::string path;
  if (op.name == "conv1d_forward") {
    call->then(dnnl::convolution_forward(forward), {{DNNL_ARG_SRC, call->buffer("x", l.x, forward.src_desc())},
                                                    {DNNL_ARG_WEIGHTS, call->buffer("w", l.w, forward.weights_desc())},
                                                    {DNNL_ARG_BIAS, call->buffer("b", l.b)},
                                                    {DNNL_ARG_DST, call->buffer("y", l.y, forward.dst_desc())}});
    path = forward.impl_info_str();
  } else if (op.name == "conv1d_backward_input") {
    const auto backward =
        onednn_gradient<dnnl::convolution_backward_data>(forward, algorithm::convolution_direct, l.x_inner, l.w_any,
                                                         l.y_inner, l.strides, l.dilation, l.padding, l.padding_end);
    call->then(dnnl::convolution_backward_data(backward),
               {{DNNL_ARG_WEIGHTS, call->buffer("w", l.w, backward.weights_desc())},
                {DNNL_ARG_DIFF_DST, call->buffer("dy", l.y, backward.diff_dst_desc())},
                {DNNL_ARG_DIFF_SRC, call->buffer("dx", l.x, backward.diff_src_desc())}});
    path = backward.impl_info_str();
  } else {
    using Gradient = dnnl::convolution_backward_weights;
    const auto backward =
        s.bias_gradient ? onednn_gradient<Gradient>(forward, algorithm::convolution_direct, l.x_inner, l.w_any, l.b,
                                                    l.y_inner, l.strides, l.dilation, l.padding, l.padding_end)
                        : onednn_gradient<Gradient>(forward, algorithm::convolution_direct, l.x_inner, l.w_any,
                                                    l.y_inner, l.strides, l.dilation, l.padding, l.padding_end);
    OnednnCall::Arguments arguments = {{DNNL_ARG_SRC, call->buffer("x", l.x, backward.src_desc())},
                                       {DNNL_ARG_DIFF_DST, call->buffer("dy", l.y, backward.diff_dst_desc())},
                                       {DNNL_ARG_DIFF_WEIGHTS, call->buffer("dw", l.w, backward.diff_weights_desc())}};
    if (s.bias_gradient) arguments.emplace(DNNL_ARG_DIFF_BIAS, call->buffer("db", l.b));
    call->then(Gradient(backward), std::move(arguments));
    path = backward.impl_info_str();
  }
  return onednn_opponent(call, path + (channels_last ? ", channels last" : ", layout of its choice"));
}

std::vector<Opponent> conv1d(const Op& op, const OpCase& work, const Conv1dShape& s) {
  std::vector<Opponent> both = {conv1d_of(op, work, s, true), conv1d_of(op, work, s, false)};
  both[1].name = "oneDNN, own layout";
  return both;
}

std::vector<Opponent> linear(const Op& op, const OpCase& work, const kernels::LinearShape& s) {
  if (s.adds || s.dropout.probability > 0) return {};  // No call of the library ends so.
  const OnednnLayout x = onednn_floats({s.rows, s.inputs}, Tag::ab);
  const OnednnLayout y = onednn_floats({s.rows, s.outputs}, Tag::ab);
  const OnednnLayout b = onednn_floats({s.outputs}, Tag::a);
  const OnednnLayout w = onednn_floats({s.outputs, s.inputs}, Tag::ba);
  const OnednnLayout w_any = onednn_any({s.outputs, s.inputs});
  auto call = std::make_shared<OnednnCall>(work);
  const dnnl::primitive_attr attributes =
      s.relu && op.name == "linear_forward" ? onednn_then(algorithm::eltwise_relu, 0) : dnnl::primitive_attr();
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::inner_product_forward::primitive_desc forward(onednn_engine(), prop_kind::forward_training, x, w_any, b,
                                                            y, attributes);
#else
  const dnnl::inner_product_forward::primitive_desc forward({prop_kind::forward_training, x, w_any, b, y}, attributes,
                                                            onednn_engine());
#endif
  std::string path = forward.impl_info_str();
  if (op.name == "linear_forward") {
    call->then(dnnl::inner_product_forward(forward), {{DNNL_ARG_SRC, call->buffer("x", x)},
                                                      {DNNL_ARG_WEIGHTS, call->buffer("w", w, forward.weights_desc())},
                                                      {DNNL_ARG_BIAS, call->buffer("b", b)},
                                                      {DNNL_ARG_DST, call->buffer("y", y)}});
  } else if (op.name == "linear_backward_input") {
    const auto backward = onednn_gradient<dnnl::inner_product_backward_data>(forward, x, w_any, y);
    call->then(dnnl::inner_product_backward_data(backward),
               {{DNNL_ARG_WEIGHTS, call->buffer("w", w, backward.weights_desc())},
                {DNNL_ARG_DIFF_DST, call->buffer("dy", y)},
                {DNNL_ARG_DIFF_SRC, call->buffer("dx", x)}});
    path = backward.impl_info_str();
  } else if (op.name == "linear_backward_weight") {
    const auto backward = onednn_gradient<dnnl::inner_product_backward_weights>(forward, x, w_any, b, y);
    call->then(dnnl::inner_product_backward_weights(backward),
               {{DNNL_ARG_SRC, call->buffer("x", x)},
                {DNNL_ARG_DIFF_DST, call->buffer("dy", y)},
                {DNNL_ARG_DIFF_WEIGHTS, call->buffer("dw", w, backward.diff_weights_desc())},
                {DNNL_ARG_DIFF_BIAS, call->buffer("db", b)}});
    path = backward.impl_info_str();
  } else {
    return {};
  }
  return {onednn_opponent(call, path)};
}

}  // namespace

std::vector<Opponent> onednn_products(const Op& op, const OpCase& work) {
  if (const auto* s = shape_of<Conv1dShape>(op, work)) return conv1d(op, work, *s);
  if (const auto* s = shape_of<kernels::LinearShape>(op, work)) return linear(op, work, *s);
  return {};
}

}  // namespace cardiograd::bench
