#include "kernels/op_table.h"

#include <algorithm>
#include <iterator>

#include "kernels/activation/activation_spec.h"
#include "kernels/adam/adam_spec.h"
#include "kernels/add/add_spec.h"
#include "kernels/attention/attention_spec.h"
#include "kernels/batch_norm/batch_norm_spec.h"
#include "kernels/concat/concat_spec.h"
#include "kernels/conv1d/conv1d_spec.h"
#include "kernels/dropout/dropout_spec.h"
#include "kernels/gather_batch/gather_batch_spec.h"
#include "kernels/layer_norm/layer_norm_spec.h"
#include "kernels/linear/linear_spec.h"
#include "kernels/max_pool/max_pool_spec.h"
#include "kernels/reduce/reduce_spec.h"
#include "kernels/weighted_bce/weighted_bce_spec.h"

namespace cardiograd::kernels {
namespace {

std::int64_t element_bytes(Element element) {
  switch (element) {
    case Element::kFloat32:
    case Element::kInt32:
      return 4;
    case Element::kInt16:
      return 2;
    case Element::kUint8:
      return 1;
  }
  return 0;
}

template <class... Rows>
std::vector<Op> list_of_rows() {
  return {make_op<Rows>()...};
}

}  // namespace

double least_bytes(const std::vector<BufferSpec>& buffers) {
  double bytes = 0;
  for (const BufferSpec& buffer : buffers) {
    const bool both = buffer.role == Role::kAccumulate || buffer.role == Role::kUpdate;
    bytes += static_cast<double>(buffer.count() * element_bytes(buffer.element)) * (both ? 2 : 1);
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
  // One line per operation.
  static const std::vector<Op> table = list_of_rows<                                     //
      ReluForward, ReluBackward, GeluForward, GeluBackward,                              //
      AdamForward,                                                                       //
      AddForward, AddBackwardBroadcast, AccumulateForward,                               //
      AttentionForward, AttentionBackward,                                               //
      BatchNormForward, BatchNormBackward, BatchNormEvalForward, BatchNormEvalBackward,  //
      ConcatForward, ConcatBackward,                                                     //
      Conv1dForward, Conv1dBackwardInput, Conv1dBackwardWeight,                          //
      DropoutForward, DropoutBackward,                                                   //
      GatherBatchForward,                                                                //
      LayerNormForward, LayerNormBackward,                                               //
      LinearForward, LinearBackwardInput, LinearBackwardWeight,                          //
      MaxPoolForward, MaxPoolBackward,                                                   //
      MeanTimeForward, MeanTimeBackward, SquaredNormForward, ScaleForward,               //
      WeightedBceForward, WeightedBceBackward>();
  return table;
}

const Op* find_op(std::string_view name) {
  const std::vector<Op>& table = op_table();
  const auto found = std::find_if(table.begin(), table.end(), [name](const Op& op) { return op.name == name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace cardiograd::kernels
