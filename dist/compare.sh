# Says which secrets differ from those of the release that runs, and no value.
# Set by the client: LW_HOME. It adds the calls of `compare`.
secrets="$LW_HOME/releases/$(cat "$LW_HOME/current" 2> /dev/null)/secrets"

compare() { # SERVICE NAME VALUE
  if (
    LW_SERVICE=$1
    export LW_SERVICE
    unset "$2"
    # shellcheck disable=SC1090 # written by launch.sh, from the secrets of the step that deployed
    [ ! -e "$secrets" ] || . "$secrets"
    eval "[ \"\${$2+there}\" = there ] && [ \"\${$2}\" = \"\$3\" ]"
  ); then
    fact same "$1" "$2"
  else
    fact changed "$1" "$2"
  fi
}
