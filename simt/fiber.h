// Stackful coroutines on Boost.Context, one per CUDA thread, with stacks that are kept and the annotations that
// AddressSanitizer needs to follow a change of stack.
#pragma once

#include <cstddef>
#include <functional>

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

namespace cardiograd::simt {

// Runs `body` again and again: each resume() continues it, each suspend() inside it returns to the caller of resume().
class Fiber {
 public:
  // `body` is called for each round of work; when it returns the fiber is idle until resume() starts the next round.
  explicit Fiber(std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Called on another stack than the fiber's; returns when the body suspends or ends.
  void resume();
  // Called on the fiber's own stack.
  void suspend();

 private:
  boost::context::fiber enter(boost::context::fiber&& caller);

  std::function<void()> body_;
  boost::context::protected_fixedsize_stack allocator_;
  boost::context::stack_context stack_;
  boost::context::fiber fiber_;
  boost::context::fiber caller_;
  const void* caller_bottom_ = nullptr;
  std::size_t caller_size_ = 0;
  bool stopping_ = false;
};

}  // namespace cardiograd::simt
