#!/bin/sh
# The AWS SDKs for Go and Java against a cluster of three gateways, over http and https, with the bucket in the path and in
# the host: put, get, ranges, parts, conditions, presigned URLs. Needs Go, Maven, a JDK and what their registries hold, and
# ozone-compose on PATH. The argument is the folder of a cluster that runs:
#
#     ozone-compose up -o clients -n 3 --tls --domain s3.localhost && benches/clients.sh clients
set -eu
cluster=$(realpath "$1")
here=$(realpath "$(dirname "$0")")/clients
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
run() { ozone-compose run -o "$cluster" -- "$@"; }
https=$(run printenv AWS_ENDPOINT_URL_S3)
http=$(ozone-compose status -o "$cluster" --format json | sed -n 's/^  "endpoint": "\(.*\)",$/\1/p')

mkdir -p "$folder/go" "$folder/java/src/main/java"
cp "$here/main.go" "$folder/go"
cp "$here/pom.xml" "$folder/java"
cp "$here/Main.java" "$folder/java/src/main/java"
(
    cd "$folder/go"
    go mod init clients
    go get github.com/aws/aws-sdk-go-v2/config@v1.33.18 github.com/aws/aws-sdk-go-v2/service/s3@v1.114.10 \
        github.com/aws/aws-sdk-go-v2/feature/s3/manager@v1.23.24
    go build -o client .
    cd ../java
    mvn --batch-mode --quiet compile dependency:copy-dependencies
    keytool -importcert -noprompt -alias ozone -file "$cluster/tls/ca.pem" -keystore trust.p12 -storetype PKCS12 \
        -storepass changeit
    echo "127.0.0.1 s3.localhost go-http.s3.localhost go-https.s3.localhost java-http.s3.localhost java-https.s3.localhost" >hosts
) >&2

trust="-Djavax.net.ssl.trustStore=$folder/java/trust.p12 -Djavax.net.ssl.trustStorePassword=changeit"
names="-Djdk.net.hosts.file=$folder/java/hosts"
for endpoint in "$http" "$https"; do
    scheme=${endpoint%%:*}
    under="$scheme://s3.localhost:${endpoint##*:}"
    for style in path host; do
        [ "$style" = path ] || endpoint=$under
        # With AWS_CA_BUNDLE the SDK takes no HTTP client but its own; this one trusts SSL_CERT_FILE.
        run env -u AWS_CA_BUNDLE "$folder/go/client" "$endpoint" "go-$scheme" "$style"
        # shellcheck disable=SC2086
        run java $trust $([ "$style" = path ] || echo "$names") -cp "$folder/java/target/classes:$folder/java/target/dependency/*" \
            Main "$endpoint" "java-$scheme" "$style"
    done
done
