// Ends loops before their end, however long they are: what a step in the middle of its computation asks.
#pragma once

#include <exception>
#include <functional>

namespace cardiograd {

// Thrown by parallel_for (threads.h) when its loop was ended early.
class Canceled : public std::exception {
 public:
  const char* what() const noexcept override { return "the computation was ended early"; }
};

// While alive, `cancel` is asked before each call of the loops that this thread begins, by whichever thread makes it;
// once it is true they throw Canceled. `cancel` must outlive this and not throw. The newest counts; destroy them in
// the opposite order.
class CancellableLoops {
 public:
  explicit CancellableLoops(const std::function<bool()>& cancel);
  ~CancellableLoops();
  CancellableLoops(const CancellableLoops&) = delete;
  CancellableLoops& operator=(const CancellableLoops&) = delete;

  // What this thread's loops ask; nullptr when nothing.
  static const std::function<bool()>* current();

 private:
  const std::function<bool()>* before_;
};

}  // namespace cardiograd
