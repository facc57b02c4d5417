// Where a kernel runs: memory, clock and roof of a device.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/desk/roof.h"
#include "bench/desk/timing.h"
#include "bench/desk/values.h"
#include "bench/opponents/opponent.h"

namespace cardiograd::bench {

// The buffers of a call in the memory of a device.
class PlacedBuffers {
 public:
  PlacedBuffers() = default;
  virtual ~PlacedBuffers() = default;
  PlacedBuffers(const PlacedBuffers&) = delete;
  PlacedBuffers& operator=(const PlacedBuffers&) = delete;
  virtual std::vector<void*> pointers() const = 0;
  virtual void write(std::size_t index, const HostBuffer& from) = 0;
  // Waits for the device first. Throws Error where a kernel failed.
  virtual HostBuffers read() const = 0;
};

class Machine {
 public:
  Machine() = default;
  virtual ~Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual Device device() const = 0;
  virtual kernels::Implementation implementation() const = 0;
  virtual std::unique_ptr<PlacedBuffers> place(const HostBuffers& buffers) = 0;
  // Null where times say nothing.
  virtual Clock* clock() = 0;
  virtual Roof measure_roof(Precision precision) = 0;
  // GPU and driver; empty on a CPU.
  virtual std::string gpu() const { return ""; }
  virtual std::string driver() const { return ""; }
  virtual std::string clocks() const = 0;
};

// Throws Error where this build or this computer does not have the device.
std::unique_ptr<Machine> open_machine(Device device);

// The name of this processor, and the first line that a command prints ("" where there is none).
std::string cpu_name();
std::string first_line_of(const std::string& command);

}  // namespace cardiograd::bench
