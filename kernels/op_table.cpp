#include "kernels/op_table.h"

#include <algorithm>
#include <iterator>

#include "kernels/all_specs.h"

namespace cardiograd::kernels {
namespace {

template <class... Specs>
struct Table {
  static std::vector<Op> make() { return {make_op<Specs>()...}; }
};

}  // namespace

double least_bytes(const std::vector<BufferSpec>& buffers) {
  double bytes = 0;
  for (const BufferSpec& buffer : buffers) {
    const bool both = buffer.role == Role::kAccumulate || buffer.role == Role::kUpdate;
    bytes += static_cast<double>(buffer.count() * dtype_bytes(buffer.dtype)) * (both ? 2 : 1);
  }
  return bytes;
}

std::int64_t ShapeSampler::size(std::int64_t low, std::int64_t high) {
  static constexpr std::int64_t kAwkward[] = {1,  2,   3,   4,   5,   7,   8,   11,  12,  13,  15,  16,  17, 23,
                                              24, 25,  31,  32,  33,  37,  47,  48,  49,  63,  64,  65,  95, 96,
                                              97, 127, 128, 129, 191, 193, 255, 256, 257, 383, 511, 512, 513};
  const auto* first = std::lower_bound(std::begin(kAwkward), std::end(kAwkward), low);
  const auto* last = std::upper_bound(std::begin(kAwkward), std::end(kAwkward), high);
  if (first == last || stream_.below(4) == 0)
    return low + static_cast<std::int64_t>(stream_.below(static_cast<std::uint32_t>(high - low + 1)));
  return first[stream_.below(static_cast<std::uint32_t>(last - first))];
}

const std::vector<Op>& op_table() {
  static const std::vector<Op> table = AllSpecs<Table>::make();
  return table;
}

const Op* find_op(std::string_view name) {
  const std::vector<Op>& table = op_table();
  const auto found = std::find_if(table.begin(), table.end(), [name](const Op& op) { return op.name == name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace cardiograd::kernels
