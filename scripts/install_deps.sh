#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that building and testing need. Does nothing where all are there.
# Usage: scripts/install_deps.sh [--lint]
#   --lint  also what scripts/ci/lint.sh, the checks of the tree, those against other people's libraries and the fuzz
#           targets (clang's libFuzzer) need, ccache and lld
set -euo pipefail
packages=(
  g++ cmake make ninja-build pkg-config
  libeigen3-dev libfmt-dev libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libcsv-dev libxxhash-dev
  libflac-dev zlib1g-dev libpugixml-dev
  libboost-context-dev libonnx-dev libprotobuf-dev libgtest-dev libbenchmark-dev
  libopenmpi-dev openmpi-bin   # train as several processes
  libdnnl-dev libopenblas-dev  # opponents in bench/kernel
)
case "${1:-}" in
  '') ;;
  --lint)
    packages+=(ccache clang clang-format clang-tidy lld python3 python3-venv git)
    # Ubuntu has no such package: its browser is a snap. scripts/ci/check_peers.sh does without.
    grep -qx 'ID=debian' /etc/os-release && packages+=(chromium)
    ;;
  *) echo "scripts/install_deps.sh: unknown argument '$1' (known: --lint)" >&2; exit 2 ;;
esac
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "install these packages as root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
