#if defined(CARDIOGRAD_NCCL)
#include "engine/nccl/nccl_group.h"

#include <cstring>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/cuda.h"

#if defined(CARDIOGRAD_SIMT)
#include "simt/nccl.h"
#else
#include <nccl.h>
#endif

namespace cardiograd {
namespace {

void check(ncclResult_t result, const char* what) {
  if (result != ncclSuccess)
    throw Error(fmt::format("NCCL, {}: {}", what, ncclGetErrorString(result)),
                "NCCL_DEBUG=INFO in the environment of all processes shows what it is doing.");
}

class NcclGroup : public GpuGroup {
 public:
  NcclGroup(int rank, int size, const ncclUniqueId& id) : rank_(rank), size_(size) {
    check(ncclCommInitRank(&comm_, size, id, rank), "joining the GPUs");
  }
  // Not waited for: a process that ends with an error would wait for GPUs that never answer.
  ~NcclGroup() override = default;

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void exchange(const std::vector<ConstGpuSpan>& sent, const std::vector<GpuSpan>& received) override {
    cuda::join_beside();  // NCCL wants the work of one group in one order, whatever streams it is in.
    const auto stream = static_cast<cudaStream_t>(cuda::stream());
    const auto own = static_cast<std::size_t>(rank_);
    if (sent[own].values != received[own].values)
      cuda::copy(received[own].values, sent[own].values, static_cast<std::size_t>(sent[own].count) * sizeof(float),
                 cuda::Direction::kOnDevice);
    check(ncclGroupStart(), "sending");
    for (int r = 0; r < size_; ++r) {
      if (r == rank_) continue;
      const ConstGpuSpan& out = sent[static_cast<std::size_t>(r)];
      const GpuSpan& in = received[static_cast<std::size_t>(r)];
      if (out.count > 0)
        check(ncclSend(out.values, static_cast<std::size_t>(out.count), ncclFloat32, r, comm_, stream), "sending");
      if (in.count > 0)
        check(ncclRecv(in.values, static_cast<std::size_t>(in.count), ncclFloat32, r, comm_, stream), "receiving");
    }
    check(ncclGroupEnd(), "sending");
  }

 private:
  int rank_;
  int size_;
  ncclComm_t comm_ = nullptr;
};

void expect_own_gpus(ProcessGroup& group) {
  const std::vector<std::string> gpus = group.gather_texts("the GPUs", identity_of_gpu());
  for (std::size_t b = 1; b < gpus.size(); ++b)
    for (std::size_t a = 0; a < b; ++a)
      if (gpus[a] == gpus[b])
        throw Error(fmt::format("ranks {} and {} use one GPU, {}", a, b, gpus[a]),
                    "Start one process for each GPU: mpirun -n with as many as all machines have.");
}

}  // namespace

std::unique_ptr<GpuGroup> join_gpus(ProcessGroup& group) {
  expect_own_gpus(group);
  ncclUniqueId id = {};
  if (group.is_first()) check(ncclGetUniqueId(&id), "preparing to join");
  const std::string text =
      group.text_of_first("the name of NCCL's group", std::string(id.internal, sizeof id.internal));
  std::memcpy(id.internal, text.data(), sizeof id.internal);
  return std::make_unique<NcclGroup>(group.rank(), group.size(), id);
}

}  // namespace cardiograd
#endif
