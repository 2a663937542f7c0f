# Bash completion of gptcore. Verbs, actions, options and items are asked of the program itself, which answers in milliseconds.

# The options in the help of a verb, or of the program; not the examples of --KEY=VALUE. Of an action of `plugins` or `data`, whose
# help has a line an action, those of its line.
_gptcore_options() {
  "$program" ${1:+"$1"} --help 2>/dev/null | { if [[ ${1:-} == @(plugins|data) ]]; then grep "^gptcore $1 ${2:-[a-z]*} "; else cat; fi; } |
    grep -oP -e '--[a-z][a-z-]*(?![\w=-])' | sort -u
}

_gptcore_actions() {
  "$program" "$1" --help 2>/dev/null | sed -nE "s/^gptcore $1 ([a-z]+) .*/\1/p"
}

_gptcore_items() {
  "$program" plugins list --json 2>/dev/null | sed -nE 's/^ *"name": "(.*)",?$/\1/p' | sort -u
}

_gptcore_cases() {
  "$program" bench --help 2>/dev/null | sed -nE 's/.*Cases: ([^;]*);.*/\1/p' | tr -d ,
}

_gptcore() {
  local program=$1 word=$2 before=$3 verb='' action='' i candidates=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --plugin | --error-format) ((i++)) ;;
      -*) ;;
      *) if [ -z "$verb" ]; then verb=${COMP_WORDS[i]}; elif [ -z "$action" ]; then action=${COMP_WORDS[i]}; fi ;;
    esac
  done

  case $before in
    --kind) candidates='tokenizer dataset model adapter operation evaluator logger' ;;
    --error-format) candidates='text json' ;;
    --resume) candidates='auto never' ;;
    --adapters) candidates='merge keep' ;;
    --plugin | --to) ;;
    *)
      if [[ $word == -* ]]; then
        candidates=$(_gptcore_options; [ -z "$verb" ] || _gptcore_options "$verb" "$action")
      elif [ -z "$verb" ]; then
        candidates=$("$program" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p')
      elif [ -z "$action" ]; then
        candidates=$(_gptcore_actions "$verb"; [ "$verb" != bench ] || _gptcore_cases)
      elif [ "$verb $action" = 'plugins info' ]; then
        candidates=$(_gptcore_items)
      fi ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$word")
}

# Where nothing is offered, files are.
complete -o bashdefault -o default -F _gptcore gptcore
