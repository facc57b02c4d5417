// cuBLASLt: linear layers with the fastest of the algorithms that its heuristic proposes, and its fused bias. Row-major
// matrices are their transposes to it, so factors change places.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <cublasLt.h>
#include <fmt/format.h>

#include "base/error.h"
#include "bench/opponents/gpu_call.h"
#include "bench/opponents/libraries.h"
#include "kernels/linear/linear.h"

namespace cardiograd::bench {
namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{64} << 20U;
constexpr int kCandidates = 24;

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Error(fmt::format("cuBLASLt: {}: {}", what, cublasLtGetStatusString(status)));
}

// Never destroyed: at the end of the program the driver may be gone first.
cublasLtHandle_t handle() {
  static cublasLtHandle_t one = [] {
    cublasLtHandle_t made = nullptr;
    check(cublasLtCreate(&made), "creating a handle");
    return made;
  }();
  return one;
}

// c (rows x columns) = op(a) op(b) + bias, row major; c is float where `float_result`.
struct Product {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t depth = 0;
  void* a = nullptr;
  void* b = nullptr;
  void* c = nullptr;
  void* bias = nullptr;
  bool a_transposed = false;
  bool b_transposed = false;
  bool float_result = false;
  bool relu = false;  // with bias only
};

class Plan {
 public:
  Plan(const Product& product, Precision precision, void* workspace) : product_(product), workspace_(workspace) {
    const bool narrow = precision == Precision::kBf16;
    const cudaDataType_t type = narrow ? CUDA_R_16BF : CUDA_R_32F;
    const cudaDataType_t result = narrow && !product.float_result ? CUDA_R_16BF : CUDA_R_32F;
    check(cublasLtMatmulDescCreate(&description_,
                                   precision == Precision::kTf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
                                   CUDA_R_32F),
          "describing a product");
    set(CUBLASLT_MATMUL_DESC_TRANSA, product.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, product.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (product.bias != nullptr) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE, product.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS);
      set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
      set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, result);
    }
    a_ = layout(type, product.columns, product.depth, product.b_transposed);
    b_ = layout(type, product.depth, product.rows, product.a_transposed);
    c_ = layout(result, product.columns, product.rows, false);
  }
  ~Plan() {
    for (cublasLtMatrixLayout_t one : {a_, b_, c_}) cublasLtMatrixLayoutDestroy(one);
    cublasLtMatmulDescDestroy(description_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // Times what the heuristic proposes and keeps the fastest. The factors must hold values.
  void search() {
    cublasLtMatmulPreference_t preference = nullptr;
    check(cublasLtMatmulPreferenceCreate(&preference), "describing what an algorithm may use");
    const std::size_t bytes = kWorkspaceBytes;
    check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                               sizeof(bytes)),
          "describing what an algorithm may use");
    std::vector<cublasLtMatmulHeuristicResult_t> found(kCandidates);
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(handle(), description_, a_, b_, c_, c_, preference,
                                                                 kCandidates, found.data(), &count);
    cublasLtMatmulPreferenceDestroy(preference);
    check(status, "asking for algorithms");
    const std::size_t best =
        fastest_on_gpu(static_cast<std::size_t>(count), [&](std::size_t i) { run(found[i].algo); });
    algorithm_ = found[best].algo;
  }
  void run() const { run(algorithm_); }

 private:
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    check(cublasLtMatmulDescSetAttribute(description_, attribute, &value, sizeof(value)), "describing a product");
  }
  static cublasLtMatrixLayout_t layout(cudaDataType_t type, std::int64_t rows, std::int64_t columns, bool transposed) {
    const std::int64_t down = transposed ? columns : rows;
    const std::int64_t across = transposed ? rows : columns;
    cublasLtMatrixLayout_t made = nullptr;
    check(cublasLtMatrixLayoutCreate(&made, type, static_cast<std::uint64_t>(down), static_cast<std::uint64_t>(across),
                                     down),
          "describing a matrix");
    return made;
  }
  void run(const cublasLtMatmulAlgo_t& algorithm) const {
    const float one = 1;
    const float zero = 0;
    check(cublasLtMatmul(handle(), description_, &one, product_.b, a_, product_.a, b_, &zero, product_.c, c_,
                         product_.c, c_, &algorithm, workspace_, kWorkspaceBytes, nullptr),
          "a product");
  }

  Product product_;
  void* workspace_;
  cublasLtMatmulDesc_t description_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr;
  cublasLtMatrixLayout_t b_ = nullptr;
  cublasLtMatrixLayout_t c_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_ = {};
};

}  // namespace

OpponentList cublaslt_opponents(const kernels::Op& op, const kernels::OpCase& work, Precision precision) {
  const auto* s = shape_of<kernels::LinearShape>(op, work);
  if (s == nullptr || s->adds || s->dropout.probability > 0) return {};
  const GpuNumber number = precision == Precision::kBf16 ? GpuNumber::kBFloat16 : GpuNumber::kFloat;
  auto call = std::make_shared<GpuCall>(work);
  void* workspace = call->extra(kWorkspaceBytes);
  std::vector<Product> products;
  if (op.name == "linear_forward") {
    products = {{.rows = s->rows,
                 .columns = s->outputs,
                 .depth = s->inputs,
                 .a = call->buffer("x", number),
                 .b = call->buffer("w", number),
                 .c = call->buffer("y", number),
                 .bias = call->buffer("b", number),
                 .relu = s->relu}};
  } else if (op.name == "linear_backward_input") {
    products = {{.rows = s->rows,
                 .columns = s->inputs,
                 .depth = s->outputs,
                 .a = call->buffer("dy", number),
                 .b = call->buffer("w", number),
                 .c = call->buffer("dx", number),
                 .b_transposed = true}};
  } else if (op.name == "linear_backward_weight") {
    void* x = call->buffer("x", number);
    void* dy = call->buffer("dy", number);
    // The sums of dy's columns are a product with ones.
    void* ones = call->extra(static_cast<std::size_t>(s->rows) * gpu_number_bytes(number));
    call->before([ones, number, rows = static_cast<std::size_t>(s->rows)] {
      std::vector<float> floats(rows, 1.0F);
      std::vector<std::uint16_t> halves(rows, 0x3F80);  // 1 in bfloat16
      const void* from = number == GpuNumber::kFloat ? static_cast<const void*>(floats.data()) : halves.data();
      kernels::check_cuda(cudaMemcpy(ones, from, rows * gpu_number_bytes(number), cudaMemcpyHostToDevice),
                          "copying ones");
    });
    products = {{.rows = s->inputs,
                 .columns = s->outputs,
                 .depth = s->rows,
                 .a = x,
                 .b = dy,
                 .c = call->buffer("dw"),
                 .a_transposed = true,
                 .float_result = true},
                {.rows = 1,
                 .columns = s->outputs,
                 .depth = s->rows,
                 .a = ones,
                 .b = dy,
                 .c = call->buffer("db"),
                 .float_result = true}};
  } else {
    return {};
  }
  std::vector<std::shared_ptr<Plan>> plans;
  for (const Product& product : products) plans.push_back(std::make_shared<Plan>(product, precision, workspace));
  auto searched = std::make_shared<bool>(false);
  call->before([plans, searched] {
    if (*searched) return;
    for (const auto& plan : plans) plan->search();
    *searched = true;
  });
  return {gpu_opponent(
      "cuBLASLt", "fastest of its proposals", call,
      [plans] {
        for (const auto& plan : plans) plan->run();
      },
      precision == Precision::kBf16 ? "activations and weights stored in bf16" : "")};
}

std::string cublaslt_version() {
  return fmt::format("{}", cublasLtGetVersion());
}

}  // namespace cardiograd::bench
