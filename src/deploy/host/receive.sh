# Receives what a release mounts of the repository, as an archive on standard input, into the folder of an attempt that is
# about to begin. Nothing else is touched: who finds the attempt dead throws away what it brought (`forget_attempts`).
# Set by the client: LW_HOME LW_ATTEMPT
set -u
LC_ALL=C
export LC_ALL
try="$LW_HOME/attempts/$LW_ATTEMPT"
umask 022
mkdir -p "$LW_HOME" && (umask 077 && mkdir -p "$try/files" && : >> "$try/pid") || exit 1
# As launch.sh does it: the number comes last, and once.
exec 5> "$try/pid"
echo "$$" >&5 || exit 1
tar -x -f - -C "$try/files" && exit 0
rm -rf "$try"
exit 1
