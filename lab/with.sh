#!/bin/sh
# Runs a command in the project's own surroundings: Node 24, the packages of package-lock.json and the tools that
# set-up keeps are in PATH. With --all everything that tests, demo and lab need is set up first (lab/setup.ts).
#
#   sh lab/with.sh [--all] COMMAND…
#
# Everything is kept under one folder ($LAUNCHWAY_CACHE, else ~/.cache/launchway). What is there is used as it is, what
# a stopped run left half done is done again, and a run that has nothing to do takes well under a second.
set -eu
cd "$(dirname "$0")/.."

node_version=24.21.0
cache=${LAUNCHWAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/launchway}
export LAUNCHWAY_CACHE="$cache"

say() { printf '%s\n' "$*" >&2; }

# A step of this script: what it makes, what to do when it cannot be made, the command.
step() { # NAME HINT COMMAND…
  name=$1 hint=$2
  shift 2
  say "set-up: $name …"
  began=$(date +%s)
  mkdir -p "$cache"
  if ! "$@" > "$cache/with.log" 2>&1; then
    tail -n 25 "$cache/with.log" >&2
    say "set-up: $name failed. $hint"
    exit 1
  fi
  say "set-up: $name, $(($(date +%s) - began)) s"
}

# One set-up at a time on a cache, where the machine has flock. What only runs a command, and lacks nothing, asks for no
# lock; whoever has it lets it go before the command runs, and when killed.
locked=
lock() {
  if [ -n "$locked" ] || ! command -v flock > /dev/null 2>&1; then return; fi
  mkdir -p "$cache"
  exec 9> "$cache/set-up.lock"
  if ! flock -n 9; then
    say "set-up: another set-up is under way; waiting"
    flock 9
  fi
  locked=yes
}

is_node_24() {
  [ "$("$1" -p 'Number(process.versions.node.split(".")[0]) >= 24' 2> /dev/null)" = true ]
}

# npm runs scripts with its own settings in the environment; they must not reach an npm that is started from here.
find_node() {
  found=$(command -v node 2> /dev/null) && is_node_24 "$found" && return
  # The platform's own package holds the binary; the package `node` would fetch it in an install script.
  package="node-$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')"
  kept="$cache/node-$node_version/node_modules/$package/bin"
  is_node_24 "$kept/node" || lock
  if ! is_node_24 "$kept/node"; then
    if ! command -v npm > /dev/null 2>&1; then
      say "set-up: there is neither Node 24 nor npm. Install Node 24 or newer: https://nodejs.org/en/download"
      exit 1
    fi
    rm -rf "$cache/node-$node_version"
    step "Node $node_version" "Check that npm reaches its registry (npm ping), or install Node 24 by hand: https://nodejs.org/en/download" \
      npm install --prefix "$cache/node-$node_version" --no-save --no-audit --no-fund --ignore-scripts "$package@$node_version"
  fi
  PATH="$kept:$PATH"
}

find_packages() {
  wanted=$(cksum < package-lock.json)
  [ "$(cat node_modules/.set-up 2> /dev/null)" = "$wanted" ] && return
  lock
  [ "$(cat node_modules/.set-up 2> /dev/null)" = "$wanted" ] && return
  step "packages (npm ci)" "Check that npm reaches its registry: npm ping. The log is $cache/with.log." npm ci --no-audit --no-fund
  printf '%s\n' "$wanted" > node_modules/.set-up
}

# Hooks of our own folder, unless whoever works here has chosen others.
find_hooks() {
  if [ -e .git ] && command -v git > /dev/null && [ -z "$(git config core.hooksPath 2> /dev/null)" ]; then
    git config core.hooksPath .githooks || true
  fi
}

find_node
export PATH="$PWD/node_modules/.bin:$cache/bin:$PATH"
find_packages
find_hooks
if [ "${1:-}" = --all ]; then
  shift
  lock
  # Without the lock: an engine that it starts stays, and would keep it.
  node lab/setup.ts 9>&-
fi
if [ -n "$locked" ]; then exec 9>&-; fi
exec "$@"
