# Receives an apply program, starts it detached, and follows its journal until it ends.
#
# The connection may break at any point: what has been started goes on, and another one can `attach` to it.
# Set by the client: LW_HOME LW_RELEASE LW_ATTEMPT LW_DETACH. It adds the calls below, each file as a here-document.
set -u
LC_ALL=C
export LC_ALL
LW_TRY="$LW_HOME/attempts/$LW_ATTEMPT"

prepare() {
  umask 022
  # Evidence is a container's own words: the journal is for the user who deploys.
  # Until the program runs, the attempt is this shell's: whoever finds it dead throws away what it brought.
  if mkdir -p "$LW_HOME" && (umask 077 && : >> "$LW_HOME/journal.jsonl" && mkdir -p "$LW_TRY" && : >> "$LW_TRY/pid"); then
    # It stays open, in the program that is started from here as well: so it is known from another with its number. The
    # number comes last: whoever reads it finds the file open.
    exec 5> "$LW_TRY/pid"
    echo "$$" >&5 && return
  fi
  echo "cannot make $LW_TRY" >&2
  exit 1
}

# receive NAME MODE: standard input becomes a file of the attempt, whole or not at all.
receive() {
  (umask 077 && cat > "$LW_TRY/$1.new") && chmod "$2" "$LW_TRY/$1.new" && mv -f "$LW_TRY/$1.new" "$LW_TRY/$1" && return
  echo "cannot write $LW_TRY/$1" >&2
  rm -rf "$LW_TRY"
  exit 1
}

start() {
  exec 3< "$LW_HOME/journal.jsonl"
  # Reading is from here on: the place in the file is shared with this child.
  cat <&3 > /dev/null
  set --
  # A scope of its own, where a login manager would end it with the login.
  case $LW_DETACH in
    user) set -- systemd-run --user --scope --quiet "--unit=launchway-$LW_ATTEMPT" ;;
    system) set -- systemd-run --scope --quiet "--unit=launchway-$LW_ATTEMPT" ;;
  esac
  # Who starts the program stays, and has it clean up when it was killed (recovery.sh); what holds the lock is the program alone.
  # shellcheck disable=SC2016 # for the shell that is started
  (LW_APPLY="$LW_TRY/apply.sh" && export LW_APPLY && exec 3<&- && exec "$@" setsid sh -c 'sh "$LW_APPLY" || exec sh "$LW_APPLY" rescue') \
    < /dev/null >> "$LW_TRY/log" 2>&1 &
  pid=$!
  # The program may have ended already, and have taken its folder away.
  { echo "$pid" > "$LW_TRY/pid"; } 2> /dev/null
}

# Joins an attempt that an earlier connection started: its journal from its first line on. The shell reads a file byte by
# byte, and what was before may be years: the place is found by awk, and gone to by dd, which shares it with this shell.
attach() {
  exec 3< "$LW_HOME/journal.jsonl"
  # The last line may be half written, and be its first.
  first=$(awk -v attempt="\"attempt\":\"$LW_ATTEMPT\"" '
    { last = at; at += length($0) + 1 }
    index($0, attempt) { exit }
    END { printf "%.0f", last }' "$LW_HOME/journal.jsonl" 2> /dev/null)
  dd bs=1 skip="${first:-0}" count=0 <&3 2> /dev/null
  pid=$(cat "$LW_TRY/pid" 2> /dev/null)
}

# Prints the journal's lines of this attempt until its last one. Ends with 3 when the program has ended without one.
follow() {
  line='' last_look='' pause=0.05
  while :; do
    # At the end of the file `read` fails, and has the first part of a line that is being written.
    if IFS= read -r part <&3; then
      line=$line$part
      case $line in *"\"attempt\":\"$LW_ATTEMPT\""*) printf '%s\n' "$line" ;; esac
      case $line in
        *"\"attempt\":\"$LW_ATTEMPT\",\"step\":\"end\""*) return ;;
        # The end is near.
        *"\"step\":\"record\""*) pause=0.02 ;;
      esac
      line=''
      continue
    fi
    line=$line$part
    if [ -n "$last_look" ]; then
      echo "the program on the host ended early:" >&2
      tail -n 20 "$LW_TRY/log" >&2
      exit 3
    fi
    # It may write its last line between the two looks.
    kill -0 "${pid:-none}" 2> /dev/null || last_look=yes
    sleep "$pause" 2> /dev/null || sleep 1
  done
}
