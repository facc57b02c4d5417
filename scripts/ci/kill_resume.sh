#!/usr/bin/env bash
# Kills a training run (256 records, 3 epochs, the default model) with SIGKILL at random moments and resumes it with the
# same command, until it has been killed KILLS times; whenever a run comes to its end, its models must equal those of an
# uninterrupted run byte for byte, and the next run begins.
# Usage: scripts/ci/kill_resume.sh DATA [KILLS]
#   DATA   folder with PTB-XL's layout; the first 256 records of its table are taken
#   KILLS  20 by default
# Environment: BUILD (build/cpu), SEED of the moments (0), THREADS (1).
set -euo pipefail
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: scripts/ci/kill_resume.sh DATA [KILLS]" >&2
  exit 2
fi
data=$(realpath "$1")
kills=${2:-20}
cd "$(dirname "$0")/../.."
train=${BUILD:-build/cpu}/apps/train
RANDOM=${SEED:-0}

work=$(mktemp -d)
child=
trap '[ -z "$child" ] || kill -9 "$child" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/data"
head -n 257 "$data/ptbxl_database.csv" > "$work/data/ptbxl_database.csv"
cp "$data/scp_statements.csv" "$work/data/"
ln -s "$data/records100" "$work/data/records100"
options=(--data "$work/data" --epochs 3 --threads "${THREADS:-1}" --cache "$work/cache")

now_ms() { date +%s%3N; }
epochs_done() { if [ -f "$work/run/log.csv" ]; then echo $(($(wc -l < "$work/run/log.csv") - 1)); else echo 0; fi; }
"$train" --data "$work/data" --epochs 1 --threads "${THREADS:-1}" --cache "$work/cache" --out "$work/fills-the-cache" > /dev/null
start=$(now_ms)
"$train" "${options[@]}" --out "$work/whole" > "$work/log"
length=$(($(now_ms) - start))
echo "uninterrupted: $length ms"

compare() {
  for name in best.safetensors last.safetensors; do
    cmp "$work/whole/$name" "$work/run/$name" || exit 1
  done
  if [ -n "$(find "$work/run" -name '*.tmp')" ]; then
    echo "temporary files are left: $(find "$work/run" -name '*.tmp')" >&2
    exit 1
  fi
  rm -r "$work/run"
  equal=$((equal + 1))
}

# Runs to the end, or to a kill after $1 ms; says which by its exit status.
attempt() {
  "$train" "${options[@]}" --out "$work/run" --resume > "$work/log" 2>&1 &
  child=$!
  local end=$(($(now_ms) + $1))
  while [ "$(now_ms)" -lt "$end" ] && kill -0 "$child" 2>/dev/null; do sleep 0.01; done
  kill -9 "$child" 2>/dev/null || true
  local status=0
  wait "$child" 2>/dev/null || status=$?
  child=
  if [ "$status" -ne 0 ] && [ "$status" -ne 137 ]; then
    cat "$work/log" >&2
    exit 1
  fi
  [ "$status" -eq 0 ]
}

done_kills=0
equal=0
while [ "$done_kills" -lt "$kills" ]; do
  delay=$((length * RANDOM / 32768))
  if attempt "$delay"; then
    compare
  else
    done_kills=$((done_kills + 1))
    echo "kill $done_kills after $delay ms: epochs finished: $(epochs_done)"
  fi
done
# The last one, to its end.
"$train" "${options[@]}" --out "$work/run" --resume > "$work/log"
compare
echo "$done_kills kills; $equal runs came to their end, all with the bytes of the uninterrupted one"
