#include "simt/counter_report.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "simt/source_lines.h"

namespace cardiograd::simt {
namespace {

double ratio(std::int64_t a, std::int64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

// "4.0", or nothing where there is nothing to divide.
std::string quotient(std::int64_t a, std::int64_t b) {
  return a == 0 || b == 0 ? "" : fmt::format("{:.2f}", ratio(a, b));
}

std::string number_or_blank(std::int64_t number) {
  return number == 0 ? "" : std::to_string(number);
}

bool may_cost(const AccessCount& count) {
  return count.kind != AccessKind::kAtomic && count.requests > 0;
}

void find_in(const std::string& kernel, const AccessCount& count, std::vector<Finding>& found) {
  if (!may_cost(count)) return;
  const auto add = [&](FindingKind kind, std::string text) {
    found.push_back({kind, kernel, count.file, count.line, std::move(text)});
  };
  const std::string name = access_name(count.kind);
  if (count.sectors >= 2 * count.min_sectors && count.sectors - count.min_sectors >= 2 * count.requests)
    add(FindingKind::kUncoalesced,
        fmt::format("uncoalesced {}: {:.1f} sectors per request, {:.1f} would do", name,
                    ratio(count.sectors, count.requests), ratio(count.min_sectors, count.requests)));
  if (count.shared && count.wavefronts >= 2 * count.min_wavefronts)
    add(FindingKind::kBankConflict,
        fmt::format("{:.0f}-way bank conflict of a {}: {:.1f} wavefronts per request, {:.1f} would do",
                    ratio(count.wavefronts, count.min_wavefronts), name, ratio(count.wavefronts, count.requests),
                    ratio(count.min_wavefronts, count.requests)));
  if (count.adjacent > 0 && 2 * count.adjacent >= count.requests)
    add(FindingKind::kScalar,
        fmt::format("scalar {}: {:.0f} % of the requests are for words next to each other of every lane, 4 bytes each",
                    name, 100 * ratio(count.adjacent, count.requests)));
}

std::string place_of(const std::string& file, unsigned line) {
  return file + ":" + std::to_string(line);
}

struct Sums {
  std::int64_t device_requests = 0, sectors = 0, device_bytes = 0;
  std::int64_t shared_requests = 0, wavefronts = 0, shared_bytes = 0;
  std::int64_t collectives = 0;

  void add(const AccessCount& count) {
    (count.shared ? shared_requests : device_requests) += count.requests;
    (count.shared ? shared_bytes : device_bytes) += count.bytes;
    sectors += count.sectors;
    wavefronts += count.wavefronts;
  }
};

constexpr const char* kRow = "  {:<{}}  {:<15} {:<7} {:>6} {:>11} {:>6} {:>8} {:>8} {:>13}\n";

std::string kernel_table(const KernelCounts& kernel) {
  std::size_t width = 4;
  for (const AccessCount& count : kernel.accesses) width = std::max(width, place_of(count.file, count.line).size());
  for (const CollectiveCount& count : kernel.collectives)
    width = std::max(width, place_of(count.file, count.line).size());
  std::string text = fmt::format("{}: {} launch{}, {} blocks, {} threads\n", kernel.kernel, kernel.launches,
                                 kernel.launches == 1 ? "" : "es", kernel.blocks, kernel.threads);
  text += fmt::format(kRow, "line", width, "access", "memory", "bytes", "requests", "lanes", "sectors", "wavefr.",
                      "bytes in all");
  Sums sums;
  for (const AccessCount& count : kernel.accesses) {
    text += fmt::format(kRow, place_of(count.file, count.line), width, access_name(count.kind),
                        count.shared ? "shared" : "device", count.width, count.requests,
                        quotient(count.lanes, count.requests), quotient(count.sectors, count.requests),
                        quotient(count.wavefronts, count.requests), count.bytes);
    sums.add(count);
  }
  for (const CollectiveCount& count : kernel.collectives)
    text += fmt::format("  {:<{}}  {}, {} {}\n", place_of(count.file, count.line), width, count.name, count.count,
                        count.of_block ? "times by a block" : "times by a warp");
  if (sums.device_requests > 0)
    text += fmt::format(kRow, "all", width, "", "device", "", sums.device_requests, "",
                        quotient(sums.sectors, sums.device_requests), "", sums.device_bytes);
  if (sums.shared_requests > 0)
    text += fmt::format(kRow, "all", width, "", "shared", "", sums.shared_requests, "", "",
                        quotient(sums.wavefronts, sums.shared_requests), sums.shared_bytes);
  return text;
}

}  // namespace

std::vector<Finding> find_costs(const std::vector<KernelCounts>& counts) {
  std::vector<Finding> found;
  for (const KernelCounts& kernel : counts)
    for (const AccessCount& count : kernel.accesses) find_in(kernel.kernel, count, found);
  return found;
}

std::string counter_table(const std::vector<KernelCounts>& counts) {
  std::string text;
  for (const KernelCounts& kernel : counts) {
    text += kernel_table(kernel);
    for (const Finding& finding : find_costs({kernel}))
      text += fmt::format("  ! {}: {}\n", place_of(finding.file, finding.line), finding.text);
  }
  return text;
}

std::string annotated_source(const std::vector<KernelCounts>& counts) {
  std::map<std::string, std::map<unsigned, Sums>> files;
  for (const KernelCounts& kernel : counts) {
    for (const AccessCount& count : kernel.accesses) files[count.file][count.line].add(count);
    for (const CollectiveCount& count : kernel.collectives) files[count.file][count.line].collectives += count.count;
  }
  std::string text;
  for (auto& [file, lines] : files) {
    std::ifstream source(source_path(file));
    text += fmt::format("{}\n", file);
    if (!source) {
      text += "  cannot be read: counted without debug information, or not below this build's source folder\n";
      continue;
    }
    constexpr const char* kMargin = "{:>11} {:>7} {:>11} {:>7} {:>9} |{:>4} {}\n";
    text += fmt::format(kMargin, "device", "sectors", "shared", "wavefr.", "meetings", "", "");
    unsigned number = 0;
    for (std::string line; std::getline(source, line);) {
      const Sums& sums = lines[++number];
      text += fmt::format(kMargin, number_or_blank(sums.device_requests), quotient(sums.sectors, sums.device_requests),
                          number_or_blank(sums.shared_requests), quotient(sums.wavefronts, sums.shared_requests),
                          number_or_blank(sums.collectives), number, line);
    }
  }
  return text;
}

}  // namespace cardiograd::simt
