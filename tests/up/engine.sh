# An engine that is well and has one cluster, `demo`. What it has is in files beside `docker`: `up` while there are
# containers, which `rows` lists as Compose does, `ids` by id and `origins` by folder; `networks`; `volumes`. Its
# HAProxy has `loaded` the gateways of the file, a line each with what it was told of them, and counts its reloads in
# `worker`; `busy` is what each of them has in flight. With a number in `dies`, so many commands end well and the next
# one ends its caller.
list() { [ ! -e "$here/$1" ] || /bin/cat "$here/$1"; exit 0; }
containers() { [ -e "$here/up" ] || exit 0; list "$1"; }
label=label=com.docker.compose.project=demo

if [ -s "$here/dies" ]; then
    read -r left < "$here/dies"
    if [ "$left" -le 0 ]; then
        kill -9 "$PPID"
        exit 1
    fi
    echo $((left - 1)) > "$here/dies"
fi

# Keeps the lines of a file without any of these texts.
without() {
    file=$here/$1; shift
    : > "$file.new"
    while IFS= read -r line; do
        for text; do case $line in *"$text"*) continue 2 ;; esac; done
        echo "$line" >> "$file.new"
    done < "$file"
    /bin/mv "$file.new" "$file"
}

# A new worker knows what the configuration says, and nothing that the old one was told.
load() {
    worker=0
    [ ! -s "$here/worker" ] || read -r worker < "$here/worker"
    echo $((worker + 1)) > "$here/worker"
    : > "$here/loaded"
    while read -r word name address more; do
        case "$word $name" in "server s3g"*) ;; *) continue ;; esac
        case $more in
        *"weight 0"*) echo "$name UP,0" >> "$here/loaded" ;;
        *) echo "$name UP,1" >> "$here/loaded" ;;
        esac
    done < haproxy/s3-haproxy.cfg
}

haproxy() {
    case $1 in
    "show proc")
        read -r worker < "$here/worker"
        echo "1 master $worker [failed: 0] 0d01h00m00s 3.2"
        echo "# workers"
        echo "1$worker worker 0 0d00h01m00s 3.2"
        ;;
    *"show stat"*)
        busy=0
        [ ! -s "$here/busy" ] || read -r busy < "$here/busy"
        echo "# pxname,svname,scur,qcur,status,weight,check_status,type,addr,"
        while read -r name state; do
            echo "gateways,$name,$busy,0,$state,L7OK,2,10.0.0.1:9878,"
        done < "$here/loaded"
        ;;
    *"set server "*)
        echo "$1" >> "$here/told"
        name=${1#*gateways/}; name=${name%% *}
        state=UP,1
        [ "${1##* }" = ready ] || state=DRAIN,0
        without loaded "$name "
        echo "$name $state" >> "$here/loaded"
        ;;
    esac
}

is_there() {
    while read -r id; do [ "$id" != "id-$1" ] || return 0; done < "$here/ids"
    return 1
}

start() {
    for name; do
        without rows "\"id-$name\""; without ids "id-$name "
        echo "id-$name" >> "$here/ids"
        echo "{\"ID\":\"id-$name\",\"Name\":\"demo-$name-1\",\"Service\":\"$name\",\"State\":\"running\",\"Health\":\"healthy\",\"ExitCode\":0,\"Status\":\"Up 1 second\",\"Labels\":\"io.github.ozone-compose.role=gateway\"}" >> "$here/rows"
    done
}

case "$*" in
"compose -p demo ps --all --format json") containers rows ;;
"ps --all --quiet --filter $label") containers ids ;;
"ps --all --filter $label --format "*) list origins ;;
"network ls --quiet --filter $label") list networks ;;
"volume ls --quiet --filter $label") list volumes ;;
"ps --all --format "*" --filter label=io.github.ozone-compose.role") [ ! -e "$here/up" ] || echo demo; exit 0 ;;
"volume ls --format "*" --filter label=io.github.ozone-compose.role") [ ! -s "$here/volumes" ] || echo demo; exit 0 ;;
"inspect --format "*) shift 3; for id; do echo 10.0.0.1; done; exit 0 ;;
"compose -p demo -f docker-compose.yaml -f s3-haproxy.yaml "*)
    if [ ! -e docker-compose.yaml ] || [ ! -e s3-haproxy.yaml ]; then
        echo "no such file in $PWD" >&2
        exit 14
    fi
    case "$*" in
    *" --no-recreate "*) services=$*; start ${services#*--no-recreate} ;;
    *" up "*)
        : > "$here/up"
        echo demo_default > "$here/networks"
        [ -s "$here/volumes" ] || printf 'demo_om\ndemo_scm\n' > "$here/volumes"
        [ -s "$here/loaded" ] || load
        while read -r name more; do
            case $name in s3g[1-9]*:) is_there "${name%:}" || start "${name%:}" ;; esac
        done < s3-haproxy.yaml
        ;;
    esac
    exit 0
    ;;
"exec id-s3g haproxy -c "*) exit 0 ;;
"exec id-s3g sh -c "*) shift 7; for command; do haproxy "$command"; echo "# END"; done; exit 0 ;;
"exec id-s3g"[0-9]*" sh -c "*) exit 0 ;;
"kill --signal USR2 id-s3g") load; exit 0 ;;
"restart --time 30 "*) exit 0 ;;
"stop "*) exit 0 ;;
"rm --force --volumes id-s3g"[0-9]*)
    shift 3
    for id; do without rows "\"$id\""; without ids "$id"; done
    exit 0
    ;;
"rm "*) /bin/rm "$here/up"; exit 0 ;;
"network rm "*) : > "$here/networks"; exit 0 ;;
"volume rm "*) : > "$here/volumes"; exit 0 ;;
esac
