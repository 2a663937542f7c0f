#!/usr/bin/env bash
# parameters.sh BUILD [--write]: whether docs/plugins/parameters.md is what the program of that build folder says of its
# built-in items, but for the optional ones that are not built there; with --write, which wants them all, it is made so.
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

# The page without the sections of the parquet plugin, where that is not built.
expected() {
  if [ -e "$1/lib/gptcore/plugins/parquet.so" ]; then
    cat "$page"
  else
    awk '/^## / { skip = ($2 ~ /^dataset\/parquet/) } !skip' "$page"
  fi
}

if [ "${2:-}" = --write ]; then
  [ -e "$1/lib/gptcore/plugins/parquet.so" ] || { echo "the parquet plugin is not built there; ./dev parquet builds it" >&2; exit 1; }
  written "$1" >"$page.new"
  mv "$page.new" "$page"
else
  diff -u <(expected "$1") <(written "$1") || {
    echo "docs/plugins/parameters.md is not what the program says; bash tests/docs/parameters.sh BUILD --write makes it so" >&2
    exit 1
  }
fi
