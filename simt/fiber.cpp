#include "simt/fiber.h"

#include <utility>

#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace cardiograd::simt {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kStackBytes = 128 * 1024;  // Instrumented frames are larger.
void start_switch(void** fake_stack, const void* bottom, std::size_t size) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
}
void finish_switch(void* fake_stack, const void** bottom, std::size_t* size) {
  __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
}
#else
constexpr std::size_t kStackBytes = 32 * 1024;
void start_switch(void**, const void*, std::size_t) {}
void finish_switch(void*, const void**, std::size_t*) {}
#endif

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

// A guard page below the stack turns an overflow into a fault at once.
Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), allocator_(kStackBytes + page_size()), stack_(allocator_.allocate()) {
  fiber_ =
      boost::context::fiber(std::allocator_arg, boost::context::preallocated(stack_.sp, stack_.size, stack_),
                            allocator_, [this](boost::context::fiber&& caller) { return enter(std::move(caller)); });
}

// Only idle fibers are destroyed: their loop ends and the stack is given back.
Fiber::~Fiber() {
  stopping_ = true;
  resume();
}

void Fiber::resume() {
  void* fake_stack = nullptr;
  start_switch(&fake_stack, static_cast<const char*>(stack_.sp) - stack_.size + page_size(), stack_.size - page_size());
  fiber_ = std::move(fiber_).resume();
  finish_switch(fake_stack, nullptr, nullptr);
}

void Fiber::suspend() {
  void* fake_stack = nullptr;
  start_switch(&fake_stack, caller_bottom_, caller_size_);
  caller_ = std::move(caller_).resume();
  finish_switch(fake_stack, &caller_bottom_, &caller_size_);
}

boost::context::fiber Fiber::enter(boost::context::fiber&& caller) {
  finish_switch(nullptr, &caller_bottom_, &caller_size_);
  caller_ = std::move(caller);
  while (!stopping_) {
    body_();
    suspend();
  }
  start_switch(nullptr, caller_bottom_, caller_size_);
  return std::move(caller_);
}

}  // namespace cardiograd::simt
