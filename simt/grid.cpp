// The blocks of a launch: limits, order, and their spreading over operating-system threads.
#include <numeric>
#include <string>
#include <vector>

#include "base/threads.h"
#include "simt/scheduler.h"

namespace cardiograd::simt {
namespace {

std::string product(dim3 size) {
  return std::to_string(size.x) + " x " + std::to_string(size.y) + " x " + std::to_string(size.z);
}

[[noreturn]] void refuse(const LaunchPlan& plan, FaultKind kind, const std::string& detail) {
  raise_fault(kind, std::string("launch of ") + plan.kernel + ": " + detail, plan.where);
}

dim3 unfold(std::int64_t block, dim3 grid) {
  return {static_cast<unsigned>(block % grid.x), static_cast<unsigned>(block / grid.x % grid.y),
          static_cast<unsigned>(block / grid.x / grid.y)};
}

}  // namespace

Settings& settings() {
  static Settings all;
  return all;
}

void check_launch(const LaunchPlan& plan) {
  const Gpu& gpu = settings().gpu;
  const dim3 grid = plan.grid;
  const dim3 block = plan.block;
  const bool grid_fits =
      grid.x >= 1 && grid.y >= 1 && grid.z >= 1 && grid.x <= gpu.grid_x && grid.y <= gpu.grid_y && grid.z <= gpu.grid_z;
  if (!grid_fits)
    refuse(plan, FaultKind::kLaunchLimit,
           "grid " + product(grid) + ", " + gpu.name + " takes 1 ... " + product({gpu.grid_x, gpu.grid_y, gpu.grid_z}));
  const bool block_fits = block.x >= 1 && block.y >= 1 && block.z >= 1 && block.x <= gpu.block_x &&
                          block.y <= gpu.block_y && block.z <= gpu.block_z &&
                          std::uint64_t{block.x} * block.y * block.z <= gpu.block_threads;
  if (!block_fits)
    refuse(plan, FaultKind::kLaunchLimit,
           "block " + product(block) + ", " + gpu.name + " takes " + std::to_string(gpu.block_threads) +
               " threads, at most " + product({gpu.block_x, gpu.block_y, gpu.block_z}));
  if (plan.shared_bytes > plan.shared_limit)
    refuse(plan, FaultKind::kSharedMemoryLimit,
           std::to_string(plan.shared_bytes) + " bytes of dynamic shared memory, allowed are " +
               std::to_string(plan.shared_limit));
}

void run_grid(const LaunchPlan& plan, const Invocation& invocation) {
  const std::int64_t count = std::int64_t{plan.grid.x} * plan.grid.y * plan.grid.z;
  const Settings& how = settings();
  if (how.threads > 1) {
    parallel_for(
        count, [&](std::int64_t block) { Scheduler::current().run_block(plan, invocation, unfold(block, plan.grid)); });
    return;
  }
  Scheduler::current().begin_launch(plan);
  std::vector<std::int64_t> order;
  if (how.order == Order::kRandom) {
    order.resize(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    PhiloxStream(how.seed, ~std::uint64_t{0}).shuffle(order);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t block = how.order == Order::kForward   ? i
                               : how.order == Order::kReverse ? count - 1 - i
                                                              : order[static_cast<std::size_t>(i)];
    Scheduler::current().run_block(plan, invocation, unfold(block, plan.grid));
  }
  Scheduler::current().end_launch();
}

}  // namespace cardiograd::simt
