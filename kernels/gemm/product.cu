// Chooses and launches the kernels of slab_product.cuh, slab_statistics.cuh, gather_product.cuh and weight_product.cuh.
#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "kernels/common/gpu_properties.h"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/vectors_cuda.cuh"
#include "kernels/gemm/gather_product.cuh"
#include "kernels/gemm/product.h"
#include "kernels/gemm/slab_product.cuh"
#include "kernels/gemm/slab_statistics.cuh"
#include "kernels/gemm/transpose_weights.cuh"
#include "kernels/gemm/weight_product.cuh"

namespace cardiograd::kernels {
namespace {

// Blocks that the gradient of weights is cut into, about: enough for the small GPUs to be busy to the end.
constexpr std::int64_t kWeightBlocks = 320;
constexpr std::int64_t kMaxWeightPieces = 128;
static_assert(2 * kWeightBlocks <= kCudaCounters);  // Where there are pieces, tiles * pieces are at most kWeightBlocks.
constexpr std::int64_t kMinWeightSteps = 8;

int to_int(std::int64_t value, const char* what) {
  if (value > std::numeric_limits<int>::max() || value < std::numeric_limits<int>::min())
    throw Error("a matrix product on the GPU: " + std::string(what) + " is " + std::to_string(value) +
                    ", at most 2^31 - 1 is possible",
                "use smaller batches or shorter records");
  return static_cast<int>(value);
}

enum class Path { kGather, kExact, kExact12, kTf32, kBf16 };

// For aligned tensors.
Path path_of(const ProductShape& s, bool turned = false) {
  if (s.stride != 1 || s.upsample != 1 || s.depth % 4 != 0 || s.columns % 4 != 0) return Path::kGather;
  if (s.precision == Precision::kFp32) {
    if (slab_bytes<ExactTile>(s.taps, s.dilation, 16, turned) > kSharedUnasked) return Path::kGather;
    return s.depth == 12 && !turned ? Path::kExact12 : Path::kExact;  // 12 leads: a quarter of 16 would be zeros.
  }
  const std::int64_t bytes = s.precision == Precision::kTf32 ? slab_bytes<Tf32Tile>(s.taps, s.dilation, 16, turned)
                                                             : slab_bytes<Bf16Tile>(s.taps, s.dilation, 16, turned);
  if (bytes > kSharedUnasked || !gpu_properties().has_mma()) return Path::kGather;
  return s.precision == Precision::kTf32 ? Path::kTf32 : Path::kBf16;
}

const char* name_of(Path path) {
  switch (path) {
    case Path::kGather:
      return "gather";
    case Path::kExact:
    case Path::kExact12:
      return "slab fp32";
    case Path::kTf32:
      return "slab tf32";
    case Path::kBf16:
      return "slab bf16";
  }
  return "";
}

ProductSizes sizes_of(const ProductShape& s, int row_tile) {
  ProductSizes sizes;
  sizes.records = to_int(s.records, "the number of records");
  sizes.time_in = to_int(s.time_in, "the length of a record");
  sizes.time_out = to_int(s.time_out, "the length of a record");
  sizes.taps = to_int(s.taps, "the kernel");
  sizes.dilation = to_int(s.dilation, "the dilation");
  sizes.first = to_int(s.first, "the padding");
  sizes.stride = to_int(s.stride, "the stride");
  sizes.upsample = to_int(s.upsample, "the stride");
  sizes.groups = to_int(s.groups, "the number of groups");
  sizes.depth = to_int(s.depth, "the number of channels");
  sizes.columns = to_int(s.columns, "the number of channels");
  sizes.precision = s.precision;
  to_int((s.time_out + row_tile) * s.stride + std::abs(s.first) + s.taps * s.dilation, "the padded length of a record");
  to_int(s.taps * s.depth + kGatherDepth, "the number of weights of an output channel");
  to_int(s.groups * s.depth, "the number of channels");
  to_int(s.groups * s.columns, "the number of channels");
  return sizes;
}

// With the tiles of the products' kernels.
ProductSizes tiled_sizes_of(const ProductShape& s) {
  ProductSizes sizes = sizes_of(s, kSlabTile);
  sizes.tiles = static_cast<int>((s.time_out + kSlabTile - 1) / kSlabTile);
  sizes.column_tiles = static_cast<int>((s.columns + kWarpTileColumns - 1) / kWarpTileColumns);
  return sizes;
}

void launch_product(const ProductShape& s, Path path, const ProductOperands& p, const BiasEpilogue& epilogue,
                    Stream stream) {
  const ProductSizes sizes = tiled_sizes_of(s);
  const std::int64_t all = s.records * s.groups * sizes.tiles * sizes.column_tiles;
  if (all == 0) return;
  const auto blocks = static_cast<unsigned>(to_int(all, "the number of blocks"));
  const bool wide = are_aligned(p.a, p.b, p.c, epilogue.bias);
  switch (wide ? path : Path::kGather) {
    case Path::kGather:
      launch_gather_product(sizes, p, epilogue, blocks, stream);
      break;
    case Path::kExact:
      launch_slab_product<ExactTile, 16>(sizes, p, epilogue, blocks, stream);
      break;
    case Path::kExact12:
      launch_slab_product<ExactTile, 12>(sizes, p, epilogue, blocks, stream);
      break;
    case Path::kTf32:
      launch_slab_product<Tf32Tile, 16>(sizes, p, epilogue, blocks, stream);
      break;
    case Path::kBf16:
      launch_slab_product<Bf16Tile, 16>(sizes, p, epilogue, blocks, stream);
      break;
  }
}

// Weights as they are.
ProductOperands straight_operands(const ProductShape& s, const float* a, const float* w, float* c) {
  const std::int64_t columns = s.groups * s.columns;
  return {.a = a,
          .b = w,
          .c = c,
          .b_pitch = to_int(columns, "the number of channels"),
          .b_tap = s.depth * columns,
          .b_group = s.columns};
}

// Warps of a block of the weights' gradient: the fewest rows beyond the last, then the largest block.
int weight_warps(std::int64_t rows) {
  int best = 4;
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const int warps : {4, 3, 2}) {
    const std::int64_t tile = warps * kWarpTileRows;
    const std::int64_t padded = (rows + tile - 1) / tile * tile;
    if (padded < least) best = warps;
    least = std::min(least, padded);
  }
  return best;
}

// Whether aligned tensors are read 16 bytes at a time. Without tensor cores the reduced precisions are emulated, which
// the kernel for any shape does.
bool takes_fours(const ProductShape& s) {
  return s.depth % 4 == 0 && s.columns % 4 == 0 && (s.precision == Precision::kFp32 || gpu_properties().has_mma());
}

WeightPieces weight_pieces(const ProductShape& s, std::int64_t blocks_per_piece) {
  WeightPieces pieces;
  pieces.steps = static_cast<int>((s.time_out + kWeightDepth - 1) / kWeightDepth);
  const std::int64_t steps = to_int(s.records * pieces.steps, "the number of steps");
  const std::int64_t wanted = std::clamp<std::int64_t>(kWeightBlocks / blocks_per_piece, 1, kMaxWeightPieces);
  pieces.per_piece = static_cast<int>(std::max((steps + wanted - 1) / wanted, kMinWeightSteps));
  pieces.count = static_cast<int>((steps + pieces.per_piece - 1) / pieces.per_piece);
  return pieces;
}

template <class Tile, int kWords>
void launch_weights(int warps, ProductSizes sizes, const WeightOperands& p, const WeightPieces& pieces, unsigned blocks,
                    Stream stream) {
  const auto launch = [&]<int kWarps>(std::integral_constant<int, kWarps>) {
    constexpr std::int64_t kBytes = kWeightStageFloats<Tile, kWarps> * sizeof(float);
    sizes.stages = pipeline_stages<Tile>(kBytes);
    launch_with_shared<weight_product_kernel<Tile, kWarps, kWords>>(blocks, 32 * kWarps, sizes.stages * kBytes, stream,
                                                                    sizes, p, pieces);
  };
  if constexpr (kWords == 1)  // with any number of channels the smallest block
    launch(std::integral_constant<int, 2>());
  else if (warps == 4)
    launch(std::integral_constant<int, 4>());
  else if (warps == 3)
    launch(std::integral_constant<int, 3>());
  else
    launch(std::integral_constant<int, 2>());
}

// turned_product_cuda by the kernel for any shape, from a transposed copy of the weights.
void gather_turned_product(const ProductShape& s, const float* a, const float* w, float* c, Stream stream) {
  const std::int64_t weights = s.groups * s.taps * s.depth * s.columns;
  // In the convolution whose gradient this is, depth and columns have each other's place.
  float* turned = cuda_scratch(stream, CudaScratchUse::kPartial, weights);
  const std::int64_t column_tiles = (s.depth + kTurn - 1) / kTurn;
  const std::int64_t depth_tiles = (s.columns + kTurn - 1) / kTurn;
  const std::int64_t blocks = column_tiles * depth_tiles * s.taps * s.groups;
  simt::launch<turn_weights_kernel<kTurn>>(
      dim3(static_cast<unsigned>(to_int(blocks, "the number of blocks"))), dim3(kTurn, kTurnLanes), 0, stream,
      to_int(s.taps, "the kernel"), to_int(s.columns, "the number of channels"),
      to_int(s.depth, "the number of channels"), to_int(s.groups, "the number of groups"),
      static_cast<int>(column_tiles), static_cast<int>(depth_tiles), w, turned);
  launch_product(s, Path::kGather,
                 {.a = a,
                  .b = turned,
                  .c = c,
                  .b_pitch = to_int(s.columns, "the number of channels"),
                  .b_tap = s.depth * s.columns,
                  .b_group = s.taps * s.depth * s.columns},
                 {}, stream);
}

}  // namespace

void product_cuda(const ProductShape& s, const float* a, const float* w, const float* bias, bool relu, float* c,
                  Stream stream) {
  launch_product(s, path_of(s), straight_operands(s, a, w, c), {.bias = bias, .relu = relu}, stream);
}

const char* statistics_path(const ProductShape& s) {
  const Path path = path_of(s);
  const std::int64_t parts = s.records * ((s.time_out + kSlabTile - 1) / kSlabTile);
  const std::int64_t column_tiles = s.groups * ((s.columns + kWarpTileColumns - 1) / kWarpTileColumns);
  const bool counted = parts > 0 && column_tiles * part_tree(parts).counters() <= kCudaCounters;
  return path != Path::kGather && counted ? name_of(path) : "";
}

bool product_with_statistics_cuda(const ProductShape& s, const float* a, const float* w, const float* bias, float* c,
                                  const ProductStatistics& statistics, Stream stream) {
  if (*statistics_path(s) == '\0' || !are_aligned(a, w, bias, c)) return false;
  const ProductSizes sizes = tiled_sizes_of(s);
  const std::int64_t columns = s.groups * s.columns;
  const std::int64_t parts = s.records * sizes.tiles;
  const PartTree tree = part_tree(parts);
  const SlabStatistics out = {
      cuda_scratch(stream, CudaScratchUse::kPartial, (parts + tree.groups()) * 3 * columns),
      cuda_counters(stream),
      tree,
      {statistics.momentum, statistics.running_mean, statistics.running_var, statistics.mean, statistics.variance}};
  const ProductOperands p = straight_operands(s, a, w, c);
  const auto blocks = static_cast<unsigned>(to_int(parts * s.groups * sizes.column_tiles, "the number of blocks"));
  const auto launch = [&]<class Tile, int kDepth>(std::type_identity<Tile>, std::integral_constant<int, kDepth>) {
    launch_slabs<slab_statistics_kernel<Tile, kDepth>, Tile, kDepth, false>(sizes, blocks, stream, p, bias, out);
  };
  constexpr std::integral_constant<int, 16> kDepth16;
  switch (path_of(s)) {
    case Path::kGather:
      return false;
    case Path::kExact:
      launch(std::type_identity<ExactTile>(), kDepth16);
      return true;
    case Path::kExact12:
      launch(std::type_identity<ExactTile>(), std::integral_constant<int, 12>());
      return true;
    case Path::kTf32:
      launch(std::type_identity<Tf32Tile>(), kDepth16);
      return true;
    case Path::kBf16:
      launch(std::type_identity<Bf16Tile>(), kDepth16);
      return true;
  }
  return false;
}

void gather_product_cuda(const ProductShape& s, const float* a, const float* w, const float* bias, float* c,
                         Stream stream) {
  launch_product(s, Path::kGather, straight_operands(s, a, w, c), {.bias = bias}, stream);
}

void turned_product_cuda(const ProductShape& s, const float* a, const float* w, float* c, Stream stream) {
  if (s.records * s.time_out == 0 || s.groups * s.taps * s.depth * s.columns == 0) return;
  const Path path = path_of(s, true);
  if (path == Path::kGather || !are_aligned(a, w, c)) return gather_turned_product(s, a, w, c, stream);
  const ProductSizes sizes = tiled_sizes_of(s);
  const std::int64_t all = s.records * s.groups * sizes.tiles * sizes.column_tiles;
  const auto blocks = static_cast<unsigned>(to_int(all, "the number of blocks"));
  const std::int64_t pitch = s.groups * s.depth;
  const ProductOperands p = {.a = a,
                             .b = w + (s.taps - 1) * s.columns * pitch,
                             .c = c,
                             .b_pitch = to_int(pitch, "the number of channels"),
                             .b_tap = -s.columns * pitch,
                             .b_group = s.depth};
  if (path == Path::kTf32)
    launch_slab_turned<Tf32Tile>(sizes, p, blocks, stream);
  else if (path == Path::kBf16)
    launch_slab_turned<Bf16Tile>(sizes, p, blocks, stream);
  else
    launch_slab_turned<ExactTile>(sizes, p, blocks, stream);
}

void weight_product_cuda(const ProductShape& s, const float* x, const float* dy, float* dw, Stream stream) {
  const std::int64_t rows = s.taps * s.depth;
  const std::int64_t weights = rows * s.groups * s.columns;
  if (weights == 0 || s.records * s.time_out == 0) return;
  ProductSizes sizes = sizes_of(s, kWeightDepth);
  const bool wide = takes_fours(s) && are_aligned(x, dy, dw);
  const int warps = wide ? weight_warps(rows) : 2;
  sizes.tiles = static_cast<int>((rows + warps * kWarpTileRows - 1) / (warps * kWarpTileRows));
  sizes.column_tiles = static_cast<int>((s.columns + kWarpTileColumns - 1) / kWarpTileColumns);
  const std::int64_t blocks_per_piece = std::int64_t{sizes.tiles} * sizes.column_tiles * s.groups;
  const WeightPieces pieces = weight_pieces(s, blocks_per_piece);
  WeightOperands p = {x, dy, dw, {}};
  p.pieces.tree = part_tree(pieces.count);
  p.pieces.tiles = to_int(blocks_per_piece, "the number of blocks");
  if (pieces.count > 1) {
    p.pieces.partial =
        cuda_scratch(stream, CudaScratchUse::kPartial, piece_floats(p.pieces.tree, blocks_per_piece, 32 * warps));
    p.pieces.arrived = cuda_counters(stream);
  }
  const auto blocks = static_cast<unsigned>(to_int(blocks_per_piece * pieces.count, "the number of blocks"));
  if (!wide)
    launch_weights<ExactTile, 1>(warps, sizes, p, pieces, blocks, stream);
  else if (s.precision == Precision::kFp32)
    launch_weights<ExactTile, 4>(warps, sizes, p, pieces, blocks, stream);
  else if (s.precision == Precision::kTf32)
    launch_weights<Tf32Tile, 4>(warps, sizes, p, pieces, blocks, stream);
  else
    launch_weights<Bf16Tile, 4>(warps, sizes, p, pieces, blocks, stream);
}

const char* product_path(const ProductShape& s) {
  return name_of(path_of(s));
}
const char* turned_product_path(const ProductShape& s) {
  return name_of(path_of(s, true));
}

const char* weight_product_path(const ProductShape& s) {
  if (!takes_fours(s)) return "gather";
  if (s.precision == Precision::kFp32) return "tile fp32";
  return s.precision == Precision::kTf32 ? "tile tf32" : "tile bf16";
}

}  // namespace cardiograd::kernels
