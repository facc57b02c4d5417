#if defined(CARDIOGRAD_NCCL)
#include "engine/nccl/nccl_group.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

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

// After the work of NCCL was ended, how long a GPU may take to finish what else it has.
constexpr double kRestSeconds = 2;
// How much longer, at most, a rank waits for the answers of the others: they have not begun to wait in one moment.
constexpr double kSkewSeconds = 10;
// Of ProcessGroup::begin_exchange(): nothing else is to be taken for these answers. MPI has no lanes beyond 32,767.
constexpr int kAnswerLane = 32'000;

constexpr const char* kHint =
    "Look at that process, its machine and its GPU (nvidia-smi, dmesg); then start all again, with --resume. A slow "
    "step may need a larger --rank-timeout.";

// One word of every rank, in the order of ranks. Throws Error naming those that do not answer soon.
std::vector<std::uint8_t> answers_of_all(ProcessGroup& group, bool own) {
  const auto ranks = static_cast<std::size_t>(group.size());
  const std::uint8_t word = own ? 1 : 0;
  std::vector<std::uint8_t> all(ranks);
  const std::vector<std::span<const std::byte>> sent(ranks, std::as_bytes(std::span(&word, 1)));
  std::vector<std::span<std::byte>> received;
  for (std::uint8_t& one : all) received.push_back(std::as_writable_bytes(std::span(&one, 1)));
  const double patience = group.patience();
  group.set_patience(kRestSeconds + std::min(patience, kSkewSeconds));
  group.begin_exchange("GPUs that stand still", kAnswerLane, sent, received)->wait();
  group.set_patience(patience);
  return all;
}

// NCCL itself waits without end for a rank that does not come, and cannot be left there: a thread waits with it.
ncclComm_t joined(ProcessGroup& group, const ncclUniqueId& id) {
  using Result = std::pair<ncclResult_t, ncclComm_t>;
  std::promise<Result> promise;
  std::future<Result> result = promise.get_future();
  std::thread([promise = std::move(promise), id, rank = group.rank(), size = group.size()]() mutable {
    try {
      cuda::use_gpu_in_this_thread();
      ncclComm_t comm = nullptr;
      const ncclResult_t status = ncclCommInitRank(&comm, size, id, rank);
      promise.set_value({status, comm});
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }).detach();
  const double patience = group.patience();
  if (patience > 0 && result.wait_for(std::chrono::duration<double>(patience)) != std::future_status::ready) {
    answers_of_all(group, false);
    throw Error(fmt::format("NCCL has not joined the GPUs of the {} ranks for {:.0f} s", group.size(), patience),
                "NCCL_DEBUG=INFO in the environment of all processes shows what it is doing.");
  }
  const auto [status, comm] = result.get();
  check(status, "joining the GPUs");
  return comm;
}

class NcclGroup : public GpuGroup {
 public:
  NcclGroup(ProcessGroup& group, const ncclUniqueId& id)
      : group_(group), comm_(joined(group, id)), watch_([this](double waited) { look(waited); }) {}
  // Not waited for: a process that ends with an error would wait for GPUs that never answer.
  ~NcclGroup() override = default;

  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }

  void exchange(const std::vector<ConstGpuSpan>& sent, const std::vector<GpuSpan>& received) override {
    if (failure_) throw Error(*failure_);
    cuda::join_beside();  // NCCL wants the work of one group in one order, whatever streams it is in.
    const auto stream = static_cast<cudaStream_t>(cuda::stream());
    const auto own = static_cast<std::size_t>(rank());
    if (sent[own].values != received[own].values)
      cuda::copy(received[own].values, sent[own].values, static_cast<std::size_t>(sent[own].count) * sizeof(float),
                 cuda::Direction::kOnDevice);
    check(ncclGroupStart(), "sending");
    for (int r = 0; r < size(); ++r) {
      if (r == rank()) continue;
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
  // While the host waits for its GPU.
  void look(double waited) {
    if (failure_) throw Error(*failure_);
    ncclResult_t error = ncclSuccess;
    check(ncclCommGetAsyncError(comm_, &error), "asking how the work goes");
    if (error != ncclSuccess && error != ncclInProgress) {
      end_work();
      fail(Error(
          fmt::format("rank {} of {} has lost another GPU: NCCL says: {}", rank(), size(), ncclGetErrorString(error)),
          kHint));
    }
    if (group_.patience() > 0 && waited > group_.patience()) stand_still(waited);
  }

  // All ranks come here: their GPUs wait for each other, so one that stands still stops all. It is the one that does
  // not finish its work either when nothing of NCCL is left in it.
  [[noreturn]] void stand_still(double waited) {
    end_work();
    const bool own = !cuda::finished_within(kRestSeconds);
    std::vector<int> culprits;
    try {
      const std::vector<std::uint8_t> all = answers_of_all(group_, own);
      for (int r = 0; r < size(); ++r)
        if (all[static_cast<std::size_t>(r)] != 0) culprits.push_back(r);
    } catch (const Error& unanswered) {
      if (!own) fail(unanswered);
      culprits.push_back(rank());
    }
    if (culprits.empty())
      fail(Error(fmt::format("the GPUs of the {} ranks have waited for each other for {:.0f} s", size(), waited),
                 "Look at what connects them; NCCL_DEBUG=INFO in the environment of all processes shows what NCCL is "
                 "doing. A slow step may need a larger --rank-timeout."));
    fail(Error(fmt::format("the GPU of {} {} of {} stands still: waited for {:.0f} s",
                           culprits.size() > 1 ? "ranks" : "rank", fmt::join(culprits, ", "), size(), waited),
               kHint));
  }

  // In a thread that nobody waits for: NCCL waits until every graph with work of its own is gone, and CUDA for a GPU
  // that stands still.
  void end_work() {
    std::thread([comm = comm_] { ncclCommAbort(comm); }).detach();
  }

  // What waits for the GPU later ends with the same words.
  [[noreturn]] void fail(const Error& why) {
    failure_ = why;
    throw Error(why);
  }

  ProcessGroup& group_;
  ncclComm_t comm_;
  std::optional<Error> failure_;
  cuda::WaitWatch watch_;
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
  return std::make_unique<NcclGroup>(group, id);
}

}  // namespace cardiograd
#endif
