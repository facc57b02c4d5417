#include "model/model.h"

namespace cardiograd::model {

std::int64_t Model::parameter_count() {
  std::int64_t count = 0;
  for (const nn::NamedTensor& parameter : parameters()) count += parameter.tensor->count();
  return count;
}

}  // namespace cardiograd::model
