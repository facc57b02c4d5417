// cuDNN's batch normalization, pooling and activation, channels last, in fp32.
#include <algorithm>
#include <memory>
#include <string>

#include "bench/opponents/cudnn_handle.h"
#include "bench/opponents/cudnn_opponents.h"
#include "bench/opponents/gpu_call.h"
#include "kernels/activation/activation.h"
#include "kernels/batch_norm/batch_norm.h"
#include "kernels/max_pool/max_pool.h"

namespace cardiograd::bench {
namespace {

using kernels::BatchNormShape;
using kernels::Op;
using kernels::OpCase;

constexpr float kOne = 1;
constexpr float kZero = 0;

struct Activation {
  CudnnActivation relu = cudnn_activation(CUDNN_ACTIVATION_RELU);
  CudnnTensor layout;

  void forward(void* x, void* y) const {
    check_cudnn(cudnnActivationForward(cudnn_handle(), relu.get(), &kOne, layout.get(), x, &kZero, layout.get(), y),
                "an activation");
  }
  // cuDNN's ReLU looks at y only; x is asked for.
  void backward(void* y, void* dy, void* dx) const {
    check_cudnn(cudnnActivationBackward(cudnn_handle(), relu.get(), &kOne, layout.get(), y, layout.get(), dy,
                                        layout.get(), y, &kZero, layout.get(), dx),
                "an activation's gradient");
  }
};

// Normalization and, in a pass of its own, ReLU.
struct BatchNorm {
  BatchNormShape s;
  CudnnTensor rows, channels;
  Activation activation;

  explicit BatchNorm(const BatchNormShape& shape) : s(shape) {
    const std::int64_t records = s.rows % 64 == 0 ? 64 : 1;
    rows = cudnn_tensor(CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, records, s.channels, s.rows / records);
    channels = cudnn_make(cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor);
    check_cudnn(cudnnDeriveBNTensorDescriptor(channels.get(), rows.get(), CUDNN_BATCHNORM_SPATIAL_PERSISTENT),
                "describing channels");
    activation.layout = rows;
  }
  double epsilon() const { return std::max(s.epsilon, CUDNN_BN_MIN_EPSILON); }
  void relu(void* y) const {
    if (s.relu) activation.forward(y, y);
  }
};

OpponentList batch_norm_forward(const OpCase& work, const BatchNormShape& shape) {
  auto n = std::make_shared<BatchNorm>(shape);
  auto call = std::make_shared<GpuCall>(work);
  void* x = call->buffer("x");
  void* y = call->buffer("y");
  void* gamma = call->buffer("gamma");
  void* beta = call->buffer("beta");
  void* running_mean = call->buffer("running_mean");
  void* running_var = call->buffer("running_var");
  const std::size_t bytes = static_cast<std::size_t>(shape.channels) * sizeof(float);
  void* mean = call->extra(bytes);
  void* rstd = call->extra(bytes);
  return {gpu_opponent("cuDNN", shape.relu ? "SPATIAL_PERSISTENT, then ReLU" : "SPATIAL_PERSISTENT", call, [=] {
    check_cudnn(
        cudnnBatchNormalizationForwardTraining(cudnn_handle(), CUDNN_BATCHNORM_SPATIAL_PERSISTENT, &kOne, &kZero,
                                               n->rows.get(), x, n->rows.get(), y, n->channels.get(), gamma, beta,
                                               n->s.momentum, running_mean, running_var, n->epsilon(), mean, rstd),
        "batch normalization");
    n->relu(y);
  })};
}

OpponentList batch_norm_eval(const OpCase& work, const BatchNormShape& shape) {
  auto n = std::make_shared<BatchNorm>(shape);
  auto call = std::make_shared<GpuCall>(work);
  void* x = call->buffer("x");
  void* y = call->buffer("y");
  void* gamma = call->buffer("gamma");
  void* beta = call->buffer("beta");
  void* mean = call->buffer("running_mean");
  void* variance = call->buffer("running_var");
  return {gpu_opponent("cuDNN", shape.relu ? "inference, then ReLU" : "inference", call, [=] {
    check_cudnn(cudnnBatchNormalizationForwardInference(cudnn_handle(), CUDNN_BATCHNORM_SPATIAL_PERSISTENT, &kOne,
                                                        &kZero, n->rows.get(), x, n->rows.get(), y, n->channels.get(),
                                                        gamma, beta, mean, variance, n->epsilon()),
                "batch normalization");
    n->relu(y);
  })};
}

OpponentList batch_norm_backward(const OpCase& work, const BatchNormShape& shape) {
  auto n = std::make_shared<BatchNorm>(shape);
  auto call = std::make_shared<GpuCall>(work);
  void* x = call->buffer("x");
  void* gamma = call->buffer("gamma");
  void* beta = call->buffer("beta");
  void* dy = call->buffer("dy");
  void* dx = call->buffer("dx");
  void* dgamma = call->buffer("dgamma");
  void* dbeta = call->buffer("dbeta");
  const std::size_t all = static_cast<std::size_t>(shape.rows * shape.channels) * sizeof(float);
  const std::size_t bytes = static_cast<std::size_t>(shape.channels) * sizeof(float);
  void* y = call->extra(all);
  void* masked = shape.relu ? call->extra(all) : dy;
  void* mean = call->extra(bytes);
  void* rstd = call->extra(bytes);
  call->before([=] {  // mean, rstd and y of the forward pass
    check_cudnn(cudnnBatchNormalizationForwardTraining(cudnn_handle(), CUDNN_BATCHNORM_SPATIAL_PERSISTENT, &kOne,
                                                       &kZero, n->rows.get(), x, n->rows.get(), y, n->channels.get(),
                                                       gamma, beta, 1, nullptr, nullptr, n->epsilon(), mean, rstd),
                "batch normalization");
    n->relu(y);
  });
  Opponent opponent = gpu_opponent(
      "cuDNN", shape.relu ? "ReLU, then SPATIAL_PERSISTENT" : "SPATIAL_PERSISTENT", call,
      [=] {
        if (n->s.relu) n->activation.backward(y, dy, masked);
        check_cudnn(
            cudnnBatchNormalizationBackward(cudnn_handle(), CUDNN_BATCHNORM_SPATIAL_PERSISTENT, &kOne, &kZero, &kOne,
                                            &kZero, n->rows.get(), x, n->rows.get(), masked, n->rows.get(), dx,
                                            n->channels.get(), gamma, dgamma, dbeta, n->epsilon(), mean, rstd),
            "batch normalization's gradient");
      },
      shape.relu ? "y kept from the forward pass" : "");
  if (shape.relu) opponent.tolerance = kMaskTolerance;
  return {opponent};
}

OpponentList max_pool(const Op& op, const OpCase& work, const kernels::MaxPoolShape& s) {
  auto call = std::make_shared<GpuCall>(work);
  const auto pooling = cudnn_make(cudnnCreatePoolingDescriptor, cudnnDestroyPoolingDescriptor);
  check_cudnn(
      cudnnSetPooling2dDescriptor(pooling.get(), CUDNN_POOLING_MAX, CUDNN_PROPAGATE_NAN, 1, static_cast<int>(s.kernel),
                                  0, static_cast<int>(s.padding), 1, static_cast<int>(s.stride)),
      "describing pooling");
  const CudnnTensor in = cudnn_tensor(CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, s.batch, s.channels, s.time);
  const CudnnTensor out = cudnn_tensor(CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, s.batch, s.channels, s.output_time());
  void* x = call->buffer("x");
  const bool gradient = !op.gradient_of.empty();
  void* y = gradient ? call->extra(static_cast<std::size_t>(s.batch * s.output_time() * s.channels) * sizeof(float))
                     : call->buffer("y");
  const auto forward = [=] {
    check_cudnn(cudnnPoolingForward(cudnn_handle(), pooling.get(), &kOne, in.get(), x, &kZero, out.get(), y),
                "pooling");
  };
  if (!gradient) return {gpu_opponent("cuDNN", "CUDNN_POOLING_MAX, NHWC", call, forward)};
  void* dy = call->buffer("dy");
  void* dx = call->buffer("dx");
  call->before(forward);
  return {gpu_opponent(
      "cuDNN", "CUDNN_POOLING_MAX, NHWC", call,
      [=] {
        check_cudnn(cudnnPoolingBackward(cudnn_handle(), pooling.get(), &kOne, out.get(), y, out.get(), dy, in.get(), x,
                                         &kZero, in.get(), dx),
                    "pooling's gradient");
      },
      "y kept from the forward pass")};
}

OpponentList relu(const Op& op, const OpCase& work, std::int64_t count) {
  auto call = std::make_shared<GpuCall>(work);
  Activation activation;
  activation.layout = cudnn_tensor(CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, 1, 1, count);
  void* y = call->buffer("y");
  if (op.gradient_of.empty()) {
    void* x = call->buffer("x");
    return {gpu_opponent("cuDNN", "activation", call, [=] { activation.forward(x, y); })};
  }
  void* dy = call->buffer("dy");
  void* dx = call->buffer("dx");
  return {gpu_opponent("cuDNN", "activation", call, [=] { activation.backward(y, dy, dx); })};
}

}  // namespace

OpponentList cudnn_rows(const Op& op, const OpCase& work) {
  if (const auto* s = shape_of<BatchNormShape>(op, work)) {
    if (op.name == "batch_norm_forward") return batch_norm_forward(work, *s);
    if (op.name == "batch_norm_eval_forward") return batch_norm_eval(work, *s);
    if (op.name == "batch_norm_backward") return batch_norm_backward(work, *s);
    return {};
  }
  if (const auto* s = shape_of<kernels::MaxPoolShape>(op, work)) return max_pool(op, work, *s);
  if (const auto* s = shape_of<kernels::ActivationShape>(op, work); s != nullptr && op.name.rfind("relu_", 0) == 0)
    return relu(op, work, s->count);
  return {};
}

OpponentList cudnn_opponents(const Op& op, const OpCase& work, Precision precision) {
  OpponentList list = cudnn_conv1d(op, work, precision);
  return list.empty() ? cudnn_rows(op, work) : list;
}

std::string cudnn_version() {
  const std::size_t version = cudnnGetVersion();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

}  // namespace cardiograd::bench
