#!/usr/bin/env bash
# Gateways on the nodes of a Swarm: ready time, throughput, and what clients see while `scale` adds them. Prints Markdown.
#
#   .ci/swarm-engines start && eval "$(.ci/swarm-engines start | tail -n 1)"   # or any Swarm whose manager DOCKER_HOST names
#   benches/nodes.sh [COUNT...]                                                # 1 3 9 30 without
set -euo pipefail

tool=$(cd "$(dirname "$0")/.." && pwd)/target/release/ozone-compose
counts=${*:-1 3 9 30}
first=${counts%% *}
folder=$(mktemp -d)
cd "$folder"
trap '"$tool" down --volumes >&2; rm -rf "$folder"' EXIT

# What `bench` prints as JSON: requests, errors, requests a second, the longest time without a good answer, and seconds of the verb.
row() {
  python3 -c '
import json, sys
report = json.load(sys.stdin)
rows = report["operations"]
total = lambda name: sum(row[name] for row in rows)
gap, during = report["longest_gap"]["seconds"], report["during"]
verb = f"""{during[0]["to_seconds"] - during[0]["from_seconds"]:.0f} s""" if during else "-"
print(f"""{total("requests_per_second"):.0f} | {verb} | {total("errors")} of {total("requests")} | {gap:.1f} s""")'
}

echo "| gateways | requests a second | the verb took | failed meanwhile | longest time without an answer |"
echo "|---|---|---|---|---|"
begun=$(date +%s)
"$tool" up --target swarm -n "$first" --memory small --name bench-nodes --timeout 10m >&2
echo "| $first, \`up\` | - | $(($(date +%s) - begun)) s | - | - |"
for count in $counts; do
  if [ "$count" != "$first" ]; then
    echo "| to $count | $("$tool" bench -q --clients 16 --for 10s --format json --during "scale $count --timeout 20m" | row) |"
  fi
  # Once to warm up new JVMs.
  "$tool" bench -q --clients 16 --for 20s >&2
  echo "| $count | $("$tool" bench -q --clients 16 --for 30s --format json | row) |"
done
