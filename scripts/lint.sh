#!/usr/bin/env bash
# Formatting and static checks: clang-format and clang-tidy must have nothing to say. Usage: scripts/lint.sh [FILE.cpp ...]
# (all files by default). Needs a configured preset cpu for its compile commands, and simt for those of kernels/simt.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in clang-format clang-tidy; do
  command -v "$tool" >/dev/null || { echo "scripts/lint.sh: $tool is missing (Debian package $tool)" >&2; exit 1; }
done
git ls-files '*.h' '*.cpp' '*.inl' '*.cuh' '*.cu' | xargs clang-format --dry-run -Werror
if [ $# -gt 0 ]; then files=("$@"); else mapfile -t files < <(git ls-files '*.cpp'); fi
# tidy BUILD PATTERN-OPTION [ARGUMENT ...]: the files that match (grep's -v: that do not) the folders of simt.
tidy() {
  local build=$1 invert=$2
  shift 2
  printf '%s\n' "${files[@]}" | { grep $invert -E '^kernels/simt/|^tests/kernels/simt/' || true; } |
    xargs -r -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet "$@"
}
tidy build/cpu -v
if [ -d build/simt ]; then
  tidy build/simt -i --extra-arg-before=-include"$PWD/scripts/lint_source_location.h"
else
  echo "scripts/lint.sh: kernels/simt is not read: the preset simt is not configured"
fi
