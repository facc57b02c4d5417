#include "engine/nccl/nccl_group.h"

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/cuda.h"
#include "engine/tensor.h"
#include "tests/common/expect_error.h"
#include "tests/nccl/with_gpus.h"

#if defined(CARDIOGRAD_SIMT)
#include "simt/runtime.h"
#endif

namespace cardiograd {
namespace {

using testing::expect_error;
using testing::in_processes;
using testing::with_gpus;

class NcclGroup : public testing::CudaGroup {};

constexpr int kPatience = 1;
constexpr int kAnswers = 5;  // seconds, more than a rank waits for what the others say then

Tensor ones(std::int64_t count) {
  return Tensor::full({count}, 1, Device::kCuda);
}

// Within some seconds, and so does what waits for the GPU later.
void expect_end(const Tensor& values, std::initializer_list<std::string_view> parts) {
  const auto start = std::chrono::steady_clock::now();
  expect_error([&] { values.values(); }, parts);
  expect_error([&] { values.values(); }, parts);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(kPatience + kAnswers + 5));
}

TEST_F(NcclGroup, ARankThatDoesNotCallWhatTheOthersCallIsNamed) {
  with_gpus(3, [](ProcessGroup& group, GpuGroup& gpus) {
    group.set_patience(kPatience);
    if (group.rank() == 1) {
      ::sleep(kPatience + kAnswers);
      return;
    }
    Tensor values = ones(100);
    gpus.sum(values);
    expect_end(values, {"no answer of rank 1: GPUs that stand still"});
    expect_error([&] { gpus.sum(values); }, {"no answer of rank 1: GPUs that stand still"});
  });
}

TEST_F(NcclGroup, ARankThatDoesNotRepeatAGraphIsNamed) {
  with_gpus(2, [](ProcessGroup& group, GpuGroup& gpus) {
    group.set_patience(kPatience);
    Tensor values = ones(100);
    gpus.sum(values);
    const cuda::Graph graph([&] { gpus.sum(values); });
    EXPECT_EQ(values.values()[0], 2);
    if (group.rank() == 1) {
      ::sleep(kPatience + kAnswers);
      return;
    }
    graph.launch();
    expect_end(values, {"no answer of rank 1: GPUs that stand still"});
  });
}

TEST_F(NcclGroup, AnotherCallThanThatOfTheOthersIsAnError) {
  with_gpus(2, [](ProcessGroup& group, GpuGroup& gpus) {
    group.set_patience(kPatience);
    Tensor many = ones(20'000);
    const Tensor few = ones(3);
    if (group.is_first()) {
      gpus.sum(many);
      expect_error([&] { many.values(); }, {"NCCL: rank 1 sends 12 bytes where 40000 are received"});
    } else {
      const Tensor all = gpus.gather(few);
      expect_error([&] { all.values(); }, {"NCCL: rank 0 sends 40000 bytes where 12 are received"});
    }
  });
}

TEST_F(NcclGroup, GpusThatWaitForEachOtherAreNoEndlessWait) {
  with_gpus(2, [](ProcessGroup& group, GpuGroup& gpus) {
    group.set_patience(kPatience);
    Tensor values = ones(4);
    gpus.exchange({{values.address(), 0}, {values.address(), 0}}, {{values.address(), 4}, {values.address(), 4}});
    expect_end(values, {"the GPUs of the 2 ranks have waited for each other for 1 s"});
  });
}

#if defined(CARDIOGRAD_SIMT)
TEST_F(NcclGroup, AGpuThatStandsStillIsNamedByAll) {
  with_gpus(3, [](ProcessGroup& group, GpuGroup& gpus) {
    group.set_patience(kPatience);
    Tensor values = ones(100);
    if (group.rank() == 1) simt::enqueue_attempts(static_cast<cudaStream_t>(cuda::stream()), [] { return false; });
    gpus.sum(values);
    expect_end(values, {"the GPU of rank 1 of 3 stands still: waited for 1 s"});
  });
}
#endif

// A process that has ended, and whose parent knows it.
TEST_F(NcclGroup, ALostProcessIsFoundBeforePatienceEnds) {
  in_processes(2, [](ProcessGroup& group) {
    cuda::choose_gpu(group.rank());
    if (group.rank() == 1) {
      const pid_t child = ::fork();
      if (child == 0) {
        join_gpus(group);
        ::_exit(0);
      }
      ::waitpid(child, nullptr, 0);
      return;
    }
    const std::unique_ptr<GpuGroup> gpus = join_gpus(group);
    Tensor values = ones(100);
    gpus->sum(values);
    expect_end(values, {"rank 0 of 2 has lost another GPU: NCCL says: remote process exited"});
  });
}

TEST_F(NcclGroup, ARankThatNeverJoinsIsNamed) {
  in_processes(2, [](ProcessGroup& group) {
    group.set_patience(kPatience);
    if (group.rank() == 1) {
      group.gather_texts("the GPUs", "another one");
      const std::string name = group.text_of_first("the name of NCCL's group", "");
      ::sleep(kPatience + kAnswers);
      ::shm_unlink(name.c_str());
      return;
    }
    expect_error([&] { join_gpus(group); }, {"no answer of rank 1: GPUs that stand still"});
  });
}

}  // namespace
}  // namespace cardiograd
