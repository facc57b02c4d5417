#!/usr/bin/env bash
# Installs what is missing, builds the preset cpu and runs its tests. Usage: scripts/test.sh [--simt] [--cuda] [--full]
#   --simt  also the CUDA kernels on the host under AddressSanitizer and UndefinedBehaviorSanitizer: the tests of device
#           code in the preset simt-asan
#   --cuda  also, where there is nvcc, the CUDA kernels for sm_75, sm_86 and sm_90, and ptxas's report on them
#   --full  everything: the presets cpu, asan, simt, simt-watch (races) and simt-asan with all their tests, and cuda for
#           every GPU
set -euo pipefail
cd "$(dirname "$0")/.."
full=no
simt=no
cuda=no
for argument in "$@"; do
  case "$argument" in
    --full) full=yes ;;
    --simt) simt=yes ;;
    --cuda) cuda=yes ;;
    *) echo "scripts/test.sh: unknown argument '$argument' (known: --simt --cuda --full)" >&2; exit 2 ;;
  esac
done

jobs=$(nproc)
run_preset() {
  echo "== preset $1: configure, build, test"
  cmake --preset "$1"
  cmake --build --preset "$1" -j "$jobs"
  ctest --preset "$1" -j "$jobs"
}

# Tests of device code, by name: kernels, engine, and training on the GPU equal to training on the CPU.
device_tests='Cuda|Cublas|^Simt|^Mma|^Streams|^Runtime'
run_simt() {
  echo "== preset simt-asan: the tests of device code"
  cmake --preset simt-asan
  cmake --build --preset simt-asan --target kernels_tests engine_tests model_tests -j "$jobs"
  ctest --preset simt-asan -R "$device_tests" -j "$jobs"
}

# run_cuda FOLDER [CMAKE OPTION]: a folder of its own keeps the options of somebody's build/cuda.
run_cuda() {
  local folder=$1
  shift
  if ! command -v nvcc >/dev/null && [ -x /usr/local/cuda/bin/nvcc ]; then PATH=$PATH:/usr/local/cuda/bin; fi
  if ! command -v nvcc >/dev/null; then
    echo "== preset cuda: not built, there is no nvcc"
    return
  fi
  echo "== preset cuda: configure, build, test where there is a GPU, ptxas's report"
  cmake --preset cuda -B "$folder" "$@"
  cmake --build "$folder" --target kernels_tests engine_tests train -j "$jobs"
  ctest --test-dir "$folder" --output-on-failure -R "$device_tests" -j "$jobs"
  scripts/ptxas_check.py
}

scripts/install_deps.sh
if [ "$simt" = yes ] || [ "$full" = yes ]; then scripts/install_deps.sh --simt; fi
run_preset cpu
if [ "$full" = yes ]; then
  for preset in asan simt simt-watch simt-asan; do run_preset "$preset"; done
  run_cuda build/cuda-full
else
  if [ "$simt" = yes ]; then run_simt; fi
  if [ "$cuda" = yes ]; then run_cuda build/cuda-ci '-DCARDIOGRAD_CUDA_ARCHITECTURES=75;86;90'; fi
fi
