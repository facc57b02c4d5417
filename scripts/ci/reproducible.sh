#!/usr/bin/env bash
# Builds and installs the last commit twice, in different folders, at different times and under different settings, and
# compares every installed byte. Usage: scripts/ci/reproducible.sh [--keep]    (two builds without compiler cache: minutes)
#   --keep  leaves both installations where the last line says
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
[ "${1:-}" = --keep ] || trap 'rm -rf "$work"' EXIT
export CCACHE_DISABLE=1

# build_in FOLDER: clones the last commit there, builds it, and installs it into FOLDER/prefix.
build_in() {
  mkdir -p "$1"
  git clone --quiet --shared . "$1/tree"
  cmake -S "$1/tree" -B "$1/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCARDIOGRAD_TESTS=OFF -DCARDIOGRAD_BENCH=OFF >/dev/null
  cmake --build "$1/build" -j "${JOBS:-$(nproc)}" >/dev/null
  cmake --install "$1/build" --prefix "$1/prefix" >/dev/null
}
(umask 022; export TZ=UTC LC_ALL=C; build_in "$work/a")
sleep 2  # No time stamp is the same.
(umask 077; export TZ=Asia/Kolkata LC_ALL=C.UTF-8 USER=somebody; build_in "$work/another place/of a longer name")

sums() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
sums "$work/a/prefix" >"$work/first"
sums "$work/another place/of a longer name/prefix" >"$work/second"
if ! diff "$work/first" "$work/second"; then
  echo "reproducible.sh: the two builds differ"
  exit 1
fi
echo "reproducible build: $(wc -l <"$work/first") files are the same in both, $(git rev-parse --short=12 HEAD)"
if [ "${1:-}" = --keep ]; then echo "$work"; fi
