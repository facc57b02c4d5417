#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "engine/mpi/mpi_group.h"

namespace cardiograd {
namespace {

// A number of the environment, -1 where there is none.
int number_of(const char* name) {
  const char* text = std::getenv(name);
  int number = -1;
  if (text == nullptr) return -1;
  const std::string_view word = text;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), number);
  return read.ec == std::errc() && read.ptr == word.data() + word.size() ? number : -1;
}

struct Names {
  const char* rank;
  const char* size;
  const char* place;
};
// Open MPI; MPICH and srun --mpi=pmi2; srun --mpi=pmix, which says the rank beside Slurm's number of tasks.
constexpr std::array<Names, 3> kLaunchers = {
    {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
     {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
     {"PMIX_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"}}};

}  // namespace

Launch launch_of_environment() {
  for (const Names& names : kLaunchers) {
    int place = number_of(names.place);
    if (place < 0) place = std::max(0, number_of("SLURM_LOCALID"));
    const Launch launch = {number_of(names.rank), number_of(names.size), place};
    if (launch.rank >= 0 && launch.size > launch.rank) return launch;
  }
  return {};
}

}  // namespace cardiograd
