// Memory, transfers and queues of the GPU, and what is said when there is none.
#include "engine/cuda.h"

#include <cstdint>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "engine/memory.h"
#include "engine/transfer.h"
#include "tests/engine/on_cuda.h"

namespace cardiograd {
namespace {

template <class Thrown = Error>
std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Thrown& error) {
    EXPECT_FALSE(error.hint().empty()) << error.what();
    return error.what();
  }
  return "no error";
}

// The statuses of the CUDA runtime that a user may meet before anything runs.
TEST(CudaProblem, IsSaidInWords) {
  const cuda::DriverInfo on_a_gpu = {
      .driver = 11040, .runtime = 12020, .gpu = "Quadro P400 (sm_61)", .architectures = "75, 80, 86"};
  const auto words = [&](int status, const cuda::DriverInfo& info) {
    const cuda::Problem problem = cuda::problem_of_status(status, "CUDA's words", info);
    EXPECT_NE(problem.hint.find("--device cpu"), std::string::npos) << problem.hint;
    return problem.message;
  };
  EXPECT_EQ(words(35, on_a_gpu),
            "device cuda: the NVIDIA driver is too old: it knows CUDA up to 11.4, this build uses 12.2");
  EXPECT_EQ(words(35, cuda::DriverInfo()), "device cuda: no NVIDIA driver is installed");
  EXPECT_EQ(words(100, on_a_gpu), "device cuda: the NVIDIA driver sees no GPU");
  EXPECT_EQ(words(209, on_a_gpu),
            "device cuda: this build has no kernels for the GPU Quadro P400 (sm_61); it has them for compute "
            "capability 75, 80, 86");
  EXPECT_EQ(words(719, on_a_gpu), "device cuda: the GPU does not answer: CUDA's words (CUDA error 719)");
}

TEST(CudaProblem, AskingForTheGpuWhereThereIsNoneIsTheError) {
  if (cuda_available()) GTEST_SKIP() << "there is " << describe_device(Device::kCuda);
  for (const std::function<void()>& call : std::initializer_list<std::function<void()>>{
           [] { parse_device("cuda"); }, [] { Tensor::zeros({3}, DType::kFloat32, Device::kCuda); },
           [] { Tensor::zeros({3}).to(Device::kCuda); }, [] { describe_device(Device::kCuda); }})
    EXPECT_EQ(message_of(call), cuda::problem()->message);
  EXPECT_EQ(parse_device("auto"), Device::kCpu);
  EXPECT_TRUE(cuda::problem()->message.starts_with("device cuda: ")) << cuda::problem()->message;
}

class CudaMemory : public testing::CudaTest {};

TEST_F(CudaMemory, DevicesHaveNames) {
  EXPECT_EQ(parse_device("cuda"), Device::kCuda);
  EXPECT_EQ(parse_device("auto"), cuda::emulated() ? Device::kCpu : Device::kCuda);
  EXPECT_TRUE(describe_device(Device::kCuda).starts_with("cuda (")) << describe_device(Device::kCuda);
  EXPECT_EQ(describe_device(Device::kCpu), "cpu");
}

// More than the largest piece of pinned memory, and not a multiple of it.
TEST_F(CudaMemory, ValuesComeBackAsTheyWent) {
  std::vector<std::int32_t> values(3 * (1 << 20) + 17);
  std::iota(values.begin(), values.end(), -5);
  const Tensor there =
      Tensor::from(values, {static_cast<std::int64_t>(values.size())}).to(Device::kCuda);  // its source is gone
  EXPECT_EQ(there.values<std::int32_t>(), values);
  EXPECT_EQ(there.clone().values<std::int32_t>(), values);
  Tensor copy = Tensor::zeros(there.shape(), DType::kInt32, Device::kCuda);
  EXPECT_EQ(copy.values<std::int32_t>(), std::vector<std::int32_t>(values.size(), 0));
  copy.assign(there);
  EXPECT_EQ(copy.to(Device::kCpu).values<std::int32_t>(), values);
  EXPECT_EQ(there.to(Device::kCuda).address<std::int32_t>(), there.address<std::int32_t>());
  EXPECT_EQ(Tensor::full({5}, 2.5F, Device::kCuda).values(), std::vector<float>(5, 2.5F));
  EXPECT_THROW(copy.assign(Tensor::zeros({3}, DType::kInt32)), Error);
}

TEST_F(CudaMemory, ManySmallUploadsKeepTheirValues) {
  std::vector<Tensor> there;
  for (int i = 0; i < 700; ++i) there.push_back(Tensor::full({3}, static_cast<float>(i)).to(Device::kCuda));
  for (int i = 0; i < 700; ++i) EXPECT_EQ(there[static_cast<std::size_t>(i)].values()[2], static_cast<float>(i));
}

TEST_F(CudaMemory, BlocksAreUsedAgain) {
  const void* first = Tensor::zeros({1000}, DType::kFloat32, Device::kCuda).address();
  const MemoryStatistics before = cuda_allocator().statistics();
  EXPECT_EQ(Tensor::zeros({1000}, DType::kFloat32, Device::kCuda).address(), first);
  EXPECT_EQ(cuda_allocator().statistics().system_allocations, before.system_allocations);
  EXPECT_EQ(cuda_allocator().statistics().in_use, before.in_use);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 256, 0U);
}

TEST_F(CudaMemory, RunningOutSaysWhatWasAskedForAndWhatThereIs) {
  CachingAllocator& memory = cuda_allocator();
  const std::size_t before = memory.limit();
  const Tensor held = Tensor::zeros({500'000}, DType::kFloat32, Device::kCuda);
  memory.release_cached();
  memory.set_limit(memory.statistics().reserved + 1'000'000);
  // What is cached is given back before anything is refused.
  for (const std::int64_t count : {200'000, 150'000, 240'000}) Tensor::empty({count}, DType::kUint8, Device::kCuda);
  for (const std::int64_t count : {900'000, 700'000}) Tensor::empty({count}, DType::kUint8, Device::kCuda);
  const std::string message = message_of<OutOfMemory>([] { Tensor::empty({1'500'000}, DType::kUint8, Device::kCuda); });
  EXPECT_TRUE(message.starts_with("out of memory: 1.5 MB asked for, 2.")) << message;
  EXPECT_NE(message.find("MB in use on the " + cuda::gpu().name + " of "), std::string::npos) << message;
  EXPECT_NE(message.find("limited to 3."), std::string::npos) << message;
  memory.set_limit(before);
  EXPECT_NO_THROW(Tensor::empty({1'500'000}, DType::kUint8, Device::kCuda));
}

TEST_F(CudaMemory, AQueueGivesValuesInOrderSomeStepsLater) {
  for (const Device device : {Device::kCpu, Device::kCuda}) {
    AsyncScalars queue(device, 3);
    EXPECT_THROW(queue.pop(), Error);
    for (int i = 0; i < 10; ++i) {
      Tensor value = Tensor::full({1}, static_cast<float>(i), device);
      queue.push(value);
      value.assign(Tensor::full({1}, -1));  // afterwards: the queue has its own copy
      if (queue.size() < 3) continue;
      EXPECT_EQ(queue.pop(), static_cast<float>(i - 2));
    }
    EXPECT_EQ(queue.size(), 2);
    queue.push(Tensor::full({1}, 0, device));
    EXPECT_THROW(queue.push(Tensor::full({1}, 0, device)), Error);
    EXPECT_THROW(AsyncScalars(device, 1).push(Tensor::full({2}, 0, device)), Error);
    EXPECT_THROW(
        AsyncScalars(device, 1).push(Tensor::full({1}, 0, device == Device::kCpu ? Device::kCuda : Device::kCpu)),
        Error);
  }
}

}  // namespace
}  // namespace cardiograd
