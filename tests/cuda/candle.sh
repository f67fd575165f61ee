#!/usr/bin/env bash
# Builds with the feature `candle-cuda` on a machine without CUDA and without a card, x86-64 Linux.
#
#   tests/cuda/candle.sh                    the test program for device.sh, at tests/cuda/device-candle
#   tests/cuda/candle.sh build --release    cargo with these arguments, and --features candle-cuda
#
# nvcc and its libraries come from NVIDIA's wheels into target/candle-cuda (1.2 GB); candle's own CUDA kernels take about
# ten minutes, once. What is built needs no CUDA library to start, see lazy.py: on a machine without a card it runs on the
# CPU. On one with a card it looks for libcublas.so.13, libcurand.so.10 and libnvrtc where the loader does; LD_LIBRARY_PATH
# may name the folder of the wheels nvidia-cublas, nvidia-curand and nvidia-cuda-nvrtc (PyTorch brings them).
# CUDA_COMPUTE_CAP=80: A100 and every later card.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo "candle.sh: for Linux on x86-64; elsewhere install CUDA 13 and use cargo"; exit 2; }

place="$PWD/target/candle-cuda"
home="$place/home"
if [ ! -e "$home/ready" ]; then
    python3 -m venv "$place/venv"
    "$place/venv/bin/pip" install -q --no-deps nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 \
        nvidia-cuda-nvrtc==13.0.88 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 nvidia-curand==10.4.0.35 \
        nvidia-cublas==13.0.2.14
    wheels=$(dirname "$(find "$place/venv/lib" -path '*/nvidia/*/bin/nvcc' | head -1)")/..
    wheels=$(cd "$wheels" && pwd)
    mkdir -p "$home/lib"
    ln -sfn lib "$home/lib64"
    for part in bin include nvvm; do ln -sfn "$wheels/$part" "$home/$part"; done
    ln -sf "$wheels"/lib/*.a "$home/lib/"
    # The linker takes an archive where there is no shared library of the name.
    ln -sf "$wheels/lib/libcudart_static.a" "$home/lib/libcudart.a"
    cudarc=$(cargo metadata --locked --format-version 1 --features candle-cuda |
        python3 -c 'import json, sys; print(next(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "cudarc"))')
    python3 tests/cuda/lazy.py "$(dirname "$cudarc")" "$home/lib"
    touch "$home/ready"
fi
export CUDA_HOME="$home" PATH="$home/bin:$PATH" CUDA_COMPUTE_CAP=80 CUDARC_CUDA_VERSION=13000

if [ $# -gt 0 ]; then
    command=$1
    shift
    exec cargo "$command" --locked --features candle-cuda "$@"
fi
cargo test --release --locked --no-default-features --features candle-cuda --test cuda --no-run --message-format json-render-diagnostics |
    python3 -c '
import json, shutil, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == "cuda":
        shutil.copy2(message["executable"], "tests/cuda/device-candle")
'
# Which libraries the loader will ask for: none of CUDA.
needed=$(readelf -d tests/cuda/device-candle | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
if grep -E 'cuda|nvrtc|cublas|curand' <<<"$needed"; then
    echo "candle.sh: the program asks for a library of CUDA at its start"
    exit 1
fi
echo "tests/cuda/device-candle; needs" $needed
