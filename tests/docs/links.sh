#!/usr/bin/env bash
# links.sh SOURCE: every link of a document to a file or a heading of this tree leads there.
set -euo pipefail
cd "$1"
links=0 broken=0

anchors() { grep -E '^#+ ' "$1" | sed -E 's/^#+ //' | tr 'A-Z ' 'a-z-' | tr -dc 'a-z0-9_\n-'; }

while IFS= read -r page; do
  while IFS= read -r link; do
    links=$((links + 1))
    file=${link%%#*} to=$page
    [ -z "$file" ] || to=$(dirname "$page")/$file
    if [ ! -e "$to" ] || { [[ $link == *#* ]] && ! anchors "$to" | grep -qxF "${link#*#}"; }; then
      printf '%s: the link to %s leads nowhere\n' "$page" "$link" >&2
      broken=$((broken + 1))
    fi
  done < <(grep -oP '\]\(\K[^)\s]+' "$page" | grep -vE '^[a-z]+:' || true)
done < <(find README.md apps cmake configs core docs plugins sdk tests -name '*.md')
[ "$links" -gt 20 ] || { printf 'only %s links were found\n' "$links" >&2; exit 1; }
printf '%s links, %s broken\n' "$links" "$broken"
[ "$broken" = 0 ]
