#include "simt/nccl.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

namespace cardiograd::simt {
namespace {

constexpr std::size_t kBoxBytes = std::size_t{1} << 18;
constexpr int kMaxRanks = 16;
constexpr char kPrefix[] = "/cardiograd-simt-";
// Between two looks for processes that have not joined.
constexpr std::chrono::microseconds kBetweenLooks{20};
// Attempts in which nothing has moved before a look at the other process.
constexpr int kLooksPerCheck = 2000;

// What one process has sent another and not been read yet: a ring of bytes. Messages begin with their length.
struct Box {
  std::atomic<std::uint64_t> written;
  std::atomic<std::uint64_t> read;
  std::byte bytes[kBoxBytes];

  std::size_t put(const std::byte* from, std::size_t count) {
    const std::uint64_t at = written.load(std::memory_order_relaxed);
    const std::size_t room = kBoxBytes - static_cast<std::size_t>(at - read.load(std::memory_order_acquire));
    count = std::min({count, room, kBoxBytes - static_cast<std::size_t>(at % kBoxBytes)});
    std::memcpy(bytes + at % kBoxBytes, from, count);
    written.store(at + count, std::memory_order_release);
    return count;
  }
  std::size_t take(std::byte* to, std::size_t count) {
    const std::uint64_t at = read.load(std::memory_order_relaxed);
    const auto there = static_cast<std::size_t>(written.load(std::memory_order_acquire) - at);
    count = std::min({count, there, kBoxBytes - static_cast<std::size_t>(at % kBoxBytes)});
    std::memcpy(to, bytes + at % kBoxBytes, count);
    read.store(at + count, std::memory_order_release);
    return count;
  }
};

// The memory that the processes share; zeros at first.
struct Segment {
  std::atomic<int> joined;
  std::atomic<pid_t> processes[kMaxRanks];
  Box boxes[1];  // from rank i to rank j: i * ranks + j

  static std::size_t bytes(int ranks) {
    return sizeof(Segment) + sizeof(Box) * (static_cast<std::size_t>(ranks) * static_cast<std::size_t>(ranks) - 1);
  }
};

}  // namespace
}  // namespace cardiograd::simt

struct ncclComm {
  cardiograd::simt::Segment* segment = nullptr;
  int ranks = 0;
  int rank = 0;
  std::atomic<bool> aborted = false;
  std::atomic<ncclResult_t> error = ncclSuccess;  // of ncclCommGetAsyncError()

  cardiograd::simt::Box& box(int from, int to) const { return segment->boxes[from * ranks + to]; }
};

namespace cardiograd::simt {
namespace {

// One message on its way: first its length, then its bytes.
struct Message {
  bool sends = false;
  int peer = 0;
  std::byte* bytes = nullptr;
  std::uint64_t count = 0;
  std::size_t done = 0;  // of the length and the bytes
  std::uint64_t announced = 0;

  bool finished() const { return done == sizeof count + count; }

  // True when something has moved.
  bool move(Box& box) {
    const std::size_t before = done;
    auto* length = reinterpret_cast<std::byte*>(sends ? &count : &announced);
    const auto pass = [&](std::byte* at, std::size_t left) { done += sends ? box.put(at, left) : box.take(at, left); };
    if (done < sizeof count) pass(length + done, sizeof count - done);
    if (!sends && done == sizeof count && announced != count)
      throw Error("NCCL: rank " + std::to_string(peer) + " sends " + std::to_string(announced) + " bytes where " +
                      std::to_string(count) + " are received",
                  "All ranks must make the same calls: on a GPU this would wait forever.");
    if (done >= sizeof count && !finished()) pass(bytes + (done - sizeof count), sizeof count + count - done);
    return done != before;
  }
};

bool alive(const ncclComm& comm, int peer) {
  return ::kill(comm.segment->processes[peer].load(), 0) == 0 || errno != ESRCH;
}

// Messages that go through together; those of one peer and direction in their order.
class Exchange {
 public:
  Exchange(ncclComm* comm, std::vector<Message> messages) : comm_(comm), messages_(std::move(messages)) {}

  // Moves what can be moved; true when all have gone through, or never will.
  bool operator()() {
    if (comm_->aborted.load()) return true;
    ++looks_;
    for (bool moved = true; moved;) {
      moved = false;
      waits_for_ = -1;
      std::vector<bool> busy(2 * static_cast<std::size_t>(comm_->ranks));
      for (Message& message : messages_) moved |= move(message, busy);
      if (moved) looks_ = 0;
    }
    if (waits_for_ < 0) return true;
    if (looks_ > 0 && looks_ % kLooksPerCheck == 0) look_after(waits_for_);
    return false;
  }

 private:
  // True when something has moved.
  bool move(Message& message, std::vector<bool>& busy) {
    const std::size_t lane = 2 * static_cast<std::size_t>(message.peer) + (message.sends ? 1 : 0);
    if (message.finished() || busy[lane]) return false;
    const bool moved =
        message.move(message.sends ? comm_->box(comm_->rank, message.peer) : comm_->box(message.peer, comm_->rank));
    busy[lane] = !message.finished();
    if (busy[lane]) waits_for_ = message.peer;
    return moved;
  }

  void look_after(int peer) {
    if (alive(*comm_, peer)) return;
    if (comm_->error.exchange(ncclRemoteError) == ncclSuccess) return;
    throw Error("NCCL: the process of rank " + std::to_string(peer) + " has ended",
                "Start all again: on a GPU this would wait forever.");
  }

  ncclComm* comm_;
  std::vector<Message> messages_;
  int waits_for_ = -1;  // one of the ranks that it waits for
  int looks_ = 0;       // since something has moved
};

// What this thread has asked for since ncclGroupStart().
struct Group {
  int depth = 0;
  ncclComm* comm = nullptr;
  cudaStream_t stream = nullptr;
  std::vector<Message> messages;
};
thread_local Group group;

ncclResult_t add(bool sends, void* bytes, std::size_t count, ncclDataType_t type, int peer, ncclComm* comm,
                 cudaStream_t stream) {
  if (comm != nullptr && comm->aborted.load()) return ncclInvalidUsage;
  if (comm == nullptr || type != ncclFloat32 || peer < 0 || peer >= comm->ranks || peer == comm->rank)
    return ncclInvalidArgument;
  if (!group.messages.empty() && (group.comm != comm || group.stream != stream)) return ncclInvalidArgument;
  check_device_range(bytes, count * sizeof(float), sends ? "ncclSend" : "ncclRecv");
  ncclGroupStart();
  group.comm = comm;
  group.stream = stream;
  group.messages.push_back(
      {.sends = sends, .peer = peer, .bytes = static_cast<std::byte*>(bytes), .count = count * sizeof(float)});
  return ncclGroupEnd();
}

}  // namespace
}  // namespace cardiograd::simt

using namespace cardiograd::simt;

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclUnhandledCudaError:
      return "unhandled cuda error";
    case ncclSystemError:
      return "unhandled system error";
    case ncclInternalError:
      return "internal error";
    case ncclInvalidArgument:
      return "invalid argument";
    case ncclInvalidUsage:
      return "invalid usage";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInProgress:
      return "NCCL operation in progress";
  }
  return "unknown result code";
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  std::random_device random;
  *id = {};
  std::string name = kPrefix;
  for (int i = 0; i < 4; ++i) name += std::to_string(random()) + (i < 3 ? "-" : "");
  std::memcpy(id->internal, name.data(), name.size());
  return ncclSuccess;
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank) {
  if (ranks < 1 || ranks > kMaxRanks || rank < 0 || rank >= ranks) return ncclInvalidArgument;
  if (std::strncmp(id.internal, kPrefix, sizeof kPrefix - 1) != 0) return ncclInvalidArgument;
  const int file = ::shm_open(id.internal, O_CREAT | O_RDWR, 0600);
  if (file < 0) return ncclSystemError;
  const std::size_t bytes = Segment::bytes(ranks);
  const bool sized = ::ftruncate(file, static_cast<off_t>(bytes)) == 0;
  void* memory = sized ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  ::close(file);
  if (memory == MAP_FAILED) return ncclSystemError;
  auto made = std::make_unique<ncclComm>();
  made->segment = static_cast<Segment*>(memory);
  made->ranks = ranks;
  made->rank = rank;
  made->segment->processes[rank].store(::getpid());
  made->segment->joined.fetch_add(1);
  while (made->segment->joined.load() < ranks) std::this_thread::sleep_for(kBetweenLooks);
  // All have it open: its name is no longer needed, and nothing stays behind whatever happens.
  if (rank == 0) ::shm_unlink(id.internal);
  *comm = made.release();
  return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  const std::unique_ptr<ncclComm> owned(comm);
  if (comm == nullptr) return ncclInvalidArgument;
  ::munmap(comm->segment, Segment::bytes(comm->ranks));
  return ncclSuccess;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  if (comm == nullptr) return ncclInvalidArgument;
  *error = comm->error.load();
  return ncclSuccess;
}

// Kept, since what is in streams and graphs still names it.
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  if (comm == nullptr) return ncclInvalidArgument;
  comm->aborted.store(true);
  return ncclSuccess;
}

ncclResult_t ncclGroupStart() {
  ++group.depth;
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (group.depth == 0) return ncclInvalidUsage;
  if (--group.depth > 0 || group.messages.empty()) return ncclSuccess;
  enqueue_attempts(group.stream, Exchange(group.comm, std::exchange(group.messages, {})));
  return ncclSuccess;
}

ncclResult_t ncclSend(const void* from, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return add(/*sends=*/true, const_cast<void*>(from), count, type, peer, comm, stream);
}

ncclResult_t ncclRecv(void* to, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return add(/*sends=*/false, to, count, type, peer, comm, stream);
}
