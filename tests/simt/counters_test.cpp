// Counts of small kernels, against counts by hand.
#include "simt/counters.h"

#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "simt/counter_report.h"
#include "simt/mma.h"
#include "simt/simt.h"
#include "simt/watch.h"
#include "tests/simt/device_buffer.h"

namespace cardiograd::simt {
namespace {

constexpr unsigned kLanes = 32;

__global__ void copy_kernel(float* y, const float* x) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}

__global__ void misaligned_kernel(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x + 1];
}

__global__ void strided_kernel(float* y, const float* x) {
  const float value = x[threadIdx.x * 32];  // planted: uncoalesced load
  y[threadIdx.x] = value;
}

__global__ void vector_kernel(float* y, const float* x) {
  const float4 value = load4(x + 4 * threadIdx.x);
  store4(y + 4 * threadIdx.x, value);
}

__global__ void scalar_kernel(float* y, const float* x) {
  const float4 value = load4(x + 4 * threadIdx.x);
  for (unsigned i = 0; i < 4; ++i) y[4 * threadIdx.x + i] = value.x;  // planted: scalar store
}

// Every lane leaves out some of its four words.
__global__ void scalar_gap_kernel(float* y, const float* x) {
  for (unsigned i = 0; i < 4; ++i)
    if ((threadIdx.x + i) % 8 != 0) y[4 * threadIdx.x + i] = x[threadIdx.x];
}

// A tile of 32 x 32 by 32 x 8 threads; rows of kPitch floats.
template <int kPitch>
__global__ void transpose_kernel(float* y, const float* x) {
  SIMT_SHARED(float, tile, [32][kPitch]);
  for (unsigned row = threadIdx.y; row < 32; row += 8) tile[row][threadIdx.x] = x[row * 32 + threadIdx.x];
  __syncthreads();
  for (unsigned row = threadIdx.y; row < 32; row += 8) y[row * 32 + threadIdx.x] = tile[threadIdx.x][row];
}

// Lanes kStride floats apart.
template <unsigned kStride>
__global__ void shared_kernel(float* y) {
  SIMT_SHARED(float, tile, [32 * kStride]);
  tile[threadIdx.x * kStride] = 1;  // planted: bank conflict
  y[threadIdx.x] = tile[threadIdx.x * kStride];
}

template <unsigned kStride>
__global__ void wide_shared_kernel(float* y) {
  SIMT_SHARED(float, tile, [32 * kStride]);
  store4(&tile[threadIdx.x * kStride], make_float4(1, 2, 3, 4));
  store2(y + 2 * threadIdx.x, load2(&tile[threadIdx.x * kStride]));
}

// A lane makes as many steps as its number.
__global__ void triangle_kernel(float* y, const float* x) {
  float sum = 0;
  for (unsigned i = 0; i < threadIdx.x; ++i) sum += x[32 * i + threadIdx.x];
  y[threadIdx.x] = sum;
}

// In each of three rounds 0 to 3 steps, others in the next round.
__global__ void nested_kernel(float* y, const float* x) {
  float sum = 0;
  for (unsigned round = 0; round < 3; ++round)
    for (unsigned i = 0; i < (threadIdx.x + round) % 4; ++i) sum += x[32 * i + threadIdx.x];
  y[threadIdx.x] = sum;
}

// Every lane leaves out another of four steps.
__global__ void gap_kernel(float* y, const float* x) {
  float sum = 0;
  for (unsigned i = 0; i < 4; ++i)
    if ((i + threadIdx.x) % 4 != 0) sum += x[32 * i + threadIdx.x];
  y[threadIdx.x] = sum;
}

[[gnu::noinline]] float sample(const float* x, int i, int count) {
  if (i < 0 || i >= count) return 0;
  return x[i];
}
// A padded signal, through a function that is called from two places.
__global__ void padded_kernel(float* y, const float* x) {
  const int i = static_cast<int>(threadIdx.x);
  float sum = sample(x, i - 1, 32);
  if (i % 2 == 0) sum += sample(x, i + 1, 32);
  y[i] = sum;
}

// The two halves of a warp meet apart, after one and after two loads.
__global__ void halves_kernel(float* y, const float* x) {
  const unsigned lane = threadIdx.x;
  float value = 0;
  if (lane < 16) {
    value = __shfl_xor_sync(0x0000FFFFU, x[lane], 1);
  } else {
    value = __shfl_xor_sync(0xFFFF0000U, x[lane], 2);
    value += __shfl_xor_sync(0xFFFF0000U, x[lane + 32], 4);
  }
  y[lane] = value;
}

// The last eight lanes get zeros, the one before them half of its bytes.
__global__ void async_kernel(float* y, const float* x) {
  SIMT_SHARED(float, tile, [128]);
  const int copied = threadIdx.x < 23 ? 16 : threadIdx.x == 23 ? 8 : 0;
  copy_async<16>(&tile[4 * threadIdx.x], x + 4 * threadIdx.x, copied);
  commit_async();
  wait_async<0>();
  __syncwarp();
  y[threadIdx.x] = tile[threadIdx.x];
}

__global__ void atomic_kernel(int* counter) {
  atomicAdd(counter + threadIdx.x % 2, 1);
}

__global__ void mma_kernel(float* y) {
  FragmentA a{};
  FragmentB b{};
  FragmentC c{};
  for (int i = 0; i < 3; ++i) mma_tf32(c, a, b);
  mma_bf16(c, a, b);
  y[threadIdx.x] = c.value[0];
}

// Two blocks read the same 128 bytes and write 128 bytes each.
__global__ void broadcast_kernel(float* y, const float* x) {
  y[blockIdx.x * blockDim.x + threadIdx.x] = x[threadIdx.x];
}

// One warp in four takes the branch; every warp makes three rounds.
__global__ void visits_kernel(float* y, const float* x) {
  float sum = 0;
  for (unsigned i = 0; i < 3; ++i) {
    const float value = x[32 * i + threadIdx.x % 32];  // visited: each round
    sum += value * value;
  }
  if (threadIdx.x < 32) {
    const float value = x[threadIdx.x];  // visited: one warp in four
    sum *= value + sum;
  }
  y[threadIdx.x] = sum;
}

__global__ void faulty_kernel(float* y) {
  y[threadIdx.x] = 1;
  if (threadIdx.x < 16) __syncthreads();
}

std::vector<KernelCounts> count(const std::function<void()>& work) {
  return count_accesses([&] {
    work();
    cudaDeviceSynchronize();
  });
}

// The number of the line of this file that holds a comment.
unsigned line_of(const std::string& comment) {
  std::ifstream source(std::string(CARDIOGRAD_TESTS_DIR) + "/simt/counters_test.cpp");
  unsigned number = 0;
  for (std::string line; std::getline(source, line);) {
    ++number;
    if (line.find("// " + comment) != std::string::npos) return number;
  }
  return 0;
}

// What matters of an access, to compare: requests, lanes, bytes, sectors, wavefronts.
std::string figures(const AccessCount& count) {
  return std::string(access_name(count.kind)) + (count.shared ? " shared " : " device ") + std::to_string(count.width) +
         ": " + std::to_string(count.requests) + " requests, " + std::to_string(count.lanes) + " lanes, " +
         std::to_string(count.bytes) + " bytes, " + std::to_string(count.sectors) + " sectors, " +
         std::to_string(count.wavefronts) + " wavefronts";
}

std::vector<std::string> figures(const std::vector<KernelCounts>& counts) {
  std::vector<std::string> all;
  for (const KernelCounts& kernel : counts)
    for (const AccessCount& access : kernel.accesses) all.push_back(figures(access));
  return all;
}

using Lines = std::vector<std::string>;

class CountersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!code_is_watched()) GTEST_SKIP() << "only watched code can be counted: preset simt-watch";
  }
  const DeviceBuffer<float> x_{std::vector<float>(4096, 1.0F)};
  const DeviceBuffer<float> y_{4096};
};

TEST_F(CountersTest, CopyTouchesFourSectorsPerRequest) {
  const auto counts = count([&] { launch<copy_kernel>(4, 64, 0, nullptr, y_.data(), x_.data()); });
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].kernel, "copy_kernel");
  EXPECT_EQ(counts[0].launches, 1);
  EXPECT_EQ(counts[0].blocks, 4);
  EXPECT_EQ(counts[0].threads, 256);
  EXPECT_EQ(figures(counts), (Lines{"load device 4: 8 requests, 256 lanes, 1024 bytes, 32 sectors, 0 wavefronts",
                                    "store device 4: 8 requests, 256 lanes, 1024 bytes, 32 sectors, 0 wavefronts"}));
  EXPECT_TRUE(find_costs(counts).empty());
}

TEST_F(CountersTest, OneFloatOffTouchesAFifthSector) {
  const auto counts = count([&] { launch<misaligned_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  EXPECT_EQ(figures(counts), (Lines{"load device 4: 1 requests, 32 lanes, 128 bytes, 5 sectors, 0 wavefronts",
                                    "store device 4: 1 requests, 32 lanes, 128 bytes, 4 sectors, 0 wavefronts"}));
  EXPECT_TRUE(find_costs(counts).empty());
}

TEST_F(CountersTest, VectorAccessIsOneRequestOfSixteenSectors) {
  const auto counts = count([&] { launch<vector_kernel>(1, 64, 0, nullptr, y_.data(), x_.data()); });
  EXPECT_EQ(figures(counts), (Lines{"load device 16: 2 requests, 64 lanes, 1024 bytes, 32 sectors, 0 wavefronts",
                                    "store device 16: 2 requests, 64 lanes, 1024 bytes, 32 sectors, 0 wavefronts"}));
  EXPECT_TRUE(find_costs(counts).empty());
}

// Eight warps of four iterations: 32 requests for each side. A column of 32 floats lies in one bank.
TEST_F(CountersTest, TransposeConflictsWithoutPadding) {
  const auto plain = count([&] { launch<transpose_kernel<32>>(1, dim3(32, 8), 0, nullptr, y_.data(), x_.data()); });
  EXPECT_EQ(figures(plain), (Lines{"load device 4: 32 requests, 1024 lanes, 4096 bytes, 128 sectors, 0 wavefronts",
                                   "store shared 4: 32 requests, 1024 lanes, 4096 bytes, 0 sectors, 32 wavefronts",
                                   "load shared 4: 32 requests, 1024 lanes, 4096 bytes, 0 sectors, 1024 wavefronts",
                                   "store device 4: 32 requests, 1024 lanes, 4096 bytes, 128 sectors, 0 wavefronts"}));
  ASSERT_EQ(plain[0].collectives.size(), 1U);
  EXPECT_EQ(plain[0].collectives[0].name, "__syncthreads");
  EXPECT_TRUE(plain[0].collectives[0].of_block);
  EXPECT_EQ(plain[0].collectives[0].count, 1);
  EXPECT_EQ(plain[0].collectives[0].line, plain[0].accesses[0].line + 1);
  const auto padded = count([&] { launch<transpose_kernel<33>>(1, dim3(32, 8), 0, nullptr, y_.data(), x_.data()); });
  ASSERT_EQ(padded[0].accesses.size(), 4U);
  EXPECT_EQ(padded[0].accesses[2].wavefronts, 32);
  EXPECT_TRUE(find_costs(padded).empty());
}

TEST_F(CountersTest, WideSharedAccessIsServedByPartsOfTheWarp) {
  // 16 bytes side by side: a quarter warp fills the 32 banks. Of each, 8 are read: the 16 lanes of a half, 16 bytes
  // apart, share 16 banks.
  const auto dense = count([&] { launch<wide_shared_kernel<4>>(1, kLanes, 0, nullptr, y_.data()); });
  EXPECT_EQ(figures(dense), (Lines{"store shared 16: 1 requests, 32 lanes, 512 bytes, 0 sectors, 4 wavefronts",
                                   "load shared 8: 1 requests, 32 lanes, 256 bytes, 0 sectors, 4 wavefronts",
                                   "store device 8: 1 requests, 32 lanes, 256 bytes, 8 sectors, 0 wavefronts"}));
  // 32 bytes apart: a quarter's eight lanes share 16 banks, a half's sixteen lanes 8.
  const auto apart = count([&] { launch<wide_shared_kernel<8>>(1, kLanes, 0, nullptr, y_.data()); });
  EXPECT_EQ(figures(apart), (Lines{"store shared 16: 1 requests, 32 lanes, 512 bytes, 0 sectors, 8 wavefronts",
                                   "load shared 8: 1 requests, 32 lanes, 256 bytes, 0 sectors, 8 wavefronts",
                                   "store device 8: 1 requests, 32 lanes, 256 bytes, 8 sectors, 0 wavefronts"}));
}

// A lane's row begins at a multiple of 128 bytes: each lane has a sector of its own.
TEST_F(CountersTest, FindsAnUncoalescedLoadWithItsLine) {
  const auto counts = count([&] { launch<strided_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  EXPECT_EQ(figures(counts), (Lines{"load device 4: 1 requests, 32 lanes, 128 bytes, 32 sectors, 0 wavefronts",
                                    "store device 4: 1 requests, 32 lanes, 128 bytes, 4 sectors, 0 wavefronts"}));
  const auto found = find_costs(counts);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, FindingKind::kUncoalesced);
  EXPECT_EQ(found[0].kernel, "strided_kernel");
  EXPECT_EQ(found[0].file, "tests/simt/counters_test.cpp");
  EXPECT_EQ(found[0].text, "uncoalesced load: 32.0 sectors per request, 4.0 would do");
  EXPECT_EQ(found[0].line, line_of("planted: uncoalesced load"));
}

TEST_F(CountersTest, FindsAnEightWayBankConflictWithItsLine) {
  const auto clean = count([&] { launch<shared_kernel<9>>(1, kLanes, 0, nullptr, y_.data()); });
  EXPECT_TRUE(find_costs(clean).empty());
  const auto counts = count([&] { launch<shared_kernel<8>>(1, kLanes, 0, nullptr, y_.data()); });
  const auto found = find_costs(counts);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].kind, FindingKind::kBankConflict);
  EXPECT_EQ(found[0].line, line_of("planted: bank conflict"));
  EXPECT_EQ(found[0].text, "8-way bank conflict of a store: 8.0 wavefronts per request, 1.0 would do");
  EXPECT_EQ(found[1].text, "8-way bank conflict of a load: 8.0 wavefronts per request, 1.0 would do");
  EXPECT_EQ(found[1].line, found[0].line + 1);
}

TEST_F(CountersTest, FindsAScalarStoreWithItsLine) {
  const auto counts = count([&] { launch<scalar_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  EXPECT_EQ(figures(counts), (Lines{"load device 16: 1 requests, 32 lanes, 512 bytes, 16 sectors, 0 wavefronts",
                                    "store device 4: 4 requests, 128 lanes, 512 bytes, 64 sectors, 0 wavefronts"}));
  const auto found = find_costs(counts);
  ASSERT_EQ(found.size(), 2U);  // Its four stores are also uncoalesced, each for itself.
  EXPECT_EQ(found[0].kind, FindingKind::kUncoalesced);
  EXPECT_EQ(found[1].kind, FindingKind::kScalar);
  EXPECT_EQ(found[1].line, found[0].line);
  EXPECT_EQ(found[1].line, line_of("planted: scalar store"));
}

TEST_F(CountersTest, FindsAScalarStoreOfLanesThatSkipSome) {
  const auto counts = count([&] { launch<scalar_gap_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  ASSERT_EQ(counts[0].accesses.size(), 2U);
  EXPECT_EQ(counts[0].accesses[0].adjacent, 0);  // the loads: neighboring lanes
  EXPECT_EQ(counts[0].accesses[1].adjacent, 4);
}

TEST_F(CountersTest, LanesThatLeaveALoopWaitBehindIt) {
  const auto counts = count([&] { launch<triangle_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  // Step i is made by lanes i + 1 to 31: 31 ... 1 lanes. Sectors: 4 for i < 8, 3 for i < 16, ...; the last has 7 steps.
  EXPECT_EQ(figures(counts), (Lines{"load device 4: 31 requests, 496 lanes, 1984 bytes, 76 sectors, 0 wavefronts",
                                    "store device 4: 1 requests, 32 lanes, 128 bytes, 4 sectors, 0 wavefronts"}));
}

TEST_F(CountersTest, LanesMeetAgainAfterEachInnerLoop) {
  const auto counts = count([&] { launch<nested_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  // Each round: 24, 16 and 8 lanes, spread over all four sectors.
  EXPECT_EQ(figures(counts), (Lines{"load device 4: 9 requests, 144 lanes, 576 bytes, 36 sectors, 0 wavefronts",
                                    "store device 4: 1 requests, 32 lanes, 128 bytes, 4 sectors, 0 wavefronts"}));
}

TEST_F(CountersTest, ALaneThatSkipsAStepIsBackInTheNext) {
  const auto counts = count([&] { launch<gap_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  EXPECT_EQ(figures(counts), (Lines{"load device 4: 4 requests, 96 lanes, 384 bytes, 16 sectors, 0 wavefronts",
                                    "store device 4: 1 requests, 32 lanes, 128 bytes, 4 sectors, 0 wavefronts"}));
}

TEST_F(CountersTest, CallsOfOneFunctionFromTwoPlacesAreApart) {
  const auto counts = count([&] { launch<padded_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  // 31 lanes read to their left, 16 to their right.
  EXPECT_EQ(figures(counts), (Lines{"load device 4: 2 requests, 47 lanes, 188 bytes, 8 sectors, 0 wavefronts",
                                    "store device 4: 1 requests, 32 lanes, 128 bytes, 4 sectors, 0 wavefronts"}));
}

TEST_F(CountersTest, HalvesThatMeetApartJoinBehindTheBranch) {
  const auto counts = count([&] { launch<halves_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  EXPECT_EQ(figures(counts), (Lines{"load device 4: 1 requests, 16 lanes, 64 bytes, 2 sectors, 0 wavefronts",
                                    "load device 4: 1 requests, 16 lanes, 64 bytes, 2 sectors, 0 wavefronts",
                                    "load device 4: 1 requests, 16 lanes, 64 bytes, 2 sectors, 0 wavefronts",
                                    "store device 4: 1 requests, 32 lanes, 128 bytes, 4 sectors, 0 wavefronts"}));
  ASSERT_EQ(counts[0].collectives.size(), 3U);
  for (const CollectiveCount& meeting : counts[0].collectives) {
    EXPECT_EQ(meeting.name, "__shfl_xor_sync");
    EXPECT_FALSE(meeting.of_block);
    EXPECT_EQ(meeting.count, 1);
  }
}

TEST_F(CountersTest, AsynchronousCopyIsOneAccessOnEachSide) {
  const auto counts = count([&] { launch<async_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  // 23 lanes of 16 bytes and 8 bytes are 376 bytes: 12 sectors. All 512 bytes of shared memory are written.
  EXPECT_EQ(figures(counts),
            (Lines{"cp.async load device 16: 1 requests, 24 lanes, 376 bytes, 12 sectors, 0 wavefronts",
                   "cp.async store shared 16: 1 requests, 32 lanes, 512 bytes, 0 sectors, 4 wavefronts",
                   "load shared 4: 1 requests, 32 lanes, 128 bytes, 0 sectors, 1 wavefronts",
                   "store device 4: 1 requests, 32 lanes, 128 bytes, 4 sectors, 0 wavefronts"}));
}

TEST_F(CountersTest, AtomicIsOneRequestAtItsCallersLine) {
  const DeviceBuffer<int> counter(std::vector<int>(2, 0));
  const auto counts = count([&] { launch<atomic_kernel>(1, 64, 0, nullptr, counter.data()); });
  EXPECT_EQ(figures(counts), (Lines{"atomic device 4: 2 requests, 64 lanes, 256 bytes, 2 sectors, 0 wavefronts"}));
  EXPECT_EQ(counts[0].accesses[0].file, "tests/simt/counters_test.cpp");
  EXPECT_TRUE(find_costs(counts).empty());
}

TEST_F(CountersTest, TensorCoreProductsAreCountedByWarp) {
  const auto counts = count([&] { launch<mma_kernel>(2, 64, 0, nullptr, y_.data()); });
  ASSERT_EQ(counts[0].collectives.size(), 2U);
  EXPECT_EQ(counts[0].collectives[0].name, "mma.sync m16n8k8 tf32");
  EXPECT_EQ(counts[0].collectives[0].count, 12);
  EXPECT_EQ(counts[0].collectives[1].name, "mma.sync m16n8k16 bf16");
  EXPECT_EQ(counts[0].collectives[1].count, 4);
}

TEST_F(CountersTest, AreTheSameInEveryOrder) {
  std::vector<std::string> first;
  in_every_order([&](Order order) {
    const auto counts = count([&] {
      launch<transpose_kernel<32>>(2, dim3(32, 8), 0, nullptr, y_.data(), x_.data());
      launch<nested_kernel>(2, 40, 0, nullptr, y_.data(), x_.data());
      launch<halves_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data());
      launch<scalar_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data());
    });
    std::vector<std::string> now = figures(counts);
    now.push_back(counter_table(counts));
    if (first.empty()) first = now;
    EXPECT_EQ(now, first) << order_name(order);
  });
}

TEST_F(CountersTest, FootprintIsEachSectorOnce) {
  const auto counts = count_accesses(
      [&] {
        for (int i = 0; i < 3; ++i) launch<broadcast_kernel>(2, kLanes, 0, nullptr, y_.data(), x_.data());
        cudaDeviceSynchronize();
      },
      {{"x", x_.data(), kLanes * sizeof(float)}, {"elsewhere", &kLanes, sizeof(kLanes)}});
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].block_read_sectors, 3 * 2 * 4);
  EXPECT_EQ(counts[0].block_written_sectors, 3 * 2 * 4);
  ASSERT_EQ(counts[0].footprint.size(), 2U);  // "elsewhere" was not touched
  EXPECT_EQ(counts[0].footprint[0].name, "x");
  EXPECT_EQ(counts[0].footprint[0].read_sectors, 3 * 4);
  EXPECT_EQ(counts[0].footprint[0].written_sectors, 0);
  EXPECT_EQ(counts[0].footprint[1].name, "");
  EXPECT_EQ(counts[0].footprint[1].read_sectors, 0);
  EXPECT_EQ(counts[0].footprint[1].written_sectors, 3 * 8);
}

TEST_F(CountersTest, LinesAreVisitedByWarps) {
  const auto counts = count([&] { launch<visits_kernel>(2, 128, 0, nullptr, y_.data(), x_.data()); });
  const auto visits = [&](const std::string& mark) {
    const unsigned line = line_of("visited: " + mark);
    for (const LineVisits& one : counts[0].visits)
      if (one.line == line) return one.visits;
    return std::int64_t{-1};
  };
  EXPECT_EQ(visits("each round"), 2 * 4 * 3);
  EXPECT_EQ(visits("one warp in four"), 2);
}

TEST_F(CountersTest, AFaultEndsTheCounting) {
  EXPECT_THROW(count([&] { launch<faulty_kernel>(1, kLanes, 0, nullptr, y_.data()); }), Fault);
  EXPECT_EQ(Counters::active(), nullptr);
  const auto counts = count([&] { launch<copy_kernel>(1, kLanes, 0, nullptr, y_.data(), x_.data()); });
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].accesses[0].requests, 1);
}

TEST(Counters, NeedWatchedCode) {
  if (code_is_watched()) GTEST_SKIP() << "this code is watched";
  EXPECT_THROW(count_accesses([] {}), Error);
}

}  // namespace
}  // namespace cardiograd::simt
