#!/usr/bin/env bash
# release-check.sh: checks the workflows and .goreleaser.yaml, and makes a snapshot of every release artefact in dist/, without uploading
# anything. Installs goreleaser, syft (for the SBOMs) and actionlint with Go where they are missing, which takes some minutes: it is not
# part of .ci/run. Writes its output to docs/release.md.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:$(go env GOPATH)/bin
command -v goreleaser >/dev/null || go install github.com/goreleaser/goreleaser/v2@v2.15.4
command -v syft >/dev/null || go install github.com/anchore/syft/cmd/syft@latest
command -v actionlint >/dev/null || go install github.com/rhysd/actionlint/cmd/actionlint@latest
added=
git remote get-url origin >/dev/null 2>&1 || { git remote add origin https://github.com/confer/confer.git; added=1; }
trap '[ -z "$added" ] || git remote remove origin' EXIT
{
  echo '# The last check of a release'
  echo
  echo '`scripts/release-check.sh` writes this page: `actionlint` and `goreleaser check`, then a snapshot of every artefact.'
  echo
  echo '```'
  actionlint && echo "actionlint: the workflows are right"
  goreleaser --version | grep -E '^(GitVersion|GoVersion)' || :
  goreleaser check 2>&1 | sed 's/\x1b\[[0-9;]*m//g'
  goreleaser release --snapshot --clean 2>&1 | sed 's/\x1b\[[0-9;]*m//g' | grep -vE 'took:|path=/'
  (cd dist && ls -l -- *.tar.gz *.zip *.sbom.json *.deb *.rpm *.apk checksums.txt | awk '{print $5, $9}')
  (cd dist && find . -name '*.rb' -o -name '*.json' -path '*scoop*' | sort)
  echo '```'
} >docs/release.md.new
mv docs/release.md.new docs/release.md
echo "written: docs/release.md"
