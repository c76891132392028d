# As whom the program that follows runs: the account itself where it may use docker and what is kept here is its own,
# else root by way of sudo. Sets `as`; ends with the fact `refused` where neither may.
# Needs own.sh.
LC_ALL=C
export LC_ALL
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
