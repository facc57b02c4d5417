// Whether a result agrees with the double reference of its operation.
#pragma once

#include <string>
#include <vector>

#include "base/precision.h"
#include "bench/desk/values.h"

namespace cardiograd::bench {

class Check {
 public:
  // Runs the references, in double and in float (what rounding costs), on two threads.
  Check(const kernels::OpCase& work, const HostBuffers& inputs);

  // Empty where the written buffers of `result` agree, else which does not and by how much. `only`: the names of the
  // buffers to look at, all where it is empty. `tolerance` replaces the operation's, where it is larger.
  std::string failure(const HostBuffers& result, const std::vector<std::string>& only = {}, double tolerance = 0) const;

 private:
  struct Expected {
    std::vector<double> values;    // of a float buffer
    std::vector<std::byte> bytes;  // of any other
    double plain_error = 0;        // of the float loops
  };
  double tolerance_;
  std::vector<kernels::BufferSpec> buffers_;
  std::vector<Expected> expected_;  // empty ones for inputs
};

// What another library's result may differ by: it sums in another order, and rounds factors as its hardware does.
double opponent_tolerance(Precision precision);

}  // namespace cardiograd::bench
