package io.raftfleet.packages;

/**
 * What completions of {@code fleetctl} have beside the commands and options that picocli writes: names of units, machines and contexts.
 * {@code fleetctl __names LINE WORD}, which starts no Java machine, prints what the word may become, a line each. None of it is ever
 * evaluated by the shell, and what the shell would act on it quotes when it puts the word into the line.
 */
final class NameCompletion {
    private NameCompletion() {}

    /** To be appended to picocli's script; does nothing in zsh, which reads the same script. */
    static final String BASH = """

            # Names of units, machines and contexts, beside commands and options.
            function _fleetctl_with_names() {
              _complete_fleetctl
              local line=${COMP_LINE:0:COMP_POINT} word broken name file
              word=${line##*[[:space:]]}
              line=${line%"$word"}
              # What readline takes for words of their own already, as at the : of a name, stays as it is.
              broken=${word%"${word##*["$COMP_WORDBREAKS"]}"}
              while IFS= read -r name; do
                name=${name#"$broken"}
                [[ $name != *\\\\* ]] || printf -v name %q "$name"
                COMPREPLY+=("$name")
              done < <("$1" __names "$line" "$word" 2>/dev/null)
              if [[ $line =~ [[:space:]](start|load|submit)[[:space:]] && $word != -* && ${#COMPREPLY[@]} -gt 0 ]]; then
                compopt -o filenames 2>/dev/null
                while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$word")
              fi
            }
            if [ -n "$BASH_VERSION" ]; then
              complete -F _fleetctl_with_names -o default fleetctl
            fi
            """;

    /** To be appended to picocli's script, as a file that zsh loads when it first completes the command. */
    static final String ZSH = """

            # Names of units, machines and contexts, beside commands and options.
            (( ${+functions[compopt]} )) || function compopt() { :; }  # picocli's script calls bash's
            function _fleetctl_with_names() {
              emulate -L zsh
              local -a names
              local line="${(j: :)words[1,CURRENT-1]} "
              names=("${(@f)$(${words[1]} __names "$line" "$PREFIX" 2>/dev/null)}")
              names=(${names:#})
              (( $#names )) && compadd -a names
              [[ $line == *\\ (start|load|submit)\\ * && $PREFIX != -* ]] && _files
              (( $#names )) || _bash_complete -o default -F _complete_fleetctl
            }
            compdef _fleetctl_with_names fleetctl
            if [[ ${funcstack[1]-} == _fleetctl ]]; then
              _fleetctl_with_names
            fi
            """;

    /** To be appended to {@link FishCompletion}. */
    static final String FISH = """
            complete -c fleetctl -a '(command fleetctl __names (commandline -opc | string join " ") (commandline -ct) 2>/dev/null)'
            """;
}
