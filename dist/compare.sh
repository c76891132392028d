# Says which secrets differ from those of the release that runs, and no value.
# Set by the client: LW_HOME. It adds the calls of `compare`.
secrets="$LW_HOME/releases/$(cat "$LW_HOME/current" 2> /dev/null)/secrets"

compare() { # NAME VALUE
  if (
    unset "$1"
    # shellcheck disable=SC1090 # written by launch.sh, from the secrets of the step that deployed
    [ ! -e "$secrets" ] || . "$secrets"
    eval "[ \"\${$1+there}\" = there ] && [ \"\${$1}\" = \"\$2\" ]"
  ); then
    fact same "$1"
  else
    fact changed "$1"
  fi
}
