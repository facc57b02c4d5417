#!/usr/bin/env bash
# Measures this machine in one command: builds, times the training step, every kernel against its opponents and PyTorch, and
# writes bench.html, the figures as JSON and the README's tables as markdown.
#
#   scripts/bench.sh [--device cpu|cuda] [--quick] [--out runs/bench]
#
#   --device   cuda where there is a GPU and nvcc, else cpu
#   --quick    fewer repeats: minutes become seconds, figures become rough
#   --out DIR  kernels.json, step_*.json, twin.json, profile.json, bench.html, tables.md
#
# $PYTHON (python3) runs the page; where it has PyTorch and onnxruntime (bench/peers/requirements.txt), they are timed, too.
# Exit status 1 if a part failed, 2 for wrong usage.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
device='' quick='' out=runs/bench
fail_usage() { echo "bench.sh: $1" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) quick=yes; shift ;;
    --device | --out)
      [ $# -ge 2 ] || fail_usage "$1 needs a value"
      if [ "$1" = --device ]; then device=$2; else out=$2; fi
      shift 2
      ;;
    *) fail_usage "unknown argument '$1' (known: --device --quick --out)" ;;
  esac
done
case "$device" in '' | cpu | cuda) ;; *) fail_usage "--device is '$device', expected cpu or cuda" ;; esac
[ -d /usr/local/cuda/bin ] && PATH=$PATH:/usr/local/cuda/bin
python=${PYTHON:-python3}
gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
if [ -z "$device" ]; then
  device=cpu
  if [ -z "$gpu" ]; then
    echo "no GPU (nvidia-smi shows none): the CPU is measured"
  elif ! command -v nvcc >/dev/null; then
    echo "$gpu is there but no nvcc (CUDA 12 or newer) on the PATH: the CPU is measured"
  else
    device=cuda
    echo "GPU: $gpu"
  fi
fi
if [ "$device" = cuda ] && { [ -z "$gpu" ] || ! command -v nvcc >/dev/null; }; then
  echo "bench.sh: --device cuda needs a GPU (nvidia-smi shows ${gpu:-none}) and nvcc on the PATH" >&2
  exit 1
fi

scripts/install_deps.sh || exit 1
configure=(cmake --preset "$device")
if [ "$device" = cuda ]; then
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d .)
  configure+=("-DCARDIOGRAD_CUDA_ARCHITECTURES=$capability")
fi
"${configure[@]}" >/dev/null && cmake --build --preset "$device" -j "$(nproc)" --target step_bench kernel profile || exit 1
programs=build/$device
mkdir -p "$out"
status=0
# part NAME COMMAND...: says what runs and how long it took.
part() {
  local name=$1 begin=$SECONDS
  shift
  echo "== $name: $*"
  "$@" || { echo "== $name: FAILED"; status=1; return 1; }
  echo "== $name: $((SECONDS - begin)) s"
}
steps=10
[ "$device" = cpu ] || steps=200
longest=3
if [ -n "$quick" ]; then steps=3 longest=0.1; fi
precisions=fp32
"$programs/bench/step_bench" --help | grep -q -- --precision && [ "$device" = cuda ] && precisions="fp32 tf32 bf16"
for precision in $precisions; do
  option=()
  [ "$precision" = fp32 ] || option=(--precision "$precision")
  part "step in $precision" "$programs/bench/step_bench" --device "$device" --steps $steps --timeline "${option[@]}" \
    --json "$out/step_$precision.json"
done
part "floors and predictions" "$programs/apps/profile" --json "$out/profile.json" >"$out/profile.txt"
rm -f "$out/twin.json"
if "$python" -c 'import torch' 2>/dev/null; then
  modes=("fp32")
  [ "$device" = cpu ] || modes=("fp32" "fp32 --graph" "tf32" "tf32 --graph" "bf16" "bf16 --graph")
  for mode in "${modes[@]}"; do
    # shellcheck disable=SC2086
    part "PyTorch's step in $mode" "$python" bench/peers/torch_twin.py --time --device "$device" --threads "$(nproc)" \
      --precision $mode --json "$out/twin.json"
  done
else
  echo "PyTorch is not timed: $python has none (PYTHON=... names another; bench/peers/requirements.txt)"
fi
# onnxruntime computes inference alone; the weights of the exported model do not matter.
# shellcheck disable=SC2317  # Called by part.
export_model() {
  cmake --build --preset cpu -j "$(nproc)" --target synthesize train export >/dev/null &&
    "$programs/apps/synthesize" --out "$work/data" --records 100 --seed 1 --quiet &&
    "$programs/apps/train" --data "$work/data" --out "$work/run" --no-cache --epochs 1 --quiet >/dev/null &&
    "$programs/apps/export" --model "$work/run/last.safetensors" --onnx "$work/model.onnx" --quiet
}
if [ "$device" = cpu ] && "$python" -c 'import onnxruntime' 2>/dev/null; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  part "a model for onnxruntime" export_model &&
    part "onnxruntime" "$python" bench/peers/onnx_time.py "$work/model.onnx" --threads "$(nproc)" --json "$out/twin.json"
fi
part "kernels" "$programs/bench/kernel" --op all --device "$device" --temperature hot --seconds $longest --json "$out/kernels.json"
if [ -s "$out/kernels.json" ] && "$python" -c 'import torch' 2>/dev/null; then
  part "PyTorch's kernels" "$python" bench/peers/kernels_torch.py "$out/kernels.json" --device "$device" --into
fi
part "page" "$python" bench/bench_page "$out" || exit 1
"$python" scripts/readme_tables.py "$out" --print >"$out/tables.md" || status=1
echo "tables for the README: $out/tables.md"
exit $status
