// Processes started together by `mpirun -n N` or `srun --mpi=pmix -n N`, through MPI. Builds without MPI run one
// process.
#pragma once

#include <functional>
#include <memory>

#include "base/error.h"
#include "engine/process_group.h"

namespace cardiograd {

// What mpirun or srun says in the environment, before MPI is asked.
struct Launch {
  int rank = 0;
  int size = 1;
  int place = 0;  // among the processes of its machine, from 0
};
// Rank 0 of 1 where the process was started by neither.
Launch launch_of_environment();

// A group that can be left. A process that ends without one of these calls takes the others with it.
class LaunchedGroup : public ProcessGroup {
 public:
  // When all have come here: the processes may end one by one, with any status.
  virtual void finish() = 0;
  // Each by itself, when all end for the same reason: waits for nobody. A launcher that was told to stop no longer
  // helps processes to meet.
  virtual void leave() = 0;
  // Ends all processes at once with `status`, as far as the launcher reaches; nothing after the two above.
  virtual void abort(int status) = 0;
};

// Joins the processes that were started together; for one process alone a group of one, without MPI. At most once, from
// the thread that makes all calls. Throws Error where there are others and this build has no MPI. MPI itself waits
// without end for processes that never join: after `patience_s` seconds (0: without end) `give_up` is called, from
// another thread, with what an Error would say; it must end this process.
std::unique_ptr<LaunchedGroup> join_launched(const Launch& launch, double patience_s,
                                             std::function<void(const Error& why)> give_up);

}  // namespace cardiograd
