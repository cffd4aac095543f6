#!/usr/bin/env bash
# Draws docs/up.svg: a real `ozone-compose up` in a real terminal. Needs Docker, tmux and Python.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet
tool=$PWD/target/release/ozone-compose
work=$(mktemp -d)
trap 'tmux kill-session -t ozone-compose-record 2>/dev/null || true; (cd "$work/demo" && "$tool" -q down --volumes); rm -rf "$work"' EXIT
mkdir "$work/demo"
python3 -m venv "$work/python" && "$work/python/bin/pip" -q install rich

tmux new-session -d -s ozone-compose-record -x 100 -y 40 "cd $work/demo && PATH=${tool%/*}:\$PATH exec sh"
type() { tmux send-keys -t ozone-compose-record "$1" Enter; }
shows() { tmux capture-pane -t ozone-compose-record -p | grep -q "$1"; }
await() { for _ in $(seq 300); do shows "$1" && return; sleep 1; done; echo "never saw: $1" >&2; exit 1; }
type "PS1='$ '; clear"; await '^\$'
type "ozone-compose up -n 5"; await '^http://'
type "ozone-compose -q status | tail -6"; await '^s3g5 '

tmux capture-pane -t ozone-compose-record -p -e >"$work/screen"
"$work/python/bin/python" - "$work/screen" docs/up.svg <<'PYTHON'
import sys
from rich.console import Console
from rich.text import Text

console = Console(record=True, width=100, file=open("/dev/null", "w"))
console.print(Text.from_ansi(open(sys.argv[1]).read().rstrip()))
console.save_svg(sys.argv[2], title="ozone-compose up -n 5")
PYTHON
