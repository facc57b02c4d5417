#include "simt/warp_trace.h"

#include <algorithm>
#include <bit>
#include <utility>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dominator_tree.hpp>

namespace cardiograd::simt {
namespace {

constexpr int kStart = 0;
constexpr int kEnd = 1;
constexpr int kFirstNode = 2;
constexpr std::size_t kMaxKnownGraphs = 256;

std::uint32_t bit(int lane) {
  return 1U << lane;
}

Request request_at(const TraceEvent& event) {
  Request request;
  request.code = event.code;
  request.kind = event.kind;
  request.shared = event.shared;
  request.width = event.width;
  return request;
}

void add_lane(Request& request, int lane, const TraceEvent& event) {
  request.lanes |= bit(lane);
  request.address[static_cast<std::size_t>(lane)] = event.address;
  request.used[static_cast<std::size_t>(lane)] = event.used;
}

// The traces side by side, as a GPU with a reconvergence stack would run them.
class Replay {
 public:
  Replay(const std::array<std::vector<TraceEvent>, kWarpSize>& events,
         const std::array<std::vector<int>, kWarpSize>& paths, const std::vector<int>& post_dominators,
         std::uint32_t live, const WarpTrace::Emit& emit)
      : events_(events), paths_(paths), post_dominators_(post_dominators), live_(live), emit_(emit) {}

  // The event from which a lane is still to be run; its number of events where there is none.
  std::size_t first_left(int lane) const {
    const std::size_t position = position_[static_cast<std::size_t>(lane)];
    return position == 0 ? 0 : position - 1;
  }

  // Lanes that stand at one node go on until they stand at `stop`.
  void run(std::uint32_t lanes, int stop) {
    for (;;) {
      const int node = node_at(std::countr_zero(lanes));
      if (node == stop || node == kEnd) return;
      step(lanes);
      const int meeting = post_dominators_[static_cast<std::size_t>(node)];
      if (together(lanes)) continue;
      for (std::uint32_t rest = lanes; rest != 0;) {
        const int next = node_at(std::countr_zero(rest));
        const std::uint32_t group = lanes_at(rest, next);
        rest &= ~group;
        // Lanes that returned would meet the others at a point that these have yet to reach.
        const bool too_early = meeting == kEnd && live_ != 0 && (group & live_) == 0;
        if (next != meeting && !too_early) run(group, meeting);
      }
      if (meeting == kEnd) return;
    }
  }

 private:
  // Paths begin with kStart and end with kEnd; event i of a lane is step i + 1 of its path.
  int node_at(int lane) const {
    const auto index = static_cast<std::size_t>(lane);
    return paths_[index][position_[index]];
  }
  std::uint32_t lanes_at(std::uint32_t lanes, int node) const {
    std::uint32_t found = 0;
    for (std::uint32_t rest = lanes; rest != 0; rest &= rest - 1)
      if (node_at(std::countr_zero(rest)) == node) found |= bit(std::countr_zero(rest));
    return found;
  }
  bool together(std::uint32_t lanes) const { return lanes_at(lanes, node_at(std::countr_zero(lanes))) == lanes; }

  void step(std::uint32_t lanes) {
    const auto first = static_cast<std::size_t>(std::countr_zero(lanes));
    Request request;
    if (position_[first] > 0) request = request_at(events_[first][position_[first] - 1]);
    for (std::uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
      const int lane = std::countr_zero(rest);
      std::size_t& position = position_[static_cast<std::size_t>(lane)];
      if (request.code != nullptr) add_lane(request, lane, events_[static_cast<std::size_t>(lane)][position - 1]);
      ++position;
    }
    if (request.code != nullptr) emit_(request);
  }

  const std::array<std::vector<TraceEvent>, kWarpSize>& events_;
  const std::array<std::vector<int>, kWarpSize>& paths_;
  const std::vector<int>& post_dominators_;
  std::uint32_t live_;
  const WarpTrace::Emit& emit_;
  std::array<std::size_t, kWarpSize> position_{};
};

}  // namespace

std::size_t WarpTrace::PlaceHash::operator()(const TraceEvent& event) const {
  const auto place = reinterpret_cast<std::uintptr_t>(event.code) ^ (std::uintptr_t{event.context} << 40);
  return std::hash<std::uintptr_t>()(place * 0x9E3779B97F4A7C15U + event.width * 8U +
                                     static_cast<unsigned>(event.kind));
}

void WarpTrace::clear() {
  for (auto& events : lanes_) events.clear();
}

void WarpTrace::reset() {
  clear();
  nodes_.clear();
  known_.clear();
}

void WarpTrace::collate(std::uint32_t live, const Emit& emit) {
  if (uniform(live)) {
    emit_uniform(emit);
    clear();
  } else {
    emit_divergent(live, emit);
  }
}

// Whether all lanes that did anything did the same and go on together.
bool WarpTrace::uniform(std::uint32_t live) const {
  const std::vector<TraceEvent>* first = nullptr;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const auto& events = lanes_[static_cast<std::size_t>(lane)];
    if (events.empty()) continue;
    if (live != 0 && (live & bit(lane)) == 0) return false;
    if (first == nullptr) {
      first = &events;
    } else if (!std::equal(events.begin(), events.end(), first->begin(), first->end(),
                           [](const TraceEvent& a, const TraceEvent& b) { return a.same_place(b); })) {
      return false;
    }
  }
  return true;
}

void WarpTrace::emit_uniform(const Emit& emit) const {
  const auto first =
      std::find_if(lanes_.begin(), lanes_.end(), [](const std::vector<TraceEvent>& events) { return !events.empty(); });
  if (first == lanes_.end()) return;
  for (std::size_t i = 0; i < first->size(); ++i) {
    Request request = request_at((*first)[i]);
    for (int lane = 0; lane < kWarpSize; ++lane) {
      const auto& events = lanes_[static_cast<std::size_t>(lane)];
      if (!events.empty()) add_lane(request, lane, events[i]);
    }
    emit(request);
  }
}

int WarpTrace::node_of(const TraceEvent& event) {
  return nodes_.try_emplace(event, kFirstNode + static_cast<int>(nodes_.size())).first->second;
}

void WarpTrace::emit_divergent(std::uint32_t live, const Emit& emit) {
  std::array<std::vector<int>, kWarpSize> paths;
  Edges edges;
  std::uint32_t active = 0;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    const auto& events = lanes_[static_cast<std::size_t>(lane)];
    if (events.empty() && (live & bit(lane)) == 0) continue;
    active |= bit(lane);
    auto& path = paths[static_cast<std::size_t>(lane)];
    path.reserve(events.size() + 2);
    path.push_back(kStart);
    for (const TraceEvent& event : events) path.push_back(node_of(event));
    path.push_back(kEnd);
    Edges steps;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) steps.emplace_back(path[i], path[i + 1]);
    std::sort(steps.begin(), steps.end());
    edges.insert(edges.end(), steps.begin(), std::unique(steps.begin(), steps.end()));
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  Replay replay(lanes_, paths, post_dominators(edges), live, emit);
  replay.run(active, kEnd);
  for (int lane = 0; lane < kWarpSize; ++lane) {
    auto& events = lanes_[static_cast<std::size_t>(lane)];
    const auto left = events.begin() + static_cast<std::ptrdiff_t>(std::min(replay.first_left(lane), events.size()));
    events.erase(events.begin(), left);
    if (std::all_of(events.begin(), events.end(), [](const TraceEvent& e) { return e.kind == AccessKind::kNone; }))
      events.clear();
  }
}

// By node; kEnd for the end itself and for nodes that the graph does not hold.
const std::vector<int>& WarpTrace::post_dominators(const Edges& edges) {
  const auto found = known_.find(edges);
  if (found != known_.end()) return found->second;
  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS>;
  const std::size_t count = nodes_.size() + kFirstNode;
  Graph backwards(count);
  for (const auto& [from, to] : edges)
    boost::add_edge(static_cast<std::size_t>(to), static_cast<std::size_t>(from), backwards);
  std::vector<std::size_t> dominators(count, kEnd);
  boost::lengauer_tarjan_dominator_tree(
      backwards, std::size_t{kEnd},
      boost::make_iterator_property_map(dominators.begin(), boost::get(boost::vertex_index, backwards)));
  std::vector<int> nodes(count, kEnd);
  for (std::size_t i = 0; i < count; ++i)
    if (dominators[i] < count) nodes[i] = static_cast<int>(dominators[i]);
  if (known_.size() >= kMaxKnownGraphs) known_.clear();
  return known_.emplace(edges, std::move(nodes)).first->second;
}

}  // namespace cardiograd::simt
