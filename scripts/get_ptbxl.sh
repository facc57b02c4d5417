#!/usr/bin/env bash
# Downloads PTB-XL 1.0.3 from PhysioNet and verifies every file by its publisher's SHA256SUMS.txt.
# Usage: scripts/get_ptbxl.sh [--rate 100|500|both] [--jobs N] [DIR]
#   --rate    only the records at 100 Hz (about 0.5 GB), at 500 Hz (about 2.5 GB), or both (default)
#   --jobs N  files at once, 8 by default
#   DIR       where the data set goes, ptb-xl by default
# It may be stopped and started at any time: files that are there and right are kept, half a file is continued. A file
# gets its name when its checksum fits. PTBXL_URL names another server with the same files.
# Exit status: 0 all there and verified, 1 not (what is missing is said), 2 wrong usage.
set -euo pipefail

url=${PTBXL_URL:-https://physionet.org/files/ptb-xl/1.0.3}
url=${url%/}
rate=both
jobs=8
dir=
tries=${PTBXL_TRIES:-10}  # rounds without any new byte before giving up
per_round=400             # files that one curl fetches

usage_error() {
  echo "error: scripts/get_ptbxl.sh: $1" >&2
  echo "hint: scripts/get_ptbxl.sh [--rate 100|500|both] [--jobs N] [DIR]" >&2
  exit 2
}
fail() {
  echo "error: $1" >&2
  echo "hint: $2" >&2
  exit 1
}
while [ $# -gt 0 ]; do
  case "$1" in
    --rate | --jobs)
      [ $# -ge 2 ] || usage_error "$1 needs a value"
      if [ "$1" = --rate ]; then rate=$2; else jobs=$2; fi
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    -*) usage_error "unknown option '$1'" ;;
    *)
      [ -z "$dir" ] || usage_error "two folders, '$dir' and '$1'"
      dir=$1
      ;;
  esac
  shift
done
case "$rate" in 100 | 500 | both) ;; *) usage_error "--rate $rate: expected 100, 500 or both" ;; esac
case "$jobs" in '' | *[!0-9]* | 0) usage_error "--jobs $jobs: expected a number from 1" ;; esac
dir=${dir:-ptb-xl}
for tool in curl sha256sum; do
  command -v "$tool" >/dev/null || fail "$tool is missing" "Install it (Debian packages curl, coreutils)."
done
mkdir -p "$dir" || fail "$dir: cannot be made" "Give a folder where you may write."
cd "$dir"
folder=$PWD

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A connection that stands still for half a minute is given up; the next round continues the file.
curl_options=(--fail --silent --show-error --location --connect-timeout 20 --speed-limit 1 --speed-time "${PTBXL_STALL:-30}")

sums=SHA256SUMS.txt
for ((round = 1; ; ++round)); do
  curl "${curl_options[@]}" -o "$work/$sums" "$url/$sums" 2>"$work/error" && break
  [ "$round" -lt 3 ] || fail "$url/$sums cannot be fetched: $(tail -n 1 "$work/error")" \
    "Check the network; PTBXL_URL names another server."
  sleep "${PTBXL_PAUSE:-5}"
done

# "hash  path" of the files wanted. Paths that would leave the folder are no part of any data set.
case "$rate" in
  100) unwanted='^records500/' ;;
  500) unwanted='^records100/' ;;
  both) unwanted='^$' ;;
esac
awk -v unwanted="$unwanted" '
  $1 ~ /^[0-9a-f]+$/ && length($1) == 64 {
    path = substr($0, 65); sub(/^[ *]+/, "", path); sub(/\r$/, "", path)
    if (path ~ unwanted || path ~ /^\// || path ~ /(^|\/)\.\.(\/|$)/ || path ~ /["\\]/ || path == "") next
    print $1 "  " path
  }' "$work/$sums" >"$work/wanted"
total=$(wc -l <"$work/wanted")
[ "$total" -gt 0 ] || fail "$url/$sums lists no files" "Is the address right? Expected the SHA256SUMS.txt of PTB-XL."

# What of $work/wanted is not there or not right, into $work/missing.
find_missing() {
  : >"$work/there"
  while IFS= read -r line; do
    [ -f "${line:66}" ] && printf '%s\n' "$line"
  done <"$work/wanted" >"$work/there" || true
  { sha256sum --check "$work/there" 2>/dev/null || true; } | sed -n 's/: OK$//p' >"$work/right"
  awk 'FILENAME == ARGV[1] { right[$0] = 1; next } !(substr($0, 67) in right)' "$work/right" "$work/wanted" >"$work/missing"
}

# Bytes in the unfinished files.
bytes_in_parts() {
  find . -name '*.part' -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'
}

# Fetches the files of $work/round, each into FILE.part from where that ends, and gives those that are right their name.
fetch_round() {
  : >"$work/config"
  while IFS= read -r line; do
    local path=${line:66}
    printf 'url = "%s/%s"\noutput = "%s.part"\n' "$url" "${path// /%20}" "$path" >>"$work/config"
  done <"$work/round"
  # One of several files that fails makes curl fail: what came is seen below.
  curl "${curl_options[@]}" --create-dirs --continue-at - --parallel --parallel-max "$jobs" --config "$work/config" \
    --write-out '%{http_code} %{exitcode}\t%{filename_effective}\t%{errormsg}\n' >"$work/outcome" 2>/dev/null || true
  awk -F '\t' '$3 != "" { print $3 }' "$work/outcome" >>"$work/error"
  sed 's/$/.part/' "$work/round" >"$work/parts"
  local path line
  while IFS= read -r line; do
    path=${line%.part: *}
    if [ "${line##*: }" = OK ]; then
      mv "$path.part" "$path"
      done_now=$((done_now + 1))
    elif [ -f "$path.part" ]; then
      judge_wrong "$path"
    fi
  done < <(sha256sum --check "$work/parts" 2>/dev/null || true)
}

# A .part that is not right: half a file is kept, one that is whole all the same is not.
judge_wrong() {
  local path=$1
  case "$(awk -F '\t' -v path="$path.part" '$2 == path { print $1; exit }' "$work/outcome")" in
    "200 0" | "206 0" | "416 "*)
      rm "$path.part"
      printf '%s\n' "$path" >>"$work/wrong"
      [ "$(grep -cxF "$path" "$work/wrong")" -lt 3 ] ||
        fail "$folder/$path: its SHA-256 is not the publisher's, three times in a row" \
          "Something on the way changes the file; try another network, or PTBXL_URL."
      ;;
    *" 33") rm "$path.part" ;; # This server cannot continue files.
  esac
}

: >"$work/wrong"
echo "PTB-XL from $url into $folder: $total files"
: >"$work/error"
idle=0
find_missing
while [ -s "$work/missing" ]; do
  left=$(wc -l <"$work/missing")
  done_now=0
  before=$(bytes_in_parts)
  while IFS= read -r -d '' chunk; do
    mv "$chunk" "$work/round"
    fetch_round
    echo "  $((total - left + done_now)) of $total files"
  done < <(split -l "$per_round" "$work/missing" "$work/chunk." && find "$work" -name 'chunk.*' -print0 | sort -z)
  find_missing
  [ -s "$work/missing" ] || break
  if [ "$done_now" -gt 0 ] || [ "$(bytes_in_parts)" -gt "$before" ]; then
    idle=0
  else
    idle=$((idle + 1))
    [ "$idle" -lt "$tries" ] || fail \
      "$(wc -l <"$work/missing") of $total files could not be fetched, the first is $(head -n 1 "$work/missing" | cut -c 67-): $(tail -n 1 "$work/error")" \
      "Start the script again later; what is there is kept."
    sleep "${PTBXL_PAUSE:-5}"
  fi
done
mv "$work/$sums" "$sums"
echo "all $total files are there and verified"
rate_option=
[ "$rate" != 500 ] || rate_option=" --rate 500"
echo "next: build/cpu/apps/train --data $folder$rate_option --out runs/ptbxl"
