#!/usr/bin/env bash
# parameters.sh BUILD [--write]: whether docs/keys.md is what the program of that build folder says of its own tables, and
# docs/plugins/parameters.md what it says of its built-in items, but for the optional ones that are not built there; with
# --write, which expects them all, they are made so.
set -euo pipefail
docs=$(dirname "$(realpath "$0")")/../../docs
items=$docs/plugins/parameters.md keys=$docs/keys.md

keys_written() {
  cat <<'MD'
# Keys of a pipeline file
Written by `gptcore config keys --markdown` and compared by a test; `bash tests/docs/parameters.sh build --write` writes it anew.
`gptcore config explain FILE` tells the values that a pipeline gives them, and where each came from.

MD
  env -u GPTCORE_PLUGIN_PATH "$1/bin/gptcore" --safe-mode config keys --markdown | sed '$d'
}

items_written() {
  cat <<'MD'
# Parameters of the built-in items
Written by `gptcore plugins info --all --markdown` and compared by a test; `bash tests/docs/parameters.sh build --write` writes it anew.
Keys that the program itself reads in these tables (`use`, `targets`, `when`) are in [keys.md](../keys.md).

MD
  env -u GPTCORE_PLUGIN_PATH "$1/bin/gptcore" --safe-mode plugins info --all --markdown
}

# The page without the sections of the parquet plugin, where that is not built.
items_expected() {
  if [ -e "$1/lib/gptcore/plugins/parquet.so" ]; then
    cat "$items"
  else
    awk '/^## / { skip = ($2 ~ /^dataset\/parquet/) } !skip' "$items"
  fi
}

if [ "${2:-}" = --write ]; then
  [ -e "$1/lib/gptcore/plugins/parquet.so" ] || { echo "the parquet plugin is not built there; ./dev parquet builds it" >&2; exit 1; }
  keys_written "$1" >"$keys.new"
  mv "$keys.new" "$keys"
  items_written "$1" >"$items.new"
  mv "$items.new" "$items"
else
  wrong=0
  diff -u "$keys" <(keys_written "$1") || wrong=1
  diff -u <(items_expected "$1") <(items_written "$1") || wrong=1
  [ "$wrong" = 0 ] || {
    echo "docs/keys.md or docs/plugins/parameters.md is not what the program says; bash tests/docs/parameters.sh BUILD --write makes it so" >&2
    exit 1
  }
fi
