// An opponent on the host that takes our layouts as they are.
#pragma once

#include <functional>
#include <string>

#include "bench/opponents/opponent.h"

namespace cardiograd::bench {

// With copies of the case's buffers as its memory; `run` gets pointers to them in the order of OpCase::buffers. Buffers
// of Role::kAccumulate begin as zeros there: `run` may overwrite them or add to them.
Opponent own_buffers(const std::string& name, const std::string& path, const kernels::OpCase& work,
                     std::function<void(float* const*)> run);

}  // namespace cardiograd::bench
