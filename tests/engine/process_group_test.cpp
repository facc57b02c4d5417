#include "engine/process_group.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "tests/common/expect_error.h"
#include "tests/engine/thread_group.h"

namespace cardiograd {
namespace {

using testing::as_ranks;
using testing::expect_error;

TEST(ProcessGroup, PartsAreContiguousAndEven) {
  for (const std::int64_t count : {0, 1, 5, 64, 257})
    for (const int size : {1, 2, 3, 7}) {
      std::int64_t next = 0;
      for (int r = 0; r < size; ++r) {
        const RankPart part = part_of_rank(count, r, size);
        EXPECT_EQ(part.first, next);
        EXPECT_TRUE(part.count() == count / size || part.count() == count / size + 1) << count << " " << size;
        next = part.end;
      }
      EXPECT_EQ(next, count);
    }
}

TEST(ProcessGroup, OneProcessIsAGroup) {
  ProcessGroup& group = single_process();
  EXPECT_FALSE(group.has_others());
  EXPECT_EQ(group.gather("values", {1, 2}), (std::vector<double>{1, 2}));
  EXPECT_EQ(group.text_of_first("text", "abc"), "abc");
  std::vector<float> values = {3, 4};
  group.sum("values", values.data(), 2);
  group.take_from_first("values", values.data(), 2);
  group.meet("end");
  EXPECT_EQ(values, (std::vector<float>{3, 4}));
}

TEST(ProcessGroup, AllKnowAllInTheOrderOfRanks) {
  as_ranks(3, [](ProcessGroup& group) {
    const double own = group.rank() + 0.5;
    EXPECT_EQ(group.gather("values", {own, -own}), (std::vector<double>{0.5, -0.5, 1.5, -1.5, 2.5, -2.5}));
    const std::string text(static_cast<std::size_t>(group.rank()), 'x');
    EXPECT_EQ(group.gather_texts("texts", text), (std::vector<std::string>{"", "x", "xx"}));
    EXPECT_EQ(group.text_of_first("text", group.is_first() ? "first" : "other"), "first");
    std::vector<float> values(5, static_cast<float>(group.rank() + 7));
    group.take_from_first("values", values.data(), 5);
    EXPECT_EQ(values, std::vector<float>(5, 7.0F));
    group.meet("end");
  });
}

TEST(ProcessGroup, SumsGoOnTwoAtATime) {
  as_ranks(3, [](ProcessGroup& group) {
    std::vector<float> a = {1, 2, 3, 4}, b = {10, 20};
    for (float& value : a) value *= static_cast<float>(group.rank() + 1);
    PendingSum first(group, "a", 1, a.data(), 4), second(group, "b", 3, b.data(), 2);
    second.wait();
    while (!first.finished()) {
    }
    EXPECT_TRUE(second.finished());
    EXPECT_EQ(a, (std::vector<float>{6, 12, 18, 24}));
    EXPECT_EQ(b, (std::vector<float>{30, 60}));
  });
}

// Sums have the order of ranks: the same bits whoever comes first, and on every rank.
TEST(ProcessGroup, SumsAreTheSameBitsEverywhere) {
  for (const int ranks : {2, 3, 5})
    for (const std::int64_t count : {1, 4, 1003}) {
      std::vector<std::vector<float>> of_ranks;
      for (int r = 0; r < ranks; ++r) {
        PhiloxStream random(3, static_cast<std::uint64_t>(r));
        of_ranks.emplace_back();
        for (std::int64_t i = 0; i < count; ++i)
          of_ranks.back().push_back(static_cast<float>(random.normal() * std::pow(10, r)));
      }
      std::vector<float> expected;
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        double sum = 0;
        for (const auto& values : of_ranks) sum += static_cast<double>(values[i]);
        expected.push_back(static_cast<float>(sum));
      }
      as_ranks(ranks, [&](ProcessGroup& group) {
        std::vector<float> values = of_ranks[static_cast<std::size_t>(group.rank())];
        group.sum("values", values.data(), count);
        EXPECT_EQ(values, expected) << ranks << " ranks, rank " << group.rank();
      });
    }
}

TEST(ProcessGroup, WhoDoesNotAnswerIsNamed) {
  expect_error(
      [] {
        as_ranks(3, [](ProcessGroup& group) {
          group.set_patience(0.2);
          if (group.rank() != 1) group.gather("values", {1});
        });
      },
      {"rank 1 of 3", "values"});
}

}  // namespace
}  // namespace cardiograd
