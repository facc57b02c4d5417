#include "simt/collectives.h"

#include <string>

namespace cardiograd::simt {

void resolve_shuffle(void* const* data, int count) {
  for (int i = 0; i < count; ++i) {
    if (data[i] == nullptr) continue;
    auto& slot = *static_cast<ShuffleSlot*>(data[i]);
    const bool named = slot.source >= 0 && slot.source < count && data[slot.source] != nullptr;
    slot.result = named ? static_cast<const ShuffleSlot*>(data[slot.source])->value : ~std::uint64_t{0};
  }
}

void resolve_nothing(void* const*, int) {}

void resolve_ballot(void* const* data, int count) {
  std::uint32_t votes = 0;
  for (int i = 0; i < count; ++i)
    if (data[i] != nullptr && static_cast<WordSlot*>(data[i])->value != 0) votes |= 1U << i;
  for (int i = 0; i < count; ++i)
    if (data[i] != nullptr) static_cast<WordSlot*>(data[i])->value = votes;
}

void need_capability(int capability, const char* what, const Where& where) {
  if (settings().gpu.compute_capability >= capability) return;
  raise_fault(FaultKind::kUnsupportedByGpu,
              std::string(what) + " needs compute capability " + std::to_string(capability / 10) + "." +
                  std::to_string(capability % 10) + ", the GPU is " + settings().gpu.name,
              where);
}

}  // namespace cardiograd::simt
