// Builds without MPI: one process, or one clear error.
#if !defined(CARDIOGRAD_MPI)
#include <fmt/format.h>

#include "base/error.h"
#include "engine/mpi/mpi_group.h"
#include "engine/mpi/only_process.h"

namespace cardiograd {

std::unique_ptr<LaunchedGroup> join_launched(const Launch& launch, double, std::function<void(const Error& why)>) {
  if (launch.size > 1)
    throw Error(fmt::format("started as one of {} processes, and this build has no MPI", launch.size),
                "Install libopenmpi-dev and openmpi-bin, configure and build again; or start one process.");
  return std::make_unique<OnlyProcess>();
}

}  // namespace cardiograd
#endif
