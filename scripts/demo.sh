#!/usr/bin/env bash
# From a bare Debian 12 or Ubuntu 24.04 to a trained ECG model: installs what is missing, builds, makes synthetic ECGs,
# trains HC-CNN-TN on them and judges it. Usage: scripts/demo.sh [--quick] [--out FOLDER]
#   --quick       200 ECGs and 2 epochs: shows that everything works, not how well
#   --out FOLDER  where the results go (demo/ by default); what an earlier demo left there is replaced
set -euo pipefail
cd "$(dirname "$0")/.."

records=1000
epochs=6
out=demo
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) records=200 epochs=2 ;;
    --out)
      [ $# -ge 2 ] || { echo "scripts/demo.sh: --out needs a folder" >&2; exit 2; }
      out=$2
      shift
      ;;
    *) echo "scripts/demo.sh: unknown argument '$1' (known: --quick, --out FOLDER)" >&2; exit 2 ;;
  esac
  shift
done
if [ -e "$out" ] && [ ! -e "$out/.cardiograd-demo" ]; then
  echo "scripts/demo.sh: $out is there and was not made by this script; give another --out" >&2
  exit 1
fi

times=()
# phase "what it does" command...: runs the command and keeps its wall time.
phase() {
  local title=$1 start=$SECONDS
  shift
  echo
  echo "== $title"
  "$@"
  times+=("$(printf '%4d s  %s' $((SECONDS - start)) "$title")")
}

build() {
  cmake --preset cpu -B build/demo -DCARDIOGRAD_TESTS=OFF -DCARDIOGRAD_BENCH=OFF
  cmake --build build/demo -j "$(nproc)"
}
apps=build/demo/apps

phase "1/5 Installing the packages that are missing" scripts/install_deps.sh
phase "2/5 Building the programs (the first time takes minutes)" build
mkdir -p "$out"
touch "$out/.cardiograd-demo"
rm -rf "$out/run"
phase "3/5 Making $records synthetic 12-lead ECGs, ten seconds each" \
  "$apps/synthesize" --out "$out/ecgs" --records "$records" --seed 1 --min-per-class 20 --force
phase "4/5 Training HC-CNN-TN on folds 1 to 8, $epochs epochs" \
  "$apps/train" --data "$out/ecgs" --out "$out/run" --cache "$out/cache" --epochs "$epochs"
phase "5/5 Judging it on fold 10, which training never saw" \
  "$apps/evaluate" --model "$out/run/best.safetensors" --data "$out/ecgs" --cache "$out/cache" \
  --json "$out/metrics.json" --report "$out/report" --force

echo
echo "Wall time:"
printf '%s\n' "${times[@]}"
echo
echo "Results:"
cat <<END
  $out/report/report.html        open it in a browser
  $out/metrics.json              every figure of the evaluation
  $out/run/best.safetensors      the model; $out/run/config.toml says how it was trained
  $out/ecgs                      the ECGs, in the layout of PTB-XL

Next:
  $apps/predict --model $out/run/best.safetensors $out/ecgs/records100/00000/00001_lr   what it says of one ECG
  $apps/features $out/ecgs/records100/00000/00001_lr                                    its intervals and amplitudes
  $apps/synthesize --out $out/more --records 4000 --seed 2 && \\
    $apps/train --data $out/more --out $out/run2        four times the data, 15 epochs
  $apps/synthesize --out $out/sub --records 4000 --task sub --min-per-class 30 && \\
    $apps/train --data $out/sub --task sub --out $out/run3   the 23 subclasses
  $apps/train --help                                    all options; --data also takes PTB-XL itself
END
