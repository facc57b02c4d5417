#include "simt/cublas_lt.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "simt/simt.h"
#include "tests/simt/device_buffer.h"

namespace cardiograd::simt {
namespace {

std::vector<float> random_floats(std::int64_t count, std::uint64_t seed) {
  PhiloxStream stream(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = static_cast<float>(stream.normal());
  return values;
}

// D (rows, columns) = A B, column-major and dense, with what a test changes before it calls.
class Product {
 public:
  Product(std::int64_t rows, std::int64_t columns, std::int64_t depth, cublasComputeType_t compute = CUBLAS_COMPUTE_32F)
      : rows_(rows), columns_(columns), depth_(depth) {
    cublasLtCreate(&handle);
    cublasLtMatmulDescCreate(&description, compute, CUDA_R_32F);
    cublasLtMatmulPreferenceCreate(&preference);
    cublasLtMatrixLayoutCreate(&a, CUDA_R_32F, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(depth),
                               rows);
    cublasLtMatrixLayoutCreate(&b, CUDA_R_32F, static_cast<std::uint64_t>(depth), static_cast<std::uint64_t>(columns),
                               depth);
    cublasLtMatrixLayoutCreate(&d, CUDA_R_32F, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns),
                               rows);
  }
  ~Product() {
    for (const auto layout : {a, b, d}) cublasLtMatrixLayoutDestroy(layout);
    cublasLtMatmulPreferenceDestroy(preference);
    cublasLtMatmulDescDestroy(description);
    cublasLtDestroy(handle);
  }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  template <class T>
  cublasStatus_t set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    return cublasLtMatmulDescSetAttribute(description, attribute, &value, sizeof(value));
  }
  template <class T>
  cublasStatus_t set(cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
    return cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value));
  }
  cublasStatus_t choose() {
    int found = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle, description, a, b, d, d, preference, 1, &chosen, &found);
    EXPECT_EQ(found, status == CUBLAS_STATUS_SUCCESS ? 1 : 0);
    return status;
  }
  cublasStatus_t enqueue(const float* x, const float* y, float* z, float beta = 0, void* workspace = nullptr,
                         std::size_t bytes = 0, cudaStream_t stream = nullptr) {
    const float alpha = 1;
    return cublasLtMatmul(handle, description, &alpha, x, a, y, b, &beta, z, d, z, d, &chosen.algo, workspace, bytes,
                          stream);
  }
  // A B in double.
  std::vector<double> expected(const std::vector<float>& x, const std::vector<float>& y) const {
    std::vector<double> result(static_cast<std::size_t>(rows_ * columns_), 0.0);
    for (std::int64_t column = 0; column < columns_; ++column)
      for (std::int64_t k = 0; k < depth_; ++k)
        for (std::int64_t row = 0; row < rows_; ++row)
          result[static_cast<std::size_t>(column * rows_ + row)] +=
              static_cast<double>(x[static_cast<std::size_t>(k * rows_ + row)]) *
              static_cast<double>(y[static_cast<std::size_t>(column * depth_ + k)]);
    return result;
  }

  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t description = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatrixLayout_t a = nullptr;
  cublasLtMatrixLayout_t b = nullptr;
  cublasLtMatrixLayout_t d = nullptr;
  cublasLtMatmulHeuristicResult_t chosen = {};

 private:
  std::int64_t rows_;
  std::int64_t columns_;
  std::int64_t depth_;
};

// The largest difference; NaN where there is one.
double distance(const std::vector<float>& got, const std::vector<double>& expected) {
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - expected[i]);
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, difference);
  }
  return largest;
}

TEST(CublasLt, MultipliesWhenTheStreamIsWaitedFor) {
  Product product(5, 3, 7);
  const std::vector<float> x = random_floats(35, 1), y = random_floats(21, 2);
  const DeviceBuffer<float> left(x), right(y), result(15);
  ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(product.chosen.workspaceSize, 0U);
  EXPECT_EQ(product.enqueue(left.data(), right.data(), result.data()), CUBLAS_STATUS_SUCCESS);
  EXPECT_TRUE(std::isnan(result.data()[0])) << "nothing has run, and without beta NaN in D does not count";
  EXPECT_TRUE(distance(result.read(), product.expected(x, y)) <= 1e-6);
}

TEST(CublasLt, AddsTheBiasOfEachRowAndWhatWasThere) {
  Product product(4, 6, 9);
  const std::vector<float> x = random_floats(36, 1), y = random_floats(54, 2), before = random_floats(24, 3),
                           bias = random_floats(4, 4);
  const DeviceBuffer<float> left(x), right(y), result(before), row_bias(bias);
  product.set(CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<std::uint32_t>(CUBLASLT_EPILOGUE_BIAS));
  EXPECT_EQ(product.choose(), CUBLAS_STATUS_INVALID_VALUE) << "a bias without a pointer";
  product.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, row_bias.data());
  ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(product.enqueue(left.data(), right.data(), result.data(), 1), CUBLAS_STATUS_SUCCESS);
  std::vector<double> expected = product.expected(x, y);
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i] += static_cast<double>(before[i]) + static_cast<double>(bias[i % 4]);
  EXPECT_TRUE(distance(result.read(), expected) <= 2e-6);
}

TEST(CublasLt, CutsALongSumWhereItMay) {
  Product product(3, 2, 2500);
  const std::vector<float> x = random_floats(7500, 1), y = random_floats(5000, 2);
  const DeviceBuffer<float> left(x), right(y), result(6), workspace(18);
  ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(product.chosen.workspaceSize, 0U) << "no working memory allowed";
  product.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{72});
  product.set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE));
  ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(product.chosen.workspaceSize, 0U) << "no reduction allowed";
  product.set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
              static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(product.chosen.workspaceSize, 72U) << "three pieces of six results";
  EXPECT_EQ(product.enqueue(left.data(), right.data(), result.data(), 0, workspace.data(), 71),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(product.enqueue(left.data(), right.data(), result.data(), 0, workspace.data(), 72), CUBLAS_STATUS_SUCCESS);
  EXPECT_TRUE(distance(result.read(), product.expected(x, y)) <= 4e-4);
}

TEST(CublasLt, SetsNegativeResultsToZeroBehindTheBias) {
  Product product(2, 1, 1);
  const DeviceBuffer<float> left(std::vector<float>{1, -1}), right(std::vector<float>{2.0F}), result(2),
      bias(std::vector<float>{-3, 5});
  for (const auto& [epilogue, expected] : {std::pair{CUBLASLT_EPILOGUE_RELU, std::vector<float>{2, 0}},
                                           std::pair{CUBLASLT_EPILOGUE_RELU_BIAS, std::vector<float>{0, 3}}}) {
    product.set(CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<std::uint32_t>(epilogue));
    product.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const float*>(bias.data()));
    ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(product.enqueue(left.data(), right.data(), result.data()), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(result.read(), expected);
  }
}

TEST(CublasLt, RoundsOnlyWhenAskedAndAsTheComputeTypeSays) {
  const float value = 1 + 0x1p-9F + 0x1p-20F;
  const DeviceBuffer<float> left(std::vector<float>{value}), right(std::vector<float>{1.0F}), result(1);
  const auto product = [&](cublasComputeType_t compute) {
    Product one(1, 1, 1, compute);
    EXPECT_EQ(one.choose(), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(one.enqueue(left.data(), right.data(), result.data()), CUBLAS_STATUS_SUCCESS);
    return result.read()[0];
  };
  EXPECT_EQ(product(CUBLAS_COMPUTE_32F), value);
  EXPECT_EQ(product(CUBLAS_COMPUTE_32F_FAST_TF32), 1 + 0x1p-9F);
  EXPECT_EQ(product(CUBLAS_COMPUTE_32F_FAST_16BF), 1.0F);
  settings().gpu = kSm75;
  EXPECT_EQ(product(CUBLAS_COMPUTE_32F_FAST_TF32), value) << "no tensor cores for it";
  settings() = {};
}

TEST(CublasLt, AGraphReplaysWithItsFactorsAndPointers) {
  Product product(2, 2, 2);
  const std::vector<float> x = random_floats(4, 1), y = random_floats(4, 2);
  const DeviceBuffer<float> left(x), right(y), result(std::vector<float>(4, 0.0F));
  ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
  EXPECT_EQ(product.enqueue(left.data(), right.data(), result.data(), 1, nullptr, 0, stream), CUBLAS_STATUS_SUCCESS);
  cudaStreamEndCapture(stream, &graph);
  cudaGraphInstantiate(&executable, graph);
  EXPECT_EQ(result.read(), std::vector<float>(4, 0.0F)) << "capture runs nothing";
  for (int step = 0; step < 3; ++step) cudaGraphLaunch(executable, stream);
  cudaStreamSynchronize(stream);
  std::vector<double> expected = product.expected(x, y);
  for (double& value : expected) value *= 3;
  EXPECT_TRUE(distance(result.read(), expected) <= 1e-5);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
}

TEST(CublasLt, RefusesWhatItDoesNotEmulate) {
  Product product(2, 2, 2);
  product.set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t{32});  // GELU
  EXPECT_EQ(product.choose(), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(product.set(static_cast<cublasLtMatmulDescAttributes_t>(15), std::int32_t{1}), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(product.set(CUBLASLT_MATMUL_DESC_TRANSA, std::int64_t{0}), CUBLAS_STATUS_INVALID_VALUE) << "eight bytes";
  Product wide(2, 2, 2, CUBLAS_COMPUTE_64F);
  EXPECT_EQ(wide.choose(), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST(CublasLt, AnAlgorithmIsForOneShapeAndAlignment) {
  Product product(2, 2, 2), other(2, 2, 3);
  const DeviceBuffer<float> left(8), right(8), result(4);
  ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
  other.chosen = product.chosen;
  EXPECT_EQ(other.enqueue(left.data(), right.data(), result.data()), CUBLAS_STATUS_INVALID_VALUE);
  try {
    product.enqueue(left.data() + 1, right.data(), result.data());
    FAIL() << "no fault";
  } catch (const Fault& fault) {
    EXPECT_EQ(fault.kind(), FaultKind::kMisalignedAccess);
    EXPECT_NE(std::string(fault.what()).find("A: 4 bytes past a multiple of 256"), std::string::npos) << fault.what();
  }
  product.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t{4});
  ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(product.enqueue(left.data() + 1, right.data(), result.data()), CUBLAS_STATUS_SUCCESS);
  cudaDeviceSynchronize();
}

TEST(CublasLt, ReadsDeviceMemoryAndNoMoreThanThereIs) {
  Product product(2, 2, 2);
  product.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t{4});
  ASSERT_EQ(product.choose(), CUBLAS_STATUS_SUCCESS);
  const DeviceBuffer<float> small(3), right(4), result(4);
  const std::vector<float> host(4, 0.0F);
  for (const float* left : {static_cast<const float*>(small.data()), host.data()}) {
    EXPECT_EQ(product.enqueue(left, right.data(), result.data()), CUBLAS_STATUS_SUCCESS);
    try {
      cudaDeviceSynchronize();
      FAIL() << "no fault";
    } catch (const Fault& fault) {
      EXPECT_EQ(fault.kind(), FaultKind::kDeviceOutOfBounds);
      EXPECT_NE(std::string(fault.what()).find("cublasLtMatmul, A: 16 bytes"), std::string::npos) << fault.what();
    }
  }
}

}  // namespace
}  // namespace cardiograd::simt
