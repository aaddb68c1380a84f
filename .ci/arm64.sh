#!/usr/bin/env bash
# arm64.sh: starts the linux/arm64 build under qemu, and does the sandbox's whole set-up with it.
# Needs (Debian): qemu-user-static.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 GOARCH=arm64 go build -buildvcs=false -trimpath -ldflags "-s -w" -o "$work/confer" .
qemu-aarch64-static "$work/confer" --version
qemu-aarch64-static "$work/confer" setup --sandbox --no-input --json --browser approve >"$work/events"
grep -q '"event":"linked"' "$work/events"
echo "ok    arm64: set-up in the sandbox"
