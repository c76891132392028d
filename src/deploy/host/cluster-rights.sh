# As whom the program that follows runs: the account itself where it may use docker, else root by way of sudo. Sets
# `as`; ends with the fact `refused` where neither may.
LC_ALL=C
export LC_ALL
as=''
if [ "$(id -u)" != 0 ] && ! docker version > /dev/null 2>&1 < /dev/null && sudo -n true 2> /dev/null < /dev/null; then
  # shellcheck disable=SC2034 # read by what is appended
  as='sudo -n'
elif [ "$(id -u)" != 0 ] && ! docker version > /dev/null 2>&1 < /dev/null; then
  refused "$(id -un)"
  exit 0
fi
