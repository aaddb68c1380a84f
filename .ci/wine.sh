#!/usr/bin/env bash
# wine.sh: runs the Windows build under Wine, on a machine without Windows.
# Needs: wine wine64 gcc-mingw-w64-x86-64-win32 (Debian). docs/platforms.md says what Wine can show, and what it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS=-buildvcs=false
work=$(mktemp -d)
export WINEPREFIX=$work/prefix WINEARCH=win64 WINEDEBUG=-all
unset DISPLAY WAYLAND_DISPLAY
trap 'wineserver -k >/dev/null 2>&1 || :; rm -rf "$work"' EXIT
# Wine merges the rights of the parent folder into an access list that is protected from that: a private parent hides it.
umask 077
wine wineboot -i >/dev/null 2>&1
wineserver -w
chmod -R go= "$WINEPREFIX/drive_c/users"

# Wine 8 lacks bcryptprimitives.dll, without which no Go program starts.
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

export CGO_ENABLED=0 GOOS=windows GOARCH=amd64
go build -trimpath -ldflags "-s -w" -o "$work/confer.exe" .
run() { wine "$work/confer.exe" "$@" </dev/null; }
passed=0 failed=0
check() { # check NAME WANTED-TEXT COMMAND...: the output holds the text
  local name=$1 want=$2 out rc=0
  shift 2
  out=$("$@" 2>&1) || rc=$?
  if grep -qF -- "$want" <<<"$out"; then
    passed=$((passed + 1))
    echo "ok   windows: $name"
  else
    failed=$((failed + 1))
    printf 'FAIL windows: %s (exit %s), no "%s" in:\n%s\n' "$name" "$rc" "$want" "$out"
  fi
}
check "version" "confer version" run --version
check "help" "confer profiles" run profiles --help
check "set-up in the sandbox" '"event":"linked"' run setup --sandbox --no-input --json --browser approve
check "line mode" "linked" run --sandbox --plain --browser approve

# Package tests. The folder of the sources is the working folder, as go test has it.
for p in "$@"; do
  go test -c -o "$work/test.exe" "./$p"
  if (cd "$p" && wine "$work/test.exe" -test.v -test.short </dev/null) >"$work/log" 2>&1; then :; fi
  ok=$(grep -cE '^--- PASS' "$work/log" || :) bad=$(grep -cE '^--- FAIL' "$work/log" || :)
  echo "     $p: $ok ok, $bad failed"
  grep -E '^ *--- FAIL' "$work/log" || :
  cp "$work/log" "/tmp/wine/$(echo $p | tr / _).log"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
