// Other libraries doing what an operation of the table does: what our kernels are compared with. Each library has a
// file of its own here and is optional.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/enum_words.h"
#include "base/precision.h"
#include "kernels/op_table.h"

namespace cardiograd::bench {

// kSimt: the CUDA kernels run on the host.
enum class Device { kCpu, kCuda, kSimt };

constexpr EnumWords<Device, 3> enum_words(Device) {
  return {{{Device::kCpu, "cpu", "this processor"},
           {Device::kCuda, "cuda", "the GPU"},
           {Device::kSimt, "simt", "the CUDA kernels on the host"}}};
}

// One way of one library to do one operation at one shape. The library has its own memory in the layout that its users
// would choose; only `run` is timed.
struct Opponent {
  std::string name;  // the library: "oneDNN"
  std::string path;  // what it chose for the shape, where it tells
  std::string note;  // how its work differs from ours, where it does
  // Buffers on the host, in the order of OpCase::buffers.
  std::function<void(void* const* buffers)> load;  // takes the inputs
  std::function<void()> run;                       // puts the work into the default stream, on CUDA
  // Writes the results: `=` for every role but kAccumulate, += there.
  std::function<void(void* const* buffers)> store;
  std::vector<std::string> writes;  // the buffers that it computes; all that are written where it is empty
  // Where it computes something else (attention without dropout): the case of our table that it does compute, with
  // the same buffers.
  std::vector<kernels::OpCase> instead;  // none or one
  double tolerance = 0;                  // of its relative error, where that must be more than opponent_tolerance
  std::string refusal;                   // why the library does not take the shape: then there are no functions
};

// A normalized value near zero may lie on either side of ReLU's edge, by rounding: then a whole gradient is there or
// not. A few of millions do.
inline constexpr double kMaskTolerance = 3e-3;

// A library that could be an opponent in this build.
struct Library {
  std::string name;
  Device device = Device::kCpu;
  std::string version;  // empty: it is not built in
  std::string missing;  // what to install, where it is not
};

std::vector<Library> opponent_libraries();

// What the libraries of this build offer for a shape of an operation, on a device (none on kSimt).
std::vector<Opponent> opponents_for(const kernels::Op& op, const kernels::OpCase& work, Device device,
                                    Precision precision);

// The shape of a case, where it is a Shape; else nullptr.
template <class Shape>
const Shape* shape_of(const kernels::Op& op, const kernels::OpCase& work) {
  return *op.shape_type == typeid(Shape) ? static_cast<const Shape*>(work.value.get()) : nullptr;
}

}  // namespace cardiograd::bench
