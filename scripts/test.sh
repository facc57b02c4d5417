#!/usr/bin/env bash
# Installs what is missing, builds the preset cpu and runs its tests. Usage: scripts/test.sh [--full]
#   --full  also the presets asan, simt (CUDA kernels run on the host) and simt-asan with the whole suite
set -euo pipefail
cd "$(dirname "$0")/.."
full=no
for argument in "$@"; do
  case "$argument" in
    --full) full=yes ;;
    *) echo "scripts/test.sh: unknown argument '$argument' (known: --full)" >&2; exit 2 ;;
  esac
done

scripts/install_deps.sh

jobs=$(nproc)
run_preset() {
  echo "== preset $1: configure, build, test"
  cmake --preset "$1"
  cmake --build --preset "$1" -j "$jobs"
  ctest --preset "$1" -j "$jobs"
}
run_preset cpu
if [ "$full" = yes ]; then
  run_preset asan
  scripts/install_deps.sh --simt
  run_preset simt
  run_preset simt-asan
fi
