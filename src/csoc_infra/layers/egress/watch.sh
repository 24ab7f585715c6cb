#!/bin/bash
# Says whether the proxy works. After three times no, the group ends this machine and starts another one.
set -euo pipefail
. "${CSOC_MACHINE:-/etc/csoc-proxy/machine}"
export AWS_DEFAULT_REGION
count=${CSOC_COUNT:-/run/csoc-proxy/failures}
works() {
  ip -4 addr show | grep -q "inet $ADDRESS/" \
    && curl -sf -o /dev/null --max-time 5 http://127.0.0.1:3128/squid-internal-mgr/info
}
if works; then
  echo 0 > "$count"
  healthy=1
else
  echo $(($(cat "$count" 2> /dev/null || echo 0) + 1)) > "$count"
  healthy=0
fi
aws cloudwatch put-metric-data --namespace csoc/egress --metric-name Healthy --value $healthy \
  --dimensions "Group=$GROUP" || true
if [ "$(cat "$count")" -ge 3 ]; then
  echo "the proxy does not work; the group replaces $INSTANCE"
  aws autoscaling set-instance-health --instance-id "$INSTANCE" --health-status Unhealthy --no-should-respect-grace-period
fi
