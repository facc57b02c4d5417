// Processes that work on one thing together, here on one training: each has a rank from 0 to size() - 1. Everything
// that they tell each other passes through exchange(); all else is built on it, in an order of its own, so that the
// same values give the same bits in every run.
//
// Every rank must make the same calls in the same order. A call ends with an error that names the ranks that have not
// answered in time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace cardiograd {

class ProcessGroup {
 public:
  ProcessGroup() = default;
  virtual ~ProcessGroup() = default;
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  // Of this process, from 0.
  virtual int rank() const = 0;
  // How many there are.
  virtual int size() const = 0;
  // Rank 0 writes files and messages.
  bool is_first() const { return rank() == 0; }
  bool has_others() const { return size() > 1; }

  // Sends sent[r] to each rank r and receives received[r] from it; one's own part is copied. What one rank sends must
  // be as long as what the other expects; nothing is sent for empty parts. `what` names the exchange in errors. Throws
  // Error naming the ranks that have not answered after patience() seconds.
  virtual void exchange(const char* what, const std::vector<std::span<const std::byte>>& sent,
                        const std::vector<std::span<std::byte>>& received) = 0;

  // An exchange that goes on while this process works.
  class Pending {
   public:
    Pending() = default;
    virtual ~Pending() = default;
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    // Looks once; true when all has arrived.
    virtual bool finished() = 0;
    // Until all has arrived. Throws what exchange() throws.
    virtual void wait() = 0;
  };
  // Begins an exchange; the memory must stay until it is finished. Those that are pending at one time have different
  // `lanes`, from 1, on all ranks the same. Here: done at once.
  virtual std::unique_ptr<Pending> begin_exchange(const char* what, int lane,
                                                  const std::vector<std::span<const std::byte>>& sent,
                                                  const std::vector<std::span<std::byte>>& received);

  // Seconds that exchange() waits for the others; 0, as at first: without end.
  double patience() const { return patience_s_; }
  void set_patience(double seconds) { patience_s_ = seconds; }

  // The values of all ranks, each as many, in the order of ranks.
  std::vector<double> gather(const char* what, const std::vector<double>& own);
  // The texts of all ranks, of any length.
  std::vector<std::string> gather_texts(const char* what, const std::string& own);
  // The text of rank 0.
  std::string text_of_first(const char* what, const std::string& own);
  // Overwrites `count` values by those of rank 0.
  void take_from_first(const char* what, float* values, std::int64_t count);
  // Replaces `count` values by their sum over all ranks, added up in double in the order of ranks. Each rank adds up
  // one part and sends it to the others: 2 (size - 1) / size of the values go out of each, as with a ring.
  void sum(const char* what, float* values, std::int64_t count);
  // Ends when all have come here.
  void meet(const char* what) { gather(what, {}); }

 private:
  double patience_s_ = 0;
};

// A group of this process alone.
ProcessGroup& single_process();

// Indices first ... end - 1 of `count` that fall to `rank` of `size`: contiguous, in the order of ranks, and no two
// ranks differ by more than one.
struct RankPart {
  std::int64_t first = 0;
  std::int64_t end = 0;
  std::int64_t count() const { return end - first; }
};
RankPart part_of_rank(std::int64_t count, int rank, int size);

// The sum of ProcessGroup::sum(), on its way while this process works. Nothing else may touch the values meanwhile.
class PendingSum {
 public:
  // Takes two lanes (ProcessGroup::begin_exchange()): `lane` and the next; 0 for one that is waited for at once.
  PendingSum(ProcessGroup& group, const char* what, int lane, float* values, std::int64_t count);

  // Takes what has come a step further, without waiting; true when the sums are there.
  bool finished();
  // Until they are. Throws what exchange() throws.
  void wait();

 private:
  RankPart part_of(int rank) const;
  void add_up();

  ProcessGroup& group_;
  const char* what_;
  int lane_;
  float* values_;
  std::int64_t count_;
  std::vector<float> parts_;  // this rank's part of all values, of every rank
  bool added_up_ = false;
  std::unique_ptr<ProcessGroup::Pending> pending_;
};

}  // namespace cardiograd
