// Device memory for tests, and a loop over thread orders.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "simt/simt.h"

namespace cardiograd::simt {

template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(std::size_t count) : count_(count) { cudaMalloc(&data_, count * sizeof(T)); }
  explicit DeviceBuffer(const std::vector<T>& values) : DeviceBuffer(values.size()) {
    cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice);
  }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  T* data() const { return data_; }
  // Waits for everything before.
  std::vector<T> read() const {
    std::vector<T> values(count_);
    cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost);
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_;
};

// Puts the settings back at the end of a test.
class SettingsGuard {
 public:
  SettingsGuard() : before_(settings()) {}
  ~SettingsGuard() { settings() = before_; }
  SettingsGuard(const SettingsGuard&) = delete;
  SettingsGuard& operator=(const SettingsGuard&) = delete;

 private:
  Settings before_;
};

inline std::string order_name(Order order) {
  return order == Order::kForward ? "forward" : order == Order::kReverse ? "reverse" : "random";
}

// Calls body(order) in each order.
template <class Body>
void in_every_order(Body&& body) {
  const SettingsGuard guard;
  for (const Order order : {Order::kForward, Order::kReverse, Order::kRandom}) {
    settings().order = order;
    body(order);
  }
}

}  // namespace cardiograd::simt
