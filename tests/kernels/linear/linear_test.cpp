// The variants of the linear layer at aligned shapes; the op table's random offsets mostly miss their fast kernels.
#include "kernels/linear/linear.h"

#include <vector>

#include <gtest/gtest.h>

#include "kernels/op_table.h"
#include "tests/kernels/op_calls.h"

#if defined(CARDIOGRAD_DEVICE_CODE)
#include "tests/kernels/device_calls.h"

namespace cardiograd::kernels {
namespace {

using LinearVariants = DeviceTest;

TEST_F(LinearVariants, AgreeWithTheReferenceAtAlignedShapes) {
  for (const LinearShape& shape : std::vector<LinearShape>{{130, 32, 68}, {257, 12, 64}, {64, 320, 128}, {700, 20, 4}})
    for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16})
      for (const char* name : {"linear_forward", "linear_backward_input", "linear_backward_weight"}) {
        LinearShape s = shape;
        s.precision = precision;
        s.relu = name == std::string("linear_forward") && shape.rows == 130;
        const OpCase test = find_op(name)->bind(&s);
        std::vector<Values> call = random_call(test, 1);
        for (Values& values : call) values.offset = 0;
        const std::vector<Values> expected = run(test, Implementation::kReference64, call);
        const std::vector<Values> plain = run(test, Implementation::kReference32, call);
        for (const BoundVariant& variant : test.cuda_variants) {
          OpCase one = test;
          one.run = [&](Implementation, void* const* pointers) { variant.run(pointers); };
          const std::vector<Values> got = DeviceCall(one, call).run();
          for (std::size_t i = 0; i < call.size(); ++i) {
            if (!is_written(test.buffers[i])) continue;
            const double error = relative_error(got[i].real, expected[i].real);
            const double allowed = allowed_error(test.tolerance, plain[i].real, expected[i].real);
            EXPECT_TRUE(error <= allowed) << name << ", " << variant.name << ", " << test.buffers[i].name << " at "
                                          << test.shape << ": error " << error << ", allowed " << allowed;
          }
        }
      }
}

}  // namespace
}  // namespace cardiograd::kernels

#endif
