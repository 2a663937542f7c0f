#!/usr/bin/env bash
# installed_sdk.sh SOURCE BUILD: what an author of plugins does, from an empty prefix to a run, for every kind of plugin.
# SOURCE and BUILD are hidden meanwhile where the machine lets us (a mount namespace), and the prefix is moved after its
# installation, so nothing but the prefix and LibTorch can be of help.
set -euo pipefail

kinds=(tokenizer dataset model adapter operation evaluator logger)

say() { printf '%s\n' "$*"; }
die() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# must_say TEXT COMMAND...: the command fails and one of its lines holds TEXT, whatever CMake's line breaks.
must_say() {
  local text=$1 out
  shift
  ! out=$("$@" 2>&1) || die "$* succeeds"
  tr -s '\n ' '  ' <<<"$out" | grep -qF -- "$text" || die "$* does not say '$text', but: $out"
}

cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

# Everything of the core; new plugins lie elsewhere.
sums() { (cd "$1" && find bin lib include share -type f -print0 | sort -z | xargs -0 sha256sum); }

# ---- the four commands, for one kind

commands() {
  local kind=$1 name=my_$1
  gptcore plugins new "$name" --kind "$kind"
  cd "$name"
  cmake --workflow --preset default
  gptcore plugins test "./build/lib$name.so"
  gptcore --plugin "./build/lib$name.so" run pipeline.toml
}

author() {
  local kind=$1 name=my_$1
  local TIMEFORMAT='%R %U %S'
  { time (commands "$kind" >"$kind.log" 2>&1); } 2>"$kind.times"
  [ -d "$name/runs/$name" ] || die "$kind: the run left no folder" 2>>"$kind.log"
  ! grep -rlF -e "$source_tree" -e "$build" "$name" >>"$kind.log" || die "$kind: these files name the source tree" 2>>"$kind.log"
  cp "$name/build/lib$name.so" .
  touch "$kind.works"
}

# Two kinds at once; prints the end of the log of those that fail.
authors() {
  local kind real user sys failed=''
  for kind in "${kinds[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
    author "$kind" &
  done
  wait
  for kind in "${kinds[@]}"; do
    if [ -e "$kind.works" ]; then
      read -r real user sys <"$kind.times"
      say "$kind: 4 commands, $real s, $user + $sys s of processor time"
      awk -v s="$user" -v t="$sys" 'BEGIN { exit s + t > 60 }' || failed+=" $kind (more than 60 s)"
    else
      tail -n 30 "$kind.log" >&2
      failed+=" $kind"
    fi
  done
  [ -z "$failed" ] || die "kinds that do not work from the installed SDK:$failed"
}

# ---- single claims

# least_time COMMAND...: its processor time, the least of two: what else the machine does only adds to it.
least_time() {
  local least=999 user sys TIMEFORMAT='%U %S'
  for _ in 1 2; do
    { time "$@" >/dev/null; } 2>seconds.txt
    read -r user sys <seconds.txt
    least=$(awk -v a="$least" -v s="$user" -v t="$sys" 'BEGIN { print a < s + t ? a : s + t }')
  done
  printf '%s\n' "$least"
}

touched_operation() {
  touch my_operation/my_operation.cpp
  cmake --build my_operation/build
}

# A build is compared with what its header costs, so that a slow machine does not matter.
small_and_quick() {
  local lines header rebuild
  lines=$(grep -c . my_operation/my_operation.cpp)
  [ "$lines" -le 20 ] || die "an operation takes $lines lines"
  echo '#include <gptcore/plugin.h>' >header.cpp
  header=$(least_time c++ -std=c++20 -DAT_PER_OPERATOR_HEADERS -I "$prefix/include" -I "$GPTCORE_TORCH/include" -fsyntax-only header.cpp)
  rebuild=$(least_time touched_operation)
  awk -v h="$header" -v r="$rebuild" 'BEGIN { exit r > 2 * h }' || die "a touched operation is built in $rebuild s, its header alone in $header"
  say "an operation has $lines lines; touched, it is built again in $rebuild s of processor time, $header of it gptcore/plugin.h"
}

refusals_of_the_build() {
  mkdir -p static/lib static/include/ATen/core other/lib other/include/ATen/core other/include/torch/headeronly
  touch static/lib/libtorch_cpu.a static/lib/libc10.a static/include/ATen/core/Tensor.h
  touch other/lib/libtorch_cpu.so other/lib/libc10.so other/include/ATen/core/Tensor.h
  sed -E 's/(TORCH_VERSION_MINOR) .*/\1 3/' "$GPTCORE_TORCH/include/torch/headeronly/version.h" >other/include/torch/headeronly/version.h
  local fake=(cmake -S my_operation -B refused --fresh)
  must_say 'is static' "${fake[@]}" "-DGPTCORE_TORCH=$PWD/static"
  must_say 'is 2.3.0, and this gptcore was built with' "${fake[@]}" "-DGPTCORE_TORCH=$PWD/other"
  must_say "'$PWD/none' does not hold lib/libtorch_cpu.so" "${fake[@]}" "-DGPTCORE_TORCH=$PWD/none"
  must_say 'glibcxx_debug' "${fake[@]}" "-DCMAKE_CXX_FLAGS=-D_GLIBCXX_DEBUG"
  say "another minor version of LibTorch, a static one, none and another C++ ABI are refused when CMake configures"
}

without_libtorch() {
  local text='set GPTCORE_TORCH to the prefix of LibTorch'
  GPTCORE_TORCH=/nonexistent must_say "$text" gptcore summary --set model.preset=gpt2
  GPTCORE_TORCH=/nonexistent must_say "$text" gptcore-probe my_model/build/libmy_model.so out.json
  GPTCORE_TORCH=/nonexistent gptcore plugins list >list.txt || die "plugins list needs LibTorch"
  say "without LibTorch the program and the probe say how to name one"
}

# The plugin installs to where every run finds it.
installed_plugin() {
  cmake --install my_tokenizer/build --prefix "$prefix" >install.log
  gptcore plugins info tokenizer/my_tokenizer >info.txt || die "an installed plugin is not found"
  rm "$prefix/lib/gptcore/plugins/libmy_tokenizer.so"
}

# What the documents tell an author to do: the tutorial from its first line, and plugins.md beside the seven plugins.
documents() {
  local doc=$prefix/share/doc/gptcore
  mkdir tutorial
  (cd tutorial && bash ../run_document.sh "$doc/sdk/README.md")
  bash ./run_document.sh "$doc/docs/plugins.md"
}

shipped_configs() {
  local file
  gptcore plugins list >items.txt
  for file in "$prefix"/share/gptcore/configs/*.toml; do
    if grep -q 'use = "parquet' "$file" && ! grep -q parquet items.txt; then
      say "skipped: ${file##*/}, for parquet is not built"
      continue
    fi
    # The data (GC300) and models (GC500) that a recipe names are its reader's.
    gptcore config check "$file" >check.txt 2>&1 || ! grep -vE 'error\[GC[35]00\]' check.txt >wrong.txt || die "$file: $(<wrong.txt)"
  done
  gptcore run "$prefix/share/gptcore/configs/quickstart.toml" --max_iters=1 --eval_interval=1 --eval_iters=1 --sample.max_new_tokens=2 \
    >quickstart.log 2>&1 || die "the quickstart: $(tail -n 5 quickstart.log)"
  say "the installed configs are right, and the quickstart runs"
}

# The verbs, or the actions of a verb, as the program's help lists them.
words_of_help() {
  if [ $# = 0 ]; then
    gptcore --help | sed -nE 's/^  ([a-z]+) .*/\1/p'
  else
    gptcore "$1" --help | sed -nE "s/^gptcore $1 ([a-z]+) .*/\1/p"
  fi
}

# "VERB", "VERB ACTION": all that take options.
verbs_and_actions() {
  local verb action
  for verb in $(words_of_help); do
    printf '%s\n' "$verb"
    for action in $(words_of_help "$verb"); do printf '%s %s\n' "$verb" "$action"; done
  done
}

# The options in the help of the program, a verb or an action. A verb that has actions has none of its own.
options_in_help() {
  [ $# != 1 ] || [ -z "$(words_of_help "$1")" ] || return 0
  gptcore help "$@" | grep -oP -e '^  (-h \[ )?\K--[a-z][a-z-]+' | sort -u
}

man_page() {
  local words option section
  sed 's/\\-/-/g; s/\\f.//g' "$prefix/share/man/man1/gptcore.1" >man.txt
  for option in $(options_in_help); do grep -qF -e "$option" man.txt || die "the man page lacks $option"; done
  while read -r words; do
    section=$(awk -v head=".SS $words" '/^\.S[SH] / { on = $0 == head || index($0, head " ") == 1 } on' man.txt)
    [ -n "$section" ] || [ -n "$(words_of_help "$words")" ] || die "the man page lacks '$words'"
    # shellcheck disable=SC2086  # a verb and an action
    for option in $(options_in_help $words); do
      grep -qE -e "$option\b" <<<"$section" || die "the man page lacks $option of '$words'"
    done
  done < <(verbs_and_actions)
}

# What a shell's completion offers for the words after `gptcore`, of which the last is unfinished.
completed_by_bash() {
  COMP_WORDS=(gptcore "$@") COMP_CWORD=$# COMPREPLY=()
  _gptcore gptcore "${!#}" "${COMP_WORDS[$# - 1]}"
  printf ' %s' "${COMPREPLY[@]}" ' '
}
completed_by_fish() {
  fish -c 'source "$argv[1]"; complete -C "$argv[2..]" | cut -f1' "$completions/fish/vendor_completions.d/gptcore.fish" gptcore "$@" |
    tr '\n' ' ' | sed 's/^/ /'
}
# With stand-ins for what zsh's own completion provides, which works in a terminal only.
completed_by_zsh() {
  zsh -f -c '
    _call_program() { shift; eval "$*"; }
    _describe() { print -rl -- ${${(P)4}%%:*}; }
    _files() { :; }
    compdef() { :; }
    words=(gptcore "${@[2,-1]}") CURRENT=$#
    source "$1"
    _gptcore' zsh "$completions/zsh/site-functions/_gptcore" "$@" | tr '\n' ' ' | sed 's/^/ /'
}

# check_completion SHELL: each verb and action, and what depends on the words before.
check_completion() {
  local shell=$1 words
  completes() { # EXPECTED WORD...
    local expected=$1 offered
    shift
    offered=$("completed_by_$shell" "$@")
    [[ $offered == *" $expected "* ]] || die "$shell: completing '$*' gives '$offered', not '$expected'"
  }
  completes run ru
  completes byte plugins info byt
  completes operation plugins new x --kind op
  completes never run x.toml --resume n
  completes json --error-format j
  completes cpu-baby bench cpu
  [[ $("completed_by_$shell" plugins list --) != *--kind* ]] || die "$shell: the options of 'plugins new' are offered to 'plugins list'"
  [ "$shell" = bash ] || return 0  # the others ask the same program, but take longer
  while read -r words; do
    # shellcheck disable=SC2086  # a verb and an action
    completes "${words##* }" ${words%"${words##* }"} "${words##* }"
    # shellcheck disable=SC2086
    for option in $(options_in_help $words) $(options_in_help); do completes "$option" $words "${option:0:4}"; done
  done < <(verbs_and_actions)
}

completion() {
  local completions=$prefix/share shell option
  # shellcheck disable=SC1091
  . "$completions/bash-completion/completions/gptcore"
  for shell in bash fish zsh; do
    if command -v "$shell" >/dev/null; then check_completion "$shell"; else say "skipped: completion in $shell, which is not installed"; fi
  done
}

# What can be checked while the documents are tried.
meanwhile() {
  local verbs
  small_and_quick
  refusals_of_the_build
  without_libtorch
  shipped_configs
  verbs=$(verbs_and_actions | wc -l)
  [ "$verbs" -ge 16 ] || die "the help lists $verbs verbs and actions only"
  man_page
  (completion)
  say "the man page and the completion have $verbs verbs and actions with all their options"
}

author_story() {
  local before reader
  before=$(sums "$prefix")
  authors
  [ "$(sums "$prefix")" = "$before" ] || die "files of the installation changed"
  say "$(grep -cE ' (bin|lib)/' <<<"$before") files of bin/ and lib/ have the same SHA-256 after seven new plugins were built and run"
  documents >documents.log 2>&1 &
  reader=$!
  meanwhile
  wait "$reader" || die "a document is wrong: $(tail -n 30 documents.log)"
  cat documents.log
  installed_plugin
  [ "$(sums "$prefix")" = "$before" ] || die "files of the installation changed"
}

# ---- the stage

# In a namespace of its own: LibTorch appears beside the prefix, then the source tree and the build folder go. Arrow, which
# the parquet plugin finds by its path, comes back alone.
hide() {
  local arrow
  arrow=$(cached GPTCORE_ARROW)
  rm "$work/site"
  mkdir "$work/site" "$work/arrow"
  mount --bind "$1" "$work/site"
  [ -z "$arrow" ] || mount --bind "$arrow" "$work/arrow"
  mount -t tmpfs none "$build"
  mount -t tmpfs none "$source_tree"
  [ -z "$(ls "$source_tree")" ] || die "the source tree is still there"
  [ -n "$arrow" ] || return 0
  mkdir -p "$arrow"
  mount --bind "$work/arrow" "$arrow"
}

main() {
  source_tree=$(realpath "$1") build=$(realpath "$2")
  if [ "${3:-}" = inside ]; then
    work=$4 prefix=$4/gptcore
    cd "$work"
    if [ "$5" = hidden ]; then hide "$6"; fi
    author_story
    exit
  fi

  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  unset GPTCORE_PLUGIN_PATH CMAKE_PREFIX_PATH CXXFLAGS XDG_CACHE_HOME
  cmake --install "$build" --prefix "$work/first" >"$work/install.log"
  mv "$work/first" "$work/gptcore"
  cp "$source_tree/tests/docs/run_document.sh" "$work"
  local torch
  torch=$(realpath "$(cached GPTCORE_TORCH)")
  ln -s "$(dirname "$torch")" "$work/site"
  export GPTCORE_TORCH=$work/site/${torch##*/} OMP_NUM_THREADS=1 HOME=$work PATH=$work/gptcore/bin:$PATH

  if unshare -m mount -t tmpfs none "$work/gptcore/bin" 2>/dev/null; then
    say "the source tree is hidden"
    unshare -m bash "$0" "$1" "$2" inside "$work" hidden "$(dirname "$torch")"
  else
    say "no mount namespaces here: the source tree stays in place, and build files are searched for its name"
    bash "$0" "$1" "$2" inside "$work" visible
  fi
}

main "$@"
exit
