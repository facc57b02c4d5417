// The place in the source from which a function was called.
#pragma once

#include <source_location>

namespace cardiograd::simt {

#if defined(__cpp_lib_source_location)

using Where = std::source_location;

#else

// std::source_location for clang before version 16, which lacks what libstdc++'s is made of.
class Where {
 public:
  static constexpr Where current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE(),
                                 unsigned column = __builtin_COLUMN()) noexcept {
    Where where;
    where.file_ = file;
    where.line_ = line;
    where.column_ = column;
    return where;
  }
  constexpr const char* file_name() const noexcept { return file_; }
  constexpr unsigned line() const noexcept { return line_; }
  constexpr unsigned column() const noexcept { return column_; }

 private:
  const char* file_ = "";
  unsigned line_ = 0;
  unsigned column_ = 0;
};

#endif

}  // namespace cardiograd::simt
