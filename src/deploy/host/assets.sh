# What the apply program keeps of the files that pages ask for by names of one version (scripts, styles, pictures), so
# that nginx can give those of both versions. nginx gives what is there (tools/nginx-assets.ts): a folder is there whole
# or not at all.
#
#   assets/SERVICE/SLOT/files/…          by the path that visitors ask for
#   assets/SERVICE/SLOT/release          whose they are
#   assets/SERVICE/SLOT.new, SLOT.old    what comes and what makes way, during an attempt

# assets SERVICE CONTAINER PATH FOLDER…: copies each FOLDER out of the container, which need not run. What the slot had
# is of the release before the previous one, and comes back when this one is undone.
assets() {
  service=$1 from=$2 slot_files="$LW_HOME/assets/$1/$LW_SLOT"
  shift 2
  [ "$(cat "$slot_files/release" 2> /dev/null)" != "$LW_RELEASE" ] || return 0
  start_step assets "$service"
  rm -rf "$slot_files.new" "$slot_files.old"
  will_undo assets "$service/$LW_SLOT" assets "$service"
  paths=''
  while [ "$#" -gt 1 ]; do
    paths="$paths $1"
    copy_out "$from:$2/." "$slot_files.new/files$1" || fail assets "$service" "$(not_copied "$1" "$2")"
    shift 2
  done
  said=$(only_files "$slot_files.new/files" 2>&1) || fail assets "$service" "$said"
  put "$slot_files.new/release" "$LW_RELEASE" || fail assets "$service" "$(no_room)"
  said=$({ [ ! -e "$slot_files" ] || mv "$slot_files" "$slot_files.old"; } 2>&1 && mv "$slot_files.new" "$slot_files" 2>&1) \
    || fail assets "$service" "$said"
  end_step assets 'done' "$service" "what visitors ask for below$paths is kept for them"
}

# copy_out CONTAINER:FOLDER/. FOLDER: why it could not is in `said`. docker refuses a whole folder for one link that leads
# out of it by .., where the next step only drops the link: tar takes such a folder as it is.
copy_out() {
  said=$(mkdir -p "$2" 2>&1 && docker cp "$1" "$2" 2>&1) && return
  case $said in *'invalid symlink'*) ;; *) return 1 ;; esac
  said=$({ { docker cp "$1" - 2>&3 || echo 'it is not whole' >&3; } | tar -xof - -C "$2" 2>&3 || echo 'it is not whole' >&3; } 3>&1)
  case $said in *'it is not whole'*) return 1 ;; esac
}

# only_files FOLDER: what an image has may be anything. A link would lead out of the folder, to whatever the host has
# there; what begins with a dot is for nobody to ask for. nginx's workers are others: they read what everybody may.
only_files() {
  find "$1" \( -name '.*' -o ! -type d ! -type f \) -prune -exec rm -rf {} + \
    && find "$1" -type d -exec chmod 755 {} + \
    && find "$1" -type f -exec chmod 644 {} +
}

not_copied() { # PATH FOLDER
  case $said in
    *'No such container:path'* | *'Could not find the file'* | *'o such file or directory'* | *'ot a directory'*)
      echo "the image has no folder $2, which assets of $service names for what visitors ask for below $1. In launchway.yml, assets.folder is where the image has these files, such as /app/static; without assets the running version alone answers."
      ;;
    *'o space left on device'*) no_room ;;
  esac
  printf '%s\n' "$said"
}

# Undo: nothing here may end the program, and nothing needs room.

assets_back() { # RELEASE SERVICE/SLOT
  slot_files="$LW_HOME/assets/$2"
  rm -rf "$slot_files.new" || return
  if [ -e "$slot_files.old" ]; then
    rm -rf "$slot_files" && mv "$slot_files.old" "$slot_files" || return
  elif [ "$(cat "$slot_files/release" 2> /dev/null)" = "$1" ]; then
    rm -rf "$slot_files" || return
  fi
  rmdir "${slot_files%/*}" "$LW_HOME/assets" 2> /dev/null || :
}

# What is neither of the current release nor of the previous one, nor of a container that one of them has left running, goes.
# shellcheck disable=SC2154 # prune.sh
prune_assets() {
  [ -e "$LW_HOME/assets" ] || return 0
  for slot_files in "$LW_HOME"/assets/*/*; do
    [ -e "$slot_files" ] || continue
    case $slot_files in
      */a | */b)
        release=$(cat "$slot_files/release" 2> /dev/null)
        [ -z "$release" ] || { [ "$release" != "$current" ] && [ "$release" != "$previous" ]; } || continue
        service=${slot_files%/*}
        ! grep -Fqx -- "${service##*/} $LW_APP.$LW_ENVIRONMENT.${service##*/}.$release" \
          "$LW_HOME/releases/$current/carried" "$LW_HOME/releases/$previous/carried" 2> /dev/null || continue
        ;;
    esac
    rm -rf "$slot_files"
  done
  rmdir "$LW_HOME"/assets/* "$LW_HOME/assets" 2> /dev/null || :
}
