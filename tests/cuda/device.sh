#!/usr/bin/env bash
# For a machine with an NVIDIA card and without Rust: conformance, the same bytes twice, memory checks, speed, PyTorch's
# speed beside it. A short table comes last; the exit status is 0 if nothing failed.
#
# Made elsewhere, once, on x86-64 Linux:
#     cargo test --release --locked --no-default-features --features cuda --test cuda --no-run
#     cp target/release/deps/cuda-<hash> tests/cuda/device      (cargo prints the name): the pair loss
#     tests/cuda/candle.sh                                      makes tests/cuda/device-candle: networks and attacks too
# Here:
#     tests/cuda/device.sh                                      either of the two programs may be missing
#
# NVRTC, and for device-candle cuBLAS and cuRAND, are looked for where the loader does, then among the libraries that an
# installed PyTorch brings; what is still missing is installed from NVIDIA's wheels into a folder of this script's own.
# REQUIRE_CUDA=1 (set here) makes every skip a failure.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WIDEMARGIN_CACHE="${WIDEMARGIN_CACHE:-$work/cache}" REQUIRE_CUDA=1 WIDEMARGIN_DEVICE=cuda
programs=()
for name in device device-candle; do [ -x "$here/$name" ] && programs+=("$here/$name"); done
[ ${#programs[@]} -gt 0 ] || { echo "device.sh: no program beside this script; see its top"; exit 2; }
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || { echo "device.sh: no card"; exit 2; }

python=$(command -v python3 || true)
has_torch() { [ -n "$python" ] && "$python" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; }
known() { ldconfig -p 2>/dev/null | grep -q "$1"; }
# Folders of NVIDIA's wheels in a Python's packages.
wheels() { "$1" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null | xargs -I{} find {}/nvidia -name lib -type d 2>/dev/null; }
folders=
[ -n "$python" ] && folders=$(wheels "$python")
missing() {
    for file in libnvrtc.so libcublas.so.13 libcurand.so.10; do
        known "$file" || find $folders -name "$file*" 2>/dev/null | grep -q . || { echo "$file"; return 0; }
    done
    return 1
}
if [ -z "${WIDEMARGIN_NVRTC:-}" ] && missing >/dev/null && [ -n "$python" ]; then
    "$python" -m venv "$work/venv" &&
        "$work/venv/bin/pip" install -q --no-deps nvidia-cuda-nvrtc==13.0.88 nvidia-cublas==13.0.2.14 nvidia-curand==10.4.0.35
    folders=$(wheels "$work/venv/bin/python")
fi
for folder in $folders; do export LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"; done

declare -a table
step() {
    local name=$1 start=$SECONDS outcome
    shift
    if "$@" >"$work/log" 2>&1; then outcome=passed; else outcome=FAILED; fi
    sed 's/^/    /' "$work/log" | tail -60
    table+=("$(printf '%-52s %-7s %4d s' "$name" "$outcome" $((SECONDS - start)))")
    while read -r line; do table+=("    ${line#BENCH }"); done < <(grep '^BENCH ' "$work/log")
}
sanitize() {
    local name=$1 program=$2 tool
    shift 2
    if command -v compute-sanitizer >/dev/null; then
        for tool in memcheck racecheck initcheck synccheck; do
            step "$name: compute-sanitizer $tool" compute-sanitizer --tool "$tool" --error-exitcode 9 "$program" \
                --test-threads=1 "$@"
        done
    else
        table+=("$(printf '%-52s %s' "$name: compute-sanitizer" 'not on this machine')")
    fi
}
# The last program has all tests of the first.
program=${programs[-1]}
step 'pair loss: conformance, the same bytes twice' "$program" --nocapture --test-threads=1 device::a_
step 'NVRTC: machine code, no spills' "$program" --nocapture compile::
sanitize 'pair loss' "$program" device::a_machine
if [ -x "$here/device-candle" ]; then
    step 'losses of tensors on the card' "$program" --nocapture --test-threads=1 in_place::
    step 'networks, training, attacks, the same bytes twice' "$program" --nocapture --test-threads=1 \
        card::operations card::training card::an_attack card::digits
    sanitize 'networks' "$program" card::operations
else
    table+=("$(printf '%-52s %s' 'networks, training, attacks' 'no device-candle beside this script')")
fi
step 'speed: pair loss' "$program" --nocapture --test-threads=1 device::benchmark
[ -x "$here/device-candle" ] && step 'speed: training and attack' "$program" --nocapture --test-threads=1 card::benchmark
if has_torch; then
    step "speed: PyTorch in the same run" "$python" "$here/device_torch.py"
else
    table+=("$(printf '%-52s %s' 'speed: PyTorch' 'no PyTorch with CUDA on this machine')")
fi
printf '\n'
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
printf '%s\n' "${table[@]}"
! printf '%s\n' "${table[@]}" | grep -q FAILED
