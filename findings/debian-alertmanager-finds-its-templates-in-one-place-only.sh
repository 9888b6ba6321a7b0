#!/usr/bin/env bash
# prometheus-alertmanager 0.25.0-1 of Debian 12: it starts only where its package is installed
#
# Upstream's Alertmanager has its templates in the program. Debian's reads them from
# /usr/share/prometheus/alertmanager/default.tmpl, a path that no flag and no variable changes, and reads
# them whatever the configuration says, also where no template is used. So the package unpacked anywhere
# else (without root, as its Prometheus runs well) ends at its start, and says of the configuration file
# that it could not be applied.
#
# Seen:
#   open /usr/share/prometheus/alertmanager/default.tmpl: no such file or directory
#   with the path in a copy of the program made relative (same length), started in the folder: ready
#
# Needs apt-get and dpkg-deb of Debian 12, python3, curl; port 39193. Installs nothing.
# Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
if [ -e /usr/share/prometheus/alertmanager/default.tmpl ]; then
  echo 'the package is installed here: nothing can be seen'
  exit 1
fi
work=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT
cd "$work"
apt-get download -q prometheus-alertmanager >/dev/null 2>&1
dpkg-deb -x ./*.deb .
printf 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n' >alertmanager.yml
flags=(--config.file=alertmanager.yml --storage.path=data --cluster.listen-address=
  --web.listen-address=127.0.0.1:39193)

status=0
timeout 20 usr/bin/prometheus-alertmanager "${flags[@]}" 2>said || status=$?
[ "$status" -eq 1 ] && grep -o 'open /usr/share.*: no such file or directory' said | head -1 || exit 1

python3 - usr/bin/prometheus-alertmanager <<'PY'
import sys
path = b'/usr/share/prometheus/alertmanager'
program = open(sys.argv[1], 'rb').read()
open(sys.argv[1], 'wb').write(program.replace(path, path[1:] + b'/'))
PY
usr/bin/prometheus-alertmanager "${flags[@]}" 2>said &
pid=$!
for _ in $(seq 100); do
  if curl -sf http://127.0.0.1:39193/-/ready >/dev/null; then
    echo 'with the path in a copy of the program made relative (same length), started in the folder: ready'
    exit 0
  fi
  sleep 0.1
done
exit 1
