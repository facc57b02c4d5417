// Chooses and launches the kernels of linear_product.cuh, linear_weights.cuh, linear_backward.cuh and linear_small.cuh.
#include <algorithm>
#include <limits>
#include <string>

#include "base/error.h"
#include "kernels/common/gpu_properties.h"
#include "kernels/common/scratch_cuda.h"
#include "kernels/gemm/product.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/linear_backward.cuh"
#include "kernels/linear/linear_paths.h"
#include "kernels/linear/linear_product.cuh"
#include "kernels/linear/linear_small.cuh"
#include "kernels/linear/linear_weights.cuh"

namespace cardiograd::kernels {
namespace {

// Blocks that the gradient of weights is cut into, about: small GPUs are busy to the end, large ones in two rounds.
constexpr std::int64_t kWeightBlocks = 250;
constexpr std::int64_t kMinWeightSteps = 8;

int to_int(std::int64_t value, const char* what) {
  if (value > std::numeric_limits<int>::max() - kLinearRows)
    throw Error("a linear layer on the GPU: " + std::string(what) + " is " + std::to_string(value) +
                    ", less than 2^31 - 128 is possible",
                "use smaller batches or shorter records");
  return static_cast<int>(value);
}
unsigned to_blocks(std::int64_t value) {
  return static_cast<unsigned>(to_int(value, "the number of blocks"));
}
std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// Whether products are made on tensor cores, and by kernels that read 16 bytes at a time.
bool takes_fours(Precision precision, std::int64_t depth, std::int64_t columns) {
  return depth % 4 == 0 && columns % 4 == 0 && (precision == Precision::kFp32 || gpu_properties().has_mma());
}

const char* wide_path(Precision precision, bool fours) {
  if (precision == Precision::kFp32) return "tile fp32";
  if (!fours) return "tile rounded";
  return precision == Precision::kTf32 ? "tile tf32" : "tile bf16";
}

// launch.template operator()<Tile, kWords>()
template <class Launch>
void with_tile(Precision precision, bool fours, const Launch& launch) {
  if (!fours)
    launch.template operator()<ExactTile, 1>();
  else if (precision == Precision::kFp32)
    launch.template operator()<ExactTile, 4>();
  else if (precision == Precision::kTf32)
    launch.template operator()<Tf32Tile, 4>();
  else
    launch.template operator()<Bf16Tile, 4>();
}

LinearSizes product_sizes(std::int64_t rows, std::int64_t depth, std::int64_t columns, Precision precision) {
  to_int(std::max(kLinearRows * depth, kLinearRows * columns), "a block of rows");
  return {.rows = to_int(rows, "the number of rows"),
          .depth = to_int(depth, "the width"),
          .columns = to_int(columns, "the width"),
          .column_tiles = static_cast<int>(ceil_div(columns, kWarpTileColumns)),
          .precision = precision};
}
std::int64_t product_blocks(const LinearSizes& s) {
  return ceil_div(s.rows, kLinearRows) * s.column_tiles;
}

// The product of `rows` of a and b by `epilogue`; `aligned`: everything that the epilogue touches is, to 16 bytes.
template <bool kTurned, class Epilogue>
void launch_product(std::int64_t rows, std::int64_t depth, std::int64_t columns, Precision precision, const float* a,
                    const float* b, const Epilogue& epilogue, bool aligned, Stream stream) {
  LinearSizes sizes = product_sizes(rows, depth, columns, precision);
  const unsigned blocks = to_blocks(product_blocks(sizes));
  if (blocks == 0) return;
  with_tile(precision, aligned && are_aligned(a, b) && takes_fours(precision, depth, columns),
            [&]<class Tile, int kWords>() {
              constexpr std::int64_t kBytes = kLinearFloats<Tile, kTurned> * sizeof(float);
              sizes.stages = pipeline_stages<Tile>(kBytes);
              launch_with_shared<linear_product_kernel<Tile, kTurned, kWords, Epilogue>>(
                  blocks, kLinearThreads, sizes.stages * kBytes, stream, sizes, a, b, epilogue);
            });
}

template <class Epilogue>
void launch_small(const LinearShape& s, const float* x, const float* w, const Epilogue& epilogue, Stream stream) {
  const unsigned blocks = to_blocks(ceil_div(s.rows, kSmallTile) * ceil_div(s.outputs, kSmallTile));
  if (blocks == 0) return;
  const LinearSmallSizes sizes = {.rows = to_int(s.rows, "the number of rows"),
                                  .inputs = to_int(s.inputs, "the width"),
                                  .outputs = to_int(s.outputs, "the width"),
                                  .fours = s.outputs % 4 == 0 && epilogue.aligned(),
                                  .precision = s.precision};
  if (s.precision == Precision::kFp32)
    simt::launch<linear_small_kernel<false, Epilogue>>(dim3(blocks), dim3(kSmallThreads), 0, stream, sizes, x, w,
                                                       epilogue);
  else
    simt::launch<linear_small_kernel<true, Epilogue>>(dim3(blocks), dim3(kSmallThreads), 0, stream, sizes, x, w,
                                                      epilogue);
}

// dx and dw in one launch; either may be left out.
template <class Epilogue>
void launch_small_backward(const LinearShape& s, bool input, bool weight, const float* x, const float* w,
                           const float* dy, const Epilogue& epilogue, float* dw, float* db, Stream stream) {
  const std::int64_t input_tiles = ceil_div(s.inputs, kSmallTile);
  const std::int64_t of_input = input ? ceil_div(s.rows, kSmallTile) * input_tiles : 0;
  const std::int64_t of_weight = weight ? input_tiles * ceil_div(s.outputs, kSmallTile) : 0;
  const unsigned blocks = to_blocks(of_input + of_weight);
  if (blocks == 0) return;
  const LinearSmallSizes sizes = {.rows = to_int(s.rows, "the number of rows"),
                                  .inputs = to_int(s.inputs, "the width"),
                                  .outputs = to_int(s.outputs, "the width"),
                                  .input_blocks = static_cast<int>(of_input),
                                  .fours = s.inputs % 4 == 0 && epilogue.aligned(),
                                  .weight_fours = s.outputs % 4 == 0 && are_aligned(dw),
                                  .precision = s.precision};
  if (s.precision == Precision::kFp32)
    simt::launch<linear_small_backward_kernel<false, Epilogue>>(dim3(blocks), dim3(kSmallThreads), 0, stream, sizes, x,
                                                                w, dy, epilogue, dw, db);
  else
    simt::launch<linear_small_backward_kernel<true, Epilogue>>(dim3(blocks), dim3(kSmallThreads), 0, stream, sizes, x,
                                                               w, dy, epilogue, dw, db);
}

// with(epilogue) of y.
template <class With>
void with_forward_epilogue(const LinearShape& s, const float* b, float* y, const With& with) {
  const BiasTo bias = {.bias = b, .y = y, .relu = s.relu};
  if (s.relu && s.dropout.probability > 0)
    with(DroppedBiasTo{.before = bias, .mask = dropout_mask(s.dropout)});
  else
    with(bias);
}

// with(epilogue) of dx, unless s.masked.
template <class With>
void with_input_epilogue(const LinearShape& s, float* dx, const With& with) {
  if (s.adds)
    with(AddedTo{dx});
  else
    with(PlainTo{dx});
}
// with(epilogue) of dx; x is what the mask is made from.
template <class With>
void with_backward_epilogue(const LinearShape& s, const float* x, float* dx, const With& with) {
  if (s.masked)
    with(MaskedTo{.made = x, .scale = dropout_scale(s.dropout.probability), .to = dx});
  else
    with_input_epilogue(s, dx, with);
}

LinearWeightSizes weight_sizes(const LinearShape& s) {
  LinearWeightSizes sizes = {.rows = to_int(s.rows, "the number of rows"),
                             .inputs = to_int(s.inputs, "the width"),
                             .outputs = to_int(s.outputs, "the width"),
                             .input_tiles = static_cast<int>(ceil_div(s.inputs, kLinearRows)),
                             .output_tiles = static_cast<int>(ceil_div(s.outputs, kWarpTileColumns)),
                             .precision = s.precision};
  const std::int64_t tiles = std::int64_t{sizes.input_tiles} * sizes.output_tiles;
  const std::int64_t steps = ceil_div(s.rows, kWeightRows);
  const std::int64_t wanted = tiles > kCudaCounters ? 1 : std::max<std::int64_t>(kWeightBlocks / tiles, 1);
  sizes.per_piece = static_cast<int>(std::max(ceil_div(steps, wanted), wanted == 1 ? steps : kMinWeightSteps));
  sizes.pieces = static_cast<int>(ceil_div(steps, sizes.per_piece));
  return sizes;
}
std::int64_t weight_blocks(const LinearWeightSizes& s) {
  return std::int64_t{s.pieces} * s.input_tiles * s.output_tiles;
}

LinearWeightOperands weight_operands(const LinearWeightSizes& sizes, const float* x, const float* dy, float* dw,
                                     float* db, Stream stream) {
  LinearWeightOperands operands = {.x = x, .dy = dy, .dw = dw, .db = db, .pieces = {}};
  operands.pieces.tree = part_tree(sizes.pieces);
  operands.pieces.tiles = sizes.input_tiles * sizes.output_tiles;
  if (sizes.pieces > 1) {
    operands.pieces.partial = cuda_scratch(stream, CudaScratchUse::kPartial,
                                           piece_floats(operands.pieces.tree, operands.pieces.tiles, kLinearThreads));
    operands.pieces.arrived = cuda_counters(stream);
  }
  return operands;
}

}  // namespace

void linear_forward_wide(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                         Stream stream) {
  with_forward_epilogue(s, b, y, [&](const auto& epilogue) {
    launch_product<false>(s.rows, s.inputs, s.outputs, s.precision, x, w, epilogue, are_aligned(b, y), stream);
  });
}
void linear_forward_small(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                          Stream stream) {
  with_forward_epilogue(s, b, y, [&](const auto& epilogue) { launch_small(s, x, w, epilogue, stream); });
}
void linear_forward_cuda(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                         Stream stream) {
  (linear_is_small(s.rows, s.outputs) ? linear_forward_small : linear_forward_wide)(s, x, w, b, y, stream);
}

void linear_backward_input_wide(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  with_input_epilogue(s, dx, [&](const auto& epilogue) {
    launch_product<true>(s.rows, s.outputs, s.inputs, s.precision, dy, w, epilogue, are_aligned(dx), stream);
  });
}
void linear_backward_input_small(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  with_input_epilogue(s, dx, [&](const auto& epilogue) {
    launch_small_backward(s, true, false, nullptr, w, dy, epilogue, nullptr, nullptr, stream);
  });
}
void linear_backward_input_cuda(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  (linear_is_small(s.rows, s.inputs) ? linear_backward_input_small : linear_backward_input_wide)(s, w, dy, dx, stream);
}

void linear_backward_weight_wide(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream) {
  if (s.rows == 0 || s.inputs == 0 || s.outputs == 0) return;
  LinearWeightSizes sizes = weight_sizes(s);
  const LinearWeightOperands operands = weight_operands(sizes, x, dy, dw, db, stream);
  const unsigned blocks = to_blocks(weight_blocks(sizes));
  with_tile(s.precision, are_aligned(x, dy, dw) && takes_fours(s.precision, s.inputs, s.outputs),
            [&]<class Tile, int kWords>() {
              constexpr std::int64_t kBytes = kWeightFloats<Tile> * sizeof(float);
              sizes.stages = pipeline_stages<Tile>(kBytes);
              launch_with_shared<linear_weights_kernel<Tile, kWords>>(blocks, kLinearThreads, sizes.stages * kBytes,
                                                                      stream, sizes, operands);
            });
}
void linear_backward_weight_small(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                  Stream stream) {
  launch_small_backward(s, false, true, x, nullptr, dy, PlainTo{nullptr}, dw, db, stream);
}
void linear_backward_weight_cuda(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream) {
  (linear_weight_is_small(s) ? linear_backward_weight_small : linear_backward_weight_wide)(s, x, dy, dw, db, stream);
}

void linear_backward_wide(const LinearShape& s, const float* x, const float* w, const float* dy, float* dx, float* dw,
                          float* db, Stream stream) {
  if (s.rows == 0 || s.inputs == 0) return;
  if (s.outputs == 0) {
    LinearShape product = s;
    product.adds = s.adds && !s.masked;
    return linear_backward_input_wide(product, w, dy, dx, stream);
  }
  with_backward_epilogue(s, x, dx, [&]<class Epilogue>(const Epilogue& epilogue) {
    const bool fours = are_aligned(x, w, dy, dx, dw) && takes_fours(s.precision, s.inputs, s.outputs);
    LinearSizes sizes = product_sizes(s.rows, s.outputs, s.inputs, s.precision);
    LinearWeightSizes weights = weight_sizes(s);
    const LinearWeightOperands operands = weight_operands(weights, x, dy, dw, db, stream);
    const unsigned of_weights = to_blocks(weight_blocks(weights));
    const unsigned blocks = to_blocks(product_blocks(sizes) + of_weights);
    with_tile(s.precision, fours, [&]<class Tile, int kWords>() {
      constexpr std::int64_t kBytes = std::max(kLinearFloats<Tile, true>, kWeightFloats<Tile>) * sizeof(float);
      sizes.stages = weights.stages = pipeline_stages<Tile>(kBytes);
      launch_with_shared<linear_backward_kernel<Tile, kWords, Epilogue>>(blocks, kLinearThreads, sizes.stages * kBytes,
                                                                         stream, WeightBlocks::of(of_weights, blocks),
                                                                         sizes, w, epilogue, weights, operands);
    });
  });
}
void linear_backward_small(const LinearShape& s, const float* x, const float* w, const float* dy, float* dx, float* dw,
                           float* db, Stream stream) {
  with_backward_epilogue(s, x, dx, [&](const auto& epilogue) {
    launch_small_backward(s, true, true, x, w, dy, epilogue, dw, db, stream);
  });
}
void linear_backward_cuda(const LinearShape& s, const float* x, const float* w, const float* dy, float* dx, float* dw,
                          float* db, Stream stream) {
  (linear_backward_is_small(s) ? linear_backward_small : linear_backward_wide)(s, x, w, dy, dx, dw, db, stream);
}

const char* linear_forward_path(const LinearShape& s) {
  return linear_is_small(s.rows, s.outputs) ? "small"
                                            : wide_path(s.precision, takes_fours(s.precision, s.inputs, s.outputs));
}
const char* linear_backward_input_path(const LinearShape& s) {
  return linear_is_small(s.rows, s.inputs) ? "small"
                                           : wide_path(s.precision, takes_fours(s.precision, s.outputs, s.inputs));
}
const char* linear_backward_weight_path(const LinearShape& s) {
  return linear_weight_is_small(s) ? "small" : wide_path(s.precision, takes_fours(s.precision, s.inputs, s.outputs));
}
const char* linear_backward_path(const LinearShape& s) {
  return linear_backward_is_small(s) ? "small" : wide_path(s.precision, takes_fours(s.precision, s.inputs, s.outputs));
}

}  // namespace cardiograd::kernels
