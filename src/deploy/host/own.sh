# Whether what is kept here is the account's own. Set by the client: LW_HOME

writable() { # the nearest folder that is there
  folder=$1
  while [ ! -e "$folder" ]; do folder=$(dirname "$folder"); done
  [ -w "$folder" ]
}
# A program that ran as root has left folders and files of root's in a folder of the user's.
is_own() {
  writable "$LW_HOME" || return
  for kept in "$LW_HOME/lock" "$LW_HOME/journal.jsonl" "$LW_HOME/attempts" "$LW_HOME/releases" "$LW_HOME"/releases/*; do
    [ ! -e "$kept" ] || [ -w "$kept" ] || return
  done
}
