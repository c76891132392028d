# Shared by every program that launchway runs on a host: time, JSON text, the journal.
# POSIX sh; needs sed, awk, tr, date. Checked by shellcheck, run by the tests on dash and on busybox.
LC_ALL=C
export LC_ALL

# Hundredths of a second since boot: the finest clock that a POSIX shell can read.
uptime_cs() {
  read -r up _ < /proc/uptime
  # The 1 before the fraction: a number that begins with 0 would be read as octal.
  echo $((${up%.*} * 100 + 1${up#*.} - 100))
}

# nap HUNDREDTHS of a second; a whole one where sleep takes no fraction. It holds no lock of a program that is killed
# meanwhile. The locks are closed by `exec` in a process of its own, here and everywhere: a redirection of a function
# would close them in the program itself for that time, and who looks for its lock there (observe.sh) would not find it.
nap() {
  (exec 8>&- 9>&- && exec sleep "$(($1 / 100)).$(($1 / 10 % 10))$(($1 % 10))") 2> /dev/null || (exec 8>&- 9>&- && exec sleep 1)
}

# Standard input as the inside of a JSON string. Control characters other than tab and newline are dropped.
json_text() {
  tr -d '\000-\010\013-\037\177' \
    | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' \
    | awk 'NR > 1 { printf "%s", "\\n" } { printf "%s", $0 }'
}

# as_json TEXT: the same of a text, in `json`. Most texts are what they are, and need no program: those of a deploy are many.
as_json() {
  case $1 in
    *[!A-Za-z0-9' ._:/,;@=+()'-]*) json=$(printf '%s' "$1" | json_text) ;;
    *) json=$1 ;;
  esac
}

booted=''

# Sets `epoch` to the seconds since 1970: asked for once, then counted by the time since boot.
read_epoch() {
  read -r since_boot _ < /proc/uptime
  : "${booted:=$(($(date +%s) - ${since_boot%.*}))}"
  epoch=$((booted + ${since_boot%.*}))
}

# journal STEP STATE [SERVICE [NOTE]]: appends one line. MS, when set, is the time the step took; MORE is further fields.
journal() {
  read_epoch
  line="{\"v\":1,\"at\":$epoch,\"release\":\"$LW_RELEASE\",\"attempt\":\"$LW_ATTEMPT\",\"step\":\"$1\",\"state\":\"$2\""
  [ -z "${3:-}" ] || line="$line,\"service\":\"$3\""
  [ -z "${MS:-}" ] || line="$line,\"ms\":$MS"
  if [ -n "${4:-}" ]; then
    as_json "$4"
    line="$line,\"note\":\"$json\""
  fi
  line="$line${MORE:-}"
  printf '%s}\n' "$line" >> "$LW_HOME/journal.jsonl" && return
  # The disk is full. What was set aside for this is enough for the reason; the line that was cut off gets its end.
  rm -f "$LW_HOME/reserve"
  printf '\n%s}\n' "$line" >> "$LW_HOME/journal.jsonl"
}

# What a program has said since the last look, in a log that is open as 7: whole lines go to the journal, each look one line
# of it. After some hundreds the file must do. The caller sets `held` and `lines` at the beginning.
tell_words() { # STEP
  words=''
  while [ "$lines" -lt 300 ]; do
    if IFS= read -r part <&7; then
      words="$words$held$part
" held='' lines=$((lines + 1))
    else
      held=$held$part
      break
    fi
    [ "$lines" -lt 300 ] || words="${words}… there is more: the rest is in the log that is kept
"
  done
  [ -z "$words" ] || MS='' journal "$1" says "$LW_SERVICE" "${words%?}"
}
