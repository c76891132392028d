# How a look at a host (observe.sh) asks the engine: `as`, `limit` and what `answer` and `alive` come to are shared with it.
# shellcheck disable=SC2154 # observe.sh

ending() { # EXIT-CODE
  case $1 in
    124 | 137 | 143) echo "did not answer within 20 s" ;;
    *) echo "ended with exit code $1" ;;
  esac
}

# version [SUDO…]: sets `engine` to what the engine says it is, or to why it does not. `alive` is empty when it does not.
# sudo and docker warn on the error stream, of a host name or a configuration that they cannot read: those words are
# nobody's answer, and only asked for where there is none.
# shellcheck disable=SC2086 # words
version() {
  alive=yes
  engine=$("$@" $limit docker version --format '{{.Server.Version}} {{.Server.Os}}/{{.Server.Arch}}' 2> /dev/null) && return
  code=$? alive=''
  engine=$([ "$code" != 1 ] || "$@" $limit docker version 2>&1 > /dev/null | tail -n 1)
  [ -n "$engine" ] || engine="docker version $(ending "$code")"
  return 1
}

# ask ARGUMENTS…: prints docker's answer. After the first that fails nothing more is asked, and the engine counts as one
# that does not answer: half of what runs must not look like all of it. Of several that are inspected one may go meanwhile.
ask() {
  [ -n "$alive" ] || return
  # shellcheck disable=SC2086 # words
  answer=$($as $limit docker "$@" 2> /dev/null)
  code=$?
  if [ "$code" = 0 ] || { [ "$code $1" = '1 inspect' ] && [ -n "$answer" ]; }; then
    [ -z "$answer" ] || printf '%s\n' "$answer"
  else
    engine="docker $1 $(ending "$code")" alive=''
  fi
}
