# Prints the journal of the last attempts, and what people call the releases that are kept.
# Set by the client: LW_HOME LW_LIMIT
for kept in "$LW_HOME"/releases/*/release.json; do
  [ ! -e "$kept" ] || fact release "$(basename "$(dirname "$kept")")" "$(cat "$kept")"
done
if [ -e "$LW_HOME/current" ]; then fact current "$(cat "$LW_HOME/current")"; fi
# Twice: which attempts are the last ones is known at the end. The notes, which are long, are needed of failures only.
journal=$LW_HOME/journal.jsonl
if [ -r "$journal" ]; then
  awk -v limit="$LW_LIMIT" '
    !match($0, /"attempt":"[0-9a-f]+"/) { next }
    { attempt = substr($0, RSTART + 11, RLENGTH - 12) }
    !again && !(attempt in at) { at[attempt] = ++count }
    again && at[attempt] > count - limit && !/"state":"start"/ { print "line\t" $0 }
    ' "$journal" again=1 "$journal"
fi
fact answered yes
