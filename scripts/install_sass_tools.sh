#!/usr/bin/env bash
# Installs nvdisasm and cuobjdump, which bench/sass_report needs, into build/sass/tools (a virtual environment), 32 MB.
# Does nothing where they are already there. Usage: scripts/install_sass_tools.sh
set -euo pipefail
cd "$(dirname "$0")/.."
tools=build/sass/tools
if compgen -G "$tools/lib/python*/site-packages/nvidia/*/bin/nvdisasm" >/dev/null &&
   compgen -G "$tools/lib/python*/site-packages/nvidia/*/bin/cuobjdump" >/dev/null; then
  exit 0
fi
python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check nvidia-cuda-nvdisasm nvidia-cuda-cuobjdump
