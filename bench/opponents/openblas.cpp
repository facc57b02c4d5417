// OpenBLAS: single-precision products for linear layers, and for convolutions under im2col, as in libraries that are
// built on a BLAS.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <cblas.h>
#include <fmt/format.h>

#include "base/threads.h"
#include "bench/opponents/libraries.h"
#include "bench/opponents/own_buffers.h"
#include "kernels/add/add.h"
#include "kernels/conv1d/conv1d.h"
#include "kernels/linear/linear.h"
#include "kernels/reduce/reduce.h"

namespace cardiograd::bench {
namespace {

using kernels::Op;
using kernels::OpCase;

blasint size(std::int64_t value) {
  return static_cast<blasint>(value);
}

// c (m x n) = op(a) op(b), row major, contiguous.
void product(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
             const float* b, float beta, float* c) {
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, size(m),
              size(n), size(k), 1, a, size(transpose_a ? m : k), b, size(transpose_b ? k : n), beta, c, size(n));
}

// Each row of y = b: the product then adds to it.
void fill_rows(const float* b, std::int64_t rows, std::int64_t columns, float* y) {
  constexpr std::int64_t kRows = 256;
  parallel_for((rows + kRows - 1) / kRows, [&](std::int64_t piece) {
    for (std::int64_t r = piece * kRows; r < std::min(rows, (piece + 1) * kRows); ++r)
      std::copy_n(b, columns, y + r * columns);
  });
}

void relu_rows(std::int64_t rows, std::int64_t columns, float* y) {
  parallel_for(rows, [&](std::int64_t r) {
    for (std::int64_t c = r * columns; c < (r + 1) * columns; ++c) y[c] = std::max(y[c], 0.0F);
  });
}

// sum (columns) = the sum of the rows of y, as a product with ones.
void sum_rows(const float* y, std::int64_t rows, std::int64_t columns, const std::vector<float>& ones, float* sum) {
  cblas_sgemv(CblasRowMajor, CblasTrans, size(rows), size(columns), 1, y, size(columns), ones.data(), 1, 0, sum, 1);
}

Opponent openblas(const OpCase& work, const std::string& path, std::function<void(float* const*)> run) {
  openblas_set_num_threads(thread_count());
  return own_buffers("OpenBLAS", path, work, std::move(run));
}

OpponentList linear(const Op& op, const OpCase& work, const kernels::LinearShape& s) {
  if (s.adds || s.dropout.probability > 0) return {};  // No call of the library ends so.
  if (op.name == "linear_forward")
    return {openblas(work, "sgemm", [s](float* const* p) {
      fill_rows(p[2], s.rows, s.outputs, p[3]);
      product(false, false, s.rows, s.outputs, s.inputs, p[0], p[1], 1, p[3]);
      if (s.relu) relu_rows(s.rows, s.outputs, p[3]);
    })};
  if (op.name == "linear_backward_input")
    return {openblas(work, "sgemm",
                     [s](float* const* p) { product(false, true, s.rows, s.inputs, s.outputs, p[1], p[0], 0, p[2]); })};
  if (op.name == "linear_backward_weight")
    return {openblas(work, "sgemm, sgemv",
                     [s, ones = std::vector<float>(static_cast<std::size_t>(s.rows), 1)](float* const* p) {
                       product(true, false, s.inputs, s.outputs, s.rows, p[0], p[1], 0, p[2]);
                       sum_rows(p[1], s.rows, s.outputs, ones, p[3]);
                     })};
  return {};
}

// The windows of a record: row t of `columns` holds samples t * stride - padding + k * dilation of all channels.
void im2col(const kernels::Conv1dShape& s, const float* x, float* columns) {
  const auto channels = static_cast<std::size_t>(s.input_channels);
  for (std::int64_t t = 0; t < s.output_time(); ++t)
    for (std::int64_t k = 0; k < s.kernel; ++k, columns += channels) {
      const std::int64_t source = t * s.stride - s.padding + k * s.dilation;
      if (source >= 0 && source < s.time)
        std::memcpy(columns, x + source * s.input_channels, channels * sizeof(float));
      else
        std::memset(columns, 0, channels * sizeof(float));
    }
}

// The reverse: adds the windows to the record they were taken from.
void col2im(const kernels::Conv1dShape& s, const float* columns, float* x) {
  std::fill_n(x, s.time * s.input_channels, 0.0F);
  for (std::int64_t t = 0; t < s.output_time(); ++t)
    for (std::int64_t k = 0; k < s.kernel; ++k, columns += s.input_channels) {
      const std::int64_t source = t * s.stride - s.padding + k * s.dilation;
      if (source < 0 || source >= s.time) continue;
      for (std::int64_t c = 0; c < s.input_channels; ++c) x[source * s.input_channels + c] += columns[c];
    }
}

OpponentList conv1d(const Op& op, const OpCase& work, const kernels::Conv1dShape& s) {
  if (s.groups != 1) return {};
  const std::int64_t rows = s.batch * s.output_time();
  const std::int64_t depth = s.kernel * s.input_channels;
  const auto columns = std::make_shared<std::vector<float>>(static_cast<std::size_t>(rows * depth));
  const auto record = [s, columns, depth](std::int64_t n) { return columns->data() + n * s.output_time() * depth; };
  const auto gather = [s, record](const float* x) {
    parallel_for(s.batch, [&](std::int64_t n) { im2col(s, x + n * s.time * s.input_channels, record(n)); });
  };
  if (op.name == "conv1d_forward")
    return {openblas(work, "im2col, sgemm", [=](float* const* p) {
      gather(p[0]);
      fill_rows(p[2], rows, s.output_channels, p[3]);
      product(false, false, rows, s.output_channels, depth, columns->data(), p[1], 1, p[3]);
    })};
  if (op.name == "conv1d_backward_input")
    return {openblas(work, "sgemm, col2im", [=](float* const* p) {
      product(false, true, rows, depth, s.output_channels, p[1], p[0], 0, columns->data());
      parallel_for(s.batch, [&](std::int64_t n) { col2im(s, record(n), p[2] + n * s.time * s.input_channels); });
    })};
  if (op.name == "conv1d_backward_weight")
    return {openblas(work, "im2col, sgemm, sgemv",
                     [=, ones = std::vector<float>(static_cast<std::size_t>(rows), 1)](float* const* p) {
                       gather(p[0]);
                       product(true, false, depth, s.output_channels, rows, columns->data(), p[1], 0, p[2]);
                       if (s.bias_gradient)
                         sum_rows(p[1], rows, s.output_channels, ones, p[3]);
                       else
                         std::fill_n(p[3], s.output_channels, 0.0F);
                     })};
  return {};
}

}  // namespace

OpponentList openblas_opponents(const Op& op, const OpCase& work) {
  if (const auto* s = shape_of<kernels::LinearShape>(op, work)) return linear(op, work, *s);
  if (const auto* s = shape_of<kernels::Conv1dShape>(op, work)) return conv1d(op, work, *s);
  if (const auto* s = shape_of<kernels::AddShape>(op, work); s != nullptr && op.name == "accumulate_forward")
    return {openblas(work, "saxpy", [n = size(s->count)](float* const* p) { cblas_saxpy(n, 1, p[0], 1, p[1], 1); })};
  if (const auto* s = shape_of<kernels::SquaredNormShape>(op, work))
    return {openblas(work, "sdot", [n = size(s->count)](float* const* p) { *p[1] = cblas_sdot(n, p[0], 1, p[0], 1); })};
  if (const auto* s = shape_of<kernels::ScaleShape>(op, work))
    return {openblas(work, "sscal",
                     [n = size(s->count), factor = s->factor](float* const* p) { cblas_sscal(n, factor, p[0], 1); })};
  return {};
}

std::string openblas_version() {
  const std::string config = openblas_get_config();  // "OpenBLAS 0.3.21 NO_LAPACKE ..."
  const std::size_t begin = config.find(' ') + 1;
  return fmt::format("{}, kernels for {}", config.substr(begin, config.find(' ', begin) - begin),
                     openblas_get_corename());
}

}  // namespace cardiograd::bench
