#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "engine/mpi/mpi_group.h"

namespace cardiograd {
namespace {

// What launch_of_environment() says with these variables and no other of a launcher.
Launch launch_with(const std::map<std::string, std::string>& variables) {
  for (const char* name :
       {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "PMIX_RANK", "SLURM_STEP_NUM_TASKS"})
    ::unsetenv(name);
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  return launch_of_environment();
}

void expect_launch(const std::map<std::string, std::string>& variables, int rank, int size) {
  const Launch launch = launch_with(variables);
  EXPECT_EQ(launch.rank, rank);
  EXPECT_EQ(launch.size, size);
}

TEST(Launch, IsReadFromTheEnvironmentOfEachLauncher) {
  expect_launch({}, 0, 1);
  expect_launch({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "2"}}, 2, 4);
  expect_launch({{"PMI_RANK", "1"}, {"PMI_SIZE", "3"}}, 1, 3);
  expect_launch({{"PMIX_RANK", "5"}, {"SLURM_STEP_NUM_TASKS", "8"}}, 5, 8);
}

TEST(Launch, WhatIsNoRankIsNone) {
  expect_launch({{"OMPI_COMM_WORLD_RANK", "1"}}, 0, 1);
  expect_launch({{"OMPI_COMM_WORLD_RANK", "one"}, {"OMPI_COMM_WORLD_SIZE", "2"}}, 0, 1);
  expect_launch({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "2"}}, 0, 1);
  expect_launch({{"PMI_RANK", "-1"}, {"PMI_SIZE", "3x"}}, 0, 1);
}

TEST(Launch, OneProcessNeedsNoLauncher) {
  const auto group = join_launched({});
  EXPECT_EQ(group->rank(), 0);
  EXPECT_EQ(group->size(), 1);
  EXPECT_EQ(group->gather("values", {3}), std::vector<double>{3});
  group->leave();
  group->finish();
  group->abort(1);  // Ends nobody.
}

}  // namespace
}  // namespace cardiograd
