#!/usr/bin/env bash
# Puts what bench/kernel compares with on GPUs into build/opponents (include/, lib/): the headers of cuDNN's frontend (2 MB;
# newer versions would make programs link to NVRTC), and cuDNN itself (a wheel of 520 MB from PyPI, 0.9 GB unpacked) where the
# CUDA toolkit comes without it. Does nothing where all is there. Usage: scripts/install_cuda_opponents.sh
set -euo pipefail
cd "$(dirname "$0")/.."
target=build/opponents
toolkit=${CUDA_HOME:-/usr/local/cuda}
wheels=()
[ -f "$target/include/cudnn_frontend.h" ] || wheels+=(nvidia-cudnn-frontend==1.16.0)
if ! [ -f "$toolkit/include/cudnn.h" ] && ! [ -f /usr/include/cudnn.h ] && ! [ -f "$target/include/cudnn.h" ]; then
  wheels+=("nvidia-cudnn-cu$(nvcc --version | sed -n 's/.*release \([0-9]*\)\..*/\1/p')")
fi
[ ${#wheels[@]} -eq 0 ] && exit 0
begin=$SECONDS
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
# pip runs only here: the packages are unpacked, not installed.
python3 -m venv "$unpacked/venv"
"$unpacked/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
  --only-binary=:all: --python-version 3.11 --dest "$unpacked" "${wheels[@]}"
mkdir -p "$target/include" "$target/lib"
for wheel in "$unpacked"/*.whl; do
  mkdir "$unpacked/content"
  python3 -m zipfile -e "$wheel" "$unpacked/content"
  if [ -d "$unpacked/content/nvidia/cudnn" ]; then
    cp -r "$unpacked/content/nvidia/cudnn/include/." "$target/include/"
    cp -r "$unpacked/content/nvidia/cudnn/lib/." "$target/lib/"
  else
    cp -r "$unpacked/content/include/." "$target/include/"
  fi
  rm -r "$unpacked/content"
done
echo "$target: ${wheels[*]}, $(du -sm "$target" | cut -f 1) MB, $((SECONDS - begin)) s"
