#!/usr/bin/env bash
# Formatting and static checks: clang-format (all files) and clang-tidy must have nothing to say.
# Usage: scripts/ci/lint.sh [--all | FILE.cpp ...]
#   without arguments  clang-tidy reads what changed since this branch left the main one, or, where nothing did, in the
#                      last commit: the .cpp files, and those of the same name as a header that changed
#   --all              clang-tidy reads every .cpp file
# clang-tidy needs a configured preset cpu for its compile commands. LINT_SECONDS (420): after them it reads no further
# file and lists those that are left. LINT_BASE: the commit to compare with.
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in clang-format clang-tidy; do
  command -v "$tool" >/dev/null || {
    echo "scripts/ci/lint.sh: $tool is missing (Debian package $tool, or scripts/install_deps.sh --lint)" >&2
    exit 1
  }
done

# Each version of clang-format has its own taste; ours is that of Debian 12.
wanted=14
format=clang-format
command -v "clang-format-$wanted" >/dev/null && format=clang-format-$wanted
version=$("$format" --version | grep -o 'version [0-9]*' | cut -d ' ' -f 2)
if [ "$version" = "$wanted" ]; then
  git ls-files '*.h' '*.cpp' '*.inl' '*.cuh' '*.cu' | xargs "$format" --dry-run -Werror
else
  echo "clang-format: not run, this is version $version and the code is formatted by $wanted"
fi

# The commit that the work of this branch began at.
base_commit() {
  if [ -n "${LINT_BASE:-}" ]; then echo "$LINT_BASE"; return; fi
  local ref base
  for ref in origin/HEAD origin/main main; do
    base=$(git merge-base HEAD "$ref" 2>/dev/null) || continue
    if [ "$base" != "$(git rev-parse HEAD)" ]; then echo "$base"; return; fi
  done
  git rev-parse --verify --quiet HEAD~1 || true
}
changed_sources() {
  local file
  git diff --name-only --diff-filter=d "$1" -- '*.cpp' '*.h' | while IFS= read -r file; do
    file=${file%.*}.cpp
    if [ -f "$file" ]; then echo "$file"; fi
  done | sort -u
}
if [ "${1:-}" = --all ]; then
  mapfile -t files < <(git ls-files '*.cpp')
elif [ $# -gt 0 ]; then
  files=("$@")
else
  base=$(base_commit)
  if [ -z "$base" ]; then
    echo "clang-tidy: there is no earlier commit here; --all reads everything"
    exit 0
  fi
  mapfile -t files < <(changed_sources "$base")
  echo "clang-tidy: ${#files[@]} files changed since $(git rev-parse --short "$base")"
fi
[ ${#files[@]} -gt 0 ] || exit 0
[ -f build/cpu/compile_commands.json ] || {
  echo "scripts/ci/lint.sh: build/cpu/compile_commands.json is missing: cmake --preset cpu" >&2
  exit 1
}
# Precompiled headers of GCC are nothing to clang-tidy: the compile commands without them.
commands=$(mktemp -d)
export commands
trap 'rm -rf "$commands"' EXIT
sed -E 's/ -Winvalid-pch//; s/ -include [^ ]*cmake_pch\.hxx//' build/cpu/compile_commands.json \
  >"$commands/compile_commands.json"
deadline=$(($(date +%s) + ${LINT_SECONDS:-420}))
export deadline
# What the preset cpu does not build (consumers, simt_counters) has no compile commands.
printf '%s\n' "${files[@]}" | while IFS= read -r file; do
  if grep -qF "/$file\"" build/cpu/compile_commands.json; then echo "$file"; fi
done | xargs -r -P "$(nproc)" -n 1 bash -c '
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "clang-tidy: no time for $1"
  else
    clang-tidy -p "$commands" --quiet "$1" 2> >(grep -vE "^[0-9]+ warnings? generated|^Suppressed|^Use -header-filter" >&2)
  fi' lint
