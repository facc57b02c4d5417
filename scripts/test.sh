#!/usr/bin/env bash
# Installs what is missing, builds the preset cpu and runs its tests. Usage: scripts/test.sh [--simt] [--cuda] [--full]
#   --simt  also the rooms and their fuzz targets under AddressSanitizer and UndefinedBehaviorSanitizer, with the CUDA kernels
#           run on the host: the preset simt-asan without programs and pages (--full: with them); and the limits of the
#           kernels' counters, of the preset simt-watch only what they need
#   --cuda  also, where there is nvcc, the CUDA build for sm_75, ptxas's report of every kernel on sm_86 and sm_90 and
#           the limits of bench/sass_report and the committed costs of the step's kernels (--full: and of the ladders')
#   --full  everything: the presets cpu, asan, simt (every variant of a kernel in every order of threads), simt-watch
#           (races) and simt-asan with all their tests, and cuda for every GPU
#
# What the programs write is then held against other people's libraries (scripts/ci/check_peers.sh), from PyPI where it can
# be reached.
#
# The tests have labels (cmake/test_labels.cmake): cpu, device, data, docs, tree, install. `ctest --preset cpu -L device` runs
# those of one label, -LE those without it.
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
# Many sources are the same in several presets.
if [ -z "${CMAKE_CXX_COMPILER_LAUNCHER-}" ] && command -v ccache >/dev/null; then
  # CCACHE_DEPEND: what a source includes is known from the compiler; it is not preprocessed a second time for that.
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=${CCACHE_BASEDIR-$PWD} CCACHE_DEPEND=1
fi
# Without them the tests of several processes and the GPUs of several would skip themselves.
required=(-DCARDIOGRAD_MPI=REQUIRED -DCARDIOGRAD_NCCL=REQUIRED)
# Headers are precompiled where no other preset compiles the same.
precompile() {
  case "$1" in
    *asan) echo -DCARDIOGRAD_PRECOMPILE=ON ;;
    cpu) echo -DCARDIOGRAD_PRECOMPILE=TESTS ;;
  esac
}
# run_preset NAME [CTEST OPTION ...]
run_preset() {
  local preset=$1
  shift
  echo "== preset $preset: configure, build, test"
  # shellcheck disable=SC2046
  cmake --preset "$preset" "${required[@]}" $(precompile "$preset")
  cmake --build --preset "$preset" -j "$jobs"
  ctest --preset "$preset" --no-tests=error -j "$jobs" "$@"
}

# Without these sanitized code compiles in a quarter less time. AddressSanitizer finds bad pointers, and simt checks the
# alignment of vector accesses; what reads bytes (cmake/fuzz.cmake), scripts/fuzz.sh and --full leave nothing out.
unsanitized=(-DCARDIOGRAD_UNSANITIZED=null,alignment,vptr,object-size)

# run_rooms PRESET: as run_preset, without the programs and what needs them, and without the synthesizer's statements,
# whose tests are long and of arithmetic alone.
run_rooms() {
  local preset=$1 room targets=(fuzz)
  echo "== preset $preset: configure, build and test the rooms"
  # shellcheck disable=SC2046
  cmake --preset "$preset" "${required[@]}" "${unsanitized[@]}" $(precompile "$preset")
  for room in base simt ecg kernels dsp engine nccl data model evaluation; do targets+=("${room}_tests"); done
  cmake --build --preset "$preset" -j "$jobs" --target "${targets[@]}"
  ctest --preset "$preset" --no-tests=error -j "$jobs" "${sanitized[@]}" -E '_NOT_BUILT|^Examples[.]|StatementTest'
}

# need_opponents PROGRAM DEVICE: fails where a library that kernels are compared with is not linked.
need_opponents() {
  local missing
  missing=$("$1" --opponents | grep " $2 .*missing" || true)
  if [ -n "$missing" ]; then
    echo "scripts/test.sh: $1 does without opponents" >&2
    echo "$missing" >&2
    return 1
  fi
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
  echo "== preset cuda: configure, build, test where there is a GPU, ptxas's report, machine code"
  scripts/install_cuda_opponents.sh
  scripts/install_nccl.sh
  cmake --preset cuda -B "$folder" "${required[@]}" "$@"
  # kernel links every opponent. Tests are built where they can run: the same sources pass on the host in simt-asan.
  local targets=(kernel train)
  if command -v nvidia-smi >/dev/null && nvidia-smi --list-gpus >/dev/null 2>&1; then
    targets+=(kernels_tests engine_tests bench_tests)
  fi
  cmake --build "$folder" --target "${targets[@]}" -j "$jobs"
  need_opponents "$folder/bench/kernel" cuda
  # Several GPUs are emulated by the presets simt; here the real library is linked.
  ldd "$folder/apps/train" | grep -q 'libnccl.*=> /' || { echo "scripts/test.sh: train is without NCCL" >&2; return 1; }
  if [ ${#targets[@]} -gt 2 ]; then
    ctest --test-dir "$folder" --output-on-failure --no-tests=error -L device -LE 'install|docs' -j "$jobs"
  fi
  scripts/ci/ptxas_check.py
  # Another version of nvcc compiles otherwise: its machine code says nothing about a change here.
  local held
  held=$(sed -n 's/^ *"nvcc": "\(.*\)",$/\1/p' bench/sass_limits.json)
  if nvcc --version | grep -qF "V$held"; then
    scripts/install_sass_tools.sh
    bench/sass_report --check bench/sass_limits.json
    bench/kernel_costs --check --profile build/cpu/apps/profile
    if [ "$full" = yes ]; then bench/ladders --check; fi
  else
    echo "== machine code: not compared, bench/sass_limits.json is of nvcc $held"
  fi
}

# Memory requests of the kernels, counted on the host, no worse than committed.
run_counters() {
  echo "== preset simt-watch: configure, build simt_counters, count"
  cmake --preset simt-watch
  bench/kernel_costs --check-counters bench/counter_limits.json
}

scripts/install_deps.sh
run_preset cpu
need_opponents build/cpu/bench/kernel cpu
scripts/ci/check_peers.sh
# The sanitized presets leave out what has nothing to do with their build.
sanitized=(-LE 'tree|install|docs')
if [ "$full" = yes ]; then
  for preset in asan simt simt-watch simt-asan; do run_preset "$preset" "${sanitized[@]}"; done
  run_counters
  run_cuda build/cuda-full
else
  if [ "$simt" = yes ]; then
    run_rooms simt-asan
    run_counters
  fi
  if [ "$cuda" = yes ]; then run_cuda build/cuda-ci -DCARDIOGRAD_CUDA_ARCHITECTURES=75; fi
fi
