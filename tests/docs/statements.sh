#!/usr/bin/env bash
# statements.sh SOURCE BUILD: lists in the documents are those of the sources, and of a run's folder.
set -euo pipefail
source=$1 program=$2/bin/gptcore wrong=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# same WHAT FILE_A FILE_B: both hold the same lines, in any order.
same() {
  diff <(sort -u "$2") <(sort -u "$3") >"$work/diff" && [ -s "$2" ] && return
  printf '%s:\n' "$1" >&2
  cat "$work/diff" >&2
  wrong=$((wrong + 1))
}

# Error codes and exit codes.
sed -nE 's/^  [a-z_]+ = ([0-9]+),.*/\1/p' "$source/sdk/include/gptcore/error.h" | xargs printf 'GC%03d\n' >"$work/codes"
sed -nE 's/^\| (GC[0-9]+) .*/\1/p' "$source/docs/errors.md" >"$work/told"
same "error codes of error.h (<) and docs/errors.md (>)" "$work/codes" "$work/told"
sed -nE 's/^\| ([0-9]+) \|.*/\1/p' "$source/docs/errors.md" >"$work/exits"
tr '\n' ' ' <"$source/README.md" | grep -oE 'Exit codes:[^.]*\.' | grep -oE '[0-9]+ ' | tr -d ' ' >"$work/told"
same "exit codes of docs/errors.md (<) and README.md (>)" "$work/exits" "$work/told"

# Events: the enumeration and the picture of a run above it.
header=$source/sdk/include/gptcore/events.h
sed -n '/^enum class Event /,/^};/p' "$header" | sed -nE 's/^  ([a-z_]+),.*/\1/p' >"$work/events"
# A line of the picture: "//   for each stage:  NAME, NAME   how often"; text that goes on from the line above is indented further.
sed '/^#pragma once/,$d' "$header" | sed -nE 's#^//   {0,20}([a-z].*)#\1#p' | sed -E 's/^(for each stage|loop): *//; s/   *.*//' |
  grep -oE '[a-z]+(_[a-z]+)*' >"$work/told"
same "events of the enumeration (<) and of the picture (>) in events.h" "$work/events" "$work/told"

# A checkpoint's files, and the records of a run that has one of each common event.
printf 'To be, or not to be, that is the question.\n%.0s' {1..200} >"$work/text.txt"
cat >"$work/tiny.toml" <<TOML
[run]
out_dir = "$work/out"
device = "cpu"
threads = 1
[tokenizer]
use = "char"
[dataset]
use = "text"
files = ["text.txt"]
[model]
n_layer = 1
n_head = 1
n_embd = 8
block_size = 8
[[stage]]
kind = "train"
max_iters = 8
batch_size = 2
eval_interval = 2
eval_iters = 1
log_interval = 1
  [[stage.operation]]
  use = "set_layer_lora_rank"
  value = ["attn.0", 2]
  reevaluate = true
  when = { at_iter = 2 }
  [[stage.operation]]
  use = "set_lr"
  value = 100.0
  when = { at_iter = 4 }
  undo_if_worse = 0
[[logger]]
use = "jsonl"
TOML
"$program" --safe-mode run "$work/tiny.toml" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
find "$work/out/ckpt" -path '*/step-*/*' -printf '%f\n' >"$work/files"
sed -nE 's/^      ([a-z]+\.[a-z]+) .*/\1/p' "$source/docs/checkpoint.md" >"$work/told"
comm -23 <(sort -u "$work/files") <(sort -u "$work/told") >"$work/undocumented"
[ ! -s "$work/undocumented" ] || { echo "docs/checkpoint.md does not name: $(tr '\n' ' ' <"$work/undocumented")" >&2; wrong=$((wrong + 1)); }
grep -oE '"event":"[a-z_]+"' "$work/out/metrics.jsonl" | cut -d'"' -f4 | sort -u >"$work/emitted"
comm -23 "$work/emitted" <(sort -u "$work/events") >"$work/undocumented"
[ ! -s "$work/undocumented" ] || { echo "events.h does not name: $(tr '\n' ' ' <"$work/undocumented")" >&2; wrong=$((wrong + 1)); }
for event in operation model_edited evaluation_ended checkpoint_saved step_ended run_ended; do
  grep -qx "$event" "$work/emitted" || { echo "the run emitted no $event" >&2; wrong=$((wrong + 1)); }
done
grep -oE '"phase":"[a-z_]+"' "$work/out/metrics.jsonl" | cut -d'"' -f4 | sort -u >"$work/phases"
while read -r phase; do
  sed '/^#pragma once/,$d' "$header" | grep -qw "$phase" || { echo "events.h does not name the phase $phase" >&2; wrong=$((wrong + 1)); }
done <"$work/phases"
printf '%s events, phases: %s; %s wrong\n' "$(wc -l <"$work/emitted")" "$(tr '\n' ' ' <"$work/phases")" "$wrong"
[ "$wrong" = 0 ]
