#!/usr/bin/env bash
# run_document.sh FILE.md: does what the document tells its reader to do, in this folder, and fails where it is not true.
#   ```sh           is run, all blocks in one shell. Each command must succeed; where the text block after it shows an error
#                   line, the last one must fail.
#   ```text         after that: its lines come in this order in what the commands print. "..." stands for any text.
#   ```LANG FILE    its lines stand in this order in FILE.
set -euo pipefail
document=$1 blocks=$(mktemp -d) place='' running='' commands=0 promises=0 SECONDS=0
: >"$blocks/printed"
mkdir "$blocks/names"

complain() {
  printf '%s:%s: %s\n' "$document" "$place" "$*" >&3
  tail -n 25 "$blocks/printed" >&3
}
finish() {
  [ -z "$running" ] || complain "this fails:"
  rm -rf "$blocks"
}
exec 3>&2
trap finish EXIT

# holds WANTED FILE: WANTED's lines come in this order in FILE; else says which is missing.
holds() {
  local missing
  promises=$((promises + 1))
  missing=$(awk '
    function regex(s) {
      gsub(/[][\\.*^$+?(){}|]/, "\\\\&", s)
      gsub(/\\\.\\\.\\\./, ".*", s)
      return "^" s "[ \t\r]*$"
    }
    FILENAME == ARGV[1] { if ($0 !~ /^[. ]*$/) wanted[++n] = $0; next }
    at < n && $0 ~ regex(wanted[at + 1]) { at++ }
    END { if (at < n) print wanted[at + 1] }' "$1" "$2")
  [ -z "$missing" ] && return
  complain "'$missing' does not come here in $3:"
  return 1
}

# A file NUMBER.LINE.LANG for each fenced block; what its fence names besides is in a file of that name in names/.
awk -v to="$blocks" '
  /^```/ && out { close(out); out = ""; next }
  /^```/ { split(substr($0, 4), word, " "); block = sprintf("%03d.%d.%s", ++n, NR, word[1]); out = to "/" block
           printf "" > out
           if (word[2]) print word[2] > (to "/names/" block); next }
  out { print > out }' "$document"

all=("$blocks"/[0-9]*)
for i in "${!all[@]}"; do
  block=${all[i]} after=${all[i + 1]:-} name=$blocks/names/${all[i]##*/}
  place=$(cut -d. -f2 <<<"${block##*/}")
  if [[ $block == *.sh && $after == *.text ]] && grep -qF 'error[GC' "$after"; then
    commands=$((commands + 1))
    # shellcheck disable=SC1090
    if (. "$block") >"$blocks/printed" 2>&1 </dev/null; then
      complain "this succeeds:"
      exit 1
    fi
  elif [[ $block == *.sh ]]; then
    commands=$((commands + 1)) running=yes
    # shellcheck disable=SC1090
    . "$block" >"$blocks/printed" 2>&1 </dev/null
    running=
  elif [[ $block == *.text ]]; then
    holds "$block" "$blocks/printed" "what the commands print"
  elif [ -e "$name" ]; then
    : >"$blocks/printed"
    holds "$block" "$(<"$name")" "$(<"$name")"
  fi
done
printf '%s: %d blocks of commands work, %d promises hold, %d s\n' "${document##*/}" "$commands" "$promises" "$SECONDS"
