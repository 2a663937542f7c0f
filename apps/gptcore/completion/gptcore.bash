# Bash completion of gptcore. The program itself says what may stand at the cursor, and answers in milliseconds.
_gptcore() {
  mapfile -t COMPREPLY < <("$1" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)
}

# Offers files where the program offers nothing.
complete -o bashdefault -o default -F _gptcore gptcore
