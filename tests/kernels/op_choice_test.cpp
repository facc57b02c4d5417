#include "kernels/op_choice.h"

#include <string>

#include <gtest/gtest.h>

namespace cardiograd::kernels {
namespace {

Op conv() {
  return choose_ops("conv1d_forward").at(0);
}

// The hint of the UsageError that `call` throws.
template <class Call>
std::string hint_of(Call&& call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.hint();
  }
  ADD_FAILURE() << "no UsageError";
  return "";
}

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
}

TEST(OpChoice, OperationsByName) {
  EXPECT_EQ(choose_ops("all").size(), op_table().size());
  EXPECT_EQ(conv().name, "conv1d_forward");
  const std::string hint = hint_of([] { choose_ops("conv1d_forwrd"); });
  expect_part(hint, "nearest: conv1d_forward;");
  for (const Op& op : op_table()) expect_part(hint, op.name);
}

TEST(OpChoice, ShapesByNumberTextAndFields) {
  const auto all = choose_cases(conv(), "all");
  ASSERT_GT(all.size(), 1U);
  EXPECT_EQ(choose_cases(conv(), "1").at(0).shape, all[1].shape);
  EXPECT_EQ(choose_cases(conv(), all[1].shape).at(0).shape, all[1].shape);
  const auto small = choose_cases(conv(), "batch=2,time=9");
  ASSERT_EQ(small.size(), all.size());
  EXPECT_EQ(small[0].buffers[0].dims[0], 2);
  EXPECT_EQ(small[0].buffers[0].dims[1], 9);
  EXPECT_EQ(small[0].buffers[0].dims[2], all[0].buffers[0].dims[2]);
  const Op relu = choose_ops("relu_forward").at(0);
  ASSERT_GT(choose_cases(relu, "all").size(), 1U);
  EXPECT_EQ(choose_cases(relu, "count=10").size(), 1U);  // equal shapes once
}

TEST(OpChoice, BadShapesNameTheKnownOnes) {
  for (const char* shape : {"99", "-1", "N64", "", "18446744073709551617"})
    expect_part(hint_of([&] { choose_cases(conv(), shape); }), choose_cases(conv(), "0").at(0).shape);
  expect_part(hint_of([] { choose_cases(conv(), "batsh=1"); }), "nearest: batch;");
  expect_part(hint_of([] { choose_cases(conv(), "batch=1,"); }), "input_channels");
  for (const char* shape : {"batch=", "batch=0", "batch=-1", "batch=1x", "batch=99999999999999999999"})
    expect_part(hint_of([&] { choose_cases(conv(), shape); }), "batch=1");
  EXPECT_EQ(choose_cases(conv(), "padding=0").size(), choose_cases(conv(), "all").size());
  hint_of([] { choose_cases(conv(), "time=1,padding=0"); });  // no output
}

TEST(OpChoice, VariantsByName) {
  const Op linear = choose_ops("linear_forward").at(0);
  const OpCase work = choose_cases(linear, "0").at(0);
  EXPECT_EQ(choose_variants(linear, work, "all").size(), 1 + work.cuda_variants.size());
  EXPECT_EQ(choose_variants(linear, work, "shipped").at(0).name, "shipped");
  expect_part(hint_of([&] { choose_variants(linear, work, "shiped"); }), "nearest: shipped;");
}

}  // namespace
}  // namespace cardiograd::kernels
