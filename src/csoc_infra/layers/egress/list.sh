#!/bin/bash
# Brings the list of allowed names from its parameters. What cannot be read, or squid does not take, changes nothing.
set -euo pipefail
. "${CSOC_MACHINE:-/etc/csoc-proxy/machine}"
export AWS_DEFAULT_REGION
current=${CSOC_ALLOWED:-/etc/squid/allowed}
fresh=$(mktemp "$current.XXXXXX")
trap 'rm -f "$fresh"' EXIT
aws ssm get-parameters-by-path --path "$LIST" --query 'Parameters[].Value' --output text \
  | tr -s '\t\n ' '\n' | sed '/^$/d' | LC_ALL=C sort -u > "$fresh"
test -s "$fresh"
chmod 644 "$fresh"
if [ -f "$current" ]; then
  cmp -s "$fresh" "$current" && exit 0
  cp -p "$current" "$current.before"
fi
mv "$fresh" "$current"
if ! squid -k parse 2> /run/csoc-proxy-list.errors; then
  echo "squid does not take the list: $(tail -n 1 /run/csoc-proxy-list.errors)"
  [ -f "$current.before" ] && mv "$current.before" "$current"
  exit 1
fi
if systemctl -q is-active squid; then squid -k reconfigure; fi
