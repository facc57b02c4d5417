#!/usr/bin/env bash
# The paper's figure 1, tables 2 and 3 and figure 3 for 5 and for 23 classes, ours beside the paper's, from one command: trains
# the paper's model, its ablations, the baselines of the PTB-XL benchmark and the best recipe, judges them on fold 10, and writes
# OUT/paper.html. Usage: scripts/paper.sh --data DIR [--out runs/paper] [--jobs 1] [--device auto] [--quick]
#   --data DIR     PTB-XL (scripts/get_ptbxl.sh downloads it)
#   --jobs N       trainings at once
#   --device NAME  auto, cpu or cuda
#   --quick        one epoch of four models: shows that everything works, not how well
# It may be stopped and started at any time: what is trained stays, what was begun goes on. One training takes from ten minutes to
# hours on two cores, and there are 66; the page can be made of what is finished: scripts/studies/paper_page.py OUT --data DIR.
# Needs Python 3.11 or newer with numpy; $PYTHON names another one than python3.
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."

usage() { echo "scripts/paper.sh: $1" >&2; exit 2; }
data='' out=runs/paper jobs=1 device=auto lists=(paper best baselines)
while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h)
      sed -n '2,/^set /s/^# \{0,1\}//p' scripts/paper.sh
      exit 0
      ;;
    --quick) lists=(quick) ;;
    --data | --out | --jobs | --device)
      [ $# -ge 2 ] || usage "$1 needs a value"
      declare "${1#--}=$2"
      shift
      ;;
    *) usage "unknown argument '$1' (known: --data --out --jobs --device --quick)" ;;
  esac
  shift
done
[[ $jobs =~ ^[1-9][0-9]*$ ]] || usage "--jobs is '$jobs', expected a whole number of trainings at once"
[ -n "$data" ] || usage "--data DIR is missing: a folder with ptbxl_database.csv, which scripts/get_ptbxl.sh downloads"
# Relative to where it was called.
[[ $data = /* ]] || data=$here/$data
[[ $out = /* ]] || out=$here/$out
[ -f "$data/ptbxl_database.csv" ] || usage "--data $data has no ptbxl_database.csv"
python=${PYTHON:-python3}
"$python" -c 'import tomllib, numpy' 2>/dev/null || {
  echo "scripts/paper.sh: $python is no Python 3.11 with numpy: install python3-numpy, or name another one by PYTHON=..." >&2
  exit 1
}
apps=${APPS:-build/cpu/apps}
[[ $apps = /* || -z ${APPS:-} ]] || apps=$here/$apps
if [ ! -x "$apps/train" ]; then
  scripts/install_deps.sh
  cmake --preset cpu
  cmake --build --preset cpu --target train evaluate
fi
failed=0
for list in "${lists[@]}"; do
  "$python" scripts/studies/experiments.py "scripts/studies/lists/$list.toml" --data "$data" --out "$out" --apps "$apps" \
    --jobs "$jobs" --device "$device" || { failed=$?; [ "$failed" -eq 1 ] || exit "$failed"; }
done
quick=()
[ "${lists[0]}" != quick ] || quick=(--quick)
"$python" scripts/studies/paper_page.py "$out" --data "$data" "${quick[@]}"
exit "$failed"
