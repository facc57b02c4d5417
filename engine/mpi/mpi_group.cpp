#if defined(CARDIOGRAD_MPI)
#include "engine/mpi/mpi_group.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mpi.h>

#include "base/error.h"
#include "engine/mpi/only_process.h"

namespace cardiograd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLargestMessage = std::size_t{1} << 30;  // MPI counts in int
// Between two looks for messages: at first none, since most come at once, and others may need the core.
constexpr int kEagerLooks = 200;
constexpr std::chrono::microseconds kBetweenLooks{20};

void check(int status, const char* what) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(fmt::format("MPI, {}: {}", what, std::string(text, static_cast<std::size_t>(length))),
              "Start the processes again; with --resume the run goes on from its last state.");
}

// What one exchange sends and receives.
class Messages : public ProcessGroup::Pending {
 public:
  // `lane`: the tag of its messages, by which they are told from those of others.
  Messages(const ProcessGroup& group, const char* what, int lane, const std::vector<std::span<const std::byte>>& sent,
           const std::vector<std::span<std::byte>>& received)
      : group_(group), what_(what), lane_(lane) {
    for (int r = 0; r < group_.size(); ++r) receive(received[static_cast<std::size_t>(r)], r);
    for (int r = 0; r < group_.size(); ++r) send(sent[static_cast<std::size_t>(r)], r);
    const auto own = static_cast<std::size_t>(group_.rank());
    std::copy(sent[own].begin(), sent[own].end(), received[own].begin());
  }

  bool finished() override {
    int done = 0;
    check(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE), what_);
    return done != 0;
  }

  void wait() override {
    const Clock::time_point start = Clock::now();
    for (int looks = 0;; ++looks) {
      // Before the look: this process itself may have been stopped in between.
      const double waited = looks < kEagerLooks ? 0 : std::chrono::duration<double>(Clock::now() - start).count();
      if (finished()) return;
      if (looks < kEagerLooks) continue;
      if (group_.patience() > 0 && waited > group_.patience()) give_up(waited);
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }

 private:
  void receive(std::span<std::byte> bytes, int from) {
    for (std::size_t at = 0; from != group_.rank() && at < bytes.size(); at += kLargestMessage) {
      const auto count = static_cast<int>(std::min(kLargestMessage, bytes.size() - at));
      check(MPI_Irecv(bytes.data() + at, count, MPI_BYTE, from, lane_, MPI_COMM_WORLD, next_request(from)), what_);
    }
  }
  void send(std::span<const std::byte> bytes, int to) {
    for (std::size_t at = 0; to != group_.rank() && at < bytes.size(); at += kLargestMessage) {
      const auto count = static_cast<int>(std::min(kLargestMessage, bytes.size() - at));
      check(MPI_Isend(bytes.data() + at, count, MPI_BYTE, to, lane_, MPI_COMM_WORLD, next_request(to)), what_);
    }
  }
  MPI_Request* next_request(int peer) {
    peers_.push_back(peer);
    return &requests_.emplace_back(MPI_REQUEST_NULL);
  }

  [[noreturn]] void give_up(double waited) {
    std::set<int> silent;
    for (std::size_t i = 0; i < requests_.size(); ++i)
      if (requests_[i] != MPI_REQUEST_NULL) {
        int done = 0;
        MPI_Request_get_status(requests_[i], &done, MPI_STATUS_IGNORE);
        if (done == 0) silent.insert(peers_[i]);
      }
    throw Error(fmt::format("{} {} of {} {} not answered for {:.0f} s ({})", silent.size() > 1 ? "ranks" : "rank",
                            fmt::join(silent, ", "), group_.size(), silent.size() > 1 ? "have" : "has", waited, what_),
                "Look at that process and its machine; then start all again, with --resume. A slow step may need a "
                "larger --rank-timeout.");
  }

  const ProcessGroup& group_;
  const char* what_;
  int lane_;
  std::vector<MPI_Request> requests_;
  std::vector<int> peers_;  // of each request
};

// While it lives, a thread waits for its end, or calls give_up.
class JoiningWatch {
 public:
  JoiningWatch(double patience_s, std::function<void(const Error& why)> give_up) {
    if (patience_s <= 0) return;
    thread_ = std::thread([this, patience_s, give_up = std::move(give_up)] {
      std::unique_lock lock(mutex_);
      if (joined_.wait_for(lock, std::chrono::duration<double>(patience_s), [this] { return done_; })) return;
      give_up(Error(fmt::format("the other processes have not joined for {:.0f} s", patience_s),
                    "The launcher must start this program, and nothing else, on all ranks; look at the processes that "
                    "are there. Slow machines may need a larger --rank-timeout."));
    });
  }
  ~JoiningWatch() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    joined_.notify_one();
    thread_.join();
  }
  JoiningWatch(const JoiningWatch&) = delete;
  JoiningWatch& operator=(const JoiningWatch&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable joined_;
  bool done_ = false;
  std::thread thread_;
};

class MpiGroup : public LaunchedGroup {
 public:
  explicit MpiGroup(const Launch& launch) {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "joining");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    if (size_ != launch.size)
      throw Error(fmt::format("the launcher has started {} processes, and MPI finds {}", launch.size, size_),
                  "Use the mpirun of the MPI that this program was built with; ldd shows which libmpi it loads.");
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void exchange(const char* what, const std::vector<std::span<const std::byte>>& sent,
                const std::vector<std::span<std::byte>>& received) override {
    Messages(*this, what, 0, sent, received).wait();
  }
  std::unique_ptr<Pending> begin_exchange(const char* what, int lane,
                                          const std::vector<std::span<const std::byte>>& sent,
                                          const std::vector<std::span<std::byte>>& received) override {
    return std::make_unique<Messages>(*this, what, lane, sent, received);
  }

  void finish() override {
    if (!left_) MPI_Finalize();
    left_ = true;
  }

  void leave() override { left_ = true; }

  void abort(int status) override {
    if (!left_) MPI_Abort(MPI_COMM_WORLD, status);
  }

 private:
  int rank_ = 0;
  int size_ = 1;
  bool left_ = false;
};

}  // namespace

std::unique_ptr<LaunchedGroup> join_launched(const Launch& launch, double patience_s,
                                             std::function<void(const Error& why)> give_up) {
  if (launch.size == 1) return std::make_unique<OnlyProcess>();
  const JoiningWatch watch(patience_s, std::move(give_up));
  return std::make_unique<MpiGroup>(launch);
}

}  // namespace cardiograd
#endif
