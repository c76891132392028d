# What the apply program leaves running of the release before, since it has not changed. members.sh says whose it is then.
#
#   releases/<id>/carried       SERVICE CONTAINER, a line each; `carried.was` while the same release is deployed again
#   releases/<id>/definitions   CONTAINER KEY DIGEST, a line each: what containers of this release are made from

# carry HOW [SERVICE CONTAINER]…: these run on as they are, and are of this release as well. HOW is `well`, or `running` where
# the release had them before and nothing is to be written. They ran when the host was looked at: here they are asked once more.
carry() {
  start_step carry
  how=$1 pairs='' names=''
  shift
  while [ $# -gt 1 ]; do
    pairs="$pairs$1 $2
" names="$names $2"
    shift 2
  done
  # shellcheck disable=SC2086 # words: a container's name has no blank
  states=$(docker inspect --type container --format '{{.Name}} {{.State.Status}}{{if .State.Health}} {{.State.Health.Status}}{{end}}' $names 2> /dev/null)
  while read -r service container; do
    [ -n "$container" ] || continue
    state=$(printf '%s\n' "$states" | awk -v name="/$container" '$1 == name { print $2 " " $3 }')
    case $how:$state in
      running:running* | 'well:running ' | 'well:running healthy') ;;
      *) fail carry "$service" "$container was to be left running, and is ${state:-gone} by now. Run it again." ;;
    esac
  done << END
$pairs
END
  [ "$how" = running ] || write_carried "${pairs%?}"
  while read -r service container; do
    [ -z "$container" ] || MS='' journal carry 'done' "$service" "$container, left running"
  done << END
$pairs
END
  end_step carry
}

write_carried() { # LINES
  rm -f "$LW_DIR/carried.was"
  # The same release again, which had others.
  [ ! -e "$LW_DIR/carried" ] || put "$LW_DIR/carried.was" "$(cat "$LW_DIR/carried")" || fail carry '' "$(no_room)"
  will_undo carry carried carry ''
  put "$LW_DIR/carried" "$1" || fail carry '' "$(no_room)"
}

# Undo: nothing here may end the program.
carry_back() { # RELEASE_DIR
  if [ -e "$1/carried.was" ]; then mv -f "$1/carried.was" "$1/carried"; else rm -f "$1/carried"; fi
}

# undefine CONTAINER: what was known of one of the same name.
undefine() {
  [ -e "$LW_DIR/definitions" ] || return 0
  rest=$(awk -v name="$1" '$1 != name' "$LW_DIR/definitions")
  if [ -n "$rest" ]; then (umask 077 && put "$LW_DIR/definitions" "$rest"); else rm -f "$LW_DIR/definitions"; fi
}

# define SERVICE CONTAINER: notes what it is made from, if that is known. Without a note a later release makes it anew, so a
# full disk does not stop a deploy here.
define() {
  made_from=$(awk -v service="$1" '$1 "" == service { print $2, $3 }' "$LW_TRY/definitions" 2> /dev/null)
  [ -z "$made_from" ] || (umask 077 && printf '%s %s\n' "$2" "$made_from" >> "$LW_DIR/definitions") 2> /dev/null || :
}
