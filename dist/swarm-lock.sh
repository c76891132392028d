# One deploy of an application and environment in a whole cluster, through whichever manager. Set by the client: LW_CLUSTER_LOCK
# shellcheck disable=SC2034 # step_started is read by end_step

lock_label() { # NAME
  docker config inspect --format "{{index .Spec.Labels \"launchway.$1\"}}" "$LW_CLUSTER_LOCK" 2> /dev/null
}

# Whether the program that took the lock is gone: it ran here, its node is gone, or its time is over. Of one that ran here
# the number may be another program's by now. This program has the lock of its state folder (`begin`), so nobody else has
# it; whoever runs for another folder has the lock of that one open.
is_stale() {
  node=$(lock_label node)
  if [ "$node" = "$own_node" ]; then
    home=$(lock_label home)
    [ "${home:-$LW_HOME}" = "$LW_HOME" ] || ! [ "/proc/$(lock_label pid)/fd/9" -ef "$home/lock" ]
  else
    [ "$(docker node inspect --format '{{.Status.State}}' "$node" 2> /dev/null)" != ready ] || [ "$(date +%s)" -gt "$(lock_label until)" ]
  fi
}

# swarm_lock SECONDS: one deploy of this application and environment in the whole cluster. A name is given once, so who makes
# the object has the lock; it is given back at the end. One whose program is gone is taken away.
swarm_lock() {
  step_started=$(uptime_cs)
  own_node=$(docker info --format '{{.Swarm.NodeID}}' 2> /dev/null)
  tries=0
  until said=$(echo "$LW_ATTEMPT" | docker config create --label "launchway.lock=$LW_STACK" --label "launchway.node=$own_node" --label "launchway.pid=$$" --label "launchway.home=$LW_HOME" \
    --label "launchway.until=$(($(date +%s) + $1))" --label "launchway.by=$LW_BY" --label "launchway.release=$LW_RELEASE" --label "launchway.attempt=$LW_ATTEMPT" "$LW_CLUSTER_LOCK" - 2>&1); do
    holder=$(lock_label by)
    tries=$((tries + 1))
    if [ -n "$holder" ] && is_stale; then
      docker config rm "$LW_CLUSTER_LOCK" > /dev/null 2>&1
      continue
    fi
    # A cluster that has just lost a manager chooses another leader first.
    if [ "$tries" -gt 45 ]; then
      [ -z "$holder" ] || {
        end_step lock failed '' "held by $holder, release $(lock_label release), through another manager"
        end failed locked
      }
      end_step create failed '' "the Swarm keeps no lock: $said"
      end failed "$said"
    fi
    nap 100
  done
  swarm_locked=yes
}

# A manager that was away for a while may find that another one has taken its work up: then this attempt is over.
still_ours() {
  holder=$(docker config inspect --format '{{index .Spec.Labels "launchway.attempt"}}' "$LW_CLUSTER_LOCK" 2>&1)
  case $holder in
    "$LW_ATTEMPT") ;;
    *"no such config"* | [0-9a-f]*) end failed 'another manager has taken this deploy up' ;;
  esac
}

