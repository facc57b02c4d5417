#include "simt/counters.h"

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "simt/block.h"
#include "simt/memory_rules.h"
#include "simt/settings.h"
#include "simt/source_lines.h"
#include "simt/watch.h"

namespace cardiograd::simt {
namespace {

constinit thread_local Counters* active_counters = nullptr;

constexpr std::size_t kRemembered = 4;      // requests of one kind, to see adjacent ones
constexpr std::uintptr_t kMinDistance = 8;  // of the addresses of two lanes that are not neighbors
constexpr std::uint8_t kWord = 4;

// Place in the code, kind, memory, width.
using SiteKey = std::tuple<const void*, AccessKind, bool, std::uint8_t>;
// File, line, name, of a block.
using MeetingKey = std::tuple<const char*, unsigned, const char*, bool>;

struct Kernel {
  std::int64_t launches = 0;
  std::int64_t blocks = 0;
  std::int64_t threads = 0;
  std::int64_t basic_blocks = 0;
  std::map<SiteKey, AccessCount> sites;
  std::map<MeetingKey, std::int64_t> meetings;
  std::unordered_map<const void*, std::int64_t> visits;  // by place in the code
  std::int64_t block_read_sectors = 0;
  std::int64_t block_written_sectors = 0;
  std::vector<RegionFootprint> footprint;  // one for each region, one for the rest
};

// Numbers of the sectors that a block or a launch has touched.
struct TouchedSectors {
  std::unordered_set<std::uintptr_t> read;
  std::unordered_set<std::uintptr_t> written;

  void add(const Request& request);
  void add(const TouchedSectors& other) {
    read.insert(other.read.begin(), other.read.end());
    written.insert(other.written.begin(), other.written.end());
  }
  void clear() {
    read.clear();
    written.clear();
  }
};

void TouchedSectors::add(const Request& request) {
  std::uintptr_t before = 0;
  for (std::uint32_t rest = request.lanes; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::size_t>(std::countr_zero(rest));
    if (request.used[lane] == 0) continue;
    const std::uintptr_t last = (request.address[lane] + request.used[lane] - 1) / kSectorBytes;
    for (std::uintptr_t sector = request.address[lane] / kSectorBytes; sector <= last; ++sector) {
      if (sector == before) continue;
      before = sector;
      if (request.kind != AccessKind::kStore) read.insert(sector);
      if (request.kind == AccessKind::kStore || request.kind == AccessKind::kAtomic) written.insert(sector);
    }
  }
}

struct Earlier {
  Request request;
  AccessCount* count;
  bool adjacent;
};

void add(AccessCount& to, const AccessCount& from) {
  to.requests += from.requests;
  to.lanes += from.lanes;
  to.bytes += from.bytes;
  to.sectors += from.sectors;
  to.min_sectors += from.min_sectors;
  to.wavefronts += from.wavefronts;
  to.min_wavefronts += from.min_wavefronts;
  to.adjacent += from.adjacent;
}

// Whether two lanes follow each other at a distance, as when each has a row of its own.
bool lanes_apart(const Request& request) {
  if (std::popcount(request.lanes) < 2) return false;
  std::uintptr_t before = 0;
  bool first = true;
  for (std::uint32_t rest = request.lanes; rest != 0; rest &= rest - 1) {
    const std::uintptr_t address = request.address[static_cast<std::size_t>(std::countr_zero(rest))];
    const std::uintptr_t distance = address > before ? address - before : before - address;
    if (!first && distance < kMinDistance) return false;
    before = address;
    first = false;
  }
  return true;
}

// Whether the lanes that take part in both are one word further than before, and are at least half of each.
bool follows(const Request& before, const Request& now) {
  const std::uint32_t both = before.lanes & now.lanes;
  if (before.kind != now.kind || 2 * std::popcount(both) < std::popcount(before.lanes | now.lanes)) return false;
  for (std::uint32_t rest = both; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::size_t>(std::countr_zero(rest));
    if (now.address[lane] != before.address[lane] + kWord) return false;
  }
  return true;
}

}  // namespace

const char* access_name(AccessKind kind) {
  switch (kind) {
    case AccessKind::kNone:
      return "basic block";
    case AccessKind::kLoad:
      return "load";
    case AccessKind::kStore:
      return "store";
    case AccessKind::kAtomic:
      return "atomic";
    case AccessKind::kAsyncLoad:
      return "cp.async load";
    case AccessKind::kAsyncStore:
      return "cp.async store";
  }
  return "";
}

struct Counters::Implementation {
  std::vector<std::pair<std::string, Kernel>> kernels;
  Kernel* kernel = nullptr;
  WarpTrace trace;
  std::deque<Earlier> earlier;
  // Call paths: number 0 is the kernel, others are a call in a path.
  std::map<std::pair<std::uint32_t, const void*>, std::uint32_t> paths;
  std::vector<std::uint32_t> caller{0};
  std::vector<std::uint32_t> path_of_thread;
  std::vector<MemoryRegion> regions;
  TouchedSectors block;
  TouchedSectors launch;

  void end_block();
  std::size_t region_of(std::uintptr_t sector) const;
  void add(int thread, TraceEvent event) {
    event.context = path_of_thread[static_cast<std::size_t>(thread)];
    trace.add(thread % kWarpSize, event);
  }
  void count(const Request& request);
  void count_adjacent(const Request& request, AccessCount& count);
  std::vector<AccessCount> accesses(const Kernel& of) const;
  static std::vector<CollectiveCount> collectives(const Kernel& of);
  static std::vector<LineVisits> visits(const Kernel& of);
};

void Counters::Implementation::count(const Request& request) {
  if (request.kind == AccessKind::kNone) {
    ++kernel->visits[request.code];
    return;
  }
  AccessCount& count = kernel->sites[{request.code, request.kind, request.shared, request.width}];
  ++count.requests;
  count.lanes += std::popcount(request.lanes);
  for (std::uint32_t rest = request.lanes; rest != 0; rest &= rest - 1)
    count.bytes += request.used[static_cast<std::size_t>(std::countr_zero(rest))];
  if (!request.shared) {
    const SectorCount sectors = count_sectors(request);
    count.sectors += sectors.sectors;
    count.min_sectors += sectors.min_sectors;
    if (request.width == kWord) count_adjacent(request, count);
    block.add(request);
  } else if (request.kind != AccessKind::kAtomic) {
    const WavefrontCount wavefronts = count_wavefronts(request);
    count.wavefronts += wavefronts.wavefronts;
    count.min_wavefronts += wavefronts.min_wavefronts;
  }
}

void Counters::Implementation::count_adjacent(const Request& request, AccessCount& count) {
  if (!lanes_apart(request)) return;
  bool adjacent = false;
  for (Earlier& before : earlier) {
    if (!follows(before.request, request)) continue;
    adjacent = true;
    if (!before.adjacent) ++before.count->adjacent;
    before.adjacent = true;
  }
  if (adjacent) ++count.adjacent;
  earlier.push_back({request, &count, adjacent});
  if (earlier.size() > kRemembered) earlier.pop_front();
}

void Counters::Implementation::end_block() {
  kernel->block_read_sectors += static_cast<std::int64_t>(block.read.size());
  kernel->block_written_sectors += static_cast<std::int64_t>(block.written.size());
  launch.add(block);
  block.clear();
}

std::size_t Counters::Implementation::region_of(std::uintptr_t sector) const {
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const auto begin = reinterpret_cast<std::uintptr_t>(regions[i].begin);
    if ((sector + 1) * kSectorBytes > begin && sector * kSectorBytes < begin + regions[i].bytes) return i;
  }
  return regions.size();
}

std::vector<AccessCount> Counters::Implementation::accesses(const Kernel& of) const {
  std::vector<const void*> codes;
  codes.reserve(of.sites.size());
  for (const auto& [key, count] : of.sites) codes.push_back(std::get<0>(key));
  const std::vector<SourceLine> lines = source_lines(codes);
  std::map<std::tuple<std::string, unsigned, AccessKind, bool, int>, AccessCount> by_line;
  std::size_t next = 0;
  for (const auto& [key, count] : of.sites) {
    const SourceLine& place = lines[next++];
    const auto& [code, kind, shared, width] = key;
    AccessCount& sum = by_line[{place.file, place.line, kind, shared, width}];
    sum.file = place.file;
    sum.line = place.line;
    sum.kind = kind;
    sum.shared = shared;
    sum.width = width;
    simt::add(sum, count);
  }
  std::vector<AccessCount> result;
  result.reserve(by_line.size());
  for (auto& [key, sum] : by_line) result.push_back(std::move(sum));
  return result;
}

std::vector<CollectiveCount> Counters::Implementation::collectives(const Kernel& of) {
  std::map<std::tuple<std::string, unsigned, std::string, bool>, std::int64_t> by_line;
  for (const auto& [key, count] : of.meetings) {
    const auto& [file, line, name, of_block] = key;
    by_line[{source_name(file), line, name, of_block}] += count;
  }
  std::vector<CollectiveCount> result;
  for (const auto& [key, count] : by_line)
    result.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), count});
  return result;
}

std::vector<LineVisits> Counters::Implementation::visits(const Kernel& of) {
  std::vector<const void*> codes;
  codes.reserve(of.visits.size());
  for (const auto& [code, count] : of.visits) codes.push_back(code);
  const std::vector<SourceLine> lines = source_lines(codes);
  std::map<std::pair<std::string, unsigned>, std::int64_t> by_line;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    std::int64_t& most = by_line[{lines[i].file, lines[i].line}];
    most = std::max(most, of.visits.at(codes[i]));
  }
  std::vector<LineVisits> result;
  for (const auto& [place, count] : by_line) result.push_back({place.first, place.second, count});
  return result;
}

Counters* Counters::active() {
  return active_counters;
}

Counters::Counters(std::vector<MemoryRegion> regions) : self_(std::make_unique<Implementation>()) {
  self_->regions = std::move(regions);
}
Counters::~Counters() = default;

void Counters::begin_launch(const LaunchPlan& plan) {
  auto& all = self_->kernels;
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& known) { return known.first == plan.kernel; });
  if (found == all.end()) found = all.insert(all.end(), {plan.kernel, {}});
  self_->kernel = &found->second;
  self_->trace.reset();
  self_->block.clear();
  self_->launch.clear();
  ++self_->kernel->launches;
}

void Counters::end_launch() {
  self_->end_block();
  Kernel& kernel = *self_->kernel;
  kernel.footprint.resize(self_->regions.size() + 1);
  for (const std::uintptr_t sector : self_->launch.read) ++kernel.footprint[self_->region_of(sector)].read_sectors;
  for (const std::uintptr_t sector : self_->launch.written)
    ++kernel.footprint[self_->region_of(sector)].written_sectors;
  if (kernel.basic_blocks > 0) return;
  throw Error("a kernel is not compiled to be counted: its basic blocks are not marked",
              "compile device code with -fsanitize=thread -fsanitize-coverage=trace-pc: preset simt-watch");
}

void Counters::begin_block(int threads) {
  self_->end_block();
  self_->path_of_thread.assign(static_cast<std::size_t>(threads), 0);
  ++self_->kernel->blocks;
  self_->kernel->threads += threads;
}

void Counters::enter(int thread, const void* code) {
  std::uint32_t& path = self_->path_of_thread[static_cast<std::size_t>(thread)];
  const auto number = static_cast<std::uint32_t>(self_->caller.size());
  const auto [found, is_new] = self_->paths.try_emplace({path, code}, number);
  if (is_new) self_->caller.push_back(path);
  path = found->second;
}

void Counters::leave(int thread) {
  std::uint32_t& path = self_->path_of_thread[static_cast<std::size_t>(thread)];
  path = self_->caller[path];
}

void Counters::basic_block(int thread, const void* code) {
  ++self_->kernel->basic_blocks;
  TraceEvent event;
  event.code = code;
  self_->add(thread, event);
}

void Counters::access_part(int thread, AccessKind kind, bool shared, const void* address, int width, int used,
                           const void* code) {
  TraceEvent event;
  event.code = code;
  event.address = reinterpret_cast<std::uintptr_t>(address);
  event.width = static_cast<std::uint8_t>(width);
  event.used = static_cast<std::uint8_t>(used);
  event.kind = kind;
  event.shared = shared;
  self_->add(thread, event);
}

// Whole structures go in the largest pieces that the GPU has.
void Counters::access(int thread, AccessKind kind, bool shared, const void* address, std::size_t bytes,
                      const void* code) {
  const auto* at = static_cast<const std::byte*>(address);
  while (bytes > 0) {
    const std::size_t piece = std::min<std::size_t>(std::bit_floor(bytes), 16);
    access_part(thread, kind, shared, at, static_cast<int>(piece), static_cast<int>(piece), code);
    at += piece;
    bytes -= piece;
  }
}

void Counters::end_segment(std::uint32_t live) {
  self_->earlier.clear();
  self_->trace.collate(live, [this](const Request& request) { self_->count(request); });
}

void Counters::collective(const char* name, const Where& where, bool of_block) {
  ++self_->kernel->meetings[{where.file_name(), where.line(), name, of_block}];
}

void Counters::discard() {
  self_->trace.clear();
}

std::vector<KernelCounts> Counters::result() const {
  std::vector<KernelCounts> all;
  for (const auto& [name, kernel] : self_->kernels) {
    KernelCounts counts;
    counts.kernel = name;
    counts.launches = kernel.launches;
    counts.blocks = kernel.blocks;
    counts.threads = kernel.threads;
    counts.accesses = self_->accesses(kernel);
    counts.collectives = Implementation::collectives(kernel);
    counts.visits = Implementation::visits(kernel);
    counts.block_read_sectors = kernel.block_read_sectors;
    counts.block_written_sectors = kernel.block_written_sectors;
    for (std::size_t i = 0; i < kernel.footprint.size(); ++i) {
      RegionFootprint region = kernel.footprint[i];
      if (region.read_sectors == 0 && region.written_sectors == 0) continue;
      if (i < self_->regions.size()) region.name = self_->regions[i].name;
      counts.footprint.push_back(std::move(region));
    }
    all.push_back(std::move(counts));
  }
  return all;
}

std::vector<KernelCounts> count_accesses(const std::function<void()>& work, std::vector<MemoryRegion> regions) {
  if (!code_is_watched())
    throw Error("nothing can be counted: no code of this program is watched", "build the preset simt-watch");
  if (active_counters != nullptr) throw Error("accesses are counted already", "count one piece of work at a time");
  struct Guard {
    int threads = std::exchange(settings().threads, 1);
    ~Guard() {
      settings().threads = threads;
      active_counters = nullptr;
    }
  };
  Counters counters(std::move(regions));
  {
    const Guard guard;
    active_counters = &counters;
    work();
  }
  return counters.result();
}

}  // namespace cardiograd::simt
