#!/usr/bin/env bash
# How long a cold process takes to render everything, for 3, 64 and 512 gateways: mean and best of RUNS runs,
# and the best beside that of a process that does nothing. From the top of the repository: benches/render.sh [RUNS]
set -euo pipefail

runs=${1:-50}
cargo build --release --quiet
target=${CARGO_TARGET_DIR:-target}
binary=$(realpath "$target/release/ozone-compose")
# No ozone-compose.yaml of the caller's is read, and none of the caller's variables.
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT

# Microseconds of each run, a line each.
times() {
    local start end
    for ((run = 0; run < runs; run++)); do
        start=$EPOCHREALTIME
        env -i "$@" >/dev/null
        end=$EPOCHREALTIME
        echo $((${end//[!0-9]/} - ${start//[!0-9]/}))
    done
}

row() {
    local name=$1
    shift
    times "$@" >/dev/null # The first runs find the disk cold, which is another question.
    times "$@" | awk -v name="$name" -v nothing="$nothing" '
        { sum += $1; if (NR == 1 || $1 < best) best = $1 }
        END {
            best /= 1000
            ratio = nothing ? best / nothing : 1
            printf "%-28s %8.2f %8.2f %6.1f x\n", name, sum / NR / 1000, best, ratio
        }'
}

printf '%-28s %8s %8s %8s\n' "$runs runs" 'mean ms' 'best ms' 'to true'
nothing=''
line=$(row '/bin/true' /bin/true)
echo "$line"
nothing=$(awk '{ print $3 }' <<<"$line")
for gateways in 3 64 512; do
    row "generate --stdout, N=$gateways" "$binary" generate -n "$gateways" --stdout s3-haproxy.yaml
done
for gateways in 3 64 512; do
    row "haproxy, N=$gateways" "$binary" haproxy -n "$gateways"
done
