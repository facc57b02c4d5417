// What the CUDA kernels of the op table ask of memory, counted on the host (simt/counters.h): per kernel and source
// line requests, sectors and shared-memory wavefronts per request, bytes requested, barriers, warp functions,
// tensor-core products. Exists in the preset simt-watch.
//
//   simt_counters --op conv1d_forward --shape batch=1 --variant all
//   simt_counters --op linear_forward --shape 1 --variant tile --annotate
//   simt_counters --op all --shape batch=1 --json counters.json
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/common/app.h"
#include "base/dtype.h"
#include "base/error.h"
#include "base/file.h"
#include "base/philox.h"
#include "bench/cuda_timing.h"
#include "kernels/op_choice.h"
#include "simt/counter_report.h"

namespace cardiograd {
namespace {

using kernels::BufferSpec;
using kernels::Fill;

struct Options {
  std::string op;
  std::string shape = "all";
  std::string variant = "all";
  std::string json;
  bool annotate = false;
  bool list = false;
};

template <class T, class Draw>
std::vector<char> drawn(const BufferSpec& spec, Draw&& draw) {
  std::vector<char> bytes(static_cast<std::size_t>(spec.count()) * sizeof(T));
  for (std::size_t i = 0; i < static_cast<std::size_t>(spec.count()); ++i) {
    const T value = static_cast<T>(draw());
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

std::vector<char> random_bytes(const BufferSpec& spec, PhiloxStream& random) {
  const auto bound = static_cast<std::uint32_t>(spec.bound > 0 ? spec.bound : 1);
  switch (spec.dtype) {
    case DType::kFloat32:
      return drawn<float>(spec, [&] {
        return spec.fill == Fill::kNormal     ? random.normal()
               : spec.fill == Fill::kPositive ? random.uniform(0.5, 2)
                                              : static_cast<double>(random.below(2));
      });
    case DType::kInt16:
      return drawn<std::int16_t>(spec, [&] { return random.next(); });
    case DType::kInt32:
      return drawn<std::int32_t>(spec, [&] { return random.below(bound); });
    case DType::kUint8:
      return drawn<std::uint8_t>(spec, [&] { return random.below(bound); });
    case DType::kBFloat16:
      break;
  }
  throw Error("a buffer of bfloat16: no kernel has one");
}

// Buffers begin at multiples of 256 bytes, as the engine's do.
std::vector<simt::KernelCounts> count_case(const kernels::OpCase& work, const kernels::BoundVariant& variant) {
  PhiloxStream random(7);
  std::vector<bench::CudaMemory> buffers;
  std::vector<void*> pointers;
  std::vector<simt::MemoryRegion> regions;
  for (const BufferSpec& spec : work.buffers) {
    const std::vector<char> bytes = random_bytes(spec, random);
    buffers.emplace_back(bytes.size());
    buffers.back().fill(bytes.data(), bytes.size());
    pointers.push_back(buffers.back().data());
    regions.push_back({std::string(spec.name), pointers.back(), bytes.size()});
  }
  return simt::count_accesses(
      [&] {
        variant.run(pointers.data());
        kernels::check_cuda(cudaDeviceSynchronize(), "running " + variant.name);
      },
      regions);
}

nlohmann::ordered_json json_of(const simt::AccessCount& count) {
  nlohmann::ordered_json json = {{"file", count.file},
                                 {"line", count.line},
                                 {"access", simt::access_name(count.kind)},
                                 {"memory", count.shared ? "shared" : "device"},
                                 {"bytes_per_lane", count.width},
                                 {"requests", count.requests},
                                 {"lanes", count.lanes},
                                 {"bytes", count.bytes}};
  if (count.shared) {
    json["wavefronts"] = count.wavefronts;
    json["min_wavefronts"] = count.min_wavefronts;
  } else {
    json["sectors"] = count.sectors;
    json["min_sectors"] = count.min_sectors;
    json["adjacent"] = count.adjacent;
  }
  return json;
}

nlohmann::ordered_json json_of(const std::vector<simt::KernelCounts>& counts) {
  auto all = nlohmann::ordered_json::array();
  for (const simt::KernelCounts& kernel : counts) {
    nlohmann::ordered_json json = {{"kernel", kernel.kernel},
                                   {"launches", kernel.launches},
                                   {"blocks", kernel.blocks},
                                   {"threads", kernel.threads},
                                   {"accesses", nlohmann::ordered_json::array()},
                                   {"collectives", nlohmann::ordered_json::array()},
                                   {"findings", nlohmann::ordered_json::array()},
                                   {"visits", nlohmann::ordered_json::array()},
                                   {"block_read_sectors", kernel.block_read_sectors},
                                   {"block_written_sectors", kernel.block_written_sectors},
                                   {"footprint", nlohmann::ordered_json::array()}};
    for (const simt::LineVisits& line : kernel.visits)
      json["visits"].push_back({{"file", line.file}, {"line", line.line}, {"visits", line.visits}});
    for (const simt::RegionFootprint& region : kernel.footprint)
      json["footprint"].push_back({{"buffer", region.name},
                                   {"read_sectors", region.read_sectors},
                                   {"written_sectors", region.written_sectors}});
    for (const simt::AccessCount& count : kernel.accesses) json["accesses"].push_back(json_of(count));
    for (const simt::CollectiveCount& count : kernel.collectives)
      json["collectives"].push_back({{"file", count.file},
                                     {"line", count.line},
                                     {"name", count.name},
                                     {"by", count.of_block ? "block" : "warp"},
                                     {"count", count.count}});
    for (const simt::Finding& finding : simt::find_costs({kernel}))
      json["findings"].push_back({{"file", finding.file}, {"line", finding.line}, {"text", finding.text}});
    all.push_back(std::move(json));
  }
  return all;
}

nlohmann::ordered_json json_of(const std::vector<std::pair<std::string, std::int64_t>>& fields) {
  auto all = nlohmann::ordered_json::object();
  for (const auto& [name, value] : fields) all[name] = value;
  return all;
}

nlohmann::ordered_json json_of(const std::vector<BufferSpec>& buffers) {
  auto all = nlohmann::ordered_json::array();
  for (const BufferSpec& spec : buffers)
    all.push_back({{"name", spec.name}, {"bytes", spec.count() * dtype_bytes(spec.dtype)}});
  return all;
}

void print_counts(const kernels::Op& op, const kernels::OpCase& work, const kernels::BoundVariant& variant,
                  const std::vector<simt::KernelCounts>& counts, bool annotate) {
  fmt::print("{}, {}, {}\n{}", op.name, work.shape, variant.name, simt::counter_table(counts));
  if (counts.empty()) fmt::print("no kernel of this project: nothing to count\n");
  fmt::print("\n");
  if (annotate) fmt::print("{}\n", simt::annotated_source(counts));
}

void run(const Options& o) {
  const std::vector<kernels::Op> ops = kernels::choose_ops(o.op);
  auto all = nlohmann::ordered_json::array();
  for (const kernels::Op& op : ops) {
    for (const kernels::OpCase& work : kernels::choose_cases(op, o.shape)) {
      for (const kernels::BoundVariant& variant : kernels::choose_variants(op, work, o.variant)) {
        const auto counts = o.list ? std::vector<simt::KernelCounts>() : count_case(work, variant);
        if (o.list)
          fmt::print("{}, {}, {}\n", op.name, work.shape, variant.name);
        else
          print_counts(op, work, variant, counts, o.annotate);
        all.push_back({{"op", op.name},
                       {"shape", work.shape},
                       {"fields", json_of(work.fields)},
                       {"buffers", json_of(work.buffers)},
                       {"variant", variant.name},
                       {"kernels", json_of(counts)}});
      }
    }
  }
  if (!o.json.empty()) write_file(o.json, all.dump(1) + "\n");
}

}  // namespace
}  // namespace cardiograd

int main(int argc, char** argv) {
  CLI::App app("Counts memory requests, sectors, bank conflicts and barriers of CUDA kernels, on the host.",
               "simt_counters");
  cardiograd::Options options;
  app.add_option("--op", options.op, "operation of the table (conv1d_forward), or all")->required();
  app.add_option("--shape", options.shape,
                 "all shapes of the training step (default), the number of one, its text, or field=size pairs that "
                 "change all of them: batch=1,time=250");
  app.add_option("--variant", options.variant, "all (default), shipped, or the name of a variant");
  app.add_option("--json", options.json, "file for the figures");
  app.add_flag("--list", options.list, "count nothing: only what would be counted, with sizes in --json");
  app.add_flag("--annotate", options.annotate, "print the source with figures in the margin");
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::run(options); });
}
