// Which kernels compute attention for which shape.
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_paths.h"

namespace cardiograd::kernels {

namespace {

struct Forward {
  const char* name;
  decltype(&attention_forward_tile) run;
};
struct Backward {
  const char* name;
  decltype(&attention_backward_tile) run;
};

Forward forward_of(const AttentionShape& s) {
  if (s.precision != Precision::kFp32 && s.width <= 128 && attention_mma_runs()) return {"mma", attention_forward_mma};
  return {"tile", attention_forward_tile};
}

Backward backward_of(const AttentionShape&) {
  return {"tile", attention_backward_tile};
}

}  // namespace

const char* attention_forward_path(const AttentionShape& s) {
  return forward_of(s).name;
}
const char* attention_backward_path(const AttentionShape& s) {
  return backward_of(s).name;
}

void attention_forward_cuda(const AttentionShape& s, const float* qkv, float* y, float* lse, Stream stream) {
  if (s.batch * s.heads * s.time * s.width == 0) return;
  forward_of(s).run(s, qkv, y, lse, stream);
}

void attention_backward_cuda(const AttentionShape& s, const float* qkv, const float* y, const float* lse,
                             const float* dy, float* dqkv, Stream stream) {
  if (s.batch * s.heads * s.time * s.width == 0) return;
  backward_of(s).run(s, qkv, y, lse, dy, dqkv, stream);
}

}  // namespace cardiograd::kernels
