# Bash completion of gptcore. Verbs, actions, options and items are asked of the program itself, which answers in milliseconds.

# The options in the help of a verb, or of the program; not the examples of --KEY=VALUE.
_gptcore_options() {
  "$program" "$@" --help 2>/dev/null | grep -oP -e '--[a-z][a-z-]*(?![\w=-])' | sort -u
}

_gptcore_items() {
  "$program" plugins list --json 2>/dev/null | sed -nE 's/^ *"name": "(.*)",?$/\1/p' | sort -u
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
    --plugin | --to) ;;
    *)
      if [[ $word == -* ]]; then
        candidates=$(_gptcore_options; _gptcore_options ${verb:+"$verb"})
      elif [ -z "$verb" ]; then
        candidates=$("$program" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p')
      elif [ "$verb" = plugins ] && [ -z "$action" ]; then
        candidates=$("$program" plugins --help 2>/dev/null | sed -nE 's/^gptcore plugins ([a-z]+).*/\1/p')
      elif [ "$verb $action" = 'plugins info' ]; then
        candidates=$(_gptcore_items)
      fi ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$word")
}

# Where nothing is offered, files are.
complete -o bashdefault -o default -F _gptcore gptcore
