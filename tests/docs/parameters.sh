#!/usr/bin/env bash
# parameters.sh BUILD [--write]: whether docs/plugins/parameters.md is what the program of that build folder says of its
# built-in items; with --write it is made so.
set -euo pipefail
page=$(dirname "$(realpath "$0")")/../../docs/plugins/parameters.md

written() {
  cat <<'MD'
# Parameters of the built-in items
Written by `gptcore plugins info --all --markdown` and compared by a test; `bash tests/docs/parameters.sh build --write` writes it anew.
Keys that the program itself reads in these tables (`use`, `targets`, `when`) are in [plugins.md](../plugins.md).

MD
  env -u GPTCORE_PLUGIN_PATH "$1/bin/gptcore" --safe-mode plugins info --all --markdown
}

if [ "${2:-}" = --write ]; then
  written "$1" >"$page.new"
  mv "$page.new" "$page"
else
  diff -u "$page" <(written "$1") || {
    echo "docs/plugins/parameters.md is not what the program says; bash tests/docs/parameters.sh BUILD --write makes it so" >&2
    exit 1
  }
fi
