#include "engine/memory_plan.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/philox.h"
#include "engine/tensor.h"

namespace cardiograd {
namespace {

std::vector<PlannedTensor> random_tensors(std::uint64_t seed) {
  PhiloxStream random(seed);
  std::vector<PlannedTensor> tensors;
  const std::uint32_t count = 1 + random.below(120);
  for (std::uint32_t i = 0; i < count; ++i) {
    PlannedTensor tensor;
    tensor.bytes = random.below(8) == 0 ? random.below(3) : random.below(1U << (4 + random.below(18)));
    tensor.born = static_cast<std::int64_t>(i);
    tensor.died = tensor.born + 1 + random.below(random.below(4) == 0 ? 120 : 10);
    tensors.push_back(tensor);
  }
  return tensors;
}

TEST(MemoryPlan, NoTwoTensorsOfOneTimeOverlap) {
  double worst = 1;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const MemoryPlan plan = plan_memory(random_tensors(seed));
    for (const PlannedTensor& a : plan.tensors) {
      EXPECT_EQ(a.offset % 256, 0U);
      EXPECT_LE(a.offset + a.bytes, plan.bytes);
      for (const PlannedTensor& b : plan.tensors) {
        if (&a == &b || a.born >= b.died || b.born >= a.died) continue;
        EXPECT_TRUE(a.offset + std::max<std::size_t>(a.bytes, 1) <= b.offset ||
                    b.offset + std::max<std::size_t>(b.bytes, 1) <= a.offset)
            << "seed " << seed << ": " << a.born << " and " << b.born;
      }
    }
    ASSERT_GE(plan.bytes, plan.peak);
    worst = std::max(worst, static_cast<double>(plan.bytes) / static_cast<double>(plan.peak));
  }
  EXPECT_LT(worst, 1.25) << "the block is hardly larger than what lives at the height";
}

TEST(MemoryPlan, ReusesWhatIsFree) {
  const MemoryPlan plan = plan_memory({{.bytes = 1024, .born = 0, .died = 2},
                                       {.bytes = 512, .born = 1, .died = 5},
                                       {.bytes = 1000, .born = 3, .died = 5}});
  EXPECT_EQ(plan.bytes, 1536U);
  EXPECT_EQ(plan.peak, 1536U);
  EXPECT_EQ(plan.tensors[0].offset, plan.tensors[2].offset);
  const auto live = plan.at_height();
  ASSERT_EQ(live.size(), 2U);
  EXPECT_EQ(live[0]->bytes, 1024U);
}

// Small steps, on the CPU, whose second tensor is let go of before the third is made.
void work(std::int64_t last) {
  Tensor a = Tensor::empty({100});
  { const Tensor b = Tensor::empty({200}); }
  const Tensor c = Tensor::empty({last});
}

TEST(MemoryRecorder, WritesDownWhatLivesWhen) {
  MemoryRecorder recorder(Device::kCpu);
  {
    const TensorMemoryScope scope(Device::kCpu, &recorder);
    work(300);
    const TensorMemoryScope outside(Device::kCpu, nullptr);
    Tensor::empty({1000});
  }
  Tensor::empty({1000});
  const MemoryPlan plan = recorder.plan();
  ASSERT_EQ(plan.tensors.size(), 3U);
  EXPECT_EQ(plan.tensors[0].bytes, 400U);
  EXPECT_LT(plan.tensors[1].died, plan.tensors[2].born);
  EXPECT_EQ(plan.tensors[1].offset, plan.tensors[2].offset);
  EXPECT_EQ(plan.bytes, 512U + 1280U);
}

TEST(BlockMemory, HandsOutTheBlockAndThenOtherMemory) {
  const Storage block = cpu_allocator().allocate(1024);
  BlockMemory memory(Device::kCpu, block, 1024);
  Storage a = memory.allocate(300);  // 512 with the alignment
  const Storage b = memory.allocate(100);
  const Storage c = memory.allocate(300);
  EXPECT_EQ(a.get(), block.get());
  EXPECT_EQ(b.get(), block.get() + 512);
  EXPECT_TRUE(c.get() < block.get() || c.get() >= block.get() + 1024);
  a = nullptr;
  EXPECT_EQ(memory.allocate(257).get(), block.get()) << "what is free again";
  const Storage nothing;
  EXPECT_NE(BlockMemory(Device::kCpu, nothing, 0).allocate(8).get(), nullptr);
}

TEST(PlannedMemory, RefusesAnotherStep) {
  MemoryRecorder recorder(Device::kCpu);
  {
    const TensorMemoryScope scope(Device::kCpu, &recorder);
    work(300);
  }
  const MemoryPlan plan = recorder.plan();
  const Storage block = cpu_allocator().allocate(plan.bytes);
  const auto failure_of = [&](auto&& step) {
    PlannedMemory memory(plan, block);
    try {
      const TensorMemoryScope scope(Device::kCpu, &memory);
      step();
      memory.expect_finished();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(failure_of([] { work(300); }), "");
  EXPECT_NE(failure_of([] { work(301); }).find("1.2 kB as its tensor 3, where it asked for 1.2 kB before"),
            std::string::npos);
  EXPECT_NE(failure_of([] { Tensor::empty({100}); }).find("nothing as its tensor 2"), std::string::npos);
  EXPECT_NE(failure_of([] {
              work(300);
              Tensor::empty({1});
            }).find("nothing more"),
            std::string::npos);
}

}  // namespace
}  // namespace cardiograd
