# Completion for bash, of `mqtt-security-bench` and of `./bench` (source it there): the program itself
# says, from its tables, what can follow.
_mqtt_security_bench() {
  mapfile -t COMPREPLY < <(BENCH_NO_INSTALL=1 "${COMP_WORDS[0]/#\~/$HOME}" complete -- \
    "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [[ ${COMPREPLY[0]-} != *[=/:.] ]] || compopt -o nospace
  # Bash sees a word begin behind each of these.
  ! declare -F __ltrim_colon_completions >/dev/null ||
    __ltrim_colon_completions "${COMP_WORDS[COMP_CWORD]}"
}
complete -o default -F _mqtt_security_bench mqtt-security-bench bench
