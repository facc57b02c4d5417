#!/usr/bin/env bash
# Installs what is missing, builds the preset cpu and runs its tests. Usage: scripts/test.sh [--simt] [--full]
#   --simt  also the CUDA kernels on the host: the kernels' tests in the preset simt-asan
#   --full  also the presets asan, simt (CUDA kernels run on the host), simt-watch (races) and simt-asan
set -euo pipefail
cd "$(dirname "$0")/.."
full=no
simt=no
for argument in "$@"; do
  case "$argument" in
    --full) full=yes ;;
    --simt) simt=yes ;;
    *) echo "scripts/test.sh: unknown argument '$argument' (known: --simt --full)" >&2; exit 2 ;;
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
if [ "$simt" = yes ] || [ "$full" = yes ]; then scripts/install_deps.sh --simt; fi
if [ "$simt" = yes ] && [ "$full" = no ]; then
  echo "== preset simt-asan: the kernels' device tests"
  cmake --preset simt-asan
  cmake --build --preset simt-asan --target kernels_tests -j "$jobs"
  ctest --preset simt-asan -R '^(Kernels/EveryCudaOp|CudaKernels|Simt|Mma|Streams|Runtime)' -j "$jobs"
fi
if [ "$full" = yes ]; then
  for preset in asan simt simt-watch simt-asan; do run_preset "$preset"; done
fi
