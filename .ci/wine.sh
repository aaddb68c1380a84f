#!/usr/bin/env bash
# wine.sh [PACKAGE...]: runs the Windows build under Wine, and the tests of the packages, where there is no Windows.
# Needs (Debian): wine wine64 gcc-mingw-w64-x86-64-win32. docs/platforms.md says what Wine shows, and what it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS=${GOFLAGS:--buildvcs=false} CGO_ENABLED=0
work=$(mktemp -d)
go build -o "$work/confer-here" .
export WINEPREFIX=$work/prefix WINEARCH=win64 WINEDEBUG=-all
unset DISPLAY WAYLAND_DISPLAY CRONOFY_CLIENT_SECRET
sandbox=
trap '[ -z "$sandbox" ] || kill "$sandbox" 2>/dev/null || :; wineserver -k >/dev/null 2>&1 || :; rm -rf "$work"' EXIT
# Wine gives a file with a protected access list the rights of its folder as well: a private folder has none to give.
umask 077
wine wineboot -i >/dev/null 2>&1
wineserver -w
chmod -R go= "$WINEPREFIX/drive_c/users"

# Wine 8 has no bcryptprimitives.dll, without which no Go program starts.
cat >"$work/primitives.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
	while (size > 0) {
		ULONG part = size > 1 << 20 ? 1 << 20 : (ULONG)size;
		if (!SystemFunction036(data, part)) return FALSE;
		data += part;
		size -= part;
	}
	return TRUE;
}
C
x86_64-w64-mingw32-gcc -shared -O2 -s -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$work/primitives.c" -ladvapi32

export GOOS=windows GOARCH=amd64
go build -ldflags "-s -w" -o "$work/confer.exe" .
passed=0 failed=0
# check NAME EXIT TEXT ARG...: confer ARG... ends with EXIT and says TEXT
check() {
  local name=$1 code=$2 want=$3 rc=0
  shift 3
  timeout 120 wine "$work/confer.exe" "$@" >"$work/out" 2>&1 <"${input:-/dev/null}" || rc=$?
  if [ "$rc" = "$code" ] && grep -qF -- "$want" "$work/out"; then
    passed=$((passed + 1))
    echo "ok    windows: $name"
  else
    failed=$((failed + 1))
    printf 'FAIL  windows: %s: exit %s, wanted %s and "%s" in:\n' "$name" "$rc" "$code" "$want"
    cat "$work/out"
  fi
}
check "version" 0 "confer" --version
check "help" 0 "Usage" profiles --help
check "set-up in the sandbox" 0 '"event":"linked"' setup --sandbox --no-input --json --browser approve
# Enter takes what is proposed. One too many goes to the wait, so they come one at a time, until the end.
mkfifo "$work/answers"
(for _ in $(seq 120); do grep -q "^[Ll]inked" "$work/out" 2>/dev/null && break; echo; sleep 0.4; done >"$work/answers") &
input=$work/answers
check "line by line" 0 "inked" --sandbox --plain --browser approve
input=

# A server outside of Wine, as Cronofy is, and a browser that clicks through.
(unset GOOS GOARCH && exec "$work/confer-here" sandbox --env-file "$work/env" --people-file "$work/people.csv") >/dev/null 2>&1 &
sandbox=$!
for _ in $(seq 100); do [ -s "$work/people.csv" ] && break; sleep 0.1; done
. "$work/env"
export CRONOFY_API_URL CRONOFY_APP_URL CRONOFY_CLIENT_ID CRONOFY_CLIENT_SECRET CONFER_SERVICE_ACCOUNT
set_up=(setup --no-input --json --provider zoom_enterprise --redirect-uri http://127.0.0.1:8741/callback --browser "$(winepath -w "$work/confer.exe") sandbox approve")
check "set-up with the Credential Manager" 0 '"secret_store":"keyring"' "${set_up[@]}"
check "status with the Credential Manager" 0 "$CONFER_SERVICE_ACCOUNT" status
check "status --check reads the token" 0 "$CONFER_SERVICE_ACCOUNT" status --check
check "export" 0 "" export "$CONFER_SERVICE_ACCOUNT" --tokens-out "$(winepath -w "$work/tokens.jsonl")"
check "profiles" 0 '"state":' profiles --accounts "$(winepath -w "$work/people.csv")" --format json
check "logout deletes from the Credential Manager" 0 "" logout --all
check "nothing is left" 0 "Nothing is linked" status
printf 'a passphrase of the file\n' >"$work/passphrase"
input=$work/passphrase
check "set-up with the encrypted file" 0 '"secret_store":"file"' "${set_up[@]}" --secret-store file --secret-passphrase-fd 0
check "the encrypted file is read" 0 "$CONFER_SERVICE_ACCOUNT" status --check --secret-passphrase-fd 0
input=
check "doctor" 0 "keyring" doctor
kill "$sandbox"; sandbox=
unset CRONOFY_API_URL CRONOFY_APP_URL CRONOFY_CLIENT_ID CRONOFY_CLIENT_SECRET CONFER_SERVICE_ACCOUNT

# Package tests, in the folder of their sources as go test has it. Under Wine 8 t.TempDir cannot delete its folder
# ("Invalid function"): a test that did nothing but that has passed.
for p in "$@"; do
  go test -c -o "$work/package.exe" "./$p"
  (cd "$p" && timeout 300 wine "$work/package.exe" -test.v </dev/null 2>&1 || :) | GOOS= GOARCH= go tool test2json >"$work/log.json"
  awk -v package="$p" '
    match($0, /"Test":"[^"\/]*/) { test = substr($0, RSTART + 8, RLENGTH - 8) }
    /"Output":/ && /(_test\.go:[0-9]+:|panic:|Error Trace:)/ { real[test] = 1 }
    /"Action":"pass"/ && /"Test":"[^"\/]*"/ { ok++ }
    /"Action":"fail"/ && /"Test":"[^"\/]*"/ { if (real[test]) { bad++; print "FAIL  windows: " package " " test } else ok++ }
    END { printf "%s windows: %s: %d passed, %d failed\n", bad || !ok ? "FAIL " : "ok   ", package, ok, bad; exit bad || !ok }
  ' "$work/log.json" || { failed=$((failed + 1)); grep -hE '"Output":".*(_test.go:|Error:|expected|actual|panic)' "$work/log.json" | head -40; }
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
