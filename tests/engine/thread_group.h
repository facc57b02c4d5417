// Threads in the place of processes: what a ProcessGroup promises, without a launcher.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/process_group.h"

namespace cardiograd::testing {

class ThreadGroup : public ProcessGroup {
 public:
  struct Hub {
    explicit Hub(int ranks) : boxes(static_cast<std::size_t>(ranks) * static_cast<std::size_t>(ranks)) {}
    std::mutex mutex;
    std::condition_variable arrived;
    std::vector<std::deque<std::vector<std::byte>>> boxes;  // from rank i to rank j: i * ranks + j
  };

  ThreadGroup(Hub& hub, int rank, int size) : hub_(hub), rank_(rank), size_(size) { set_patience(20); }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void exchange(const char* what, const std::vector<std::span<const std::byte>>& sent,
                const std::vector<std::span<std::byte>>& received) override {
    std::unique_lock lock(hub_.mutex);
    for (int r = 0; r < size_; ++r) {
      const auto& bytes = sent[static_cast<std::size_t>(r)];
      if (!bytes.empty()) box(rank_, r).emplace_back(bytes.begin(), bytes.end());
    }
    hub_.arrived.notify_all();
    for (int r = 0; r < size_; ++r) {
      const auto& bytes = received[static_cast<std::size_t>(r)];
      if (bytes.empty()) continue;
      const auto there = [&] { return !box(r, rank_).empty(); };
      if (!hub_.arrived.wait_for(lock, std::chrono::duration<double>(patience()), there))
        throw Error(fmt::format("rank {} of {} has not answered ({})", r, size_, what), "A test.");
      const std::vector<std::byte> message = std::move(box(r, rank_).front());
      box(r, rank_).pop_front();
      if (message.size() != bytes.size())
        throw Error(fmt::format("rank {} sent {} bytes, expected {} ({})", r, message.size(), bytes.size(), what),
                    "A test.");
      std::copy(message.begin(), message.end(), bytes.begin());
    }
  }

 private:
  std::deque<std::vector<std::byte>>& box(int from, int to) {
    return hub_.boxes[static_cast<std::size_t>(from) * static_cast<std::size_t>(size_) + static_cast<std::size_t>(to)];
  }

  Hub& hub_;
  int rank_;
  int size_;
};

// Calls `body` as each of `ranks` ranks at the same time. Throws what the first of them has thrown, by rank.
inline void as_ranks(int ranks, const std::function<void(ProcessGroup&)>& body) {
  ThreadGroup::Hub hub(ranks);
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(ranks));
  std::vector<std::thread> threads;
  threads.reserve(errors.size());
  for (int r = 0; r < ranks; ++r)
    threads.emplace_back([&, r] {
      try {
        ThreadGroup group(hub, r, ranks);
        body(group);
      } catch (...) {
        errors[static_cast<std::size_t>(r)] = std::current_exception();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace cardiograd::testing
