# Which containers a release has: those that were made for it, and those that it has left running when it came.
#
#   releases/<id>/carried       SERVICE CONTAINER, a line each: containers of earlier releases that this one has as well

# members_of RELEASE [others]: of the lines CONTAINER RELEASE SERVICE… on standard input those of its containers; with `others`
# all but those. What was made for it later, since one had been removed, comes before what it has left running.
members_of() {
  awk -v release="$1" -v which="${2:-own}" -v list="$LW_HOME/releases/$1/carried" '
    BEGIN { while ((getline line < list) > 0) { split(line, at, " "); carried[at[2]] = 1 } }
    $2 == release { made[$3] = 1 }
    { line_of[++n] = $0; name[n] = $1; made_for[n] = $2; service[n] = $3 }
    END {
      for (i = 1; i <= n; i++) {
        is_own = made_for[i] == release || ((name[i] in carried) && !(service[i] in made))
        if (is_own == (which == "own")) print line_of[i]
      }
    }'
}

# accessory_named NAME DOCKER-PS-ARGUMENTS…: its container, where there is one; one that a recreate puts aside has another name.
accessory_named() {
  accessory=$1
  shift
  docker ps --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" \
    --filter "label=launchway.accessory=$accessory" --format '{{.Names}}' "$@" 2> /dev/null | grep -Fx "$LW_APP.$LW_ENVIRONMENT.$accessory"
}
