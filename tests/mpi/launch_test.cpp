#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "engine/mpi/mpi_group.h"

namespace cardiograd {
namespace {

// What launch_of_environment() says with these variables and no other of a launcher.
Launch launch_with(const std::map<std::string, std::string>& variables) {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "PMI_RANK",
                           "PMI_SIZE", "MPI_LOCALRANKID", "PMIX_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"})
    ::unsetenv(name);
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  return launch_of_environment();
}

void expect_launch(const std::map<std::string, std::string>& variables, int rank, int size, int place = 0) {
  const Launch launch = launch_with(variables);
  EXPECT_EQ(launch.rank, rank);
  EXPECT_EQ(launch.size, size);
  EXPECT_EQ(launch.place, place);
}

TEST(Launch, IsReadFromTheEnvironmentOfEachLauncher) {
  expect_launch({}, 0, 1);
  expect_launch({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "2"}}, 2, 4);
  expect_launch({{"PMI_RANK", "1"}, {"PMI_SIZE", "3"}}, 1, 3);
  expect_launch({{"PMIX_RANK", "5"}, {"SLURM_STEP_NUM_TASKS", "8"}}, 5, 8);
}

TEST(Launch, SaysThePlaceOnItsMachine) {
  expect_launch({{"OMPI_COMM_WORLD_RANK", "6"}, {"OMPI_COMM_WORLD_SIZE", "8"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "2"}}, 6,
                8, 2);
  expect_launch({{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", "1"}}, 3, 4, 1);
  expect_launch({{"PMIX_RANK", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_LOCALID", "x"}}, 3, 4, 0);
}

TEST(Launch, WhatIsNoRankIsNone) {
  expect_launch({{"OMPI_COMM_WORLD_RANK", "1"}}, 0, 1);
  expect_launch({{"OMPI_COMM_WORLD_RANK", "one"}, {"OMPI_COMM_WORLD_SIZE", "2"}}, 0, 1);
  expect_launch({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "2"}}, 0, 1);
  expect_launch({{"PMI_RANK", "-1"}, {"PMI_SIZE", "3x"}}, 0, 1);
}

TEST(Launch, OneProcessNeedsNoLauncher) {
  const auto group = join_launched({}, 1, {});
  EXPECT_EQ(group->rank(), 0);
  EXPECT_EQ(group->size(), 1);
  EXPECT_EQ(group->gather("values", {3}), std::vector<double>{3});
  group->leave();
  group->finish();
  group->abort(1);  // Ends nobody.
}

}  // namespace
}  // namespace cardiograd
