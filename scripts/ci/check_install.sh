#!/usr/bin/env bash
# Installs a build into a temporary folder and uses it as others would: the programs, and the projects in tests/consumer/
# outside of this tree. Usage: scripts/ci/check_install.sh BUILD (a build folder in which everything is built)
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: scripts/ci/check_install.sh BUILD" >&2; exit 2; }
build=$(realpath "$1")
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^project(cardiograd VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$build/CMakeCache.txt")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "check_install.sh: $1" >&2; exit 1; }

cmake --install "$build" --prefix "$work/prefix" >"$work/installed"
for source in apps/*.cpp; do
  name=$(basename "$source" .cpp)
  [ "$("$work/prefix/bin/cardiograd-$name" --version | head -n 1)" = "cardiograd-$name $version" ] ||
    fail "cardiograd-$name --version does not say $version"
  "$work/prefix/bin/cardiograd-$name" --help >/dev/null
  bash -n "$work/prefix/share/bash-completion/completions/cardiograd-$name" || fail "no completion in bash of $name"
  grep -q "^#compdef cardiograd-$name$" "$work/prefix/share/zsh/site-functions/_cardiograd-$name" ||
    fail "no completion in zsh of $name"
  ! command -v zsh >/dev/null || zsh -n "$work/prefix/share/zsh/site-functions/_cardiograd-$name"
done
scripts/ci/check_sbom.py "$work/prefix/share/doc/cardiograd/cardiograd.cdx.json" "$work"/prefix/bin/*

cp -r tests/consumer/engine tests/consumer/simt "$work"
cp examples/two_moons.cpp "$work/engine"
cp simt/example/row_sums.cpp "$work/simt"
for project in engine simt; do
  cmake -G "$generator" -S "$work/$project" -B "$work/build-$project" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release >"$work/configured" || { cat "$work/configured"; exit 1; }
  cmake --build "$work/build-$project" >"$work/built" || { cat "$work/built"; exit 1; }
done
begin=$(date +%s%N)
"$work/build-engine/two_moons" || fail "two_moons is not right on more than 97 % of its points"
milliseconds=$((($(date +%s%N) - begin) / 1000000))
echo "two_moons: $milliseconds ms"
[ "$milliseconds" -lt 5000 ] || fail "two_moons took $milliseconds ms, 5000 are allowed"
[ "$("$work/build-simt/row_sums")" = "$(printf '0\n101\n202')" ] || fail "row_sums is wrong"

