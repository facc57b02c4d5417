#!/usr/bin/env bash
# Runs the fuzz targets (fuzz/*.cpp) for long, one on each core, and prints a line for each.
# Usage: scripts/fuzz.sh [--preset fuzz] [--seconds S] [--runs N] [TARGET ...]
#   --seconds  of each target; 20 without --runs
#   --runs     of each target; with --seconds, whichever comes first
# New inputs are kept in build/<preset>/fuzz/corpus and begun with the next time; an input that fails is written to
# build/<preset>/fuzz/<target>-crash-..., which the program takes as its argument (fuzz --target=NAME FILE). Exit status 1 when one failed.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=fuzz
seconds=
runs=
targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --preset) preset=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --runs) runs=$2; shift 2 ;;
    -*) echo "scripts/fuzz.sh: unknown argument '$1' (known: --preset --seconds --runs)" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done
[ -n "$seconds$runs" ] || seconds=20
limits="${seconds:+-max_total_time=$seconds} ${runs:+-runs=$runs}"
folder=build/$preset
[ -f "$folder/CMakeCache.txt" ] || cmake --preset "$preset"
if [ ${#targets[@]} -eq 0 ]; then
  for source in fuzz/*.cpp; do
    name=$(basename "$source" .cpp)
    case "$name" in target | coverage) ;; *) targets+=("$name") ;; esac
  done
fi
cmake --build "$folder" -j "$(nproc)" --target fuzz

# run_target NAME: the program to its limit, then one line.
run_target() {
  local name=$1 log=$folder/fuzz/$1.log status=0
  mkdir -p "$folder/fuzz/corpus/$name"
  # shellcheck disable=SC2086  # one or two options
  "$folder/fuzz/fuzz" --target="$name" $limits -timeout=60 -entropic=0 -print_final_stats=1 -artifact_prefix="$folder/fuzz/$name-" \
    "$folder/fuzz/corpus/$name" "fuzz/corpus/$name" >"$log" 2>&1 || status=$?
  # libFuzzer ends with 72 when a signal has stopped it.
  awk -v name="$name" -v status="$status" '
    /number_of_executed_units/ { runs = $2 }
    /average_exec_per_sec/ { speed = $2 }
    /peak_rss_mb/ { memory = $2 }
    /^finding:|^SUMMARY:|terminate called/ { what = what " " $0 }
    END {
      printf "%-16s %10d runs %7d/s %5d MB  %s\n", name, runs, speed, memory,
        status == 0 ? "no finding" : status == 72 ? "stopped, no finding" : "FINDING (status " status ")" what
    }' "$log"
  return "$status"
}
export -f run_target
export folder limits
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -n 1 bash -c 'run_target "$1"' fuzz || exit 1
