// Processes in the place of those that mpirun starts: the child processes of a test, which reach each other through
// sockets. For what cannot be two threads of one process, such as two emulated GPUs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "engine/process_group.h"

namespace cardiograd::testing {

class SocketGroup : public ProcessGroup {
 public:
  // sockets[r] leads to rank r.
  SocketGroup(int rank, std::vector<int> sockets) : rank_(rank), sockets_(std::move(sockets)) { set_patience(60); }
  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(sockets_.size()); }

  void exchange(const char* what, const std::vector<std::span<const std::byte>>& sent,
                const std::vector<std::span<std::byte>>& received) override {
    const auto own = static_cast<std::size_t>(rank_);
    std::copy(sent[own].begin(), sent[own].end(), received[own].begin());
    std::vector<std::size_t> out(sockets_.size()), in(sockets_.size());
    const auto left_to_send = [&](std::size_t r) { return r == own ? 0 : sent[r].size() - out[r]; };
    const auto left_to_receive = [&](std::size_t r) { return r == own ? 0 : received[r].size() - in[r]; };
    for (;;) {
      std::vector<pollfd> waiting;
      for (std::size_t r = 0; r < sockets_.size(); ++r) {
        const int events = (left_to_send(r) > 0 ? POLLOUT : 0) | (left_to_receive(r) > 0 ? POLLIN : 0);
        waiting.push_back({events != 0 ? sockets_[r] : -1, static_cast<short>(events), 0});
      }
      if (std::all_of(waiting.begin(), waiting.end(), [](const pollfd& one) { return one.fd < 0; })) return;
      if (::poll(waiting.data(), waiting.size(), static_cast<int>(1000 * patience())) <= 0) refuse(waiting, what);
      for (std::size_t r = 0; r < sockets_.size(); ++r) {
        if ((waiting[r].revents & POLLOUT) != 0)
          out[r] += moved(::send(sockets_[r], sent[r].data() + out[r], left_to_send(r), MSG_DONTWAIT | MSG_NOSIGNAL));
        if ((waiting[r].revents & (POLLIN | POLLHUP)) != 0 && left_to_receive(r) > 0)
          in[r] += moved(::recv(sockets_[r], received[r].data() + in[r], left_to_receive(r), MSG_DONTWAIT));
      }
    }
  }

 private:
  [[noreturn]] static void refuse(const std::vector<pollfd>& waiting, const char* what) {
    std::string silent;
    for (std::size_t r = 0; r < waiting.size(); ++r)
      if (waiting[r].fd >= 0) silent += " " + std::to_string(r);
    throw Error("no answer of rank" + silent + ": " + what, "A test.");
  }
  static std::size_t moved(ssize_t bytes) {
    if (bytes <= 0) throw Error("another rank has ended", "A test.");
    return static_cast<std::size_t>(bytes);
  }

  int rank_;
  std::vector<int> sockets_;
};

// Calls `body` in `ranks` child processes at the same time. Expectations in it hold for the test: where one fails, or
// `body` throws, so does this. Nothing else comes back but what `body` writes into files. Before the first thread is
// started: a child has none of them.
inline void in_processes(int ranks, const std::function<void(ProcessGroup&)>& body) {
  const auto count = static_cast<std::size_t>(ranks);
  std::vector<std::vector<int>> sockets(count, std::vector<int>(count, -1));
  for (std::size_t a = 0; a < count; ++a)
    for (std::size_t b = 0; b < a; ++b) {
      int pair[2];
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
      sockets[a][b] = pair[0];
      sockets[b][a] = pair[1];
    }
  std::fflush(nullptr);
  std::vector<pid_t> children;
  for (std::size_t r = 0; r < count; ++r) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (std::size_t other = 0; other < count; ++other)
        for (const int socket : sockets[other])
          if (other != r && socket >= 0) ::close(socket);
      int status = 0;
      try {
        SocketGroup group(static_cast<int>(r), sockets[r]);
        body(group);
        status = ::testing::Test::HasFailure() ? 1 : 0;
      } catch (const std::exception& error) {
        std::fprintf(stderr, "rank %zu: %s\n", r, error.what());
        status = 1;
      }
      std::fflush(nullptr);
      ::_exit(status);
    }
    children.push_back(child);
  }
  for (const std::vector<int>& of_rank : sockets)
    for (const int socket : of_rank)
      if (socket >= 0) ::close(socket);
  for (std::size_t r = 0; r < count; ++r) {
    int status = -1;
    ::waitpid(children[r], &status, 0);
    EXPECT_EQ(status, 0) << "rank " << r;
  }
}

}  // namespace cardiograd::testing
