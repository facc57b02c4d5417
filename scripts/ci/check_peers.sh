#!/usr/bin/env bash
# Holds what the programs write against other people's libraries: exported models in onnxruntime against predict, tables
# of predictions in scikit-learn against evaluate, state dicts in PyTorch, pages in Chromium; of a model of whole records
# and of one of crops, trained for two epochs on 200 synthetic ECGs.
# Usage: scripts/ci/check_peers.sh [--build build/cpu] [--python PYTHON]
#   --python  has the libraries; by default a virtual environment in build/peers, made from PyPI
# What is not there is named and left out: PyTorch and Chromium are not installed by it, and nothing where PyPI cannot
# be reached. Exit status 1 where something differs.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build/cpu
python=
while [ $# -gt 0 ]; do
  case "$1" in
    --build) build=$2; shift 2 ;;
    --python) python=$2; shift 2 ;;
    *) echo "scripts/ci/check_peers.sh: unknown argument '$1' (known: --build --python)" >&2; exit 2 ;;
  esac
done
packages=(onnx onnxruntime scikit-learn pandas wfdb scipy)
if [ -z "$python" ]; then
  python=build/peers/bin/python
  if ! { [ -x "$python" ] && build/peers/bin/pip show -q "${packages[@]}" 2>/dev/null; }; then
    if ! { python3 -m venv build/peers && build/peers/bin/pip install -q "${packages[@]}"; }; then
      echo "== peers: not compared, PyPI's packages (${packages[*]}) could not be installed"
      exit 0
    fi
  fi
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
apps=$build/apps
quiet() { "$@" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; echo "scripts/ci/check_peers.sh: $1 failed" >&2; exit 1; }; }
quiet "$apps/synthesize" --out "$folder/ecgs" --records 200 --seed 1 --min-per-class 20
records=("$folder"/ecgs/records100/00000/*.hea)
for recipe in paper best; do
  echo "== peers: a model of the recipe $recipe"
  quiet "$apps/train" --data "$folder/ecgs" --out "$folder/$recipe" --cache "$folder/cache" --recipe "$recipe" --epochs 2
  model=$folder/$recipe/best.safetensors
  for inside in '' --filter-inside; do
    quiet "$apps/export" --model "$model" --onnx "$folder/model.onnx" --force $inside
    "$python" scripts/ci/check_onnx.py --model "$model" --onnx "$folder/model.onnx" --build "$build" "${records[@]%.hea}"
  done
  quiet "$apps/evaluate" --model "$model" --data "$folder/ecgs" --cache "$folder/cache" --fold 9 --fold 10 --force \
    --predictions "$folder/table.csv" --json "$folder/metrics.json" --report "$folder/report" --explain 1
  "$python" scripts/ci/check_predictions.py "$folder/table.csv" "$folder/metrics.json"
  if "$python" -c 'import torch' 2>/dev/null; then
    "$python" scripts/ci/check_state_dict.py --model "$model" --build "$build"
  else
    echo "check_state_dict: left out, there is no PyTorch"
  fi
  if command -v chromium >/dev/null; then
    "$python" scripts/ci/check_report.py "$folder/report/report.html"
  else
    echo "check_report: left out, there is no chromium"
  fi
done
