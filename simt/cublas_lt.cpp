#include "simt/cublas_lt.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <Eigen/Core>

#include "base/precision.h"
#include "simt/arena.h"
#include "simt/settings.h"

struct cublasLtContext {};
struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType_t type;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t leading;
};
struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  std::int32_t transpose_a = CUBLAS_OP_N;
  std::int32_t transpose_b = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const float* bias = nullptr;
};
struct cublasLtMatmulPreferenceOpaque_t {
  std::uint64_t workspace_bytes = 0;
  std::uint32_t reduction_schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
  std::uint32_t alignment[4] = {256, 256, 256, 256};  // of A, B, C, D
};

namespace cardiograd::simt {
namespace {

// From here on a sum is worth cutting, and this long its pieces are.
constexpr std::int64_t kPiece = 1024;
constexpr std::size_t kWorkspaceAlignment = 16;

// Everything about a product but its pointers.
struct Problem {
  std::int64_t rows = 0;     // of D
  std::int64_t columns = 0;  // of D
  std::int64_t depth = 0;
  std::int64_t leading[4] = {};  // of A, B, C, D
  bool transpose_a = false;
  bool transpose_b = false;
  bool bias = false;
  bool relu = false;
  Precision precision = Precision::kFp32;
};

// cublasLtMatmulAlgo_t::data
struct Algorithm {
  std::uint64_t fingerprint;  // of the Problem
  std::uint64_t pieces;
  std::uint32_t alignment[4];
};
static_assert(sizeof(Algorithm) <= sizeof(cublasLtMatmulAlgo_t));

std::uint64_t fingerprint(const Problem& p) {
  std::uint64_t hash = 1469598103934665603U;  // FNV-1a
  for (const std::int64_t value : {p.rows, p.columns, p.depth, p.leading[0], p.leading[1], p.leading[2], p.leading[3],
                                   std::int64_t{p.transpose_a} + 2 * p.transpose_b + 4 * p.bias + 8 * p.relu +
                                       16 * static_cast<std::int64_t>(p.precision)})
    hash = (hash ^ static_cast<std::uint64_t>(value)) * 1099511628211U;
  return hash;
}

std::size_t workspace_of(const Problem& p, std::uint64_t pieces) {
  return pieces > 1 ? pieces * static_cast<std::size_t>(p.rows * p.columns) * sizeof(float) : 0;
}

// False for compute types that are not emulated.
bool read_precision(cublasComputeType_t compute, Precision& precision) {
  if (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_FAST_TF32 &&
      compute != CUBLAS_COMPUTE_32F_FAST_16BF)
    return false;
  precision = Precision::kFp32;
  if (settings().gpu.compute_capability < 80) return true;
  if (compute == CUBLAS_COMPUTE_32F_FAST_TF32) precision = Precision::kTf32;
  if (compute == CUBLAS_COMPUTE_32F_FAST_16BF) precision = Precision::kBf16;
  return true;
}

cublasStatus_t make_problem(const cublasLtMatmulDescOpaque_t* description, const cublasLtMatrixLayoutOpaque_t* a,
                            const cublasLtMatrixLayoutOpaque_t* b, const cublasLtMatrixLayoutOpaque_t* c,
                            const cublasLtMatrixLayoutOpaque_t* d, Problem& p) {
  if (description == nullptr || a == nullptr || b == nullptr || c == nullptr || d == nullptr)
    return CUBLAS_STATUS_INVALID_VALUE;
  const bool epilogue = (description->epilogue & ~std::uint32_t{CUBLASLT_EPILOGUE_RELU_BIAS}) == 0 ||
                        description->epilogue == CUBLASLT_EPILOGUE_DEFAULT;
  if (!read_precision(description->compute, p.precision) || !epilogue || description->scale != CUDA_R_32F)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  for (const auto* layout : {a, b, c, d}) {
    if (layout->type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (layout->rows < 1 || layout->columns < 1 || layout->leading < layout->rows) return CUBLAS_STATUS_INVALID_VALUE;
  }
  p.transpose_a = description->transpose_a == CUBLAS_OP_T;
  p.transpose_b = description->transpose_b == CUBLAS_OP_T;
  p.bias = (description->epilogue & CUBLASLT_EPILOGUE_BIAS) != 0;
  p.relu = (description->epilogue & CUBLASLT_EPILOGUE_RELU) != 0;
  p.rows = p.transpose_a ? a->columns : a->rows;
  p.depth = p.transpose_a ? a->rows : a->columns;
  p.columns = p.transpose_b ? b->rows : b->columns;
  const bool agree = (p.transpose_b ? b->columns : b->rows) == p.depth && d->rows == p.rows &&
                     d->columns == p.columns && c->rows == d->rows && c->columns == d->columns;
  if (!agree || (p.bias && description->bias == nullptr)) return CUBLAS_STATUS_INVALID_VALUE;
  const std::int64_t leading[] = {a->leading, b->leading, c->leading, d->leading};
  std::copy(std::begin(leading), std::end(leading), p.leading);
  return CUBLAS_STATUS_SUCCESS;
}

// Products are lazyProduct's: Eigen's other one shares work among threads, and its sums depend on how many there are.
using Matrix = Eigen::MatrixXf;
using Strided = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;
using ConstStrided = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;

// op(A) or op(B) with the precision that the product reads.
Matrix operand(const float* data, std::int64_t rows, std::int64_t columns, std::int64_t leading, bool transpose,
               Precision precision) {
  Matrix result = transpose ? Matrix(ConstStrided(data, columns, rows, Eigen::OuterStride<>(leading)).transpose())
                            : Matrix(ConstStrided(data, rows, columns, Eigen::OuterStride<>(leading)));
  if (precision != Precision::kFp32) result = result.unaryExpr([precision](float x) { return round_to(precision, x); });
  return result;
}

struct Product {
  Problem problem;
  std::int64_t pieces = 1;
  float alpha = 1;
  float beta = 0;
  const float* a = nullptr;
  const float* b = nullptr;
  const float* c = nullptr;
  float* d = nullptr;
  const float* bias = nullptr;
  float* workspace = nullptr;

  static std::size_t bytes(std::int64_t rows, std::int64_t columns, std::int64_t leading) {
    return static_cast<std::size_t>((columns - 1) * leading + rows) * sizeof(float);
  }
  void check_memory() const {
    const Problem& p = problem;
    const auto operand_bytes = [](std::int64_t rows, std::int64_t columns, std::int64_t leading, bool transpose) {
      return transpose ? bytes(columns, rows, leading) : bytes(rows, columns, leading);
    };
    check_device_range(a, operand_bytes(p.rows, p.depth, p.leading[0], p.transpose_a), "cublasLtMatmul, A");
    check_device_range(b, operand_bytes(p.depth, p.columns, p.leading[1], p.transpose_b), "cublasLtMatmul, B");
    if (beta != 0) check_device_range(c, bytes(p.rows, p.columns, p.leading[2]), "cublasLtMatmul, C");
    check_device_range(d, bytes(p.rows, p.columns, p.leading[3]), "cublasLtMatmul, D");
    if (p.bias) check_device_range(bias, bytes(p.rows, 1, p.rows), "cublasLtMatmul, bias");
    if (pieces > 1) {
      const std::size_t workspace_bytes = workspace_of(p, static_cast<std::uint64_t>(pieces));
      check_device_range(workspace, workspace_bytes, "cublasLtMatmul, workspace");
      std::memset(workspace, kPoisonByte, workspace_bytes);
    }
  }
  void run() const {
    check_memory();
    const Problem& p = problem;
    const Matrix left = operand(a, p.rows, p.depth, p.leading[0], p.transpose_a, p.precision);
    const Matrix right = operand(b, p.depth, p.columns, p.leading[1], p.transpose_b, p.precision);
    Matrix sum(p.rows, p.columns);
    if (pieces == 1) {
      sum = left.lazyProduct(right);
    } else {
      const std::int64_t size = (p.depth + pieces - 1) / pieces;
      for (std::int64_t piece = 0; piece < pieces; ++piece) {
        const std::int64_t first = std::min(p.depth, piece * size);
        const std::int64_t length = std::min(size, p.depth - first);
        Eigen::Map<Matrix>(workspace + piece * p.rows * p.columns, p.rows, p.columns) =
            left.middleCols(first, length).lazyProduct(right.middleRows(first, length));
      }
      sum.setZero();
      for (std::int64_t piece = 0; piece < pieces; ++piece)
        sum += Eigen::Map<const Matrix>(workspace + piece * p.rows * p.columns, p.rows, p.columns);
    }
    sum *= alpha;
    if (beta != 0) sum += beta * ConstStrided(c, p.rows, p.columns, Eigen::OuterStride<>(p.leading[2]));
    if (p.bias) sum.colwise() += Eigen::Map<const Eigen::VectorXf>(bias, p.rows);
    if (p.relu) sum = sum.unaryExpr([](float x) { return x <= 0 ? 0.0F : x; });  // NaN stays NaN
    Strided(d, p.rows, p.columns, Eigen::OuterStride<>(p.leading[3])) = sum;
  }
};

void check_pointer(const void* pointer, std::size_t alignment, const char* name) {
  const std::size_t past = reinterpret_cast<std::uintptr_t>(pointer) % alignment;
  if (past != 0)
    raise_fault_at(FaultKind::kMisalignedAccess,
                   std::string("cublasLtMatmul, ") + name + ": " + std::to_string(past) + " bytes past a multiple of " +
                       std::to_string(alignment) + ", which the algorithm was chosen for",
                   "", 0);
}

template <class T>
cublasStatus_t set(T& attribute, const void* value, std::size_t bytes) {
  if (value == nullptr || bytes != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&attribute, value, sizeof(T));
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace
}  // namespace cardiograd::simt

using namespace cardiograd::simt;

const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the functionality requested is not supported";
  }
  return "unknown";
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = new cublasLtContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t leading_dimension) {
  *layout = new cublasLtMatrixLayoutOpaque_t{type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns),
                                             leading_dimension};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* description, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  *description = new cublasLtMatmulDescOpaque_t{.compute = compute, .scale = scale};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
  delete description;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description,
                                              cublasLtMatmulDescAttributes_t attribute, const void* value,
                                              std::size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return set(description->transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return set(description->transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return set(description->epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return set(description->bias, value, bytes);
  }
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = new cublasLtMatmulPreferenceOpaque_t;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                                                    std::size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return set(preference->workspace_bytes, value, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return set(preference->reduction_schemes, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return set(preference->alignment[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
  }
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t* results, int* returned) {
  *returned = 0;
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (preference == nullptr || requested < 1) return CUBLAS_STATUS_INVALID_VALUE;
  Problem p;
  const cublasStatus_t status = make_problem(description, a, b, c, d, p);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  auto pieces = static_cast<std::uint64_t>((p.depth + kPiece - 1) / kPiece);
  const bool may_cut = (preference->reduction_schemes & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE) != 0;
  if (!may_cut || workspace_of(p, pieces) > preference->workspace_bytes) pieces = 1;
  Algorithm algorithm{.fingerprint = fingerprint(p), .pieces = pieces, .alignment = {}};
  std::copy(std::begin(preference->alignment), std::end(preference->alignment), algorithm.alignment);
  *results = {};
  std::memcpy(results->algo.data, &algorithm, sizeof(algorithm));
  results->workspaceSize = workspace_of(p, pieces);
  results->wavesCount = 1;
  *returned = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, std::size_t workspace_bytes,
                              cudaStream_t stream) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (algorithm == nullptr) return CUBLAS_STATUS_NOT_SUPPORTED;
  Problem p;
  const cublasStatus_t status = make_problem(description, a_layout, b_layout, c_layout, d_layout, p);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  Algorithm chosen{};
  std::memcpy(&chosen, algorithm->data, sizeof(chosen));
  if (chosen.fingerprint != fingerprint(p) || workspace_bytes < workspace_of(p, chosen.pieces))
    return CUBLAS_STATUS_INVALID_VALUE;
  check_pointer(a, chosen.alignment[0], "A");
  check_pointer(b, chosen.alignment[1], "B");
  check_pointer(c, chosen.alignment[2], "C");
  check_pointer(d, chosen.alignment[3], "D");
  if (chosen.pieces > 1) check_pointer(workspace, kWorkspaceAlignment, "workspace");
  const Product product{.problem = p,
                        .pieces = static_cast<std::int64_t>(chosen.pieces),
                        .alpha = *static_cast<const float*>(alpha),
                        .beta = *static_cast<const float*>(beta),
                        .a = static_cast<const float*>(a),
                        .b = static_cast<const float*>(b),
                        .c = static_cast<const float*>(c),
                        .d = static_cast<float*>(d),
                        .bias = description->bias,
                        .workspace = static_cast<float*>(workspace)};
  enqueue_work(stream, [product] { product.run(); });
  return CUBLAS_STATUS_SUCCESS;
}
