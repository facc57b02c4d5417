// The error of memory that has run out, apart from others because a caller can do something about it: try less.
#pragma once

#include "base/error.h"

namespace cardiograd {

class OutOfMemory : public Error {
 public:
  using Error::Error;
};

}  // namespace cardiograd
