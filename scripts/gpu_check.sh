#!/usr/bin/env bash
# Builds the preset cuda for the card it finds and checks the CUDA kernels on it, within ten minutes on 16 cores.
#
#   scripts/gpu_check.sh [STEP ...]      all steps without arguments; a summary comes last
#
#   build     preset cuda for this card only (where there is no card: for every card that the preset names)
#   test      every kernel against its double reference, on the card
#   sanitize  compute-sanitizer on the same tests: memcheck, racecheck, initcheck, synccheck
#   peer      step and inference times of bench/peers/torch_twin.py: fp32, tf32 and bf16; eager, compiled, one CUDA graph
#
# Packages come from .deps/ where scripts/gpu_deps.sh has filled it, from the system elsewhere. Results go to $OUT
# (default runs/gpu_check), one file per step. Exit status 1 if a step failed.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-runs/gpu_check}
mkdir -p "$out"
out=$(cd "$out" && pwd)
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(build test sanitize peer)
for step in "${steps[@]}"; do
  case "$step" in
    build | test | sanitize | peer) ;;
    *) echo "gpu_check.sh: unknown step '$step' (known: build test sanitize peer)" >&2; exit 2 ;;
  esac
done

[ -d /usr/local/cuda/bin ] && PATH=$PATH:/usr/local/cuda/bin
card=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -n 1 | tr -d .)
tests=build/cuda/tests/kernels_tests
if [ -d .deps ]; then
  library=$PWD/.deps/usr/lib/$(uname -m)-linux-gnu
  export CMAKE_PREFIX_PATH=$PWD/.deps/usr
  export CPATH=$PWD/.deps/usr/include
  export LIBRARY_PATH=$library
  export LD_LIBRARY_PATH=$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export PKG_CONFIG_PATH=$library/pkgconfig PKG_CONFIG_SYSROOT_DIR=$PWD/.deps
fi

step_build() {
  local configure=(cmake --preset cuda)
  [ -n "$capability" ] && configure+=("-DCARDIOGRAD_CUDA_ARCHITECTURES=$capability")
  "${configure[@]}" && cmake --build --preset cuda --target kernels_tests -j "$(nproc)"
}

# Without a card the tests skip themselves and say so.
step_test() {
  "$tests" --gtest_filter='*EveryCudaOp*' --gtest_brief=1 || return 1
  if [ -z "$card" ]; then echo "no card: the tests skipped themselves"; fi
}

step_sanitize() {
  if [ -z "$card" ]; then echo "no card: nothing to watch"; return 0; fi
  command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is not installed"; return 1; }
  local failed=0
  for tool in memcheck racecheck initcheck synccheck; do
    echo "== $tool"
    timeout 150 compute-sanitizer --tool "$tool" --error-exitcode 9 --print-limit 20 \
      "$tests" --gtest_filter='*EveryCudaOp*' --gtest_brief=1 || failed=1
  done
  return $failed
}

step_peer() {
  if [ -z "$card" ]; then echo "no card: nothing to time"; return 0; fi
  local failed=0
  for precision in fp32 tf32 bf16; do
    for how in "" --compile --graph; do
      echo "== $precision ${how:-eager}"
      timeout 120 python3 bench/peers/torch_twin.py --time --device cuda --precision "$precision" ${how:+"$how"} ||
        failed=1
    done
  done
  return $failed
}

{
  echo "card: ${card:-none}${capability:+, sm_$capability}"
  echo "toolkit: $(nvcc --version 2>/dev/null | grep -o 'release [0-9.]*' || echo none)"
  echo "commit: $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
} >"$out/summary.txt"
status=0
for step in "${steps[@]}"; do
  echo "== $step"
  begin=$SECONDS
  if "step_$step" >"$out/$step.txt" 2>&1; then verdict=ok; else verdict=FAILED; status=1; fi
  tail -n 3 "$out/$step.txt"
  echo "$step: $verdict, $((SECONDS - begin)) s" | tee -a "$out/summary.txt"
  if [ "$step" = build ] && [ "$verdict" = FAILED ]; then break; fi
done
echo "== summary"
cat "$out/summary.txt"
exit $status
