#include "base/cancellation.h"

namespace cardiograd {
namespace {

thread_local const std::function<bool()>* current_cancel = nullptr;

}  // namespace

CancellableLoops::CancellableLoops(const std::function<bool()>& cancel) : before_(current_cancel) {
  current_cancel = &cancel;
}

CancellableLoops::~CancellableLoops() {
  current_cancel = before_;
}

const std::function<bool()>* CancellableLoops::current() {
  return current_cancel;
}

}  // namespace cardiograd
