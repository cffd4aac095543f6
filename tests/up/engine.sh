# An engine that is well and has one cluster, `demo`. What it has is in files beside `docker`: `up` while there are
# containers, which `rows` lists as Compose does and `ids` by id; `networks`; `volumes`.
list() { [ ! -e "$here/$1" ] || /bin/cat "$here/$1"; exit 0; }
containers() { [ -e "$here/up" ] || exit 0; list "$1"; }
label=label=com.docker.compose.project=demo

case "$*" in
"compose -p demo ps --all --format json") containers rows ;;
"ps --all --quiet --filter $label") containers ids ;;
"network ls --quiet --filter $label") list networks ;;
"volume ls --quiet --filter $label") list volumes ;;
"ps --all --format "*" --filter label=io.github.ozone-compose.role") [ ! -e "$here/up" ] || echo demo; exit 0 ;;
"volume ls --format "*" --filter label=io.github.ozone-compose.role") [ ! -s "$here/volumes" ] || echo demo; exit 0 ;;
"compose -p demo -f docker-compose.yaml -f s3-haproxy.yaml "*)
    if [ ! -e docker-compose.yaml ] || [ ! -e s3-haproxy.yaml ]; then
        echo "no such file in $PWD" >&2
        exit 14
    fi
    case "$*" in
    *" up "*)
        : > "$here/up"
        echo demo_default > "$here/networks"
        [ -s "$here/volumes" ] || printf 'demo_om\ndemo_scm\n' > "$here/volumes"
        ;;
    esac
    exit 0
    ;;
"stop "*) exit 0 ;;
"rm "*) /bin/rm "$here/up"; exit 0 ;;
"network rm "*) : > "$here/networks"; exit 0 ;;
"volume rm "*) : > "$here/volumes"; exit 0 ;;
esac
