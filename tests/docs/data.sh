#!/usr/bin/env bash
# data.sh BUILD: runs the recipe of docs/data.md for a smaller vocabulary as it stands there, on a text of its own and with GPT-2's
# tokenizer replaced by one that needs no download.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
PATH=$(realpath "$1")/bin:$PATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

awk '/^## / { inside = /Begin with a smaller vocabulary/ } inside' "$here/../../docs/data.md" >section.md
awk '/^```/ { inside = /^```toml/; next } inside' section.md |
  sed 's/use = "gpt2"/use = "bpe_train"\nvocab_size = 900/' >shrunken.toml
cat >>shrunken.toml <<'TOML'

[run]
name = "shrunken"
device = "cpu"
threads = 1

[model]
n_layer = 1
n_head = 2
n_embd = 16
block_size = 16
TOML
for i in $(seq 400); do
  echo "The word$((i * 7919 % 997)) and the word$((i * 104729 % 991)) are words of sentence $i, which is the one before $((i + 1))."
done >input.txt
bash "$here/run_document.sh" section.md
