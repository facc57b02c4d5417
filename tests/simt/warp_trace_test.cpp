// Requests made of hand-written traces. Letters are places in the code: small ones basic blocks, capitals loads.
#include "simt/warp_trace.h"

#include <bit>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cardiograd::simt {
namespace {

void add(WarpTrace& trace, int lane, const std::string& steps, std::uint32_t context = 0) {
  static const char code[128] = {};
  for (const char step : steps) {
    TraceEvent event;
    event.code = code + (step - '\0');
    event.context = context;
    if (step < 'a') {
      event.kind = AccessKind::kLoad;
      event.width = 4;
      event.used = 4;
    }
    trace.add(lane, event);
  }
}

// "A11 B01": the loads with the lanes that made them, lane 0 first, of the first `count` lanes.
std::string collate(WarpTrace& trace, std::uint32_t live, int count) {
  static const char* first = nullptr;
  if (first == nullptr) {
    WarpTrace probe;
    add(probe, 0, "A");
    probe.collate(0, [](const Request& request) { first = static_cast<const char*>(request.code) - 'A'; });
  }
  std::string text;
  trace.collate(live, [&](const Request& request) {
    if (request.kind == AccessKind::kNone) return;  // a basic block
    text += text.empty() ? "" : " ";
    text += static_cast<char>(static_cast<const char*>(request.code) - first);
    for (int lane = 0; lane < count; ++lane) text += (request.lanes >> lane & 1U) != 0 ? '1' : '0';
  });
  return text;
}

std::string of(const std::vector<std::string>& lanes) {
  WarpTrace trace;
  for (std::size_t i = 0; i < lanes.size(); ++i) add(trace, static_cast<int>(i), lanes[i]);
  return collate(trace, 0, static_cast<int>(lanes.size()));
}

TEST(WarpTrace, LanesOnOnePathGoTogether) {
  EXPECT_EQ(of({"aAbB", "aAbB", "aAbB"}), "A111 B111");
}

TEST(WarpTrace, SidesOfABranchGoOneAfterTheOtherAndMeetBehindIt) {
  EXPECT_EQ(of({"aAbBdD", "aAcCdD", "aAbBdD"}), "A111 B101 C010 D111");
}

TEST(WarpTrace, ABranchWithoutElseHasOneSide) {
  EXPECT_EQ(of({"abBd", "ad", "abBd"}), "B101");
}

TEST(WarpTrace, LoopsOfOtherLengthsMeetBehindTheLoop) {
  EXPECT_EQ(of({"alLlLlLxX", "alLxX", "axX"}), "L110 L100 L100 X111");
}

TEST(WarpTrace, InnerLoopsMeetInEachRound) {
  // Rounds r with inner steps i: lane 0 has 2 and 0, lane 1 has 1 and 2.
  EXPECT_EQ(of({"riIiIrx", "riIriIiIx"}), "I11 I10 I01 I01");
}

TEST(WarpTrace, ALaneThatSkipsAStepIsBackInTheNext) {
  EXPECT_EQ(of({"liLmlmliLm", "lmliLmliLm"}), "L10 L01 L11");
}

TEST(WarpTrace, OneFunctionOnTwoPathsIsTwoPlaces) {
  WarpTrace trace;
  add(trace, 0, "F", 1);
  add(trace, 1, "F", 2);
  EXPECT_EQ(collate(trace, 0, 2), "F10 F01");
}

// Lane 0 returned while lane 1 waits at a warp function; the store at the end is one for both.
TEST(WarpTrace, WhatAReturnedLaneDidIsKeptUntilTheOthersHaveBeenThere) {
  WarpTrace trace;
  add(trace, 0, "abBzZ");
  add(trace, 1, "acC");
  EXPECT_EQ(collate(trace, 2, 2), "C01");
  add(trace, 1, "zZ");
  EXPECT_EQ(collate(trace, 0, 2), "B10 Z11");
  EXPECT_EQ(collate(trace, 0, 2), "");
}

}  // namespace
}  // namespace cardiograd::simt
