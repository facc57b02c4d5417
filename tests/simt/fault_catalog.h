// Faults that the emulation must catch, each planted in a small kernel whose twin without it passes. A fault is caught
// by its name, or, where the GPU itself would say nothing, as a wrong result in at least one order of threads. The
// twin is right in all of them.
#pragma once

#include <functional>
#include <numeric>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "simt/simt.h"
#include "simt/watch.h"
#include "tests/simt/device_buffer.h"

namespace cardiograd::simt {

inline constexpr unsigned kFullWarp = 0xFFFFFFFFU;  // the mask of a whole warp
inline constexpr const char* kWrongResult = "wrong result";
inline constexpr const char* kRace = "race";  // Where code is not watched: a wrong result.

// 1, 2, 3, ...
inline std::vector<float> ramp(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

struct WrongResult {};
template <class T>
void expect(const std::vector<T>& got, const std::vector<T>& expected) {
  if (got != expected) throw WrongResult();  // NaN differs from everything.
}

struct Planted {
  const char* name;
  std::string caught_as;
  std::function<void()> planted;
  std::function<void()> twin;
};

inline void PrintTo(const Planted& entry, std::ostream* to) {
  *to << entry.name;
}

#define CATALOG_ENTRY(name, caught_as)            \
  Planted {                                       \
#name, caught_as, name < true>, name < false> \
  }

// What comes to light in any of the orders; "" if nothing does.
inline std::string outcome(const std::function<void()>& run) {
  std::string seen;
  in_every_order([&](Order) {
    try {
      run();
    } catch (const Fault& fault) {
      seen = fault_name(fault.kind());
    } catch (const WrongResult&) {
      if (seen.empty()) seen = kWrongResult;
    }
  });
  return seen;
}

// The body of every test of the catalog.
inline void expect_caught(const Planted& entry) {
  // The emulation does not interrupt a thread between read and write, and runs blocks one after the other.
  static const std::set<std::string> watched_only = {"lost_update", "block_published_too_early",
                                                     "missing_fence_between_blocks"};
  if (!code_is_watched() && watched_only.contains(entry.name))
    GTEST_SKIP() << "only watched code shows it: preset simt-watch";
  EXPECT_EQ(outcome(entry.twin), "") << "without the fault";
#if defined(__SANITIZE_ADDRESS__)
  if (entry.caught_as.find("out of bounds") != std::string::npos) {
    EXPECT_DEATH(entry.planted(), "AddressSanitizer|out of bounds");
    return;
  }
#endif
  const bool as_result = entry.caught_as == kRace && !code_is_watched();
  EXPECT_EQ(outcome(entry.planted), as_result ? kWrongResult : entry.caught_as) << "with the fault";
}

inline std::string name_of(const ::testing::TestParamInfo<Planted>& test) {
  return test.param.name;
}

}  // namespace cardiograd::simt
