# bash completion for weft and weft-bridge: commands, their options, and files for everything else.

_weft() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
  local commands command=() candidates=() word
  mapfile -t commands < <("$program" __commands 2>/dev/null)
  COMPREPLY=()

  # The one or two words before the cursor that name a command, or begin one.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    printf '%s\n' "${commands[@]}" | grep -qE "^${command[*]}${command:+ }$word( |\$)" || break
    command+=("$word")
  done

  if [[ $current == -* ]]; then
    mapfile -t candidates < <("$program" "${command[@]}" --help 2>/dev/null |
      grep -oE '^  (-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+|-[a-zA-Z]\b')
  elif [[ $previous == -X || $previous == --set ]]; then
    mapfile -t candidates < <("$program" help settings 2>/dev/null | sed -nE 's/^([a-z][a-z0-9._-]*[a-z0-9])( .*)?$/\1=/p')
    compopt -o nospace
  elif ((${#command[@]} == COMP_CWORD - 1)); then
    # Commands that go on from these words: their next word.
    mapfile -t candidates < <(printf '%s\n' "${commands[@]}" |
      sed -nE "s/^${command[*]}${command:+ }([^ ]+).*/\1/p" | sort -u)
    ((COMP_CWORD == 1)) && candidates+=(help)
  fi
  mapfile -t COMPREPLY < <(compgen -W "${candidates[*]}" -- "$current")
  if ((${#COMPREPLY[@]} == 0)); then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}

complete -F _weft weft weft-bridge
