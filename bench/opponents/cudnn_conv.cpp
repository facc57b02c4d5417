// cuDNN's convolutions: the fastest algorithm of its search, in both layouts of activations.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "bench/opponents/cudnn_handle.h"
#include "bench/opponents/cudnn_opponents.h"
#include "bench/opponents/gpu_call.h"
#include "kernels/conv1d/conv1d.h"

namespace cardiograd::bench {
namespace {

using kernels::Conv1dShape;

constexpr std::size_t kWorkspaceBytes = std::size_t{512} << 20U;
constexpr int kCandidates = 8;
constexpr float kOne = 1;
constexpr float kZero = 0;

// One direction of one convolution: its memory, its descriptors and, after the search, its algorithm.
class Convolution {
 public:
  Convolution(const kernels::OpCase& work, const Conv1dShape& s, bool channels_last, Precision precision)
      : call_(std::make_shared<GpuCall>(work)), s_(s), channels_last_(channels_last), precision_(precision) {
    const auto format = channels_last ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;
    const auto type = precision == Precision::kBf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    x_layout_ = cudnn_tensor(format, type, s.batch, s.input_channels, s.time);
    y_layout_ = cudnn_tensor(format, type, s.batch, s.output_channels, s.output_time());
    b_layout_ = cudnn_tensor(format, type, 1, s.output_channels, 1);
    check_cudnn(
        cudnnSetFilter4dDescriptor(w_layout_.get(), type, format, static_cast<int>(s.output_channels),
                                   static_cast<int>(s.input_channels / s.groups), 1, static_cast<int>(s.kernel)),
        "describing weights");
    check_cudnn(cudnnSetConvolution2dDescriptor(convolution_.get(), 0, static_cast<int>(s.padding), 1,
                                                static_cast<int>(s.stride), 1, static_cast<int>(s.dilation),
                                                CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
                "describing a convolution");
    check_cudnn(cudnnSetConvolutionGroupCount(convolution_.get(), static_cast<int>(s.groups)),
                "grouping a convolution");
    set_math(precision == Precision::kFp32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH);
    workspace_ = call_->extra(kWorkspaceBytes);
  }

  const std::shared_ptr<GpuCall>& call() const { return call_; }
  void* activations(const char* name) { return call_->buffer(name, number(), channels_last_ ? Axes{} : Axes{0, 2, 1}); }
  void* weights(const char* name) {
    return call_->buffer(name, number(), channels_last_ ? Axes{2, 0, 1} : Axes{2, 1, 0});
  }
  void* bias(const char* name) { return call_->buffer(name, number()); }

  void forward(void* x, void* w, void* b, void* y) const {
    if (forward_ == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM) {
      check_cudnn(cudnnConvolutionBiasActivationForward(cudnn_handle(), &kOne, x_layout_.get(), x, w_layout_.get(), w,
                                                        convolution_.get(), forward_, workspace_, kWorkspaceBytes,
                                                        &kZero, y_layout_.get(), y, b_layout_.get(), b, identity_.get(),
                                                        y_layout_.get(), y),
                  "a convolution with bias");
      return;
    }
    check_cudnn(
        cudnnConvolutionForward(cudnn_handle(), &kOne, x_layout_.get(), x, w_layout_.get(), w, convolution_.get(),
                                forward_, workspace_, kWorkspaceBytes, &kZero, y_layout_.get(), y),
        "a convolution");
    check_cudnn(cudnnAddTensor(cudnn_handle(), &kOne, b_layout_.get(), b, &kOne, y_layout_.get(), y), "adding a bias");
  }
  void backward_input(void* w, void* dy, void* dx) const {
    check_cudnn(
        cudnnConvolutionBackwardData(cudnn_handle(), &kOne, w_layout_.get(), w, y_layout_.get(), dy, convolution_.get(),
                                     input_, workspace_, kWorkspaceBytes, &kZero, x_layout_.get(), dx),
        "an input gradient");
  }
  void backward_weight(void* x, void* dy, void* dw, void* db) const {
    check_cudnn(cudnnConvolutionBackwardFilter(cudnn_handle(), &kOne, x_layout_.get(), x, y_layout_.get(), dy,
                                               convolution_.get(), weight_, workspace_, kWorkspaceBytes, &kZero,
                                               w_layout_.get(), dw),
                "a weight gradient");
    if (db == nullptr) return;
    check_cudnn(cudnnConvolutionBackwardBias(cudnn_handle(), &kOne, y_layout_.get(), dy, &kZero, b_layout_.get(), db),
                "a bias gradient");
  }

  // The searches run each algorithm; pointers are to the loaded buffers.
  void search_forward(void* x, void* w, void* y) {
    std::array<cudnnConvolutionFwdAlgoPerf_t, kCandidates> found = {};
    int count = 0;
    check_cudnn(cudnnFindConvolutionForwardAlgorithmEx(cudnn_handle(), x_layout_.get(), x, w_layout_.get(), w,
                                                       convolution_.get(), y_layout_.get(), y, kCandidates, &count,
                                                       found.data(), workspace_, kWorkspaceBytes),
                "searching for an algorithm");
    forward_ = take(found, count);
  }
  void search_backward_input(void* w, void* dy, void* dx) {
    std::array<cudnnConvolutionBwdDataAlgoPerf_t, kCandidates> found = {};
    int count = 0;
    check_cudnn(cudnnFindConvolutionBackwardDataAlgorithmEx(cudnn_handle(), w_layout_.get(), w, y_layout_.get(), dy,
                                                            convolution_.get(), x_layout_.get(), dx, kCandidates,
                                                            &count, found.data(), workspace_, kWorkspaceBytes),
                "searching for an algorithm");
    input_ = take(found, count);
  }
  void search_backward_weight(void* x, void* dy, void* dw) {
    std::array<cudnnConvolutionBwdFilterAlgoPerf_t, kCandidates> found = {};
    int count = 0;
    check_cudnn(cudnnFindConvolutionBackwardFilterAlgorithmEx(cudnn_handle(), x_layout_.get(), x, y_layout_.get(), dy,
                                                              convolution_.get(), w_layout_.get(), dw, kCandidates,
                                                              &count, found.data(), workspace_, kWorkspaceBytes),
                "searching for an algorithm");
    weight_ = take(found, count);
  }

 private:
  using Axes = std::vector<std::size_t>;

  GpuNumber number() const { return precision_ == Precision::kBf16 ? GpuNumber::kBFloat16 : GpuNumber::kFloat; }
  void set_math(cudnnMathType_t math) {
    check_cudnn(cudnnSetConvolutionMathType(convolution_.get(), math), "setting the precision");
  }
  // The fastest that ran, in the precision that was asked for: in fp32 no tensor cores.
  template <class Found>
  decltype(Found::value_type::algo) take(const Found& found, int count) {
    for (int i = 0; i < count; ++i) {
      const auto& one = found.at(static_cast<std::size_t>(i));
      if (one.status != CUDNN_STATUS_SUCCESS) continue;
      if (precision_ == Precision::kFp32 && one.mathType != CUDNN_FMA_MATH) continue;
      set_math(one.mathType);
      return one.algo;
    }
    throw Error("cuDNN: its search found no algorithm for the convolution");
  }

  std::shared_ptr<GpuCall> call_;
  Conv1dShape s_;
  bool channels_last_;
  Precision precision_;
  CudnnTensor x_layout_, y_layout_, b_layout_;
  decltype(cudnn_make(cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor)) w_layout_ =
      cudnn_make(cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor);
  decltype(cudnn_make(cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor)) convolution_ =
      cudnn_make(cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor);
  CudnnActivation identity_ = cudnn_activation(CUDNN_ACTIVATION_IDENTITY);
  void* workspace_ = nullptr;
  cudnnConvolutionFwdAlgo_t forward_ = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
  cudnnConvolutionBwdDataAlgo_t input_ = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
  cudnnConvolutionBwdFilterAlgo_t weight_ = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
};

// Searches when inputs are loaded for the first time, because the search runs on them.
void search_once(const std::shared_ptr<GpuCall>& call, std::function<void()> search) {
  auto searched = std::make_shared<bool>(false);
  call->before([searched, search = std::move(search)] {
    if (!*searched) search();
    *searched = true;
  });
}

Opponent conv1d_of(const kernels::Op& op, const kernels::OpCase& work, const Conv1dShape& s, bool channels_last,
                   Precision precision) {
  auto c = std::make_shared<Convolution>(work, s, channels_last, precision);
  std::function<void()> run;
  if (op.name == "conv1d_forward") {
    void* x = c->activations("x");
    void* w = c->weights("w");
    void* b = c->bias("b");
    void* y = c->activations("y");
    search_once(c->call(), [=, self = c.get()] { self->search_forward(x, w, y); });
    run = [=] { c->forward(x, w, b, y); };
  } else if (op.name == "conv1d_backward_input") {
    void* w = c->weights("w");
    void* dy = c->activations("dy");
    void* dx = c->activations("dx");
    search_once(c->call(), [=, self = c.get()] { self->search_backward_input(w, dy, dx); });
    run = [=] { c->backward_input(w, dy, dx); };
  } else {
    void* x = c->activations("x");
    void* dy = c->activations("dy");
    void* dw = c->weights("dw");
    void* db = s.bias_gradient ? c->bias("db") : nullptr;
    search_once(c->call(), [=, self = c.get()] { self->search_backward_weight(x, dy, dw); });
    run = [=] { c->backward_weight(x, dy, dw, db); };
  }
  const std::string layout = channels_last ? "NHWC" : "NCHW";
  Opponent opponent = gpu_opponent("cuDNN " + layout, "fastest of its search, " + layout, c->call(), std::move(run),
                                   precision == Precision::kBf16 ? "activations and weights stored in bf16" : "");
  return opponent;
}

}  // namespace

OpponentList cudnn_conv1d(const kernels::Op& op, const kernels::OpCase& work, Precision precision) {
  const auto* s = shape_of<Conv1dShape>(op, work);
  if (s == nullptr) return {};
  return {conv1d_of(op, work, *s, true, precision), conv1d_of(op, work, *s, false, precision)};
}

}  // namespace cardiograd::bench
