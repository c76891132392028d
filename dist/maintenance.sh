# Closes an application for its visitors, or opens it again: by the existence of a file, for which nginx looks at each
# request (tools/nginx-site.ts), so nothing is reloaded and no connection ends.
#
# Set by the client: LW_HOME LW_MAINTENANCE (on or off) LW_BY
set -u
umask 022
file="$LW_HOME/maintenance"

if [ ! -s "$LW_HOME/ports" ]; then
  echo 'maintenance nowhere'
elif [ "$LW_MAINTENANCE" = off ]; then
  rm -f "$file" && echo 'maintenance off'
elif [ -e "$file" ]; then
  echo 'maintenance on'
else
  echo "$LW_BY, since $(date -u +%Y-%m-%dT%H:%M:%SZ)" > "$file.new" && mv -f "$file.new" "$file" && echo 'maintenance on'
fi
