// Runs the kernel that a launcher chooses for a shape, for tests of each of its choices.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/op_table.h"
#include "tests/kernels/device_calls.h"
#include "tests/kernels/op_calls.h"

namespace cardiograd::kernels {

// Compares aligned tensors with the double reference, in every order of threads where that can be chosen. `path`: the
// last word of the case's path.
template <class Shape>
void expect_agreement(const Op& op, const Shape& s, const std::string& path) {
  const OpCase test = op.bind(&s);
  EXPECT_EQ(test.path.substr(test.path.find(' ') + 1), path) << op.name << " at " << test.shape;
  std::vector<Values> call = random_call(test, 1);
  for (Values& values : call) values.offset = 0;
  const std::vector<Values> expected = run(test, Implementation::kReference64, call);
  const std::vector<Values> plain = run(test, Implementation::kReference32, call);
#if defined(CARDIOGRAD_SIMT)
  for (const simt::Order order : {simt::Order::kForward, simt::Order::kReverse, simt::Order::kRandom}) {
    simt::settings().order = order;
#endif
    const std::vector<Values> got = DeviceCall(test, call).run();
    for (std::size_t i = 0; i < call.size(); ++i) {
      if (!is_written(test.buffers[i])) continue;
      const double error = relative_error(got[i].real, expected[i].real);
      const double allowed = allowed_error(test.tolerance, plain[i].real, expected[i].real);
      EXPECT_TRUE(error <= allowed) << op.name << " " << test.buffers[i].name << " at " << test.shape << ": error "
                                    << error << ", allowed " << allowed;
    }
#if defined(CARDIOGRAD_SIMT)
  }
  simt::settings().order = simt::Order::kForward;
#endif
}

}  // namespace cardiograd::kernels
