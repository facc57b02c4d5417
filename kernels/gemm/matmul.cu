// cuBLASLt knows column-major matrices, and a row-major matrix is its transpose in their eyes: c = a b is computed as
// c^T = b^T a^T, with the operands swapped and nothing copied.
#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>

#include "kernels/gemm/matmul.h"

#if defined(CARDIOGRAD_SIMT)
#include "simt/cublas_lt.h"
#else
#include <cublasLt.h>
#endif

#include "kernels/common/check_cuda.h"
#include "kernels/common/scratch_cuda.h"

namespace cardiograd::kernels {
namespace {

// Always this much, whatever the product: the choice of algorithm depends on it. NVIDIA's advice for sm_90.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;
// No vector access is wider. What lies beyond it is an accident of the allocator, which must not choose the algorithm.
constexpr std::uint32_t kMaxAlignment = 16;

void check_cublas(cublasStatus_t status, const std::string& what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Error("cuBLASLt: " + what + ": " + cublasLtGetStatusString(status) + " (status " +
                    std::to_string(static_cast<int>(status)) + ")",
                "configure with -DCARDIOGRAD_CUBLASLT=OFF to use the hand-written product, or use --device cpu");
}

template <auto kDestroy>
struct Destroy {
  template <class T>
  void operator()(T* object) const {
    kDestroy(object);
  }
};
using Layout = std::unique_ptr<std::remove_pointer_t<cublasLtMatrixLayout_t>, Destroy<cublasLtMatrixLayoutDestroy>>;
using Description = std::unique_ptr<std::remove_pointer_t<cublasLtMatmulDesc_t>, Destroy<cublasLtMatmulDescDestroy>>;
using Preference =
    std::unique_ptr<std::remove_pointer_t<cublasLtMatmulPreference_t>, Destroy<cublasLtMatmulPreferenceDestroy>>;

// What chooses an algorithm.
using Key = std::array<std::int64_t, 9>;

// A product with its algorithm; the operands are named as cuBLASLt sees them, after the swap.
struct Plan {
  Description description;
  Layout a;
  Layout b;
  Layout c;
  cublasLtMatmulAlgo_t algorithm = {};
};

struct State {
  std::mutex mutex;
  std::map<int, cublasLtHandle_t> handles;  // by device
  std::map<Key, Plan> plans;
};

// Never destroyed: at the end of the program the driver may be gone before static objects are.
State& state() {
  static State& instance = *new State;
  return instance;
}

cublasLtHandle_t handle_of(int device) {
  cublasLtHandle_t& handle = state().handles[device];
  if (handle == nullptr) {
    const cublasStatus_t status = cublasLtCreate(&handle);
    // Of a driver that is missing or too old cuBLASLt says that it is not initialized; the runtime says what is wrong.
    if (status != CUBLAS_STATUS_SUCCESS) check_cuda(cudaFree(nullptr), "cuBLASLt: creating a handle");
    check_cublas(status, "creating a handle");
  }
  return handle;
}

std::uint32_t alignment_of(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  std::uint32_t alignment = kMaxAlignment;
  while (address % alignment != 0) alignment /= 2;
  return alignment;
}

Layout make_layout(std::int64_t rows, std::int64_t columns) {
  cublasLtMatrixLayout_t layout = nullptr;
  check_cublas(cublasLtMatrixLayoutCreate(&layout, CUDA_R_32F, static_cast<std::uint64_t>(rows),
                                          static_cast<std::uint64_t>(columns), rows),
               "describing a matrix");
  return Layout(layout);
}

cublasComputeType_t compute_type(Precision precision) {
  if (precision == Precision::kTf32) return CUBLAS_COMPUTE_32F_FAST_TF32;
  if (precision == Precision::kBf16) return CUBLAS_COMPUTE_32F_FAST_16BF;
  return CUBLAS_COMPUTE_32F;
}

cublasLtEpilogue_t epilogue_of(const Matmul& m) {
  if (m.bias == nullptr) return m.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
  return m.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
}

template <class T>
void set(const Description& description, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  check_cublas(cublasLtMatmulDescSetAttribute(description.get(), attribute, &value, sizeof(value)),
               "describing a product");
}
template <class T>
void set(const Preference& preference, cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
  check_cublas(cublasLtMatmulPreferenceSetAttribute(preference.get(), attribute, &value, sizeof(value)),
               "describing what an algorithm may use");
}

Preference make_preference(const Matmul& m) {
  cublasLtMatmulPreference_t created = nullptr;
  check_cublas(cublasLtMatmulPreferenceCreate(&created), "describing what an algorithm may use");
  Preference preference(created);
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{kWorkspaceBytes});
  // Sums that are cut into pieces go through working memory and are put together in a step of their own.
  set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(m.b));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(m.a));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(m.c));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(m.c));
  return preference;
}

Plan make_plan(const Matmul& m, cublasLtHandle_t handle) {
  Plan plan;
  cublasLtMatmulDesc_t description = nullptr;
  check_cublas(cublasLtMatmulDescCreate(&description, compute_type(m.precision), CUDA_R_32F), "describing a product");
  plan.description.reset(description);
  set(plan.description, CUBLASLT_MATMUL_DESC_TRANSA,
      static_cast<std::int32_t>(m.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N));
  set(plan.description, CUBLASLT_MATMUL_DESC_TRANSB,
      static_cast<std::int32_t>(m.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N));
  set(plan.description, CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<std::uint32_t>(epilogue_of(m)));
  set(plan.description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, m.bias);  // the choice depends on its alignment
  plan.a = m.b_transposed ? make_layout(m.depth, m.columns) : make_layout(m.columns, m.depth);
  plan.b = m.a_transposed ? make_layout(m.rows, m.depth) : make_layout(m.depth, m.rows);
  plan.c = make_layout(m.columns, m.rows);
  const Preference preference = make_preference(m);
  const std::string what = "a product of " + std::to_string(m.rows) + " x " + std::to_string(m.depth) + " and " +
                           std::to_string(m.depth) + " x " + std::to_string(m.columns) + " matrices";
  cublasLtMatmulHeuristicResult_t result = {};
  int found = 0;
  check_cublas(cublasLtMatmulAlgoGetHeuristic(handle, plan.description.get(), plan.a.get(), plan.b.get(), plan.c.get(),
                                              plan.c.get(), preference.get(), 1, &result, &found),
               "choosing an algorithm for " + what);
  check_cublas(found > 0 ? result.state : CUBLAS_STATUS_NOT_SUPPORTED, "no algorithm for " + what);
  plan.algorithm = result.algo;
  return plan;
}

}  // namespace

void matmul_cuda(const Matmul& m, Stream stream) {
  if (m.rows == 0 || m.columns == 0 || (m.depth == 0 && m.accumulate)) return;
  int device = 0;
  check_cuda(cudaGetDevice(&device), "cuBLASLt: asking for the device");
  float* workspace = cuda_scratch(stream, CudaScratchUse::kMatmul, kWorkspaceBytes / sizeof(float));
  const Key key = {
      device,
      m.rows,
      m.columns,
      m.depth,
      m.a_transposed + 2 * m.b_transposed + 4 * m.accumulate + 8 * m.relu + 16 * static_cast<std::int64_t>(m.precision),
      alignment_of(m.a),
      alignment_of(m.b),
      alignment_of(m.c),
      m.bias == nullptr ? 0 : alignment_of(m.bias)};
  const std::lock_guard<std::mutex> lock(state().mutex);
  const cublasLtHandle_t handle = handle_of(device);
  auto found = state().plans.find(key);
  if (found == state().plans.end()) found = state().plans.emplace(key, make_plan(m, handle)).first;
  const Plan& plan = found->second;
  set(plan.description, CUBLASLT_MATMUL_DESC_BIAS_POINTER, m.bias);
  const float alpha = 1;
  const float beta = m.accumulate ? 1 : 0;
  check_cublas(cublasLtMatmul(handle, plan.description.get(), &alpha, m.b, plan.a.get(), m.a, plan.b.get(), &beta, m.c,
                              plan.c.get(), m.c, plan.c.get(), &plan.algorithm, workspace, kWorkspaceBytes, stream),
               "putting a product into the stream");
}

}  // namespace cardiograd::kernels
