#!/usr/bin/env bash
# Time from nothing to a PUT and a GET through every gateway, in one run on one machine with the same images:
#   ours    `ozone-compose up`
#   theirs  the files of `--profile upstream`, which say what Ozone's example says, under plain `docker compose
#           up -d`. With OZONE_EXAMPLES=FOLDER, Ozone's own files instead: FOLDER is hadoop-ozone/dist/src/main/compose
#           of a checkout, run over the distribution inside the image, without Recon and HttpFS.
# With BASE=ha, three SCMs, OMs and datanodes, and three copies of each block, on both sides.
# Usage: benches/up.sh [ROUNDS]; needs Docker, curl and the default ports. Three gateways, as in the example.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
base=${BASE:-single}
cargo build --release --quiet
tool=$PWD/target/release/ozone-compose
work=$(mktemp -d)
image=apache/ozone:2.2.1

ours() { "$tool" up --base "$base" --timeout 10m --name bench-ours -o "$work/ours"; }

theirs() {
  if [ -n "${OZONE_EXAMPLES-}" ]; then
    local folder=ozone services=(scm om datanode)
    if [ "$base" = ha ]; then
      export OZONE_REPLICATION_FACTOR=3 OZONE_SAFEMODE_MIN_DATANODES=3
      folder=ozone-ha services=(--scale datanode=3 scm1 scm2 scm3 om1 om2 om3 datanode)
    fi
    cd "$work/dist/compose/$folder" &&
      docker compose -p bench-theirs -f docker-compose.yaml -f ../common/s3-haproxy.yaml \
        up -d "${services[@]}" s3g s3g1 s3g2 s3g3 && await_every_gateway
  else
    "$tool" generate --profile upstream --base "$base" --bind 127.0.0.1 --jvm throughput --name bench-theirs -o "$work/theirs" &&
      cd "$work/theirs" && docker compose up -d && await_every_gateway
  fi
}

# Under round robin, six PUTs and GETs in a row have met each of three gateways with both.
await_every_gateway() {
  local good=0 end=$((SECONDS + 600))
  while [ "$good" -lt 6 ]; do
    [ "$SECONDS" -lt "$end" ] || { echo "no PUT through every gateway in 600 s"; return 1; }
    if s3 -X PUT bench/key --data-binary hello && s3 bench/key; then good=$((good + 1)); else
      good=0
      s3 -X PUT bench || true
      sleep 0.3
    fi
  done
}

# A request that an OM in waiting holds is given up after five seconds, as by `up`.
s3() {
  local path=${*: -1}
  if [ "$1" = -X ]; then path=$3; set -- "$1" "$2" "${@:4}"; else set --; fi
  curl -sf -m 5 -o /dev/null --user any:any --aws-sigv4 aws:amz:us-east-1:s3 \
    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@" "http://127.0.0.1:9878/$path"
}

remove() { docker compose -p "$1" down --volumes --remove-orphans --timeout 1 >/dev/null 2>&1 || true; }

# Only what this run started.
trap 'remove bench-ours; remove bench-theirs; rm -rf "$work"' EXIT

# Seconds that a function takes.
seconds() {
  local start=$EPOCHREALTIME
  ("$@") >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  awk -v start="$start" -v end="$EPOCHREALTIME" 'BEGIN { printf "%.1f", end - start }'
}

if [ -n "${OZONE_EXAMPLES-}" ]; then
  container=$(docker create "$image" true)
  docker cp -q "$container:/opt/hadoop" "$work/dist" && docker rm "$container" >/dev/null
  mkdir -p "$work/dist/compose"
  cp -r "$OZONE_EXAMPLES"/{ozone,ozone-ha,common} "$work/dist/compose/"
  # The build of Ozone fills this in.
  printf 'OZONE_RUNNER_IMAGE=%s\nOZONE_RUNNER_VERSION=%s\nOZONE_OPTS=\n' "${image%:*}" "${image#*:}" |
    tee "$work/dist/compose/ozone/.env" >"$work/dist/compose/ozone-ha/.env"
fi

printf '%-6s %8s %8s %8s\n' round ours/s theirs/s ratio
for round in $(seq "$rounds"); do
  ours=$(seconds ours); remove bench-ours
  theirs=$(seconds theirs); remove bench-theirs
  awk -v r="$round" -v o="$ours" -v t="$theirs" 'BEGIN { printf "%-6s %8s %8s %8.2f\n", r, o, t, t / o }'
done
