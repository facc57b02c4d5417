#include "simt/nccl.h"

#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "simt/fault.h"
#include "tests/simt/device_buffer.h"

namespace cardiograd::simt {
namespace {

// The exit statuses of processes that call body(rank, id) at the same time: 0 where it returned true, 3 where it threw.
std::vector<int> statuses(int ranks, const std::function<bool(int rank, const ncclUniqueId& id)>& body) {
  ncclUniqueId id;
  EXPECT_EQ(ncclGetUniqueId(&id), ncclSuccess);
  std::vector<pid_t> children;
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 3;
      try {
        status = body(rank, id) ? 0 : 1;
      } catch (const Error& error) {
        std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  std::vector<int> all;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    all.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  }
  return all;
}

struct Joined {
  Joined(int ranks, int rank, const ncclUniqueId& id) {
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    joined = ncclCommInitRank(&comm, ranks, id, rank) == ncclSuccess;
  }
  bool joined = false;
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
};

std::vector<float> values_of(const DeviceBuffer<float>& buffer, std::size_t count) {
  std::vector<float> values(count);
  cudaMemcpy(values.data(), buffer.data(), count * sizeof(float), cudaMemcpyDeviceToHost);
  return values;
}

// Rank r sends value 100 r + s to rank s.
bool all_to_all(const Joined& in, int ranks, int rank, std::size_t count) {
  std::deque<DeviceBuffer<float>> out, from;
  bool good = true;
  ncclGroupStart();
  for (int s = 0; s < ranks; ++s) {
    out.emplace_back(std::vector<float>(count, static_cast<float>(100 * rank + s)));
    from.emplace_back(std::vector<float>(count, -1.0F));
    if (s == rank) continue;
    const auto at = static_cast<std::size_t>(s);
    good &= ncclSend(out[at].data(), count, ncclFloat32, s, in.comm, in.stream) == ncclSuccess;
    good &= ncclRecv(from[at].data(), count, ncclFloat32, s, in.comm, in.stream) == ncclSuccess;
  }
  good &= ncclGroupEnd() == ncclSuccess;
  cudaStreamSynchronize(in.stream);
  for (int s = 0; s < ranks; ++s)
    if (s != rank)
      good &= values_of(from[static_cast<std::size_t>(s)], count) ==
              std::vector<float>(count, static_cast<float>(100 * s + rank));
  return good;
}

TEST(Nccl, BringsValuesOfAnyNumberFromEachToEach) {
  // 300,000 floats are more than is on its way at once.
  for (const std::size_t count : {std::size_t{1}, std::size_t{777}, std::size_t{300'000}}) {
    const auto body = [&](int rank, const ncclUniqueId& id) {
      const Joined in(3, rank, id);
      return in.joined && all_to_all(in, 3, rank, count) && ncclCommDestroy(in.comm) == ncclSuccess;
    };
    EXPECT_EQ(statuses(3, body), (std::vector<int>{0, 0, 0})) << count;
  }
}

TEST(Nccl, AGraphRepeatsAnExchangeWithItsPointers) {
  const auto body = [](int rank, const ncclUniqueId& id) {
    const Joined in(2, rank, id);
    const DeviceBuffer<float> own(std::vector<float>(4, 0.0F)), other(std::vector<float>(4, -1.0F));
    cudaStreamBeginCapture(in.stream, cudaStreamCaptureModeThreadLocal);
    ncclGroupStart();
    ncclSend(own.data(), 4, ncclFloat32, 1 - rank, in.comm, in.stream);
    ncclRecv(other.data(), 4, ncclFloat32, 1 - rank, in.comm, in.stream);
    ncclGroupEnd();
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t repeated = nullptr;
    cudaStreamEndCapture(in.stream, &graph);
    cudaGraphInstantiate(&repeated, graph);
    bool good = values_of(other, 4) == std::vector<float>(4, -1.0F);  // Recorded, not done.
    for (int step = 0; step < 3; ++step) {
      const std::vector<float> sent(4, static_cast<float>(10 * step + rank));
      cudaMemcpy(own.data(), sent.data(), 4 * sizeof(float), cudaMemcpyHostToDevice);
      cudaGraphLaunch(repeated, in.stream);
      cudaStreamSynchronize(in.stream);
      good &= values_of(other, 4) == std::vector<float>(4, static_cast<float>(10 * step + 1 - rank));
    }
    cudaGraphExecDestroy(repeated);
    cudaGraphDestroy(graph);
    return good;
  };
  EXPECT_EQ(statuses(2, body), (std::vector<int>{0, 0}));
}

TEST(Nccl, AMessageOfAnotherLengthEndsWithAnError) {
  const auto body = [](int rank, const ncclUniqueId& id) {
    const Joined in(2, rank, id);
    const DeviceBuffer<float> values(std::vector<float>(8, 0.0F));
    if (rank == 0)
      ncclSend(values.data(), 8, ncclFloat32, 1, in.comm, in.stream);
    else
      ncclRecv(values.data(), 7, ncclFloat32, 0, in.comm, in.stream);
    cudaStreamSynchronize(in.stream);
    return true;
  };
  EXPECT_EQ(statuses(2, body), (std::vector<int>{0, 3}));
}

TEST(Nccl, AProcessThatHasEndedIsNamed) {
  const auto body = [](int rank, const ncclUniqueId& id) {
    const Joined in(2, rank, id);
    if (rank == 1) return true;
    ::usleep(200'000);  // A child stays a process until its parent has asked for its status.
    const DeviceBuffer<float> values(std::vector<float>(8, 0.0F));
    ncclRecv(values.data(), 8, ncclFloat32, 1, in.comm, in.stream);
    cudaStreamSynchronize(in.stream);
    return true;
  };
  ncclUniqueId id;
  ncclGetUniqueId(&id);
  const pid_t second = ::fork();
  if (second == 0) ::_exit(body(1, id) ? 0 : 1);
  const pid_t first = ::fork();
  if (first == 0) {
    try {
      body(0, id);
    } catch (const Error& error) {
      ::_exit(std::string(error.what()) == "NCCL: the process of rank 1 has ended" ? 3 : 4);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(second, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ::waitpid(first, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

// As a program that asks instead of waiting learns it.
bool waits_until_aborted(const Joined& in) {
  const DeviceBuffer<float> values(std::vector<float>(8, 3.0F));
  ncclRecv(values.data(), 8, ncclFloat32, 1, in.comm, in.stream);
  ncclResult_t error = ncclSuccess;
  bool good = true;
  const auto start = std::chrono::steady_clock::now();
  while (error == ncclSuccess && std::chrono::steady_clock::now() - start < std::chrono::seconds(20)) {
    good &= cudaStreamQuery(in.stream) == cudaErrorNotReady;
    good &= ncclCommGetAsyncError(in.comm, &error) == ncclSuccess;
  }
  good &= error == ncclRemoteError;
  good &= ncclCommAbort(in.comm) == ncclSuccess;
  good &= cudaStreamSynchronize(in.stream) == cudaSuccess;
  good &= values_of(values, 8) == std::vector<float>(8, 3.0F);
  return good && ncclRecv(values.data(), 8, ncclFloat32, 1, in.comm, in.stream) == ncclInvalidUsage;
}

TEST(Nccl, WorkForAnEndedProcessWaitsUntilItIsAborted) {
  ncclUniqueId id;
  ncclGetUniqueId(&id);
  const pid_t second = ::fork();
  if (second == 0) ::_exit(Joined(2, 1, id).joined ? 0 : 1);
  const pid_t first = ::fork();
  if (first == 0) ::_exit(waits_until_aborted(Joined(2, 0, id)) ? 0 : 1);
  for (const pid_t child : {second, first}) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

TEST(Nccl, RefusesWhatIsNotDeviceMemoryAndWhatItDoesNotEmulate) {
  const auto body = [](int rank, const ncclUniqueId& id) {
    const Joined in(2, rank, id);
    const DeviceBuffer<float> values(std::vector<float>(8, 0.0F));
    bool good = true;
    for (const int peer : {-1, 2, rank})
      good &= ncclSend(values.data(), 8, ncclFloat32, peer, in.comm, in.stream) == ncclInvalidArgument;
    good &=
        ncclSend(values.data(), 8, static_cast<ncclDataType_t>(6), 1 - rank, in.comm, in.stream) == ncclInvalidArgument;
    good &= ncclGroupEnd() == ncclInvalidUsage;
    float on_host = 0;
    for (float* wrong : {&on_host, values.data() + 8}) {
      try {
        ncclSend(wrong, 1, ncclFloat32, 1 - rank, in.comm, in.stream);
        good = false;
      } catch (const Fault& fault) {
        good &= fault.kind() == FaultKind::kDeviceOutOfBounds;
      }
    }
    return good;
  };
  EXPECT_EQ(statuses(2, body), (std::vector<int>{0, 0}));
}

TEST(Nccl, LeavesNothingBehind) {
  const auto segments = [] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
      count += entry.path().filename().string().starts_with("cardiograd-simt-") ? 1 : 0;
    return count;
  };
  const std::size_t before = segments();
  const auto body = [](int rank, const ncclUniqueId& id) { return Joined(2, rank, id).joined; };
  EXPECT_EQ(statuses(2, body), (std::vector<int>{0, 0}));
  EXPECT_LE(segments(), before);
}

}  // namespace
}  // namespace cardiograd::simt
