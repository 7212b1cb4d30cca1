#!/bin/sh
# The guest's side of the bench: installs the package, without a network, where it is not yet, and hands over to its own Node.
exec >> /out/guest.log 2>&1
set -ex
trap 'systemctl --no-block poweroff' EXIT
if [ ! -e /usr/lib/facelatch/package.json ]; then
  dpkg -i /hil/facelatch.deb
fi
cat /proc/uptime
/usr/lib/facelatch/node_modules/node/bin/node /hil/guest/main.ts
