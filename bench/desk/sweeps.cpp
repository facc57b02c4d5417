#include "bench/desk/sweeps.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"

namespace cardiograd::bench {
namespace {

// Operations whose name begins with `ops` and with no longer one of the list; each of `changes` is made to `base`,
// which names every field of the shape.
struct Sweep {
  std::string_view ops;
  std::string base;
  std::vector<std::string> changes;
};

const std::vector<Sweep>& sweeps() {
  static const std::vector<Sweep> all = {
      {"conv1d_",
       "batch=64,time=1000,input_channels=64,output_channels=64,kernel=7,padding=3,stride=1,dilation=1,groups=1",
       {"batch=1", "batch=8", "batch=512,time=250", "batch=16,time=250", "batch=16,time=5000", "kernel=1,padding=0",
        "kernel=3,padding=1", "kernel=15,padding=7", "batch=16,kernel=41,padding=20", "input_channels=12",
        "batch=16,input_channels=256,output_channels=256", "batch=4,input_channels=512,output_channels=512", "stride=2",
        "dilation=4,padding=12", "groups=64"}},
      {"linear_",
       "rows=8000,inputs=256,outputs=256",
       {"rows=1", "rows=125", "rows=64000", "inputs=12,outputs=64", "inputs=512,outputs=512",
        "rows=2000,inputs=1024,outputs=1024"}},
      {"attention_",
       "batch=64,time=125,heads=8,width=32",
       {"batch=1", "batch=8", "batch=512,time=32", "time=32", "time=256", "batch=16,time=512", "batch=4,time=1024",
        "heads=1,width=64", "heads=4,width=64", "batch=16,heads=16,width=16", "heads=2,width=128"}},
      {"batch_norm_", "rows=64000,channels=64", {"rows=1000", "rows=320000", "channels=12", "rows=2000,channels=512"}},
      {"batch_norm_pool_",
       "batch=64,time=1000,channels=64",
       {"batch=1", "batch=8", "time=5000,batch=16", "channels=512,batch=16"}},
      {"layer_norm_", "rows=8000,width=256", {"rows=125", "rows=64000", "width=64", "width=1024"}},
      {"max_pool_",
       "batch=64,time=1000,channels=64,kernel=2,stride=2,padding=0",
       {"batch=1", "batch=512,time=250", "time=5000,batch=16", "channels=512,batch=16", "kernel=3,padding=1"}},
      {"relu_", "count=4096000", {"count=8192", "count=65536", "count=524288"}},
      {"gelu_", "count=4096000", {"count=8192", "count=65536", "count=524288"}},
      {"add_", "count=2048000,period=2048000", {"count=8192,period=8192", "count=256000,period=32000"}},
      {"mean_time_", "batch=64,time=125,channels=256", {"batch=1", "batch=512", "time=1024"}},
      {"squared_norm_", "count=1248261", {"count=8192", "count=10000000"}},
  };
  return all;
}

}  // namespace

std::vector<kernels::OpCase> sweep_cases(const kernels::Op& op) {
  std::vector<kernels::OpCase> cases = op.workload();
  const auto add = [&](kernels::OpCase work) {
    const bool seen = std::any_of(cases.begin(), cases.end(), [&](const auto& c) { return c.shape == work.shape; });
    if (!seen) cases.push_back(std::move(work));
  };
  const Sweep* longest = nullptr;
  for (const Sweep& sweep : sweeps())
    if (op.name.starts_with(sweep.ops) && (longest == nullptr || sweep.ops.size() > longest->ops.size()))
      longest = &sweep;
  if (longest == nullptr) return cases;
  const kernels::OpCase base = op.workload().front().with(longest->base);
  add(base);
  for (const std::string& change : longest->changes) add(base.with(change));
  return cases;
}

}  // namespace cardiograd::bench
