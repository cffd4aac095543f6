#!/usr/bin/env bash
# How many addresses of one name HAProxy learns from the engine's DNS, by how many containers have the name. Prints Markdown.
#
#   benches/names.sh [COUNT...]     # 100 300 500 600 without
set -euo pipefail

image=haproxy:3.2-alpine
network=bench-names-$$
label=bench-names=$$
folder=$(mktemp -d)
chmod 755 "$folder"

clean() {
  docker ps --all --quiet --filter "label=$label" | xargs --no-run-if-empty docker rm --force >/dev/null
  docker network rm "$network" >/dev/null
  rm -r "$folder"
}
trap clean EXIT

# The lines of a generated configuration that find gateways by DNS, with room for all.
cat >"$folder/haproxy.cfg" <<'CFG'
global
    stats socket ipv4@127.0.0.1:9999
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
resolvers names
    nameserver engine 127.0.0.11:53
    accepted_payload_size 8192
    timeout resolve 500ms
    hold valid 1s
backend gateways
    server-template s3g 1-800 s3gw:9878 resolvers names init-addr none
CFG
docker network create --subnet 10.240.0.0/20 "$network" >/dev/null
docker run --detach --name "$network" --label "$label" --network "$network" --volume "$folder:/etc/haproxy:ro" "$image" \
  haproxy -f /etc/haproxy/haproxy.cfg >/dev/null

echo "| containers of one name | addresses that HAProxy has |"
echo "|---|---|"
there=0
for count in ${*:-100 300 500 600}; do
  seq "$((there + 1))" "$count" | xargs -P 4 -I N docker run --detach --label "$label" --network "$network" --network-alias s3gw \
    --stop-signal KILL "$image" sleep infinity >/dev/null
  there=$count
  sleep 10
  # The fifth word of a line is the server's address; 0.0.0.0 or - where it has none.
  state=$(docker exec "$network" sh -c 'echo "show servers state gateways" | nc 127.0.0.1 9999')
  known=$(awk '$5 ~ /^10\./ { n++ } END { print n + 0 }' <<<"$state")
  echo "| $count | $known |"
done
