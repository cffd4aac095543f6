#!/usr/bin/env bash
# Time from nothing to a PUT and a GET through every gateway, in one run on one machine:
#   tuned     `ozone-compose up`
#   upstream  the same images with the files of `--profile upstream`, which say what Ozone's example says,
#             under plain `docker compose up -d`
# Both are proved by the same probe. Usage: benches/up.sh [GATEWAYS] [ROUNDS]; needs Docker and free ports.
set -euo pipefail
cd "$(dirname "$0")/.."
gateways=${1:-3} rounds=${2:-3}
cargo build --release --quiet
tool=$PWD/target/release/ozone-compose
work=$(mktemp -d)
# Only what this run started.
trap 'for name in bench-tuned bench-upstream; do "$tool" -q down --name $name --volumes || true; done; rm -rf "$work"' EXIT

now() { date +%s%N; }

# Seconds that a command takes, with one decimal.
seconds() {
  local start end
  start=$(now)
  "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  end=$(now)
  awk -v ns=$((end - start)) 'BEGIN { printf "%.1f", ns / 1e9 }'
}

tuned() { "$tool" up -n "$gateways" --name bench-tuned -o "$work/tuned"; }

upstream() {
  "$tool" generate -n "$gateways" --profile upstream --bind 127.0.0.1 --jvm throughput --name bench-upstream -o "$work/upstream"
  (cd "$work/upstream" && docker compose up -d)
  # Everything runs already: what is left of `up` is the probe.
  "$tool" up -o "$work/upstream"
}

printf '%-6s %12s %12s %8s\n' round tuned/s upstream/s ratio
for round in $(seq "$rounds"); do
  t=$(seconds tuned); "$tool" -q down --name bench-tuned --volumes
  u=$(seconds upstream); "$tool" -q down --name bench-upstream --volumes
  awk -v r="$round" -v t="$t" -v u="$u" 'BEGIN { printf "%-6s %12s %12s %8.2f\n", r, t, u, u / t }'
done
