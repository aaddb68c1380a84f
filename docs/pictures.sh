#!/usr/bin/env bash
# Makes the pictures in this folder, from real runs of the wizard in a real xterm.
# Needs: xterm xvfb xdotool imagemagick fonts-dejavu-core. Usage: docs/pictures.sh
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/confer" .
export HOME=$bin XDG_STATE_HOME=$bin XDG_RUNTIME_DIR=$bin

# shot NAME 'KEY KEY ...' ARG...: a key is an xdotool name, or sleep:SECONDS
shot() {
  local name=$1 keys=$2 display window='' key
  shift 2
  : >"$bin/display" # Xvfb takes a free one, and writes its number when it is ready
  Xvfb -displayfd 3 -screen 0 1400x1000x24 -nolisten tcp 3>"$bin/display" >/dev/null 2>&1 &
  local xvfb=$!
  until [ -s "$bin/display" ]; do sleep 0.05; done
  display=$(cat "$bin/display")
  DISPLAY=:$display COLORTERM=truecolor xterm -geometry 100x30 +sb -b 6 -fa 'DejaVu Sans Mono' -fs 11 \
    -bg '#1d1f21' -fg '#e0e0e0' -tn xterm-256color -xrm 'XTerm*directColor: true' -e "$bin/confer" --sandbox "$@" &
  local xterm=$!
  until window=$(DISPLAY=:$display xdotool search --onlyvisible --class xterm 2>/dev/null | head -1) && [ -n "$window" ]; do sleep 0.05; done
  DISPLAY=:$display xdotool windowfocus "$window"
  sleep 1
  for key in $keys; do
    case $key in
      sleep:*) sleep "${key#sleep:}" ;;
      *) DISPLAY=:$display xdotool key "$key"; sleep 0.7 ;;
    esac
  done
  DISPLAY=:$display import -window "$window" "docs/$name.png"
  kill "$xterm" "$xvfb" 2>/dev/null || :
  wait "$xterm" "$xvfb" 2>/dev/null || :
}

before='Return Return Return'
shot provider "$before"
shot authorize-before "$before Return" --browser none
shot authorize-waiting "$before Return Return" --browser none
SSH_CONNECTION='192.0.2.1 50000 192.0.2.2 22' shot authorize-ssh "$before Return Return" --browser none
shot authorize-paste "$before Return Return p" --browser none
shot authorize-message "$before Return Return m" --browser none
shot authorize-refused "$before Return Return sleep:1" --browser deny
shot authorize-timeout "$before Return Return sleep:4" --browser none --timeout 3s
python3 -m http.server -b 127.0.0.1 8739 >/dev/null 2>&1 & busy=$!
sleep 1
shot authorize-port "$before Return Return" --browser none
kill "$busy"
shot profiles "$before Return Return sleep:1 Return Return Return sleep:6" --browser approve
