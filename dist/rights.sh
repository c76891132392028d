# As whom the program that follows runs: the account itself where it may use docker and what is kept here is its own,
# else root by way of sudo. Sets `as`; ends with the fact `refused` where neither may.
# Set by the client: LW_HOME LW_ROOTLY (yes where only root will do)
LC_ALL=C
export LC_ALL
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
as=''
if [ "$(id -u)" != 0 ] && ! { is_own && docker version > /dev/null 2>&1 < /dev/null; }; then
  if sudo -n true 2> /dev/null < /dev/null; then
    # shellcheck disable=SC2034 # read by what is appended
    as='sudo -n'
  else
    refused "$(id -un)"
    exit 0
  fi
fi
