# An engine that is well and has one cluster, `demo`. What it has is in files beside `docker`: `up` while there are
# containers, which `ids` lists with their statuses and `rows` as the engine inspects them; `networks`; `volumes`. Its
# HAProxy has `loaded` the gateways of the file, a line each with the commands for it, and counts its reloads in
# `worker`; `busy` is what each of them has in flight. Where DNS names them they are in `slots`: the worker, how often it
# still answers before it has resolved the address, name, address, and what is in flight. `shell` is what Ozone's shell
# says. What is done is in `did`, in its order. With a number in `kills_after`, so many commands end well and the next one
# kills its caller.
list() { [ ! -e "$here/$1" ] || /bin/cat "$here/$1"; exit 0; }
containers() { [ -e "$here/up" ] || exit 0; list "$1"; }
did() { echo "$*" >> "$here/did"; }
label=label=com.docker.compose.project=demo
ours=label=io.github.ozone-compose.role
compose="--env-file /dev/null -p demo -f docker-compose.yaml -f s3-haproxy.yaml"

# A kill before a question is one before the next command that does something.
case "$*" in
"ps "* | "inspect "* | "volume ls "* | "network ls "* | "image "* | "compose version"* | *"show proc"* | *"show stat"*) counts= ;;
*) counts=1 ;;
esac
if [ -n "$counts" ] && [ -s "$here/kills_after" ]; then
    read -r left < "$here/kills_after"
    if [ "$left" -le 0 ]; then
        kill -9 "$PPID"
        exit 1
    fi
    echo $((left - 1)) > "$here/kills_after"
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

# A new worker knows what the configuration says, and none of the commands of the old one.
load() {
    worker=0
    [ ! -s "$here/worker" ] || read -r worker < "$here/worker"
    echo $((worker + 1)) > "$here/worker"
    [ ! -e "$here/loaded" ] || /bin/cat "$here/loaded" > "$here/was"
    : > "$here/loaded"
    while read -r word name address more; do
        case "$word $name" in "server s3g"*) ;; *) continue ;; esac
        case $more in
        *"weight 0"*) echo "$name UP,0" >> "$here/loaded" ;;
        *) echo "$name UP,1" >> "$here/loaded" ;;
        esac
    done < haproxy/s3-haproxy.cfg
}

resolve() {
    : > "$here/slots.new"
    while read -r worker looks name address busy; do
        if [ "$worker" = "$1" ] && [ "$looks" -gt 0 ]; then
            looks=$((looks - 1))
        elif [ "$worker" = "$1" ]; then
            echo "gateways,$name,$busy,0,UP,1,L7OK,2,$address:9878,"
        fi
        echo "$worker $looks $name $address $busy" >> "$here/slots.new"
    done < "$here/slots"
    /bin/mv "$here/slots.new" "$here/slots"
}

haproxy() {
    case $1 in
    "show proc")
        read -r worker < "$here/worker"
        echo "1 master $worker [failed: 0] 0d01h00m00s 3.2"
        echo "# workers"
        echo "1$worker worker 0 0d00h01m00s 3.2"
        echo "# old workers"
        [ ! -e "$here/was" ] || echo "9 worker 1 0d00h02m00s 3.2"
        ;;
    *"show stat"*)
        busy=0
        [ ! -s "$here/busy" ] || read -r busy < "$here/busy"
        if [ -e "$here/stats" ]; then /bin/cat "$here/stats"; return; fi
        echo "# pxname,svname,scur,qcur,status,weight,check_status,type,addr,"
        if [ -e "$here/slots" ]; then resolve "${1%% *}"; return; fi
        loaded=loaded
        [ "${1%% *}" != "@!9" ] || loaded=was
        while read -r name state; do
            echo "gateways,$name,$busy,0,$state,L7OK,2,10.0.0.1:9878,"
        done < "$here/$loaded"
        ;;
    *"set server "*)
        name=${1#*gateways/}; name=${name%% *}
        did "${1##* } $name"
        [ "${1##* }" != down ] || return 0
        state=UP,1
        [ "${1##* }" = ready ] || state=DRAIN,0
        case $(/bin/cat "$here/loaded") in *"$name "*) ;; *) echo "No such server."; return ;; esac
        without loaded "$name "
        echo "$name $state" >> "$here/loaded"
        ;;
    esac
}

is_there() {
    while read -r id more; do [ "$id" != "id-$1" ] || return 0; done < "$here/ids"
    return 1
}

start() {
    for name; do
        without rows "\"id-$name\""; without ids "id-$name	"
        echo "id-$name	Up 1 second" >> "$here/ids"
        echo "{\"Id\":\"id-$name\",\"Name\":\"/demo-$name-1\",\"State\":{\"Status\":\"running\",\"ExitCode\":0},\"Config\":{\"Image\":\"apache/ozone:2.2.1\",\"Labels\":{\"com.docker.compose.project\":\"demo\",\"com.docker.compose.service\":\"$name\",\"io.github.ozone-compose.role\":\"gateway\"}},\"NetworkSettings\":{\"Networks\":{\"demo_default\":{\"IPAddress\":\"10.0.0.1\"}}}}" >> "$here/rows"
    done
}

case "$*" in
"ps --all --no-trunc --filter $label --format "*) containers ids ;;
"ps --all --no-trunc --filter $ours --format "*) containers ids ;;
"inspect --type container --format "*) containers rows ;;
"network ls --filter $label --format "*) list networks ;;
"volume ls --filter $label --format "*) list volumes ;;
"volume ls --filter $ours --format "*) list volumes ;;
"ps --all "* | "network ls "* | "volume ls "*) exit 0 ;;
"compose $compose "*"up --detach"*)
    if [ ! -e docker-compose.yaml ] || [ ! -e s3-haproxy.yaml ]; then
        echo "no such file in $PWD" >&2
        exit 14
    fi
    case "$*" in
    *" --no-deps "*) case "$*" in *" --no-recreate "*) ;; *) did "update ${*#*--no-deps }"; exit 0 ;; esac ;;
    esac
    case "$*" in
    *" --no-recreate "*) services=${*#*--no-recreate }; did "start $services"; start $services ;;
    *)
        did up
        : > "$here/up"
        printf 'demo_default\tdemo\tdefault\tnetwork\n' > "$here/networks"
        [ -s "$here/volumes" ] || printf 'demo_om\tdemo\tom\tom\ndemo_scm\tdemo\tscm\tscm\n' > "$here/volumes"
        [ -s "$here/loaded" ] || load
        while read -r name more; do
            case $name in s3g[1-9]*:) is_there "${name%:}" || start "${name%:}" ;; esac
        done < s3-haproxy.yaml
        ;;
    esac
    exit 0
    ;;
"exec --interactive id-s3g sh -c "*)
    # What the file has while another text is checked.
    [ ! -e haproxy/s3-haproxy.cfg ] || /bin/cat haproxy/s3-haproxy.cfg > "$here/meanwhile"
    /bin/tar -x -f - -O > "$here/checked"
    did check
    exit 0
    ;;
"exec --interactive id-s3g"[0-9]*" sh -c "*) did "probe ${3#id-}"; exit 0 ;;
"exec --env OZONE_OPTS="*" id-om ozone sh "*) shift 6; for command; do did "${command#--execute=}"; done; list shell ;;
"exec id-s3g sh -c cd "*) /bin/ls haproxy; exit 0 ;;
"cp - id-s3g:/usr/local/etc/haproxy") /bin/tar -x -f - -O > "$here/given"; did give; exit 0 ;;
"exec id-s3g sh -c "*) shift 7; for command; do haproxy "$command"; echo "# END"; done; exit 0 ;;
"kill --signal USR2 id-s3g") did reload; load; exit 0 ;;
"restart --time 30 "*) did "restart ${4#id-}"; exit 0 ;;
"start "*) shift; did "start $*"; exit 0 ;;
"stop "*) shift; did "stop $*"; exit 0 ;;
"rm --force --volumes "*)
    shift 3
    did "rm $*"
    case "$*" in
    *id-om*) /bin/rm "$here/up" ;;
    *) for id; do without rows "\"$id\""; without ids "$id	"; done ;;
    esac
    exit 0
    ;;
"network rm "*) did "$*"; : > "$here/networks"; exit 0 ;;
"volume rm "*) did "$*"; : > "$here/volumes"; exit 0 ;;
"pull "*) did "$*"; exit 0 ;;
esac
