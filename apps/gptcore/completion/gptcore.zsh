#compdef gptcore
# Zsh completion of gptcore. The program itself says what may stand at the cursor, and answers in milliseconds.
_gptcore() {
  local line word
  local -a given offered
  given=("${(@Q)words[2,CURRENT]}")
  for line in ${(f)"$(_call_program offers ${words[1]} complete -- "${(@q)given}")"}; do
    word=${line%%$'\t'*}
    offered+=("${word//:/\\:}:${line#*$'\t'}")
  done
  if (( $#offered )); then
    _describe -t offers gptcore offered
  else
    _files
  fi
}

if [ "$funcstack[1]" = _gptcore ]; then
  _gptcore "$@"
else
  compdef _gptcore gptcore
fi
