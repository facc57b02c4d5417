#!/usr/bin/env bash
# Puts everything that scripts/gpu_check.sh runs into one archive of less than 60 MB, built here for one GPU, so that a
# machine with a GPU needs no compiler, no packages and no network: programs, libraries, lists of tests.
#
#   scripts/gpu_pack.sh [--arch 90] [--out build/gpu_pack.tar.xz]
#
#   --arch N    compute capability without the dot: 86 for an RTX 30, 89 for an RTX 40, 90 for an H100 (default)
#   --out FILE  the archive; replaced
#
# Needs nvcc and what scripts/install_deps.sh installs. cuBLASLt (500 MB) is not in it: the machine's own CUDA toolkit or
# PyTorch has it. Programs keep -lineinfo for the profilers and lose the host's symbols.
set -euo pipefail
cd "$(dirname "$0")/.."
arch=90
out=build/gpu_pack.tar.xz
while [ $# -gt 0 ]; do
  case "$1" in
    --arch | --out)
      [ $# -ge 2 ] || { echo "gpu_pack.sh: $1 needs a value" >&2; exit 2; }
      if [ "$1" = --arch ]; then arch=$2; else out=$2; fi
      shift 2
      ;;
    *) echo "gpu_pack.sh: unknown argument '$1' (known: --arch --out)" >&2; exit 2 ;;
  esac
done
[[ $arch =~ ^[0-9]+$ ]] || { echo "gpu_pack.sh: --arch is '$arch', expected a number such as 86 or 90" >&2; exit 2; }
if [ -e "$out" ] && ! { [ -f "$out" ] && tar -tJf "$out" ./made_by_gpu_pack >/dev/null 2>&1; }; then
  echo "gpu_pack.sh: $out exists and is not an archive that this script made; name another one with --out" >&2
  exit 1
fi
[ -d /usr/local/cuda/bin ] && PATH=$PATH:/usr/local/cuda/bin
command -v nvcc >/dev/null || { echo "gpu_pack.sh: there is no nvcc (CUDA 12 or newer) on the PATH" >&2; exit 1; }

programs=(apps/train apps/synthesize apps/profile bench/step_bench bench/kernel)
tests=(kernels_tests engine_tests model_tests)
build=build/gpu_pack_$arch
cmake --preset cuda -B "$build" "-DCARDIOGRAD_CUDA_ARCHITECTURES=$arch" -DCARDIOGRAD_NCCL=OFF -DCMAKE_CUDA_FLAGS=-lineinfo
cmake --build "$build" -j "$(nproc)" --target "${tests[@]}" "${programs[@]##*/}"

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
mkdir -p "$made/bin" "$made/lib" "$made/tests"
touch "$made/made_by_gpu_pack"
for program in "${programs[@]}"; do cp "$build/$program" "$made/bin/"; done
for test in "${tests[@]}"; do
  cp "$build/tests/$test" "$made/bin/"
  # GoogleTest's filter for those with the label device, without ctest.
  ctest --test-dir "$build" -N -L device | sed -n 's/^ *Test *#[0-9]*: //p' |
    grep -Fx -f <("$build/tests/$test" --gtest_list_tests | awk '/^[^ ]/ {suite = $1; next} {print suite $1}') |
    paste -sd : >"$made/tests/$test.filter"
done
strip --strip-unneeded "$made"/bin/*
# Shared libraries, but for those of the system's C library, of the driver and cuBLASLt.
for program in "$made"/bin/*; do ldd "$program" | awk '$2 == "=>" && $3 ~ /^\// {print $3}'; done | sort -u |
  grep -vE '/(libc|libm|libdl|librt|libpthread|libcuda|libcublas|libcublasLt|ld-linux[^/]*|libcudnn[^/]*)\.so' |
  while read -r library; do cp -L "$library" "$made/lib/"; done
git rev-parse --short HEAD >"$made/commit" 2>/dev/null || echo unknown >"$made/commit"
echo "$arch" >"$made/arch"
mkdir -p "$(dirname "$out")"
# The programs hold the same device code: a window wider than all of them finds it.
tar -C "$made" -cf - . | xz --lzma2=preset=1,dict=256MiB >"$out.partial"
mv "$out.partial" "$out"
megabytes=$(du -m "$out" | cut -f 1)
echo "$out: $megabytes MB, for sm_$arch, commit $(cat "$made/commit")"
if [ "$megabytes" -ge 60 ]; then
  echo "gpu_pack.sh: the archive holds $megabytes MB, 60 are allowed" >&2
  exit 1
fi
