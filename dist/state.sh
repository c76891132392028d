# What the apply program keeps on the host, so that an attempt which ends anywhere, by any cause, can be finished or
# undone by the next one: the lock, the list of what is to be undone, the current and the previous release.
#
#   lock lock.holder lock.pid   who deploys
#   current previous            release ids
#   held                        who keeps everybody from deploying, since when and why
#   owner                       the repository whose application this state is of
#   waits                       a release that waits for a confirmation (confirm.sh)
#   order                       release ids (order.sh)
#   reserve                     room for the last words on a full disk
#   attempts/<id>/              what one attempt brought: its program, its logins; gone when it has ended
#   releases/<id>/              images, secrets, release.json (what it is, for a rollback); `undo` while it is being
#                               deployed; `recorded` (the release before it); `rejected` (a release that it was returned
#                               to from, as long as that is not `unrecord`ed); `CONTAINER.log` of what did not come up
# nginx.sh, assets.sh and carry.sh have their own.
set -u
umask 022
LW_DIR="$LW_HOME/releases/$LW_RELEASE"
LW_TRY="$LW_HOME/attempts/$LW_ATTEMPT"

start_step() {
  step_started=$(uptime_cs)
  MS='' journal "$1" start "${2:-}"
}

end_step() { # STEP [STATE [SERVICE [NOTE]]]
  MS=$((($(uptime_cs) - step_started) * 10)) journal "$1" "${2:-done}" "${3:-}" "${4:-}"
}

# Ends the attempt. STATE is done, failed (nothing was changed), undone (the old version serves) or broken (act now).
end() {
  rm -rf "$LW_TRY"
  # Who reads the last line may begin the next deploy at once.
  exec 9>&-
  MS='' journal end "$1" '' "${2:-}"
  exit 0
}

# fail STEP SERVICE NOTE: says why, undoes, ends.
fail() {
  end_step "$1" failed "$2" "$3"
  [ -e "$LW_DIR/undo" ] || end failed "$3"
  undo_attempt "$LW_DIR" || end broken "$3"
  end undone "$3"
}

# A reader sees the old content or the new one, never half of it.
put() { # FILE TEXT
  printf '%s\n' "$2" > "$1.new" && mv -f "$1.new" "$1" && return
  rm -f "$1.new"
  return 1
}

# Makes the file if it is not there. A redirection that fails ends the whole shell where it stands at a special builtin
# (`exec`, `:`), whatever follows it; `true` is none.
can_open() { # FILE
  { true >> "$1"; } 2> /dev/null
}

# ---- the lock

# What the history of this host needs to know of an attempt, as fields of its first line.
whose() {
  for field in by version did; do
    case $field in by) value=$LW_BY ;; version) value=${LW_VERSION:-} ;; did) value=${LW_DID:-} ;; esac
    [ -n "$value" ] || continue
    as_json "$value"
    # shellcheck disable=SC2154 # journal.sh
    printf ',"%s":"%s"' "$field" "$json"
  done
}

# Somebody keeps everybody from deploying (hold.sh); what is done to the release that runs may be done all the same.
# Sets `said` when nobody may.
is_held() {
  [ -e "$LW_HOME/held" ] || return
  case ${LW_DID:-deploy} in deploy | rollback | recreate) ;; *) return 1 ;; esac
  said="locked by $(awk -F '\t' '{ print $2 " since " $1 ($3 == "" ? "" : ": " $3) }' "$LW_HOME/held")"
}

# Takes the lock of this application and environment. The kernel drops it when this program ends, however it ends.
# Short calls of docker keep it open, so that recovery waits for those of a program that was killed; long ones do not.
begin() {
  step_started=$(uptime_cs)
  if ! can_open "$LW_HOME/lock"; then
    end_step record failed '' "$(no_room)"
    end failed "$(no_room)"
  fi
  if ! take_lock; then
    MORE=$(whose) end_step lock failed '' "held by $(cat "$LW_HOME/lock.holder" 2> /dev/null || echo somebody)"
    end failed locked
  fi
  if ! claim 2> /dev/null; then
    end_step record failed '' "$(no_room)"
    end failed "$(no_room)"
  fi
  if is_held; then
    MORE=$(whose) end_step lock failed '' "$said"
    end failed locked
  fi
  MORE=$(whose) end_step lock
  forget_attempts
}

# Whether this program has the lock now; not where somebody deploys.
take_lock() {
  exec 9> "$LW_HOME/lock"
  asked_at=$(uptime_cs)
  until flock -n 9; do
    waited=$(($(uptime_cs) - asked_at))
    # Looking whether it is held holds it for a moment (observe.sh): the first second is for that. Who deploys has it open;
    # the number of one that was killed may be another's by now, or that of a corpse which nobody has reaped.
    if [ "$waited" -ge 6000 ] || { [ "$waited" -ge 100 ] && [ "/proc/$(cat "$LW_HOME/lock.pid")/fd/9" -ef "$LW_HOME/lock" ]; } 2> /dev/null; then
      return 1
    fi
    nap 10
  done
  # An earlier program may have been killed, or its machine switched off, in the middle of a line.
  [ -z "$(tail -c 1 "$LW_HOME/journal.jsonl")" ] || echo >> "$LW_HOME/journal.jsonl" || :
}

# Says who holds the lock, and sees to it that what follows has the room it needs.
claim() {
  put "$LW_HOME/lock.pid" "$$" || return
  put "$LW_HOME/lock.holder" "$LW_BY, release $LW_RELEASE, since $(date -u +%Y-%m-%dT%H:%M:%SZ), process $$" || return
  [ -s "$LW_HOME/reserve" ] || dd if=/dev/zero of="$LW_HOME/reserve" bs=1024 count=64 || return
  mkdir -p "$LW_DIR"
}

no_room() {
  echo "cannot write in $LW_HOME: $(df -Pk "$LW_HOME" | awk 'NR == 2 { print $4 " kB of disk are free" }')"
}

# expect RELEASE: the plan was made while this one was current (empty: none was).
expect() {
  current=$(cat "$LW_HOME/current" 2> /dev/null)
  if [ "$current" != "$1" ]; then
    step_started=$(uptime_cs)
    note="${current:-nothing} runs here now, ${1:-nothing} did when this deploy was planned: somebody deployed in between. Run it again."
    end_step lock failed '' "$note"
    end failed "$note"
  fi
}

# What travelled with this program becomes the release's: only now, under the lock, and after recovery.
unpack() {
  # A rollback brings nothing: what it starts was brought before.
  [ -e "$LW_TRY/images" ] || return 0
  for name in images secrets release.json; do
    rm -f "$LW_DIR/$name"
    [ ! -e "$LW_TRY/$name" ] || mv -f "$LW_TRY/$name" "$LW_DIR/$name"
  done
}

# ---- undo

# settled: what has been made so far stays, whatever comes after it. What nginx was given meanwhile does not: it is for
# what is still to come.
settled() {
  [ -e "$LW_DIR/undo" ] || return 0
  kept=$(awk '$NF == "." && $1 ~ /^(site|reload|led|lead|unlead)$/' "$LW_DIR/undo")
  if [ -z "$kept" ]; then rm -f "$LW_DIR/undo"; else put "$LW_DIR/undo" "$kept" || fail record '' "$(no_room)"; fi
}

# will_undo KIND WHAT STEP SERVICE: written before the thing is done. The full stop tells a whole line.
will_undo() {
  printf '%s %s .\n' "$1" "$2" >> "$LW_DIR/undo" || fail "$3" "$4" "$(no_room)"
}

# Undoes an attempt, last first. Each line may find its work done already. Nothing here needs room on the disk.
undo_attempt() { # RELEASE_DIR
  start_step undo
  undo_lines "$1"
  # An engine that is being restarted has undone nothing, and undoes it once it is back.
  [ "$failed" = . ] || ! await_engine || undo_lines "$1"
  if [ "$failed" != . ]; then
    case $failed in
      *.) end_step undo broken '' "could not undo:${failed%.}" ;;
      *) end_step undo broken '' "undoing ended early:$failed" ;;
    esac
    return 1
  fi
  rm -f "$1/undo"
  end_step undo
}

# Sets `failed` to what could not be undone, and a full stop.
undo_lines() { # RELEASE_DIR
  failed=$(awk '$NF == "." { line[++n] = $0 } END { for (i = n; i > 0; i--) print line[i] }' "$1/undo" | {
    while read -r kind what file _; do
      case $kind in
        remove)
          # That of a run goes with its volumes that have no name.
          [ "$file" = volumes ] || file=''
          docker rm --force ${file:+--volumes} "$what" > /dev/null 2>&1 || is_gone "$what"
          ;;
        start)
          # A list of an earlier launchway has no policy.
          case $file in '' | .) file=unless-stopped ;; esac
          docker start "$what" > /dev/null && docker update --restart "$file" "$what" > /dev/null
          ;;
        rename) name_back "$what" "$file" ;;
        stop) { docker update --restart no "$what" && docker stop "$what"; } > /dev/null 2>&1 || is_gone "$what" ;;
        site) site_back "$1" "$what" "$file" ;;
        led) led_back "$1" "$what" ;;
        reload) reload_back ;;
        lead) lead_back "$1" "$what" "$file" ;;
        unlead) unlead_back "$1" "$what" ;;
        switch) turn_back "$what" ;;
        cron) cron_back "$1" "$what" ;;
        carry) carry_back "$1" ;;
        forget) rm -f "$1/recorded" ;;
        assets) assets_back "${1##*/}" "$what" ;;
        *) false ;;
      esac || printf ' %s %s' "$kind" "$what"
    done
    # A loop that was ended in the middle has not come here.
    echo .
  })
  # Given back within; a second turn takes it anew.
  let_host
}

# own_containers FORMAT [DOCKER-PS-ARGUMENTS…]: those of this application and environment that run. Accessories are of
# no release, and never among them.
own_containers() {
  format=$1
  shift
  docker ps --filter "label=launchway.app=$LW_APP" --filter "label=launchway.environment=$LW_ENVIRONMENT" \
    --filter label=launchway.release --format "$format" "$@"
}

# ---- the record

# record OWNER [back RELEASE]: the point of no return. One rename makes the new release the current one. `back` from RELEASE,
# which failed on another host or was rejected: what ran before this one stays what it was, as if RELEASE had never come.
record() {
  start_step record
  [ -s "$LW_HOME/owner" ] || put "$LW_HOME/owner" "$1" || fail record '' "$(no_room)"
  was=$(cat "$LW_HOME/current" 2> /dev/null)
  # In force with the record, also where nobody comes to `unrecord` it.
  if [ -n "${3:-}" ]; then put "$LW_DIR/rejected" "$3" || fail record '' "$(no_room)"; else rm -f "$LW_DIR/rejected"; fi
  if [ "$was" != "$LW_RELEASE" ]; then
    if [ ! -e "$LW_DIR/recorded" ] || [ "${2:-}" != back ]; then
      # One that a rollback returns to has been recorded before, and stays so.
      if [ ! -e "$LW_DIR/recorded" ]; then
        will_undo forget recorded record ''
        put "$LW_HOME/order" "$(cat "$LW_HOME/order" 2> /dev/null; echo "$LW_RELEASE")" || fail record '' "$(no_room)"
      fi
      put "$LW_DIR/recorded" "$was" || fail record '' "$(no_room)"
    fi
    put "$LW_HOME/current" "$LW_RELEASE" || fail record '' "$(no_room)"
  fi
  after_record "$LW_DIR"
  end_step record
}

# What follows from the record, and may be done twice.
after_record() { # RELEASE_DIR
  was=$(cat "$1/recorded" 2> /dev/null)
  if [ -n "$was" ]; then
    put "$LW_HOME/previous" "$was" || { rm -f "$LW_HOME/reserve" && put "$LW_HOME/previous" "$was"; }
  else
    rm -f "$LW_HOME/previous"
  fi
  rm -f "$1/undo" "$1/carried.was"
  forget_wait
}

# unrecord RELEASE: it counts as one that failed, and goes with those.
unrecord() {
  rm -f "$LW_HOME/releases/$1/recorded" && rm -f "$LW_HOME/releases/$(cat "$LW_HOME/current")/rejected"
}

finish() {
  prune
  end 'done'
}
