#!/usr/bin/env bash
# run_document.sh accepts a document that is true, and refuses each that is not, naming the line.
set -euo pipefail
runner=$(dirname "$(realpath "$0")")/run_document.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# expect STATUS TEXT: the document on standard input ends the runner so, which says TEXT.
expect() {
  local status=0
  cat >page.md
  bash "$runner" page.md >said 2>&1 || status=$?
  if [ "$status" != "$1" ] || ! grep -qF -- "$2" said; then
    printf 'FAILED: status %s in place of %s, and in place of "%s":\n' "$status" "$1" "$2" >&2
    cat page.md said >&2
    exit 1
  fi
}

expect 0 '3 blocks of commands work, 3 promises hold' <<'MD'
```sh
mkdir -p a && cd a && export X='[1] a+b (c) {2} \ $'
printf 'first\n%s\nlast 3.5 s\n' "$X" | tee file
```
```text
first
[1] a+b (c) {2} \ $
last ... s
```
```ini file
first
```
```sh
test "$(basename "$PWD")" = a
```
```sh
echo 'x: error[GC101]: no' && false
```
```text
x: error[GC101]: ...
```
```toml
not = "looked at"
```
MD
expect 1 'page.md:2: this fails' <<'MD'
text
```sh
false
true
```
MD
expect 1 "page.md:4: 'two' does not come here" <<'MD'
```sh
echo one
```
```text
one
two
```
MD
expect 1 "page.md:4: 'one' does not come here" <<'MD'
```sh
printf 'one\ntwo\n'
```
```text
two
one
```
MD
expect 1 "page.md:4: 'a.c' does not come here" <<'MD'
```sh
echo abc
```
```text
a.c
```
MD
expect 1 'page.md:1: this succeeds' <<'MD'
```sh
echo 'error[GC101]: but all is well'
```
```text
error[GC101]: ...
```
MD
expect 1 "page.md:4: 'b' does not come here in file" <<'MD'
```sh
echo a >file
```
```ini file
b
```
MD
