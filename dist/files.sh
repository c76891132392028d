# What a release brings beside its images: files and folders of the repository, and texts that are written here.
#
#   files/<hash>                 each file and folder as it was sent, once, for as long as a release has it; never mounted
#   releases/<id>/files/<path>   what containers of the release mount: links to those, and copies where they may write
#   releases/<id>/texts/<service>.<number>
#   releases/<id>/files.list     which hashes they are
#   accessories/<name>/<id>/     the same of an accessory, from the release that made its container on
#
# Nobody but the account may pass these folders. The engine may, and a container sees of them what it mounts, by the modes
# and owners of that alone.

# put_files FOLDER [HASH PATH HOW]…: FOLDER/files has each, as `link` or as `copy`. Whole or not at all: what is there is whole.
put_files() {
  folder=$1
  shift
  [ ! -e "$folder/files" ] || return 0
  start_step files
  rm -rf "$folder/files.new"
  (umask 077 && mkdir -p "$LW_HOME/files" "$folder/files.new" && : > "$folder/files.list") || fail files '' "$(no_room)"
  paths=''
  while [ "$#" -ge 3 ]; do
    said=$(put_file "$1" "$folder/files.new/$2" "$3" 2>&1) || fail files '' "$2: ${said:-$(no_room)}"
    echo "$1" >> "$folder/files.list" || fail files '' "$(no_room)"
    paths="$paths $2"
    shift 3
  done
  said=$(mv "$folder/files.new" "$folder/files" 2>&1) || fail files '' "$said"
  end_step files 'done' '' "in place:$paths"
}

put_file() { # HASH TO HOW
  stored="$LW_HOME/files/$1"
  if [ ! -e "$stored" ]; then
    [ -e "$LW_TRY/files/$1" ] || { echo 'it was here when the deploy was planned, and is gone. Run it again.'; return 1; }
    mv "$LW_TRY/files/$1" "$stored" || return
  fi
  mkdir -p "$(dirname "$2")" || return
  # What a container writes must not come to be in what is kept for the next release.
  if [ "$3" = link ] && cp -al "$stored" "$2" 2> /dev/null; then return; fi
  rm -rf "$2"
  cp -a "$stored" "$2"
}

# write_texts FOLDER PARCEL IMAGE CONTAINER [anew]: FOLDER/texts has what came along as PARCEL, an archive in Base64. The engine
# unpacks it, by way of a container that is never started: an account that is not root could give no file to another user.
# A release that runs already keeps what its containers have.
write_texts() {
  [ -n "${5:-}" ] || [ ! -e "$1/texts" ] || [ "$(cat "$LW_HOME/current" 2> /dev/null)" != "$LW_RELEASE" ] || return 0
  start_step files
  rm -rf "$1/texts.new"
  (umask 077 && mkdir -p "$1/texts.new") || fail files '' "$(no_room)"
  will_undo remove "$4" files ''
  docker rm --force "$4" > /dev/null 2>&1
  said=$(docker create --pull never --name "$4" --label "launchway.app=$LW_APP" --label "launchway.environment=$LW_ENVIRONMENT" \
    --network none --volume "$1/texts.new:/launchway:z" "$3" launchway 2>&1) || fail files '' "$said"
  said=$(base64 -d < "$LW_TRY/$2" 2>&1 > "$LW_TRY/$2.tar" && docker cp - "$4:/launchway" 2>&1 < "$LW_TRY/$2.tar") || fail files '' "$said"
  docker rm --force --volumes "$4" > /dev/null 2>&1
  rm -f "$LW_TRY/$2" "$LW_TRY/$2.tar"
  rm -rf "$1/texts"
  mv "$1/texts.new" "$1/texts" || fail files '' "$(no_room)"
  end_step files 'done' '' 'texts are written'
}

# What no accessory mounts any more, and what no release has that is kept.
prune_files() {
  if [ -e "$LW_HOME/accessories" ] && accessories=$(docker ps --all --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" \
    --format '{{if .Label "launchway.accessory"}}{{.ID}}{{end}}'); then
    # shellcheck disable=SC2086 # words
    mounted=$([ -z "$accessories" ] || docker inspect --format '{{range .Mounts}}{{println .Source}}{{end}}' $accessories) || return 0
    for dir in "$LW_HOME"/accessories/*/*/; do
      dir=${dir%/}
      case $mounted in *"$dir/"*) ;; *) rm -rf "$dir" ;; esac
    done
  fi
  for stored in "$LW_HOME"/files/*; do
    [ -e "$stored" ] || continue
    grep -Fqsx -- "${stored##*/}" "$LW_HOME"/releases/*/files.list "$LW_HOME"/accessories/*/*/files.list || rm -rf "$stored"
  done
}
