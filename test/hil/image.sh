#!/bin/bash
# The machine that the hardware bench boots: a Debian kernel with gpio-sim and v4l2loopback, a small root file system and an initramfs, made
# from Debian's packages alone. Every stage is kept in the cache folder given and not made again.   usage: image.sh CACHE
set -euo pipefail
cache=$1; suite=bookworm
export SOURCE_DATE_EPOCH=1700000000 DEBIAN_FRONTEND=noninteractive
mkdir -p "$cache"
say() { printf '# image: %s\n' "$*" >&2; }

host_packages=(qemu-system-x86 mmdebstrap kmod busybox-static cpio e2fsprogs gcc g++ make libc6-dev xz-utils)
guest_packages=systemd-sysv,dbus,udev,kmod,mosquitto,mosquitto-clients,ffmpeg,fswebcam,v4l-utils,gpiod,usbutils,usbip,iproute2,iputils-ping,procps,redis-server
kernel_modules=(virtio_pci virtio_blk virtio_net virtio_rng ext4 crc32c_generic 9p 9pnet_virtio configfs vivid videodev videobuf2-vmalloc
  videobuf2-v4l2 uvcvideo usbcore vhci-hcd veth sch_netem autofs4)
# A stage is made again when its own text, or that of a stage before it, has changed.
stage() { local name=$1 stamp; stamp=$(declare -f "$name" | cat - <(echo "${host_packages[*]} $guest_packages ${kernel_modules[*]} ${before:-}") | sha256sum | cut -c1-16); before=$stamp
  [ "$(cat "$cache/.$name" 2>/dev/null)" = "$stamp" ] && return; say "$name"; "$name"; echo "$stamp" > "$cache/.$name"; }

host() {
  local missing=(); for p in "${host_packages[@]}"; do dpkg -s "$p" > /dev/null 2>&1 || missing+=("$p"); done
  [ ${#missing[@]} = 0 ] && return
  [ "$(id -u)" = 0 ] || { say "needs root, or: apt-get install ${missing[*]}"; exit 3; }
  apt-get update -qq && apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "${missing[@]}" > "$cache/apt.log" 2>&1
}

# The kernel release is chosen once, so that every stage means the same.
kernel() {
  local k; apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: linux-image-//p' | head -1 > "$cache/release"; k=$(cat "$cache/release")
  rm -rf "$cache/debs" "$cache/kernel" "$cache/build"; mkdir -p "$cache/debs"
  ( cd "$cache/debs" && apt-get download -qq "linux-image-$k" "linux-headers-$k" "linux-headers-${k%-amd64}-common" \
      "linux-kbuild-$(echo "$k" | cut -d. -f1,2)" "linux-source-$(echo "$k" | cut -d. -f1,2)" v4l2loopback-dkms )
  dpkg-deb -x "$cache"/debs/linux-image-*.deb "$cache/kernel"
  for f in "$cache"/debs/linux-{headers,kbuild}-*.deb "$cache"/debs/v4l2loopback-dkms_*.deb; do dpkg-deb -x "$f" "$cache/build"; done
}

# Debian builds neither gpio-sim nor IRQ_SIM: both files come from its kernel source and are built against its headers.
drivers() {
  local k v build=$cache/build headers source out=$cache/drivers; k=$(cat "$cache/release"); v=$(echo "$k" | cut -d. -f1,2)
  headers=$build/usr/src/linux-headers-$k; source=$build/linux-source-$v; rm -rf "$out"; mkdir -p "$out"/{gpio-sim,v4l2loopback}
  echo "include $build/usr/src/linux-headers-${k%-amd64}-common/Makefile" > "$headers/Makefile"   # the packaged one names /usr/src
  dpkg-deb --fsys-tarfile "$cache"/debs/linux-source-*.deb 2>/dev/null | tar -xO "./usr/src/linux-source-$v.tar.xz" 2>/dev/null | \
    tar -xJ -C "$build" --occurrence=1 "linux-source-$v"/{drivers/gpio/gpio-sim.c,drivers/gpio/gpiolib.h,kernel/irq/irq_sim.c} 2>/dev/null || true   # tar stops early, the pipe breaks
  cp "$source/drivers/gpio/gpio-sim.c" "$out/gpio-sim/gpio-sim-core.c"; cp "$source/drivers/gpio/gpiolib.h" "$out/gpio-sim/"
  # irq_to_desc() is not exported to modules; generic_handle_irq() is, and calls the same flow handler.
  sed 's/handle_simple_irq(irq_to_desc(irqnum));/generic_handle_irq(irqnum);/; /^EXPORT_SYMBOL/d' "$source/kernel/irq/irq_sim.c" > "$out/gpio-sim/irq_sim.c"
  printf 'obj-m += gpio-sim.o\ngpio-sim-y := gpio-sim-core.o irq_sim.o\n' > "$out/gpio-sim/Kbuild"
  cp "$build"/usr/src/v4l2loopback-*/*.[ch] "$out/v4l2loopback/"; echo 'obj-m += v4l2loopback.o' > "$out/v4l2loopback/Kbuild"
  for m in gpio-sim v4l2loopback; do
    make -C "$headers" M="$out/$m" modules > "$out/$m.log" 2>&1 || { tail -20 "$out/$m.log" >&2; return 1; }
    strip --strip-debug "$out/$m/$m.ko"
  done
}

debian() {
  mmdebstrap --variant=minbase --include="$guest_packages" --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    $suite "$cache/debian.tar" "deb http://deb.debian.org/debian $suite main" "deb http://deb.debian.org/debian-security $suite-security main" \
    > "$cache/mmdebstrap.log" 2>&1 || { tail -5 "$cache/mmdebstrap.log" >&2; return 1; }
}

# An ext4 image without loop mounts. Nothing in it knows facelatch: user, group, rules and unit come with the package.
image() {
  local k r=$cache/root source units; k=$(cat "$cache/release"); source=$cache/kernel/lib/modules/$k
  rm -rf "$r"; mkdir "$r"; tar -C "$r" -xf "$cache/debian.tar"; units=$r/etc/systemd/system
  mkdir -p "$r/lib/modules/$k/extra" "$r/hil" "$r/out" "$units/multi-user.target.wants"; /sbin/depmod -b "$cache/kernel" "$k"
  for m in "${kernel_modules[@]}"; do /sbin/modprobe -d "$cache/kernel" -S "$k" --show-depends "$m" 2>/dev/null || true; done | awk '/^insmod/{print $2}' | sort -u |
    while read -r f; do install -D -m644 "$f" "$r/lib/modules/$k/${f#"$source"/}"; done
  cp "$source"/modules.{order,builtin,builtin.modinfo} "$r/lib/modules/$k/"; cp "$cache"/drivers/*/*.ko "$r/lib/modules/$k/extra/"; /sbin/depmod -b "$r" "$k"
  echo hil > "$r/etc/hostname"; : > "$r/etc/fstab"; : > "$r/etc/machine-id"; printf '127.0.0.1 localhost hil\n' > "$r/etc/hosts"
  mkdir -p "$r/etc/systemd/journald.conf.d"; printf '[Journal]\nRateLimitIntervalSec=0\nStorage=volatile\n' > "$r/etc/systemd/journald.conf.d/hil.conf"
  cat > "$units/hil-board.service" <<'U'
[Unit]
Description=The simulated board: relay, door contact, exit button, tamper switch
DefaultDependencies=no
After=systemd-udevd.service
Before=facelatch.service sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/hil-board
U
  cat > "$r/usr/local/sbin/hil-board" <<'U'
#!/bin/sh -e
modprobe gpio-sim; mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
board=/sys/kernel/config/gpio-sim/hil; mkdir $board $board/bank0; echo 8 > $board/bank0/num_lines; echo door-board > $board/bank0/label
i=0; for name in OTHER0 OTHER1 TAMPER RELAY DOOR_CONTACT EXIT_BUTTON LED; do mkdir $board/bank0/line$i; echo $name > $board/bank0/line$i/name; i=$((i+1)); done
# One line that its driver keeps as an input, whatever a configuration says.
mkdir $board/bank0/line7 $board/bank0/line7/hog; echo FIXED_INPUT > $board/bank0/line7/name; echo board > $board/bank0/line7/hog/name; echo input > $board/bank0/line7/hog/direction
echo 1 > $board/live
U
  cat > "$units/hil-bench.service" <<'U'
[Unit]
Description=Hardware bench
After=basic.target hil-board.service
[Service]
Type=oneshot
ExecStartPre=/bin/sh -c 'modprobe 9pnet_virtio; mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 hil /hil; mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /out'
ExecStart=/hil/guest/start.sh
TimeoutStartSec=infinity
U
  chmod 755 "$r/usr/local/sbin/hil-board"
  ln -sf /lib/systemd/system/multi-user.target "$units/default.target"
  for u in hil-board hil-bench; do ln -sf "../$u.service" "$units/multi-user.target.wants/$u.service"; done
  rm -f "$units"/*.wants/{mosquitto,redis-server}.service "$units"/redis.service   # started by the scenarios
  for u in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer getty@tty1.service serial-getty@ttyS0.service \
    systemd-pstore.service systemd-timesyncd.service; do ln -sf /dev/null "$units/$u"; done
  # With a file system journal, as a door has it: the power is cut in one of the scenarios.
  rm -f "$cache/root.ext4"; truncate -s 4G "$cache/root.ext4"; mke2fs -q -F -t ext4 -J size=16 -E lazy_itable_init=0 -d "$r" "$cache/root.ext4"; rm -rf "$r"
}

initramfs() {
  local k i=$cache/initramfs n=0; k=$(cat "$cache/release"); rm -rf "$i"; mkdir -p "$i"/{bin,proc,sys,dev,mnt,m}; cp /bin/busybox "$i/bin/"
  for m in virtio_pci virtio_blk crc32c_generic ext4; do /sbin/modprobe -d "$cache/kernel" -S "$k" --show-depends "$m"; done | awk '/^insmod/{print $2}' | awk '!s[$0]++' |
    while read -r f; do n=$((n+1)); cp "$f" "$i/m/$(printf %02d $n)-$(basename "$f")"; done
  cat > "$i/init" <<'U'
#!/bin/busybox sh
/bin/busybox mount -t proc p /proc; /bin/busybox mount -t sysfs s /sys; /bin/busybox mount -t devtmpfs d /dev
for m in /m/*; do /bin/busybox insmod $m; done
i=0; while [ ! -b /dev/vda ] && [ $i -lt 100 ]; do i=$((i+1)); /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 -o rw /dev/vda /mnt && /bin/busybox mount --move /dev /mnt/dev && /bin/busybox umount /proc /sys && exec /bin/busybox switch_root /mnt /sbin/init
echo "hil: no root"; exec /bin/busybox poweroff -f
U
  chmod +x "$i/init"; ( cd "$i" && find . | LC_ALL=C sort | cpio -o -H newc --quiet ) > "$cache/initramfs.img"; rm -rf "$i"
}

for s in host kernel drivers debian image initramfs; do stage $s; done
