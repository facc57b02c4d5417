// Eigen as its users would use it: matrices for linear layers and for convolution as one product over im2col, tensors
// on a pool of threads for everything element by element.
#define EIGEN_USE_THREADS

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <Eigen/Core>
#include <fmt/format.h>
#include <unsupported/Eigen/CXX11/Tensor>

#include "base/threads.h"
#include "bench/opponents/libraries.h"
#include "bench/opponents/own_buffers.h"
#include "kernels/activation/activation.h"
#include "kernels/add/add.h"
#include "kernels/conv1d/conv1d.h"
#include "kernels/linear/linear.h"
#include "kernels/max_pool/max_pool.h"
#include "kernels/reduce/reduce.h"

namespace cardiograd::bench {
namespace {

using kernels::Op;
using kernels::OpCase;
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<Matrix>;
template <int kRank>
using TensorMap = Eigen::TensorMap<Eigen::Tensor<float, kRank, Eigen::RowMajor, Eigen::Index>>;

// Matrix products and tensors on as many threads as ours.
Eigen::ThreadPoolDevice& pool() {
  static Eigen::ThreadPool threads(thread_count());
  static Eigen::ThreadPoolDevice device(&threads, thread_count());
  Eigen::setNbThreads(thread_count());
  return device;
}

Opponent eigen(const OpCase& work, const std::string& path, std::function<void(float* const*)> run) {
  pool();
  return own_buffers("Eigen", path, work, std::move(run));
}

OpponentList linear(const Op& op, const OpCase& work, const kernels::LinearShape& s) {
  if (s.adds || s.dropout.probability > 0) return {};  // No call of the library ends so.
  const auto rows = s.rows;
  const auto inputs = s.inputs;
  const auto outputs = s.outputs;
  if (op.name == "linear_forward")
    return {eigen(work, "Matrix", [=, relu = s.relu](float* const* p) {
      MatrixMap y(p[3], rows, outputs);
      y.noalias() = MatrixMap(p[0], rows, inputs) * MatrixMap(p[1], inputs, outputs);
      y.rowwise() += Eigen::Map<Eigen::RowVectorXf>(p[2], outputs);
      if (relu) y = y.cwiseMax(0.0F);
    })};
  if (op.name == "linear_backward_input")
    return {eigen(work, "Matrix", [=](float* const* p) {
      MatrixMap(p[2], rows, inputs).noalias() =
          MatrixMap(p[1], rows, outputs) * MatrixMap(p[0], inputs, outputs).transpose();
    })};
  if (op.name == "linear_backward_weight")
    return {eigen(work, "Matrix", [=](float* const* p) {
      const MatrixMap dy(p[1], rows, outputs);
      MatrixMap(p[2], inputs, outputs).noalias() = MatrixMap(p[0], rows, inputs).transpose() * dy;
      Eigen::Map<Eigen::RowVectorXf>(p[3], outputs).noalias() = dy.colwise().sum();
    })};
  return {};
}

// Tensor::extract_image_patches and a contraction.
OpponentList conv1d(const Op& op, const OpCase& work, const kernels::Conv1dShape& s) {
  if (op.name != "conv1d_forward" || s.groups != 1) return {};
  return {eigen(work, "Tensor, image patches and contraction", [s](float* const* p) {
    using Eigen::Index;
    const Index rows = s.batch * s.output_time();
    // Row major: (batch, columns, rows, channels); the signal is an image one row high.
    TensorMap<4> x(p[0], s.batch, s.time, 1, s.input_channels);
    const TensorMap<2> w(p[1], s.kernel * s.input_channels, s.output_channels);
    TensorMap<2> y(p[3], rows, s.output_channels);
    const TensorMap<2> b(p[2], 1, s.output_channels);
    const Eigen::array<Index, 2> matrix = {rows, s.kernel * s.input_channels};
    const Eigen::array<Eigen::IndexPair<Index>, 1> inner = {Eigen::IndexPair<Index>(1, 0)};
    const Eigen::array<Index, 2> repeated = {rows, 1};
    y.device(pool()) =
        x.extract_image_patches(1, s.kernel, 1, s.stride, 1, s.dilation, 1, 1, 0, 0, s.padding, s.padding, 0.0F)
            .reshape(matrix)
            .contract(w, inner) +
        b.broadcast(repeated);
  })};
}

OpponentList activation(const Op& op, const OpCase& work, const kernels::ActivationShape& s) {
  const auto count = s.count;
  if (op.name == "relu_forward")
    return {eigen(work, "Tensor", [=](float* const* p) {
      TensorMap<1>(p[1], count).device(pool()) = TensorMap<1>(p[0], count).cwiseMax(0.0F);
    })};
  if (op.name == "relu_backward")
    return {eigen(work, "Tensor", [=](float* const* p) {
      const TensorMap<1> y(p[0], count);
      const TensorMap<1> dy(p[1], count);
      TensorMap<1>(p[2], count).device(pool()) = (y > 0.0F).select(dy, dy.constant(0.0F));
    })};
  if (op.name == "gelu_forward")
    return {eigen(work, "Tensor", [=](float* const* p) {
      const TensorMap<1> x(p[0], count);
      TensorMap<1>(p[1], count).device(pool()) = x * 0.5F * ((x * 0.70710678F).erf() + 1.0F);
    })};
  if (op.name == "gelu_backward")
    return {eigen(work, "Tensor", [=](float* const* p) {
      const TensorMap<1> x(p[0], count);
      const TensorMap<1> dy(p[1], count);
      TensorMap<1>(p[2], count).device(pool()) =
          dy * (((x * 0.70710678F).erf() + 1.0F) * 0.5F + x * (x.square() * -0.5F).exp() * 0.39894228F);
    })};
  return {};
}

OpponentList add(const Op& op, const OpCase& work, const kernels::AddShape& s) {
  const auto count = s.count;
  const auto period = s.period;
  if (op.name == "add_forward")
    return {eigen(work, "Tensor", [=](float* const* p) {
      const Eigen::array<Eigen::Index, 2> repeated = {count / period, 1};
      TensorMap<2> y(p[2], count / period, period);
      const TensorMap<2> a(p[0], count / period, period);
      const TensorMap<2> b(p[1], 1, period);
      if (count == period)
        y.device(pool()) = a + b;
      else
        y.device(pool()) = a + b.broadcast(repeated);
    })};
  if (op.name == "add_backward_broadcast")
    return {eigen(work, "Tensor", [=](float* const* p) {
      const Eigen::array<Eigen::Index, 1> repetitions = {0};
      TensorMap<1>(p[1], period).device(pool()) = TensorMap<2>(p[0], count / period, period).sum(repetitions);
    })};
  if (op.name == "accumulate_forward")
    return {eigen(work, "Tensor", [=](float* const* p) {
      TensorMap<1> y(p[1], count);
      y.device(pool()) = y + TensorMap<1>(p[0], count);
    })};
  return {};
}

OpponentList max_pool(const Op& op, const OpCase& work, const kernels::MaxPoolShape& s) {
  if (op.name != "max_pool_forward" || s.kernel != s.stride || s.padding != 0 || s.time % s.kernel != 0) return {};
  return {eigen(work, "Tensor", [s](float* const* p) {
    const Eigen::array<Eigen::Index, 1> window = {2};
    TensorMap<3>(p[1], s.batch, s.output_time(), s.channels).device(pool()) =
        TensorMap<4>(p[0], s.batch, s.output_time(), s.kernel, s.channels).maximum(window);
  })};
}

}  // namespace

OpponentList eigen_opponents(const Op& op, const OpCase& work) {
  if (const auto* s = shape_of<kernels::LinearShape>(op, work)) return linear(op, work, *s);
  if (const auto* s = shape_of<kernels::Conv1dShape>(op, work)) return conv1d(op, work, *s);
  if (const auto* s = shape_of<kernels::ActivationShape>(op, work)) return activation(op, work, *s);
  if (const auto* s = shape_of<kernels::AddShape>(op, work)) return add(op, work, *s);
  if (const auto* s = shape_of<kernels::MaxPoolShape>(op, work)) return max_pool(op, work, *s);
  if (const auto* s = shape_of<kernels::MeanTimeShape>(op, work); s != nullptr && op.name == "mean_time_forward")
    return {eigen(work, "Tensor", [s = *s](float* const* p) {
      const Eigen::array<Eigen::Index, 1> time = {1};
      TensorMap<2>(p[1], s.batch, s.channels).device(pool()) =
          TensorMap<3>(p[0], s.batch, s.time, s.channels).mean(time);
    })};
  if (const auto* s = shape_of<kernels::SquaredNormShape>(op, work))
    return {eigen(work, "Tensor", [count = s->count](float* const* p) {
      Eigen::TensorMap<Eigen::Tensor<float, 0, Eigen::RowMajor, Eigen::Index>> sum(p[1]);
      sum.device(pool()) = TensorMap<1>(p[0], count).square().sum();
    })};
  if (const auto* s = shape_of<kernels::ScaleShape>(op, work))
    return {eigen(work, "Tensor", [s = *s](float* const* p) {
      TensorMap<1> x(p[0], s.count);
      x.device(pool()) = x * s.factor;
    })};
  return {};
}

std::string eigen_version() {
  return fmt::format("{}.{}.{}, compiled for AVX2 and FMA", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION,
                     EIGEN_MINOR_VERSION);
}

}  // namespace cardiograd::bench
