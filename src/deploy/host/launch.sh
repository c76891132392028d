# Receives an apply program, starts it detached, and follows its journal until it ends.
#
# The connection may break at any point: what has been started goes on, and `follow` can be called again.
# Set by the client: LW_HOME LW_RELEASE LW_ATTEMPT. It adds the calls below, each file as a here-document.
set -u
LW_DIR="$LW_HOME/releases/$LW_RELEASE"

prepare() {
  umask 022
  if ! mkdir -p "$LW_DIR"; then
    echo "cannot make $LW_DIR" >&2
    exit 1
  fi
  : >> "$LW_HOME/journal.jsonl"
}

# receive NAME MODE: standard input becomes a file of the release, whole or not at all.
receive() {
  (umask 077 && cat > "$LW_DIR/$1.new") && chmod "$2" "$LW_DIR/$1.new" && mv -f "$LW_DIR/$1.new" "$LW_DIR/$1" && return
  echo "cannot write $LW_DIR/$1" >&2
  exit 1
}

start() {
  seen=$(wc -l < "$LW_HOME/journal.jsonl")
  setsid sh "$LW_DIR/apply.sh" < /dev/null >> "$LW_DIR/log" 2>&1 &
  pid=$!
}

# Prints the journal from where it was at the start, until the attempt's last line.
follow() {
  while :; do
    lines=$(tail -n "+$((seen + 1))" "$LW_HOME/journal.jsonl")
    if [ -n "$lines" ]; then
      printf '%s\n' "$lines"
      seen=$((seen + $(printf '%s\n' "$lines" | wc -l)))
      case $lines in *"\"attempt\":\"$LW_ATTEMPT\",\"step\":\"end\""*) return ;; esac
    elif ! kill -0 "$pid" 2> /dev/null; then
      # It may have written its last line between the two looks.
      tail -n "+$((seen + 1))" "$LW_HOME/journal.jsonl" | grep -F "\"attempt\":\"$LW_ATTEMPT\",\"step\":\"end\"" && return
      echo "the program on the host ended early:" >&2
      tail -n 20 "$LW_DIR/log" >&2
      exit 1
    fi
    sleep 0.05 2> /dev/null || sleep 1
  done
}
