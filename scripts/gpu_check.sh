#!/usr/bin/env bash
# Checks and times everything on an NVIDIA GPU in less than ten minutes, the most valuable first.
#
#   scripts/gpu_check.sh [STEP ...] [--skip STEP] [--pack FILE] [--limit SECONDS] [--rehearse]
#
#   probe      the GPU, the libraries of each program, and one kernel
#   test       every kernel against its double reference, and the other tests of the device
#   step       training step and inference in each precision; 20 steps twice with one seed, whose model files must have the
#              same bytes
#   kernels    every kernel of a step, with the measured bandwidth and the largest matrix product as roofs
#   twin       PyTorch's step: eager and as one CUDA graph, in fp32, tf32 and bf16
#   profile    one step kernel by kernel, with a trace, and live training with each kernel again on the CPU
#   ncu        hardware counters of each kernel of a step (the clocks are left alone)
#   opponents  the same kernels by cuDNN, cuBLASLt, CUB and PyTorch
#   losses     100 steps here and on the CPU, their losses side by side
#   sanitize   compute-sanitizer: memcheck and racecheck on every operation, at small shapes
#   epochs     15 epochs on 17,418 synthetic records; three each kernel by kernel, in tf32 and in bf16
#   compile    PyTorch's step through torch.compile (max-autotune), alone and as one graph; minutes of search
#
# Without STEP: all of them but compile. --skip leaves one out; repeatable. Programs come from --pack (default build/gpu_pack.tar.xz,
# scripts/gpu_pack.sh makes it); where there is none, it is made for this GPU. --limit (default 570): a step that would begin
# later is left out and said so. --rehearse runs every line on the CPU, for a machine without a GPU.
#
# Results go to $OUT (default runs/gpu_check), each as soon as it exists: bench/*.json for bench/bench_page and
# scripts/readme_tables.py, ncu.csv, logs.tar (what every step printed), summary.txt. $PYTHON (python3) has PyTorch for twin,
# opponents and compile. Nothing changes the GPU's settings. Exit status 1 if a step failed, 2 for wrong usage.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
known=(probe test step kernels twin profile ncu opponents losses sanitize epochs compile)
steps=() skip=" " pack=build/gpu_pack.tar.xz limit=570 device=cuda
fail_usage() { echo "gpu_check.sh: $1" >&2; exit 2; }
check_step() {
  case " ${known[*]} " in
    *" $1 "*) ;;
    *) fail_usage "unknown step '$1' (known: ${known[*]})" ;;
  esac
}
while [ $# -gt 0 ]; do
  case "$1" in
    --rehearse) device=cpu; shift ;;
    --skip | --pack | --limit)
      [ $# -ge 2 ] || fail_usage "$1 needs a value"
      case "$1" in
        --skip) check_step "$2"; skip="$skip$2 " ;;
        --pack) pack=$2 ;;
        --limit) [[ $2 =~ ^[0-9]+$ ]] || fail_usage "--limit is '$2', expected seconds"; limit=$2 ;;
      esac
      shift 2
      ;;
    -*) fail_usage "unknown option '$1' (known: --skip --pack --limit --rehearse)" ;;
    *) check_step "$1"; steps+=("$1"); shift ;;
  esac
done
[ ${#steps[@]} -gt 0 ] || steps=("${known[@]::${#known[@]}-1}")

out=${OUT:-runs/gpu_check}
mkdir -p "$out/bench"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
logs=$work/logs
mkdir -p "$logs"
python=${PYTHON:-python3}
[ -d /usr/local/cuda/bin ] && PATH=$PATH:/usr/local/cuda/bin
query() { nvidia-smi --query-gpu="$1" --format=csv,noheader 2>/dev/null | head -n 1; }
gpu=$(query name)
if [ -z "$gpu" ] && [ "$device" = cuda ]; then
  echo "gpu_check.sh: no GPU (nvidia-smi shows none). --rehearse runs every line on the CPU." >&2
  exit 1
fi
if [ ! -e "$pack" ]; then
  scripts/gpu_pack.sh --out "$pack" --arch "$(query compute_cap | tr -d .)" || exit 1
fi
tar -C "$work" --one-top-level=pack -xJf "$pack" && [ -e "$work/pack/made_by_gpu_pack" ] || {
  echo "gpu_check.sh: $pack is not an archive of scripts/gpu_pack.sh" >&2
  exit 1
}
pack=$work/pack
# cuBLASLt and cuDNN: the toolkit's, or those that PyTorch brings.
toolkit=$("$python" - <<'PYTHON' 2>/dev/null
import importlib.util, pathlib
found = importlib.util.find_spec("nvidia")
folders = sorted({str(lib.parent) for base in (found.submodule_search_locations if found else [])
                  for pattern in ("libcublasLt.so*", "libcudnn.so*") for lib in pathlib.Path(base).rglob(pattern)})
print(":".join(folders))
PYTHON
)
export LD_LIBRARY_PATH=$pack/lib:/usr/local/cuda/lib64${toolkit:+:$toolkit}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
PATH=$pack/bin:$PATH
rehearsing() { [ "$device" = cpu ]; }
# few A B: A on a GPU, B in a rehearsal.
few() { if rehearsing; then echo "$2"; else echo "$1"; fi; }
has_torch() { "$python" -c 'import torch' 2>/dev/null || { echo "absent: $python has no PyTorch (PYTHON=... names another)"; return 1; }; }

step_probe() {
  nvidia-smi 2>&1 || rehearsing || return 1
  local program missing=0
  for program in "$pack"/bin/*; do
    ldd "$program" | grep 'not found' | sed "s|^|${program##*/}: |" && missing=1
  done
  [ $missing -eq 0 ] || return 1
  train --version
  timeout 60 step_bench --device "$device" --steps 1 --batch-size 2
}

step_test() {
  local failed=0 tests shard jobs=()
  # The time goes into references on the CPU: several processes at once.
  for tests in kernels_tests engine_tests model_tests; do
    for shard in 0 1 2 3; do
      GTEST_TOTAL_SHARDS=4 GTEST_SHARD_INDEX=$shard timeout 150 "$tests" --gtest_filter="$(cat "$pack/tests/$tests.filter")" \
        --gtest_brief=1 >"$logs/$tests.$shard.txt" 2>&1 &
      jobs+=($!)
    done
  done
  for shard in "${jobs[@]}"; do wait "$shard" || failed=1; done
  tail -n 3 "$logs"/*_tests.*.txt
  grep -h '  FAILED  ' "$logs"/*_tests.*.txt | sort -u
  rehearsing && echo "no GPU: the tests skipped themselves"
  return $failed
}

# train_briefly NAME DEVICE EPOCHS [ENVIRONMENT ...]: one batch in an epoch, so log.csv has the loss of every step.
train_briefly() {
  local name=$1 on=$2 epochs=$3
  shift 3
  env "$@" train --data "$work/data" --out "$work/$name" --cache "$work/cache" --seed 7 --epochs "$epochs" --batch-size 64 \
    --device "$on" >"$work/$name.txt" 2>&1 || { echo "$name:"; tail -n 5 "$work/$name.txt"; return 1; }
  echo "$name: $(tail -n 1 "$work/$name.txt")"
}
small_data() { [ -d "$work/data" ] || synthesize --out "$work/data" --records 100 --seed 1; }

precisions() { step_bench --help | grep -q -- --precision && echo fp32 tf32 bf16 || echo fp32; }
step_step() {
  local failed=0 precision option
  for precision in $(precisions); do
    option=()
    [ "$precision" = fp32 ] || option=(--precision "$precision")
    timeout 100 step_bench --device "$device" --steps "$(few 200 1)" --batch-size "$(few 64 8)" "${option[@]}" --timeline \
      --json "$out/bench/step_$precision.json" || failed=1
  done
  small_data && train_briefly first "$device" "$(few 20 2)" && train_briefly again "$device" "$(few 20 2)" || return 1
  cmp "$work/first/last.safetensors" "$work/again/last.safetensors" && echo "same seed, same bytes" || failed=1
  return $failed
}

step_kernels() {
  timeout "$(few 150 420)" kernel --op all --device "$device" --alone --variant shipped --seconds "$(few 0.4 0.05)" --json "$out/bench/kernels.json"
}

twin() {
  timeout "${1}" "$python" bench/peers/torch_twin.py --time --device "$device" --json "$out/bench/twin.json" "${@:2}"
}
step_twin() {
  has_torch || return 0
  local failed=0 precision
  rm -f "$out/bench/twin.json"
  for precision in fp32 $(few "tf32 bf16" ""); do
    twin 60 --precision "$precision" || failed=1
    rehearsing || twin 60 --precision "$precision" --graph || failed=1
  done
  return $failed
}

# Counters of each kernel of a step.
step_ncu() {
  local precision failed=0
  command -v ncu >/dev/null || rehearsing || { echo "absent: ncu is not on the PATH"; return 0; }
  : >"$out/ncu.csv"
  for precision in $(precisions); do
    local command=(timeout 90 ncu --clock-control none --csv --page raw --section SpeedOfLight --section ComputeWorkloadAnalysis
      --section MemoryWorkloadAnalysis --section SchedulerStats --section WarpStateStats --section Occupancy --section LaunchStats
      --launch-skip 70 --launch-count 70 step_bench --device cuda --steps 1 --batch-size 64 --precision "$precision")
    echo "${command[*]}"
    rehearsing || "${command[@]}" >>"$out/ncu.csv" || failed=1
  done
  return $failed
}

step_opponents() {
  local failed=0
  timeout "$(few 120 420)" kernel --op all --device "$device" --variant shipped --seconds "$(few 0.5 0.05)" --temperature hot \
    --json "$work/opponents.json" || failed=1
  [ -s "$work/opponents.json" ] && cp "$work/opponents.json" "$out/bench/kernels.json"
  has_torch || return $failed
  timeout 100 "$python" bench/peers/kernels_torch.py "$out/bench/kernels.json" --device "$device" --into || failed=1
  return $failed
}

# How far losses of equal trainings may be apart: a learning rate that differs by 3e-8 moves them by 4e-4
# (docs/gpu-results.md).
step_losses() {
  small_data && train_briefly here "$device" "$(few 100 3)" && train_briefly cpu cpu "$(few 100 3)" || return 1
  "$python" scripts/ci/compare_logs.py "$work/here" "$work/cpu" --tolerance 1e-3
}

step_sanitize() {
  local tool shard failed=0 jobs=()
  command -v compute-sanitizer >/dev/null || rehearsing || { echo "absent: compute-sanitizer is not on the PATH"; return 0; }
  for tool in memcheck racecheck; do
    for shard in 0 1 2 3; do
      local command=(timeout 150 compute-sanitizer --tool "$tool" --error-exitcode 9 --print-limit 20 "$pack/bin/kernels_tests"
        "--gtest_filter=*EveryCudaOp*" --gtest_brief=1)
      echo "shard $shard: ${command[*]}"
      rehearsing && command=(timeout 60 "${command[@]:9}")
      GTEST_TOTAL_SHARDS=4 GTEST_SHARD_INDEX=$shard "${command[@]}" >"$logs/$tool.$shard.txt" 2>&1 &
      jobs+=("$tool.$shard:$!")
    done
  done
  for shard in "${jobs[@]}"; do
    if wait "${shard#*:}"; then echo "${shard%:*}: silent"; else echo "${shard%:*}: status $?"; failed=1; fi
  done
  tail -n 2 "$logs"/memcheck.*.txt "$logs"/racecheck.*.txt
  return $failed
}

step_epochs() {
  synthesize --out "$work/large" --records "$(few 21772 100)" --seed 2 || return 1
  local failed=0 options run=0
  # Where the epochs take their time: by precision, and kernel by kernel from the host.
  for options in "--epochs $(few 15 1)" "--epochs 3 --graph off" "--epochs 3 --precision tf32" "--epochs 3 --precision bf16"; do
    rehearsing && [ $run -gt 0 ] && continue
    echo "train $options"
    # shellcheck disable=SC2086  # several words
    timeout 150 train --data "$work/large" --out "$work/epochs$((run++))" --cache "$work/cache" --seed 1 --device "$device" $options ||
      failed=1
  done
  head -n 20 "$work"/epochs*/log.csv
  return $failed
}

# What a reader sees: the step kernel by kernel with its trace, and each kernel of live training against the CPU.
step_profile() {
  local failed=0 precision
  mkdir -p "$logs/profile"
  for precision in $(precisions); do
    timeout 60 profile --device "$device" --precision "$precision" --batch-size "$(few 64 4)" --steps "$(few 20 1)" \
      --json "$logs/profile/$precision.json" --trace "$logs/profile/$precision.trace.json" || failed=1
  done
  small_data || return 1
  timeout 100 train --data "$work/data" --out "$work/checked" --cache "$work/cache" --seed 7 --epochs 1 --batch-size 64 \
    --device "$(few check cpu)" || failed=1
  return $failed
}

step_compile() {
  has_torch || return 0
  local failed=0 precision
  for precision in fp32 $(few "tf32 bf16" ""); do
    twin 200 --precision "$precision" --compile || failed=1
    rehearsing || twin 200 --precision "$precision" --compile --graph || failed=1
  done
  return $failed
}

{
  echo "GPU: ${gpu:-none, a rehearsal on the CPU}"
  query name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit
  echo "programs: sm_$(cat "$pack/arch"), commit $(cat "$pack/commit")"
  echo "PyTorch: $("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null || echo missing)"
  echo "cuBLASLt and cuDNN: ${toolkit:-only where the toolkit is}"
} | tee "$out/summary.txt"
status=0
for step in "${steps[@]}"; do
  [[ $skip == *" $step "* ]] && { echo "$step: skipped" | tee -a "$out/summary.txt"; continue; }
  [ $SECONDS -lt "$limit" ] || { echo "$step: left out, $SECONDS of $limit s are gone" | tee -a "$out/summary.txt"; continue; }
  echo "== $step"
  begin=$SECONDS
  if "step_$step" >"$logs/$step.txt" 2>&1; then verdict=ok; else verdict=FAILED; status=1; fi
  tail -n 4 "$logs/$step.txt"
  if [ "$verdict" = ok ] && grep -q '^absent: ' "$logs/$step.txt"; then verdict=absent; fi
  echo "$step: $verdict, $((SECONDS - begin)) s" | tee -a "$out/summary.txt"
  tar -cf "$out/logs.tar" -C "$work" logs
done
echo "== summary, $SECONDS s"
cat "$out/summary.txt"
exit $status
