# What the apply program does to accessories: containers that belong to no release. They are made, started and watched
# like those of a service (containers.sh); what is here makes them outlive the attempt.

# absent ACCESSORY CONTAINER: there is none, as when the host was looked at. Making one would take the place of another.
absent() {
  is_gone "$2" && return
  start_step create "$1"
  fail create "$1" "$2 is there by now: somebody started it in between, or a recreate that broke off was undone. Run it again."
}

# replace ACCESSORY CONTAINER POLICY: the new one, which runs as CONTAINER.new, takes the name; the old one goes, and
# its volumes stay. Until the list of what to undo is gone, the old one can come back.
replace() {
  start_step record "$1"
  take_name "$@"
  rm -f "$LW_DIR/undo"
  docker rm "$2.old" > /dev/null 2>&1
  end_step record 'done' "$1" "$2"
}

# swap ACCESSORY CONTAINER POLICY: the same within a release. The old one can come back until that is recorded; then it goes.
swap() {
  start_step record "$1"
  take_name "$@"
  end_step record 'done' "$1" "$2"
}

drop_old() { # ACCESSORY CONTAINER
  docker rm "$2.old" > /dev/null 2>&1 || :
}

take_name() { # ACCESSORY CONTAINER POLICY
  docker rm "$2.old" > /dev/null 2>&1
  is_gone "$2.old" || fail record "$1" "$2.old is in the way: docker rm $2.old"
  will_undo rename "$2.old $2" record "$1"
  { docker rename "$2" "$2.old" && docker rename "$2.new" "$2"; } 2> /dev/null || fail record "$1" "$2 could not be renamed"
  # Both on one volume would be the worst: a reboot must not bring the old one back as well.
  keep "$2" "$3" "$2.old"
}

# name_back FROM TO: undo; FROM gets the name TO back, which another one may have by now.
name_back() {
  is_gone "$1" && return
  docker rm --force "$2" > /dev/null 2>&1 || is_gone "$2" || return
  docker rename "$1" "$2"
}

# Ends an attempt that is no release.
close() {
  rm -rf "$LW_DIR"
  end 'done'
}
