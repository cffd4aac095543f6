#!/usr/bin/env bash
# What security costs: clusters of three gateways without and with it in turn, as a table of what each took.
#
#   benches/secure.sh [ROUNDS]
#
# Needs Docker, the images of Ozone, HAProxy and the KDC, and a Python with boto3 (PYTHON names one). Clients repeat nothing: any failure
# ends the run.
set -euo pipefail

rounds=${1-2}
cargo build --release --quiet --manifest-path "$(dirname "$0")/../Cargo.toml"
tool=$(realpath "$(dirname "$0")/../target/release/ozone-compose")
python=${PYTHON-python3}
folder=$(mktemp -d)
cd "$folder"
trap '"$tool" down --volumes -o "$folder/cluster" >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT

# Prints requests a second with objects of 1 KiB, and MiB a second with those of 4 MiB: PUT and GET in turn, by eight threads.
cat >load.py <<'PYTHON'
import boto3, threading, time
from botocore.config import Config
s3 = boto3.client("s3", config=Config(retries={"max_attempts": 0}, max_pool_connections=8))
s3.create_bucket(Bucket="load")

def rate(size, seconds):
    body, done, faults = b"x" * size, [0] * 8, []
    end = time.monotonic() + seconds
    def work(number):
        try:
            while time.monotonic() < end:
                s3.put_object(Bucket="load", Key=f"{size}/{number}", Body=body)
                assert s3.get_object(Bucket="load", Key=f"{size}/{number}")["Body"].read() == body
                done[number] += 2
        except Exception as fault:
            faults.append(fault)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    if faults: raise faults[0]
    return sum(done) / seconds

rate(1024, 15)  # JVMs that have just started compile what they run.
print(f"{rate(1024, 15):.0f} | {4 * rate(4 << 20, 15):.0f}")
PYTHON

echo "| security | ready, s | requests a second, 1 KiB | MiB a second, 4 MiB | memory of all containers, MiB |"
echo "|---|---|---|---|---|"
for ((round = 0; round < rounds; round++)); do
  for security in off on; do
    mkdir cluster
    cd cluster
    options=(up -n 3)
    [ "$security" = off ] || options+=(--secure --user alice,bob)
    ready=$("$tool" "${options[@]}" 2>&1 >/dev/null | sed -n 's/.* is ready after \([0-9.]*\) s.*/\1/p')
    load=$("$tool" run -- "$python" ../load.py)
    ids=$(docker ps --quiet --filter label=com.docker.compose.project=cluster)
    # shellcheck disable=SC2086 # one word for each container
    memory=$(docker stats --no-stream --format '{{.MemUsage}}' $ids | awk '{ used += $1 * (/^[0-9.]*GiB/ ? 1024 : 1) } END { printf "%.0f", used }')
    echo "| $security | $ready | $load | $memory |"
    "$tool" down --volumes 2>/dev/null
    cd ..
    rm -rf cluster
  done
done
