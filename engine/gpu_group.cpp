#include "engine/gpu_group.h"

#include <fmt/format.h>
#include <unistd.h>

#include "engine/cuda.h"
#include "engine/process_group.h"
#include "kernels/common/device_code.h"
#include "kernels/common/device_values_cuda.h"

namespace cardiograd {
namespace {

// Below it the time of an exchange is that of its way, not of its bytes.
constexpr std::int64_t kMaxGathered = std::int64_t{1} << 14;

void sum_ranks(int ranks, std::int64_t count, const Tensor& parts, const float* weights, float* sum) {
  if constexpr (kernels::kHasDeviceCode)
    kernels::sum_ranks_cuda(ranks, count, parts.address(), weights, sum, cuda::stream());
}

}  // namespace

Tensor GpuGroup::gather(const Tensor& own) {
  const auto ranks = static_cast<std::size_t>(size());
  Tensor all = own.new_empty({size(), own.count()});
  const std::vector<ConstGpuSpan> sent(ranks, {own.address(), own.count()});
  std::vector<GpuSpan> received;
  for (int r = 0; r < size(); ++r) received.push_back({all.address() + r * own.count(), own.count()});
  exchange(sent, received);
  return all;
}

Tensor GpuGroup::weighted_sum(const Tensor& own, const Tensor& weights) {
  const Tensor all = gather(own);
  Tensor total = own.new_empty(own.shape());
  sum_ranks(size(), own.count(), all, weights.address(), total.address());
  return total;
}

Tensor GpuGroup::sum(Tensor& values) {
  if (values.count() > kMaxGathered) return sum_parts(values);
  Tensor all = gather(values);
  sum_ranks(size(), values.count(), all, nullptr, values.address());
  return all;
}

Tensor GpuGroup::sum_parts(Tensor& values) {
  const auto ranks = static_cast<std::size_t>(size());
  const RankPart own = part_of_rank(values.count(), rank(), size());
  Tensor parts = values.new_empty({size(), own.count()});
  std::vector<ConstGpuSpan> sent;
  std::vector<GpuSpan> received;
  for (int r = 0; r < size(); ++r) {
    const RankPart theirs = part_of_rank(values.count(), r, size());
    sent.push_back({values.address() + theirs.first, theirs.count()});
    received.push_back({parts.address() + r * own.count(), own.count()});
  }
  exchange(sent, received);
  float* const total = values.address() + own.first;
  sum_ranks(size(), own.count(), parts, nullptr, total);
  sent.assign(ranks, {total, own.count()});
  received.clear();
  for (int r = 0; r < size(); ++r) {
    const RankPart theirs = part_of_rank(values.count(), r, size());
    received.push_back({values.address() + theirs.first, theirs.count()});
  }
  exchange(sent, received);
  return parts;
}

std::string identity_of_gpu() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return fmt::format("{} {}", host, cuda::gpu().place);
}

}  // namespace cardiograd
