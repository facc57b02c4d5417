// What the 32 lanes of a warp did, put together into the requests that the GPU would make.
//
// A request is one execution of one memory instruction by the lanes of a warp that execute it together. Here lanes run
// one after the other, so what belongs together has to be found out again. Between two points where the whole warp
// meets (a barrier, a warp function of all lanes, the end) each lane leaves a trace: the basic blocks that it entered
// and the accesses that it made, each with its place in the code and its call path. The traces are replayed by the rule
// that the hardware follows: lanes go together until a branch parts them; then one group after the other goes on,
// alone, up to the branch's immediate post-dominator, where they join again. So a lane that leaves a loop early waits
// behind it for the others, and a lane that skips a load in one iteration is together with its neighbors in the next.
// Post-dominators are those of the graph of all steps that the warp's traces hold, END being a node.
//
// Limits: code that the compiler has doubled (both sides of a branch with a copy of the same load) counts as two
// places. Two loads of one address that the compiler has joined count once. Whether nvcc does the same is in its SASS
// only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <vector>

#include "simt/block.h"

namespace cardiograd::simt {

enum class AccessKind : std::uint8_t { kNone, kLoad, kStore, kAtomic, kAsyncLoad, kAsyncStore };

// One step of one lane.
struct TraceEvent {
  const void* code = nullptr;           // return address of the call that reported it
  std::uintptr_t address = 0;           // of an access
  std::uint32_t context = 0;            // number of the call path
  std::uint8_t width = 0;               // bytes that the instruction takes
  std::uint8_t used = 0;                // bytes that it moves: less where cp.async fills with zeros
  AccessKind kind = AccessKind::kNone;  // kNone: the begin of a basic block
  bool shared = false;                  // shared memory; else device memory

  // Whether lanes with these steps execute one instruction together; addresses do not matter.
  bool same_place(const TraceEvent& other) const {
    return code == other.code && context == other.context && width == other.width && kind == other.kind &&
           shared == other.shared;
  }
};

// One instruction executed by the lanes whose bit is set; kNone: they entered a basic block.
struct Request {
  const void* code = nullptr;
  AccessKind kind = AccessKind::kNone;
  bool shared = false;
  std::uint8_t width = 0;
  std::uint32_t lanes = 0;
  std::array<std::uintptr_t, kWarpSize> address{};
  std::array<std::uint8_t, kWarpSize> used{};
};

// The traces of one warp.
class WarpTrace {
 public:
  using Emit = std::function<void(const Request&)>;

  void add(int lane, const TraceEvent& event) { lanes_[static_cast<std::size_t>(lane)].push_back(event); }
  // The warp is together: calls `emit` for every request and basic block, in an order in which it could have made them,
  // and forgets the traces. `live`: the lanes that go on. What a lane that returned did on a path of its own is kept
  // until the others have been there or the last has returned.
  void collate(std::uint32_t live, const Emit& emit);
  // Forgets the traces.
  void clear();
  // Forgets what is kept from one collate() to the next. For a new kernel.
  void reset();

 private:
  struct PlaceHash {
    std::size_t operator()(const TraceEvent& event) const;
  };
  struct SamePlace {
    bool operator()(const TraceEvent& a, const TraceEvent& b) const { return a.same_place(b); }
  };
  using Edges = std::vector<std::pair<int, int>>;

  bool uniform(std::uint32_t live) const;
  void emit_uniform(const Emit& emit) const;
  void emit_divergent(std::uint32_t live, const Emit& emit);
  int node_of(const TraceEvent& event);
  const std::vector<int>& post_dominators(const Edges& edges);

  std::array<std::vector<TraceEvent>, kWarpSize> lanes_;
  std::unordered_map<TraceEvent, int, PlaceHash, SamePlace> nodes_;
  std::map<Edges, std::vector<int>> known_;  // post-dominators of graphs seen before
};

}  // namespace cardiograd::simt
