# Fish completion of gptcore. The program itself says what may stand at the cursor, and answers in milliseconds.
function __gptcore_offers
    set -l words (commandline -opc)
    set -l offered ($words[1] complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
    if set -q offered[1]
        printf '%s\n' $offered
    else
        __fish_complete_path (commandline -ct)
    end
end

complete -c gptcore -f -a '(__gptcore_offers)'
