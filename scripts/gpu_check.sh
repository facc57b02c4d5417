#!/usr/bin/env bash
# Builds the preset cuda for the GPU it finds and checks and times the CUDA kernels on it, within ten minutes on 16 cores.
#
#   scripts/gpu_check.sh [STEP ...]      all steps without arguments; a summary comes last
#
#   build     preset cuda for this GPU only (where there is no GPU: for every GPU that the preset names)
#   test      every kernel against its double reference, and the other tests of the device, on the GPU
#   sanitize  compute-sanitizer on the kernels' tests: memcheck, racecheck, initcheck, synccheck, side by side
#   train     100 steps on data that it makes: twice with one seed, whose model files must have the same bytes, and on the
#             CPU, whose losses must be within 1e-4
#   peer      step and inference times: ours in fp32 (step_bench), bench/peers/torch_twin.py in fp32, tf32 and bf16; eager,
#             compiled, one CUDA graph
#   kernels   every kernel of the op table against its floor and against PyTorch's (fp32 and tf32)
#
# Packages come from .deps/ where scripts/gpu_deps.sh has filled it, from the system elsewhere. Results go to $OUT
# (default runs/gpu_check): STEP.txt for each step, results.json with every figure, summary.txt. $PYTHON (python3) must have
# PyTorch for peer and kernels. Without a GPU every step says what it could not do. Exit status 1 if a step failed.
set -uo pipefail
cd "$(dirname "$0")/.."
known=(build test sanitize train peer kernels)
out=${OUT:-runs/gpu_check}
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=("${known[@]}")
for step in "${steps[@]}"; do
  case " ${known[*]} " in
    *" $step "*) ;;
    *) echo "gpu_check.sh: unknown step '$step' (known: ${known[*]})" >&2; exit 2 ;;
  esac
done
mkdir -p "$out"
out=$(cd "$out" && pwd)

[ -d /usr/local/cuda/bin ] && PATH=$PATH:/usr/local/cuda/bin
python=${PYTHON:-python3}
query() { nvidia-smi --query-gpu="$1" --format=csv,noheader 2>/dev/null | head -n 1; }
gpu=$(query name)
capability=$(query compute_cap | tr -d .)
build=build/cuda
work=$build/gpu_check
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
if [ -d .deps ]; then
  library=$PWD/.deps/usr/lib/$(uname -m)-linux-gnu
  export CMAKE_PREFIX_PATH=$PWD/.deps/usr
  export CPATH=$PWD/.deps/usr/include
  export LIBRARY_PATH=$library
  export LD_LIBRARY_PATH=$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export PKG_CONFIG_PATH=$library/pkgconfig PKG_CONFIG_SYSROOT_DIR=$PWD/.deps
fi

# need PROGRAM...: fails, and says so, where one is missing.
need() {
  local program missing=0
  for program in "$@"; do
    command -v "$program" >/dev/null || { echo "$program is missing"; missing=1; }
  done
  return $missing
}
need_built() {
  [ -x "$1" ] || { echo "$1 is missing: run the step build first"; return 1; }
}
# True, with a message, where there is no GPU.
no_gpu() {
  [ -z "$gpu" ] && echo "no GPU (nvidia-smi shows none): $1"
}
need_torch() {
  "$python" -c 'import torch' 2>/dev/null || { echo "$python has no PyTorch (PYTHON=... names another)"; return 1; }
}

step_build() {
  need cmake ninja nvcc pkg-config || return 1
  local configure=(cmake --preset cuda)
  [ -n "$capability" ] && configure+=("-DCARDIOGRAD_CUDA_ARCHITECTURES=$capability")
  "${configure[@]}" &&
    cmake --build --preset cuda -j "$(nproc)" --target kernels_tests engine_tests model_tests apps_tests train \
      evaluate predict synthesize kernels_bench step_bench
}

# GoogleTest's filter for the tests of the GPU: those with the label device.
device_tests() {
  ctest --test-dir "$build" -N -L device | sed -n 's/^ *Test *#[0-9]*: //p' | paste -sd :
}
# Without a GPU the tests skip themselves and say so.
step_test() {
  local failed=0 tests filter
  filter=$(device_tests)
  for tests in kernels_tests engine_tests model_tests apps_tests; do
    need_built "$build/tests/$tests" && "$build/tests/$tests" --gtest_filter="$filter" --gtest_brief=1 || failed=1
  done
  if [ -z "$gpu" ]; then echo "no GPU: the tests skipped themselves"; fi
  return $failed
}

step_sanitize() {
  no_gpu "nothing for compute-sanitizer to watch" && return 0
  need compute-sanitizer && need_built "$build/tests/kernels_tests" || return 1
  local failed=0 tool
  local tools=(memcheck racecheck initcheck synccheck) jobs=() filter
  filter=$(device_tests)
  mkdir -p "$work"
  for tool in "${tools[@]}"; do
    timeout 200 compute-sanitizer --tool "$tool" --error-exitcode 9 --print-limit 20 \
      "$build/tests/kernels_tests" --gtest_filter="$filter" --gtest_brief=1 >"$work/$tool.txt" 2>&1 &
    jobs+=($!)
  done
  for i in "${!tools[@]}"; do
    local verdict="silent"
    wait "${jobs[$i]}" || { verdict="status $?"; failed=1; }
    echo "== ${tools[$i]}: $verdict"
    tail -n 40 "$work/${tools[$i]}.txt"
  done
  for i in "${!tools[@]}"; do echo "${tools[$i]}: $(tail -n 1 "$work/${tools[$i]}.txt")"; done
  return $failed
}

# One batch in an epoch: the log has the loss of every step.
run_training() {
  local run=$1
  shift
  rm -rf "$work/$run"
  "$build/apps/train" --data "$work/data" --out "$work/$run" --cache "$work/cache" --seed 7 --epochs 100 \
    --batch-size 64 "$@" >"$work/$run.txt" 2>&1 || { echo "train $*:"; tail -n 5 "$work/$run.txt"; return 1; }
  echo "$run: $(tail -n 1 "$work/$run.txt")"
}
step_train() {
  need cmp && need_built "$build/apps/train" && need_built "$build/apps/synthesize" || return 1
  mkdir -p "$work"
  "$build/apps/synthesize" --out "$work/data" --records 100 --seed 1 --force || return 1
  if no_gpu "100 steps on the CPU only"; then
    run_training cpu --device cpu
    return
  fi
  run_training gpu --device cuda && run_training again --device cuda && run_training cpu --device cpu || return 1
  local failed=0
  cmp "$work/gpu/last.safetensors" "$work/again/last.safetensors" && echo "same seed, same bytes" || failed=1
  "$python" scripts/ci/compare_logs.py "$work/gpu" "$work/cpu" --tolerance 1e-4 || failed=1
  return $failed
}

twin() {
  echo "== torch $*"
  timeout 120 "$python" bench/peers/torch_twin.py --time --device cuda --precision "$@"
}
step_peer() {
  no_gpu "nothing to time" && return 0
  need_torch || return 1
  local failed=0 precision
  if need_built "$build/bench/step_bench"; then "$build/bench/step_bench" 0 200 cuda || failed=1; else failed=1; fi
  twin fp32 || failed=1
  twin fp32 --graph || failed=1
  twin fp32 --compile || failed=1
  twin fp32 --compile --graph || failed=1
  for precision in tf32 bf16; do
    twin "$precision" || failed=1
    twin "$precision" --graph || failed=1
    # Searching for the fastest kernels takes a minute and more.
    if [ $SECONDS -lt 400 ]; then twin "$precision" --compile || failed=1; else echo "no time for --compile"; fi
  done
  return $failed
}

step_kernels() {
  no_gpu "nothing to time" && return 0
  need_built "$build/bench/kernels_bench" && need_torch || return 1
  mkdir -p "$work"
  "$build/bench/kernels_bench" --device cuda --benchmark_min_time=0.01 --benchmark_out="$work/ours.json" || return 1
  local failed=0 precision peers=()
  for precision in fp32 tf32; do
    echo "== torch $precision"
    if timeout 150 "$python" bench/peers/kernels_torch.py "$work/ours.json" --precision "$precision" \
      --out "$work/torch_$precision.json"; then
      peers+=(--peer "$work/torch_$precision.json")
    else
      failed=1
    fi
  done
  local fields=name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit
  "$python" bench/compare_kernels.py "$work/ours.json" "${peers[@]}" --steps "$out/peer.txt" --gpu "$(query $fields)" \
    --commit "$commit" --out "$out/results.json" || failed=1
  return $failed
}

{
  echo "GPU: ${gpu:-none}${capability:+, sm_$capability}"
  echo "toolkit: $(nvcc --version 2>/dev/null | grep -o 'release [0-9.]*' || echo none)"
  echo "compute-sanitizer: $(command -v compute-sanitizer >/dev/null && echo there || echo missing)"
  echo "PyTorch: $("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null || echo missing)"
  echo "commit: $commit"
} | tee "$out/summary.txt"
status=0
for step in "${steps[@]}"; do
  echo "== $step"
  begin=$SECONDS
  if "step_$step" >"$out/$step.txt" 2>&1; then verdict=ok; else verdict=FAILED; status=1; fi
  if [ "$verdict" = ok ] && grep -q '^no GPU' "$out/$step.txt"; then verdict="ok as far as it goes without a GPU"; fi
  tail -n 4 "$out/$step.txt"
  echo "$step: $verdict, $((SECONDS - begin)) s" | tee -a "$out/summary.txt"
  if [ "$step" = build ] && [ "$verdict" = FAILED ]; then break; fi
done
echo "== summary"
cat "$out/summary.txt"
exit $status
