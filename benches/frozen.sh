#!/bin/sh
# What botocore makes of a gateway that is frozen for four seconds: eight clients read 1 MiB through HAProxy 3.2 from three
# gateways (nginx), over and over, for eight seconds. Needs nginx, Docker with the image, Python with botocore, and
# ozone-compose on PATH. Prints how many reads ended well, how many of them botocore repeated, and how many failed.
set -eu
folder=$(mktemp -d)
name=ozone-compose-frozen-$$
trap 'docker rm --force "$name" >/dev/null 2>&1; kill -KILL $gateways 2>/dev/null; rm -rf "$folder"' EXIT
gateways=
mkdir -p "$folder/www/b"
chmod 755 "$folder"
head -c 1048576 /dev/zero >"$folder/www/b/key"
servers=
for number in 1 2 3; do
    kept=$(for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $folder/$kind;"; done)
    cat >"$folder/$number.conf" <<END
daemon off; master_process off; pid $folder/$number.pid; error_log stderr crit;
events {}
http { access_log off; $kept server { listen 127.0.0.1:1970$number; root $folder/www; location = / { return 403; } } }
END
    nginx -e stderr -c "$folder/$number.conf" &
    gateways="$gateways $!"
    frozen=$!
    servers="$servers --server 127.0.0.1:1970$number"
done
ozone-compose haproxy $servers --s3-port 19700 --stats-port off >"$folder/haproxy.cfg"
docker run --detach --rm --network host --name "$name" --volume "$folder:/folder:ro" haproxy:3.2-alpine \
    haproxy -f /folder/haproxy.cfg >/dev/null
sleep 2
(sleep 3; kill -STOP "$frozen"; sleep 4; kill -CONT "$frozen") &
python3 - <<'END'
import threading
import time

import botocore.session

end, good, repeated, failed, worst = time.time() + 8, [0], [0], [], [0.0]

def read():
    session = botocore.session.get_session()
    client = session.create_client(
        "s3", endpoint_url="http://127.0.0.1:19700", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    while time.time() < end:
        begun = time.time()
        try:
            answer = client.get_object(Bucket="b", Key="key")
            answer["Body"].read()
            good[0] += 1
            repeated[0] += answer["ResponseMetadata"]["RetryAttempts"]
        except Exception as error:
            failed.append(repr(error))
        worst[0] = max(worst[0], time.time() - begun)
        time.sleep(0.02)

threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{good[0]} good, {repeated[0]} repeated by botocore, {len(failed)} failed {failed[:1]}, worst {worst[0]:.1f} s")
END
