#!/usr/bin/env bash
# release-check.sh: checks .goreleaser.yaml and makes a snapshot of every release artefact in dist/, without uploading anything.
# Installs goreleaser with Go where it is missing, which takes some minutes: it is not part of .ci/run.
# SBOMs need syft on the PATH; without it they are left out. Writes its output to docs/release.md.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v2.17.0
bin=$(go env GOPATH)/bin
command -v goreleaser >/dev/null || [ -x "$bin/goreleaser" ] || go install "github.com/goreleaser/goreleaser/v2@$version"
PATH=$PATH:$bin
skip=()
command -v syft >/dev/null || skip=(--skip=sbom)
added=
git remote get-url origin >/dev/null 2>&1 || { git remote add origin https://github.com/confer/confer.git; added=1; }
trap '[ -z "$added" ] || git remote remove origin' EXIT
{
  echo '# The last check of a release'
  echo
  echo '`scripts/release-check.sh` writes this page: `goreleaser check`, then a snapshot of every artefact.'
  echo
  echo '```'
  goreleaser --version | grep -E '^(GitVersion|GoVersion)' || :
  goreleaser check 2>&1 | sed 's/\x1b\[[0-9;]*m//g'
  goreleaser release --snapshot --clean "${skip[@]}" 2>&1 | sed 's/\x1b\[[0-9;]*m//g' | grep -vE 'took:|path=/'
  (cd dist && ls -l -- *.tar.gz *.zip *.deb *.rpm *.apk checksums.txt | awk '{print $5, $9}')
  (cd dist && find . -name '*.rb' -o -name '*.json' -path '*scoop*' | sort)
  echo '```'
} >docs/release.md.new
mv docs/release.md.new docs/release.md
echo "written: docs/release.md"
