# Whether what a login has started ends with the login. Set by observe.sh: `limit`
# shellcheck disable=SC2154 # observe.sh

# A login manager may end whatever a login has started when the login ends (KillUserProcesses): all in the login's
# scope, which the program then has to leave for one of its own. That of a user ends with the user's last login, unless
# the user lingers. One that does not answer is asked once, and keeps nobody from deploying.
login_manager() { # PROPERTY
  ${limit:+timeout 5} busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager "$1" 2> /dev/null < /dev/null
}
is_ended_with_login() {
  [ "$(id -u)" != 0 ] && grep -q 'session-[^/]*\.scope' /proc/self/cgroup 2> /dev/null || return
  user=$(id -un)
  excluded=$(login_manager KillExcludeUsers) || return
  case $excluded in *"\"$user\""*) return 1 ;; esac
  case $(login_manager KillOnlyUsers) in
    *"\"$user\""*) return 0 ;;
    *'"'*) return 1 ;;
  esac
  [ "$(login_manager KillUserProcesses)" = 'b true' ]
}
