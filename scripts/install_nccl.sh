#!/usr/bin/env bash
# Puts NCCL's header and library into build/nccl (include/, lib/), where the system and the CUDA toolkit come without them:
# from the wheel on PyPI (300 MB), for `train` on several GPUs. Does nothing where they are there.
# Usage: scripts/install_nccl.sh
set -euo pipefail
cd "$(dirname "$0")/.."
target=build/nccl
toolkit=${CUDA_HOME:-/usr/local/cuda}
for folder in "$toolkit/include" /usr/include "$target/include"; do
  if [ -f "$folder/nccl.h" ]; then exit 0; fi
done
if ! command -v nvcc >/dev/null && [ -x "$toolkit/bin/nvcc" ]; then PATH=$PATH:$toolkit/bin; fi
command -v nvcc >/dev/null || { echo "scripts/install_nccl.sh: there is no nvcc, whose version NCCL must fit" >&2; exit 1; }
begin=$SECONDS
wheel=nvidia-nccl-cu$(nvcc --version | sed -n 's/.*release \([0-9]*\)\..*/\1/p')
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
# pip runs only here: the package is unpacked, not installed.
python3 -m venv "$unpacked/venv"
"$unpacked/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
  --only-binary=:all: --python-version 3.11 --dest "$unpacked" "$wheel"
python3 -m zipfile -e "$unpacked"/*.whl "$unpacked/content"
mkdir -p "$target"
# The header last: it says that all is there.
cp -r "$unpacked/content/nvidia/nccl/lib" "$target/"
cp -r "$unpacked/content/nvidia/nccl/include" "$target/"
echo "$target: $wheel, $(du -sm "$target" | cut -f 1) MB, $((SECONDS - begin)) s"
