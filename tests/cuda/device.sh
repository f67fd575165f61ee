#!/usr/bin/env bash
# For a machine with an NVIDIA card and without Rust: conformance, the same bytes twice, memory checks.
#
# Here, once:    cargo test --release --locked --no-default-features --features cuda --test cuda --no-run
#                cp target/release/deps/cuda-<hash> tests/cuda/device   (cargo prints the name)
# There:         tests/cuda/device.sh [the binary]     A short table comes last.
#
# NVRTC: with the CUDA toolkit nothing is to be done; else set WIDEMARGIN_NVRTC to the folder of libnvrtc.so.*, or let
# this script install the wheel nvidia-cuda-nvrtc into a folder of its own.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=${1:-$here/device}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WIDEMARGIN_CACHE="${WIDEMARGIN_CACHE:-$work/cache}"
[ -x "$binary" ] || { echo "device.sh: $binary is not there; see the top of this file"; exit 2; }
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || { echo "device.sh: no card"; exit 2; }

if [ -z "${WIDEMARGIN_NVRTC:-}" ] && ! ldconfig -p 2>/dev/null | grep -q 'libnvrtc\.so'; then
    python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q nvidia-cuda-nvrtc==13.0.88
    WIDEMARGIN_NVRTC=$(dirname "$(find "$work/venv" -name 'libnvrtc.so.*' | head -1)")
    export WIDEMARGIN_NVRTC
fi

declare -a table
step() {
    local name=$1 start=$SECONDS
    shift
    if "$@" >"$work/log" 2>&1; then outcome=passed; else outcome=FAILED; fi
    sed 's/^/    /' "$work/log" | tail -60
    table+=("$(printf '%-44s %-7s %4d s' "$name" "$outcome" $((SECONDS - start)))")
}
REQUIRE_CUDA=1 step 'conformance and the same bytes twice' "$binary" --nocapture --test-threads=1 device::
REQUIRE_CUDA=1 step 'NVRTC: machine code, no spills' "$binary" --nocapture compile::
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck initcheck synccheck; do
        REQUIRE_CUDA=1 step "compute-sanitizer $tool" compute-sanitizer --tool "$tool" --error-exitcode 9 \
            "$binary" --test-threads=1 device::a_machine
    done
else
    table+=('compute-sanitizer                            not on this machine')
fi
printf '\n'
printf '%s\n' "${table[@]}"
! printf '%s\n' "${table[@]}" | grep -q FAILED
