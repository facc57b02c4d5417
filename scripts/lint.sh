#!/usr/bin/env bash
# Formatting and static checks: clang-format and clang-tidy must have nothing to say. Usage: scripts/lint.sh [FILE.cpp ...]
# (all files by default). Needs a configured preset cpu for its compile commands.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in clang-format clang-tidy; do
  command -v "$tool" >/dev/null || { echo "scripts/lint.sh: $tool is missing (Debian package $tool)" >&2; exit 1; }
done
git ls-files '*.h' '*.cpp' '*.inl' '*.cuh' '*.cu' | xargs clang-format --dry-run -Werror
if [ $# -gt 0 ]; then files=("$@"); else mapfile -t files < <(git ls-files '*.cpp'); fi
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p build/cpu --quiet
