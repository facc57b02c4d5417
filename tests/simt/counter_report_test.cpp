#include "simt/counter_report.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "simt/source_lines.h"

namespace cardiograd::simt {
namespace {

constexpr const char* kThisFile = "tests/simt/counter_report_test.cpp";

AccessCount device(std::int64_t requests, std::int64_t sectors, std::int64_t min_sectors, std::int64_t adjacent = 0) {
  AccessCount count;
  count.file = kThisFile;
  count.line = 2;
  count.kind = AccessKind::kLoad;
  count.width = 4;
  count.requests = requests;
  count.lanes = 32 * requests;
  count.bytes = 128 * requests;
  count.sectors = sectors;
  count.min_sectors = min_sectors;
  count.adjacent = adjacent;
  return count;
}

AccessCount shared(std::int64_t requests, std::int64_t wavefronts, std::int64_t min_wavefronts) {
  AccessCount count = device(requests, 0, 0);
  count.shared = true;
  count.line = 3;
  count.wavefronts = wavefronts;
  count.min_wavefronts = min_wavefronts;
  return count;
}

std::vector<KernelCounts> kernel(std::vector<AccessCount> accesses) {
  KernelCounts counts;
  counts.kernel = "a_kernel<3>";
  counts.launches = 1;
  counts.blocks = 2;
  counts.threads = 64;
  counts.accesses = std::move(accesses);
  counts.collectives = {{kThisFile, 4, "__syncthreads", true, 2}, {"/none/x.cuh", 1, "__shfl_sync", false, 7}};
  return {counts};
}

TEST(CounterReport, FindsWhatCostsTwiceTheLeast) {
  EXPECT_TRUE(find_costs(kernel({device(10, 50, 40)})).empty());
  EXPECT_TRUE(find_costs(kernel({device(10, 20, 10)})).empty());  // one sector more per request
  EXPECT_EQ(find_costs(kernel({device(10, 80, 40)})).at(0).kind, FindingKind::kUncoalesced);
  EXPECT_TRUE(find_costs(kernel({device(10, 40, 40, 4)})).empty());
  EXPECT_EQ(find_costs(kernel({device(10, 40, 40, 5)})).at(0).kind, FindingKind::kScalar);
  EXPECT_TRUE(find_costs(kernel({shared(10, 79, 40)})).empty());
  const auto found = find_costs(kernel({shared(10, 80, 40)}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, FindingKind::kBankConflict);
  EXPECT_EQ(found[0].kernel, "a_kernel<3>");
  EXPECT_EQ(found[0].line, 3U);
  AccessCount atomic = device(10, 320, 40);
  atomic.kind = AccessKind::kAtomic;
  EXPECT_TRUE(find_costs(kernel({atomic})).empty());
}

TEST(CounterReport, TableHoldsFiguresSumsAndFindings) {
  const std::string table = counter_table(kernel({device(10, 320, 40), shared(20, 50, 20)}));
  for (const char* part : {"a_kernel<3>: 1 launch, 2 blocks, 64 threads", "counter_report_test.cpp:2", "32.00", "2.50",
                           "__syncthreads, 2 times by a block", "__shfl_sync, 7 times by a warp",
                           "! tests/simt/counter_report_test.cpp:2: "
                           "uncoalesced load: 32.0 sectors per request, 4.0 would do",
                           "2-way bank conflict"})
    EXPECT_NE(table.find(part), std::string::npos) << part << " is not in\n" << table;
}

TEST(CounterReport, AnnotatedSourceShowsFiguresInTheMargin) {
  if (!std::ifstream(source_path("tests/simt/counter_report_test.cpp")))
    GTEST_SKIP() << "this build does not know where its sources lie";
  const std::string text = annotated_source(kernel({device(10, 320, 40), shared(20, 50, 20)}));
  EXPECT_NE(text.find("         10   32.00                               |   2 \n"), std::string::npos) << text;
  EXPECT_NE(text.find("                             20    2.50           |   3 #include <fstream>\n"),
            std::string::npos);
  EXPECT_NE(text.find("  2 |   4 #include <string>\n"), std::string::npos);
  EXPECT_NE(text.find("/none/x.cuh\n  cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace cardiograd::simt
