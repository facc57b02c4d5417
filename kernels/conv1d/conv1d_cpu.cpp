// Convolution on the CPU as matrix products (gemm_cpu.h).
//
// Dilation 1 and one group, the shapes that the model has: a task copies its rows of x with zeros around the signal and
// multiplies the overlapping view. Otherwise a task gathers im2col rows of one group first. The gradient of x is the
// convolution of dy with the flipped, transposed weights when stride is 1; with a stride it is a product per sample
// whose rows are added back to the samples they came from.
#include <algorithm>

#include "base/threads.h"
#include "kernels/common/column_sum_cpu.h"
#include "kernels/common/scratch.h"
#include "kernels/conv1d/conv1d.h"
#include "kernels/gemm/gemm_cpu.h"

namespace cardiograd::kernels {
namespace {

// Output samples per task: with more tasks than samples in the batch, few records also use all threads.
constexpr std::int64_t kTimePerTask = 252;
constexpr std::int64_t kTimePerTaskInSmallBatch = 60;
constexpr std::int64_t kSmallBatch = 8;
// Samples of the batch whose weight gradients one piece sums; pieces are then added in order.
constexpr std::int64_t kWeightPieces = 16;

// The im2col rows of output samples first ... first+count-1 of one record and group; `x` is the record.
Rows columns_of(const Conv1dShape& s, const float* x, std::int64_t group, std::int64_t first, std::int64_t count) {
  const std::int64_t channels = s.input_channels / s.groups;
  const std::int64_t depth = s.kernel * channels;
  const std::int64_t start = first * s.stride - s.padding;
  if (s.dilation == 1 && s.groups == 1) {
    const std::int64_t span = (count - 1) * s.stride + s.kernel;
    if (start >= 0 && start + span <= s.time) return {x + start * channels, count, depth, s.stride * channels};
    float* padded = scratch(ScratchUse::kPadded, span * channels);
    const std::int64_t before = std::clamp<std::int64_t>(-start, 0, span);
    const std::int64_t inside = std::clamp<std::int64_t>(s.time - (start + before), 0, span - before);
    std::fill(padded, padded + before * channels, 0.0F);
    std::copy_n(x + (start + before) * channels, inside * channels, padded + before * channels);
    std::fill(padded + (before + inside) * channels, padded + span * channels, 0.0F);
    return {padded, count, depth, s.stride * channels};
  }
  float* columns = scratch(ScratchUse::kColumns, count * depth);
  float* to = columns;
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t k = 0; k < s.kernel; ++k, to += channels) {
      const std::int64_t source = start + t * s.stride + k * s.dilation;
      if (source < 0 || source >= s.time)
        std::fill(to, to + channels, 0.0F);
      else
        std::copy_n(x + source * s.input_channels + group * channels, channels, to);
    }
  }
  return {columns, count, depth, depth};
}

float* factor_scratch(Precision precision, const Rows& rows) {
  return scratch(ScratchUse::kFactorA, left_size(precision, rows));
}

void forward_packed(const Conv1dShape& s, const float* x, const float* packed, std::int64_t packed_group,
                    const float* b, float* y) {
  const std::int64_t time = s.output_time();
  const std::int64_t outputs = s.output_channels / s.groups;
  const std::int64_t depth = s.kernel * s.input_channels / s.groups;
  const std::int64_t per_task = s.batch < kSmallBatch ? kTimePerTaskInSmallBatch : kTimePerTask;
  const std::int64_t pieces = (time + per_task - 1) / per_task;
  parallel_for(s.batch * pieces, [&](std::int64_t task) {
    const std::int64_t n = task / pieces;
    const std::int64_t first = task % pieces * per_task;
    const std::int64_t count = std::min(per_task, time - first);
    for (std::int64_t g = 0; g < s.groups; ++g) {
      const Rows columns = columns_of(s, x + n * s.time * s.input_channels, g, first, count);
      gemm_packed(s.precision, count, outputs, depth,
                  left_factors(s.precision, columns, factor_scratch(s.precision, columns)), packed + g * packed_group,
                  y + (n * time + first) * s.output_channels + g * outputs, s.output_channels,
                  {.bias = b == nullptr ? nullptr : b + g * outputs});
    }
  });
}

// dx of a stride-1, one-group, dilation-1 convolution is a convolution of dy: w flipped in time, channels exchanged.
void backward_input_as_convolution(const Conv1dShape& s, const float* w, const float* dy, float* dx) {
  const Conv1dShape back = {.batch = s.batch,
                            .time = s.output_time(),
                            .input_channels = s.output_channels,
                            .output_channels = s.input_channels,
                            .kernel = s.kernel,
                            .padding = s.kernel - 1 - s.padding,
                            .precision = s.precision};
  const std::int64_t taps = s.input_channels * s.output_channels;
  float* flipped = scratch(ScratchUse::kPartial, s.kernel * taps);
  for (std::int64_t k = 0; k < s.kernel; ++k) {
    for (std::int64_t c = 0; c < s.input_channels; ++c) {
      const float* from = w + (s.kernel - 1 - k) * taps + c * s.output_channels;
      for (std::int64_t o = 0; o < s.output_channels; ++o) flipped[k * taps + o * s.input_channels + c] = from[o];
    }
  }
  const std::int64_t depth = s.kernel * s.output_channels;
  float* packed = scratch(ScratchUse::kGemmPack, packed_size(s.precision, depth, s.input_channels));
  pack_b(s.precision, depth, s.input_channels, row_major(flipped, s.input_channels), packed);
  forward_packed(back, dy, packed, 0, nullptr, dx);
}

// Adds the im2col gradient rows of one record and group back to the samples that they were gathered from.
void add_columns(const Conv1dShape& s, const float* columns, std::int64_t group, float* dx) {
  const std::int64_t channels = s.input_channels / s.groups;
  for (std::int64_t t = 0; t < s.output_time(); ++t) {
    for (std::int64_t k = 0; k < s.kernel; ++k, columns += channels) {
      const std::int64_t source = t * s.stride - s.padding + k * s.dilation;
      if (source < 0 || source >= s.time) continue;
      float* to = dx + source * s.input_channels + group * channels;
      for (std::int64_t c = 0; c < channels; ++c) to[c] += columns[c];
    }
  }
}

}  // namespace

void conv1d_forward_cpu(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y) {
  const std::int64_t outputs = s.output_channels / s.groups;
  const std::int64_t depth = s.kernel * s.input_channels / s.groups;
  const std::int64_t packed_group = packed_size(s.precision, depth, outputs);
  float* packed = scratch(ScratchUse::kGemmPack, s.groups * packed_group);
  for (std::int64_t g = 0; g < s.groups; ++g)
    pack_b(s.precision, depth, outputs, {w + g * outputs, s.output_channels, 1}, packed + g * packed_group);
  forward_packed(s, x, packed, packed_group, b, y);
}

void conv1d_backward_input_cpu(const Conv1dShape& s, const float* w, const float* dy, float* dx) {
  if (s.stride == 1 && s.dilation == 1 && s.groups == 1 && s.padding < s.kernel) {
    backward_input_as_convolution(s, w, dy, dx);
    return;
  }
  const std::int64_t time = s.output_time();
  const std::int64_t outputs = s.output_channels / s.groups;
  const std::int64_t depth = s.kernel * s.input_channels / s.groups;
  const std::int64_t packed_group = packed_size(s.precision, outputs, depth);
  float* packed = scratch(ScratchUse::kGemmPack, s.groups * packed_group);
  for (std::int64_t g = 0; g < s.groups; ++g)
    pack_b(s.precision, outputs, depth, transposed({w + g * outputs, s.output_channels, 1}), packed + g * packed_group);
  parallel_for(s.batch, [&](std::int64_t n) {
    float* record = dx + n * s.time * s.input_channels;
    std::fill(record, record + s.time * s.input_channels, 0.0F);
    float* columns = scratch(ScratchUse::kColumns, time * depth);
    for (std::int64_t g = 0; g < s.groups; ++g) {
      const Rows rows = {dy + n * time * s.output_channels + g * outputs, time, outputs, s.output_channels};
      gemm_packed(s.precision, time, depth, outputs, left_factors(s.precision, rows, factor_scratch(s.precision, rows)),
                  packed + g * packed_group, columns, depth);
      add_columns(s, columns, g, record);
    }
  });
}

void conv1d_backward_weight_cpu(const Conv1dShape& s, const float* x, const float* dy, float* dw, float* db) {
  const std::int64_t time = s.output_time();
  if (s.bias_gradient) column_sum_cpu(s.batch * time, s.output_channels, dy, db);
  const std::int64_t outputs = s.output_channels / s.groups;
  const std::int64_t depth = s.kernel * s.input_channels / s.groups;
  const std::int64_t weights = depth * s.output_channels;
  const std::int64_t pieces = std::min(s.batch, kWeightPieces);
  float* partial = scratch(ScratchUse::kPartial, pieces * weights);
  parallel_for(pieces, [&](std::int64_t piece) {
    float* sum = partial + piece * weights;
    std::fill(sum, sum + weights, 0.0F);
    float* packed = scratch(ScratchUse::kGemmPack, packed_size(s.precision, std::min(time, kTimePerTask), outputs));
    for (std::int64_t n = piece * s.batch / pieces; n < (piece + 1) * s.batch / pieces; ++n) {
      for (std::int64_t first = 0; first < time; first += kTimePerTask) {
        const std::int64_t count = std::min(kTimePerTask, time - first);
        for (std::int64_t g = 0; g < s.groups; ++g) {
          const Rows columns = columns_of(s, x + n * s.time * s.input_channels, g, first, count);
          pack_b(s.precision, count, outputs,
                 {dy + (n * time + first) * s.output_channels + g * outputs, s.output_channels, 1}, packed);
          gemm_packed(s.precision, depth, outputs, count,
                      left_transposed(s.precision, columns, factor_scratch(s.precision, columns)), packed,
                      sum + g * outputs, s.output_channels, {.accumulate = true});
        }
      }
    }
  });
  parallel_for(depth, [&](std::int64_t i) {
    float* row = dw + i * s.output_channels;
    for (std::int64_t piece = 0; piece < pieces; ++piece) {
      const float* from = partial + piece * weights + i * s.output_channels;
      for (std::int64_t o = 0; o < s.output_channels; ++o) row[o] += from[o];
    }
  });
}

}  // namespace cardiograd::kernels
