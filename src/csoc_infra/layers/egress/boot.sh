set -euo pipefail
exec > >(tee -a /var/log/csoc-proxy.log) 2>&1

# Every call of AWS's metadata has a session's token.
token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' http://169.254.169.254/latest/api/token)
INSTANCE=$(curl -sf -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id)
mkdir -p /etc/csoc-proxy /run/csoc-proxy
cat > /etc/csoc-proxy/machine <<END
GROUP=$GROUP
INTERFACE=$INTERFACE
INSTANCE=$INSTANCE
LIST=$LIST
AWS_DEFAULT_REGION=$REGION
END
export AWS_DEFAULT_REGION=$REGION

unhealthy() {
  aws autoscaling set-instance-health --instance-id "$INSTANCE" --health-status Unhealthy --no-should-respect-grace-period
}
trap 'echo "starting failed at line $LINENO"; unhealthy' ERR

dnf -y -q install squid openssl nftables amazon-cloudwatch-agent

# The interface that the routes point to is free as soon as the machine before this one has ended.
attached=''
for attempt in $(seq 1 60); do
  if aws ec2 attach-network-interface --network-interface-id "$INTERFACE" --instance-id "$INSTANCE" --device-index 1; then
    attached=yes
    break
  fi
  echo "attempt $attempt: the interface is not free"
  sleep 10
done
test -n "$attached"
ADDRESS=$(aws ec2 describe-network-interfaces --network-interface-ids "$INTERFACE" \
  --query 'NetworkInterfaces[0].PrivateIpAddress' --output text)
echo "ADDRESS=$ADDRESS" >> /etc/csoc-proxy/machine
# The system makes a table of routes for the second interface, by which answers leave it as requests came.
for attempt in $(seq 1 30); do
  ip -4 rule show | grep -q "from $ADDRESS" && break
  sleep 2
done
ip -4 rule show | grep -q "from $ADDRESS"
printf '%s\n' net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.default.rp_filter=2 net.ipv4.ip_forward=0 \
  > /etc/sysctl.d/90-csoc-proxy.conf
sysctl -q -p /etc/sysctl.d/90-csoc-proxy.conf

# The port needs a certificate although it never shows one.
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=csoc-proxy \
  -keyout /etc/squid/csoc.key -out /etc/squid/csoc.crt
cat /etc/squid/csoc.crt /etc/squid/csoc.key > /etc/squid/csoc.pem
rm /etc/squid/csoc.key
chmod 640 /etc/squid/csoc.pem
chown root:squid /etc/squid/csoc.pem
sed -e "s|@ADDRESS@|$ADDRESS|" -e "s|@NETWORK@|$NETWORK|" /etc/csoc-proxy/squid.conf > /etc/squid/squid.conf
/usr/local/bin/csoc-proxy-list

cat > /etc/csoc-proxy/logs.json <<END
{"logs": {"logs_collected": {"files": {"collect_list": [
  {"file_path": "/var/log/squid/access.log", "log_group_name": "$LOGS", "log_stream_name": "$INSTANCE/access"},
  {"file_path": "/var/log/squid/cache.log", "log_group_name": "$LOGS", "log_stream_name": "$INSTANCE/cache"},
  {"file_path": "/var/log/csoc-proxy.log", "log_group_name": "$LOGS", "log_stream_name": "$INSTANCE/start"}]}}}}
END
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/etc/csoc-proxy/logs.json

# This program runs once. After a reboot squid's own start brings the redirection back; its unit allows 16,384 files.
mkdir -p /etc/systemd/system/squid.service.d
printf '[Service]\nExecStartPre=/usr/sbin/nft -f %s\nRestart=always\nRestartSec=2\nLimitNOFILE=65536\n' \
  /etc/csoc-proxy/redirect.nft > /etc/systemd/system/squid.service.d/csoc.conf
for unit in list:60 watch:15; do
  name=csoc-proxy-${unit%:*}
  printf '[Service]\nType=oneshot\nExecStart=/usr/local/bin/%s\n' "$name" > "/etc/systemd/system/$name.service"
  printf '[Timer]\nOnActiveSec=%s\nOnUnitActiveSec=%s\nAccuracySec=1\n[Install]\nWantedBy=timers.target\n' \
    "${unit#*:}" "${unit#*:}" > "/etc/systemd/system/$name.timer"
done
systemctl daemon-reload
systemctl enable --now squid
systemctl enable --now csoc-proxy-list.timer csoc-proxy-watch.timer
