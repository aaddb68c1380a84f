#!/bin/sh
# with-keyring.sh CMD ARGS...  runs CMD on a private D-Bus session with an unlocked, throw-away
# gnome-keyring and exits with its code. GK is the keyring daemon's process id.
# Needs: dbus gnome-keyring (and libsecret-tools, where CMD uses secret-tool). No systemd, no X11, root or not.
# To stop it from outside, signal its process group.
set -eu
[ $# -gt 0 ] || { echo "usage: with-keyring.sh CMD ARGS..." >&2; exit 64; }
for tool in dbus-run-session dbus-send gnome-keyring-daemon; do
  command -v "$tool" >/dev/null || { echo "with-keyring.sh: $tool is not installed" >&2; exit 96; }
done
T=$(mktemp -d "${TMPDIR:-/tmp}/keyring.XXXXXX")
trap 'rm -rf "$T" 2>/dev/null || { sleep 0.2; rm -rf "$T"; }' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
exec 3<&0
mkdir -m 700 "$T/run" "$T/data"
unset DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS GNOME_KEYRING_CONTROL || :
XDG_DATA_HOME=$T/data XDG_RUNTIME_DIR=$T/run dbus-run-session -- sh -euc '
  # No newline: it would become part of the password. Not empty: then nothing is unlocked or made.
  printf test | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
  kr=$!
  trap "kill $kr 2>/dev/null || :" EXIT
  i=0
  until dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus /org/freedesktop/DBus \
        org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true
  do i=$((i+1)); [ $i -lt 250 ] || { echo "gnome-keyring did not start" >&2; exit 97; }; sleep 0.02; done
  rc=0; GK=$kr "$@" || rc=$?
  kill $kr 2>/dev/null || :; wait $kr 2>/dev/null || :
  exit $rc
' sh "$@" <&3 &
pid=$!
rc=0; wait $pid || rc=$?
kill $pid 2>/dev/null || :
exit $rc
