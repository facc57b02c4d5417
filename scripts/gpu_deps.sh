#!/usr/bin/env bash
# Fills .deps/ with unpacked Debian packages, so that scripts/gpu_check.sh can build on a bare machine without network.
# Run it where apt works, then carry the checkout, .deps included, to the machine with the GPU. Under 40 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(
  libeigen3-dev libfmt-dev libfmt9 libcli11-dev nlohmann-json3-dev libtomlplusplus-dev libtomlplusplus3
  libcsv-dev libcsv3 libxxhash-dev libxxhash0 libgtest-dev libbenchmark-dev libbenchmark1debian
)
rm -rf .deps
mkdir -p .deps/packages
(cd .deps/packages && apt-get download -qq "${packages[@]}")
for package in .deps/packages/*.deb; do dpkg-deb -x "$package" .deps; done
rm -r .deps/packages .deps/usr/share/doc
megabytes=$(du -sm .deps | cut -f 1)
echo ".deps: $megabytes MB"
if [ "$megabytes" -ge 40 ]; then
  echo "gpu_deps.sh: .deps holds $megabytes MB, 40 are allowed" >&2
  exit 1
fi
