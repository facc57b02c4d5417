#!/usr/bin/env bash
# Builds and installs the last commit twice, in different folders, at different times and under different settings, and
# compares every installed byte. Usage: scripts/ci/reproducible.sh [TARGET ...]    (two builds without compiler cache)
#   TARGET  instead of the installation: libraries and programs of CMake's targets, which takes less time
# JOBS: processes of each build; one per core.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CCACHE_DISABLE=1
targets=("$@")
commit=$(git rev-parse HEAD)  # of both, whatever is committed meanwhile

# build_in FOLDER: clones the last commit there and builds it; what is compared goes to FOLDER/result.
build_in() {
  mkdir -p "$1"
  git clone --quiet --shared --no-checkout . "$1/tree"
  git -C "$1/tree" checkout --quiet --detach "$commit"
  cmake -S "$1/tree" -B "$1/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCARDIOGRAD_TESTS=OFF -DCARDIOGRAD_BENCH=OFF >/dev/null
  if [ ${#targets[@]} -eq 0 ]; then
    cmake --build "$1/build" -j "${JOBS:-$(nproc)}" >/dev/null
    cmake --install "$1/build" --prefix "$1/result" >/dev/null
  else
    cmake --build "$1/build" -j "${JOBS:-$(nproc)}" --target "${targets[@]}" >/dev/null
    mkdir "$1/result"
    find "$1/build" -name CMakeFiles -prune -o -type f \( -name '*.a' -o -perm -100 \) -exec cp {} "$1/result" \;
  fi
}
(umask 022; export TZ=UTC LC_ALL=C; build_in "$work/a")
sleep 2  # No time stamp is the same.
(umask 077; export TZ=Asia/Kolkata LC_ALL=C.UTF-8 USER=somebody; build_in "$work/another place/of a longer name")

sums() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }
sums "$work/a/result" >"$work/first"
sums "$work/another place/of a longer name/result" >"$work/second"
if ! diff "$work/first" "$work/second"; then
  echo "reproducible.sh: the two builds differ"
  exit 1
fi
echo "reproducible build: $(wc -l <"$work/first") files are the same in both, ${commit:0:12}"
