// The group of a process that was started alone.
#pragma once

#include "engine/mpi/mpi_group.h"

namespace cardiograd {

class OnlyProcess : public LaunchedGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void exchange(const char* what, const std::vector<std::span<const std::byte>>& sent,
                const std::vector<std::span<std::byte>>& received) override {
    single_process().exchange(what, sent, received);
  }
  void finish() override {}
  void leave() override {}
  void abort(int /*status*/) override {}
};

}  // namespace cardiograd
