#!/usr/bin/env bash
# Makes the pictures in this folder, from real runs of the wizard in a real xterm.
# Needs: xterm xvfb xdotool imagemagick fonts-dejavu-core. Usage: docs/pictures.sh [FOLDER]
# SIZE=80x24 and LIGHT=1 show them in another window; then give another folder than docs/.
set -euo pipefail
cd "$(dirname "$0")/.."
type xterm Xvfb xdotool import >/dev/null # or say which is missing
out=${1:-docs}
colours=(-bg '#1d1f21' -fg '#e0e0e0')
[ -z "${LIGHT:-}" ] || colours=(-bg '#ffffff' -fg '#202020')
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/confer" .
export HOME=$bin XDG_STATE_HOME=$bin XDG_RUNTIME_DIR=$bin

# shot NAME 'KEY KEY ...' ARG...: a key is an xdotool name, sleep:SECONDS, or "frame", which adds a frame to the film
shot() {
  local name=$1 keys=$2 display window='' key
  shift 2
  : >"$bin/display" # Xvfb takes a free one, and writes its number when it is ready
  Xvfb -displayfd 3 -screen 0 1400x1000x24 -nolisten tcp 3>"$bin/display" >/dev/null 2>&1 &
  local xvfb=$!
  until [ "$(wc -l <"$bin/display")" = 1 ]; do sleep 0.05; done # the number comes before its line's end
  display=$(cat "$bin/display")
  DISPLAY=:$display COLORTERM=truecolor xterm -geometry "${SIZE:-100x30}" +sb -b 6 -fa 'DejaVu Sans Mono' -fs 11 \
    "${colours[@]}" -tn xterm-256color -xrm 'XTerm*directColor: true' -e "$bin/confer" "$@" &
  local xterm=$!
  until window=$(DISPLAY=:$display xdotool search --onlyvisible --class xterm 2>/dev/null | head -1) && [ -n "$window" ]; do
    if ! kill -0 "$xterm" 2>/dev/null; then # where displays come and go, it may have found none
      kill "$xvfb" 2>/dev/null || :
      shot "$name" "$keys" "$@"
      return
    fi
    sleep 0.05
  done
  DISPLAY=:$display xdotool windowfocus "$window"
  sleep 1
  for key in $keys; do
    case $key in
      sleep:*) sleep "${key#sleep:}" ;;
      frame)
        DISPLAY=:$display import -window "$window" "$bin/frame-$(printf %02d "$frames").png"
        frames=$((frames + 1))
        ;;
      *) DISPLAY=:$display xdotool key "$key"; sleep 0.7 ;;
    esac
  done
  DISPLAY=:$display import -window "$window" "$out/$name.png"
  kill "$xterm" "$xvfb" 2>/dev/null || :
  wait "$xterm" "$xvfb" 2>/dev/null || :
}

frames=0
before='Return Return Return'
shot provider "$before" --sandbox
shot authorize-before "$before Return" --sandbox --browser none
shot authorize-refused "$before Return Return sleep:1" --sandbox --browser deny
shot authorize-timeout "$before Return Return sleep:4" --sandbox --browser none --timeout 3s
python3 -m http.server -b 127.0.0.1 8739 >/dev/null 2>&1 & busy=$!
sleep 1
shot authorize-port "$before Return Return" --sandbox --browser none
kill "$busy"
shot linked "$before Return Return sleep:1 Return sleep:1" --sandbox --browser none
shot profiles "$before Return Return sleep:1 Return sleep:1 Return Return sleep:7" --sandbox --browser none
shot finish "frame Return frame Return frame Return frame Return frame Return frame Return sleep:1 frame Return frame Return sleep:7 frame f sleep:1 frame" \
  --sandbox --browser none

# The film of the README: the frames of the last run, a few seconds each.
convert=convert
command -v convert-im6.q16 >/dev/null && convert=convert-im6.q16
"$convert" -delay 220 -loop 0 "$bin"/frame-*.png -colors 64 -layers optimize "$out/wizard.gif"

# The wait as in a real set-up: the sandbox runs in a process of its own.
"$bin/confer" sandbox --env-file "$bin/env" >/dev/null 2>&1 & server=$!
until [ -s "$bin/env" ]; do sleep 0.05; done
set -a; . "$bin/env"; set +a
export CONFER_PROVIDER=zoom_enterprise CONFER_SECRET_STORE=session
real="sleep:1 Return sleep:1"
shot authorize-waiting "$real" --browser none
SSH_CONNECTION='192.0.2.1 50000 192.0.2.2 22' shot authorize-ssh "$real" --browser none
shot authorize-paste "$real p" --browser none
shot authorize-message "$real m" --browser none
kill "$server"
