#!/usr/bin/env bash
# What packages have beside the program: completions and manual pages, made from
# the program's own texts, in FOLDER/completions and FOLDER/man.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:?name the folder}/completions" "$1/man"
out=$(cd "$1" && pwd)
for shell in bash zsh fish; do go run . completion "$shell" >"$out/completions/confer.$shell"; done
# The tool's module follows this one's, whose versions may have moved on: they are
# brought up to date in a copy.
mod=$(mktemp -d); trap 'rm -rf "$mod"' EXIT
cp internal/tools/man/go.mod "$mod/man.mod"; cp internal/tools/man/go.sum "$mod/man.sum"
go run -C internal/tools/man -mod=mod -modfile="$mod/man.mod" . "$out/man"
