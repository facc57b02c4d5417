#include "engine/observer.h"

#include <utility>

#include "engine/memory.h"

namespace cardiograd {
namespace {

thread_local std::string layer_path;

}  // namespace

KernelObserver::KernelObserver(Callback on_kernel, Execution execution, std::function<void()> on_done)
    : on_kernel_(std::move(on_kernel)),
      on_done_(std::move(on_done)),
      execution_(dry_run() ? Execution::kDry : execution),
      before_(std::exchange(current_observer, this)) {}

KernelObserver::~KernelObserver() {
  current_observer = before_;
  if (execution_ == Execution::kDry && !dry_run()) dry_run_allocator().release_cached();
}

void KernelObserver::notify(const char* name, const ShapeView& shape, Device device, int left_out) const {
  on_kernel_({.name = name, .shape = shape, .device = device, .left_out = left_out, .layer = layer_path});
}

void LayerScope::enter(std::string_view name) {
  std::string path = layer_path.empty() ? std::string(name) : layer_path + "." + std::string(name);
  before_ = std::exchange(layer_path, std::move(path));
  entered_ = true;
}

void LayerScope::replace(const std::string& path) {
  before_ = std::exchange(layer_path, path);
  entered_ = true;
}

void LayerScope::leave() {
  layer_path = std::move(before_);
}

const std::string& current_layer() {
  return layer_path;
}

}  // namespace cardiograd
