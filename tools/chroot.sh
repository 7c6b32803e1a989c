#!/bin/sh
# Builds and tests vecidx in a Debian of another release, so that every supported PostgreSQL is tried on one machine.
#
#   tools/chroot.sh make SUITE           create the Debian below $CHROOTS (default build/chroots), reuse it when there
#   tools/chroot.sh test SUITE           the same, then build with -Werror there and run core, SQL and TAP tests
#   tools/chroot.sh run SUITE COMMAND..  run a command there in a copy of this source tree
#   tools/chroot.sh bare SUITE           run .ci/run in a fresh minimal Debian without any of the packages needed
#
# SUITE is bookworm (PostgreSQL 15), trixie (17) or sid (18). MIRROR overrides the Debian mirror apt is configured with.
# Everything runs in mount and process namespaces of its own: when the script ends, however it ends, no mount and no
# server is left.
set -eu
. "$(dirname "$0")/lib.sh"

usage() {
  sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
  exit 2
}

[ $# -ge 2 ] || usage
verb=$1
suite=$2
case $suite in
  bookworm) pgmajor=15 ;;
  trixie) pgmajor=17 ;;
  sid) pgmajor=18 ;;
  *) usage ;;
esac
case $verb in make | test | run | bare) ;; *) usage ;; esac

[ "$(id -u)" = 0 ] || die "a chroot needs root" "sudo tools/chroot.sh $*"
need_packages debootstrap util-linux tar

if [ "${VECIDX_IN_NAMESPACE:-}" != 1 ]; then
  VECIDX_IN_NAMESPACE=1 exec unshare --mount --propagation private --pid --fork --kill-child "$0" "$@"
fi
shift 2

root=${CHROOTS:-$top/build/chroots}/$suite
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock -n 9 || die "another run is using $root"

# The mirror of the host's own Debian packages, as apt resolves its configuration.
host_mirror() {
  for filter in 'Label: Debian' 'Component: main'; do
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "$filter" | head -n 1)
    if [ -n "$uri" ]; then
      echo "${uri%/}"
      return
    fi
  done
  die "cannot tell which Debian mirror apt uses" "MIRROR=http://... tools/chroot.sh $verb $suite"
}

# Lets apt in the chroot reach what the host's apt reaches: proxies, time-outs and certificates.
carry_apt_settings() {
  apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-Valid-Until|Check-Date)' >"$root/etc/apt/apt.conf.d/80host" || true
  if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    mkdir -p "$root/etc/ssl/certs" "$root/usr/local/share/ca-certificates"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
  fi
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
}

mount_kernel_dirs() {
  mount -t proc proc "$root/proc"
  mkdir -p "$root/dev/shm"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
}

inside() {
  chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# A minimal Debian in $root.
bootstrap() {
  [ ! -e "$root/.debootstrapped" ] || return 0
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  say "debootstrap $suite into $root"
  debootstrap --variant=minbase "$suite" "$root" "${MIRROR:-$(host_mirror)}" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log" >&2; die "debootstrap failed, see $root.log"; }
  carry_apt_settings
  # Services are not to be started by their packages.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  touch "$root/.debootstrapped"
}

# The packages to build and test with. Their list is the stamp: a changed one is installed into an old chroot too.
install_packages() {
  packages="$(build_packages $pgmajor) $(core_packages)"
  # The peer of the benchmark, where Debian has it.
  [ $pgmajor = 15 ] || packages="$packages postgresql-$pgmajor-pgvector"
  [ "$(cat "$root/.packages" 2>/dev/null)" != "$packages" ] || return 0
  say "installing packages in $suite"
  {
    # No cluster of the distribution's own.
    mkdir -p "$root/etc/postgresql-common"
    echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
    # shellcheck disable=SC2086
    inside apt-get update &&
      inside apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold $packages &&
      inside apt-get clean
  } >>"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; die "installing packages failed, see $root.log"; }
  echo "$packages" >"$root/.packages"
}

# A copy of the sources as they stand, without what was built from them.
copy_sources() {
  rm -rf "$root/src-vecidx"
  mkdir "$root/src-vecidx"
  list_sources | tar -C "$top" --null -T - -cf - | tar -C "$root/src-vecidx" --no-same-owner -xf -
}

if [ "$verb" = bare ]; then
  pristine=$root-bare
  root=$pristine
  bootstrap
  root=$pristine-run
  trap 'umount "$root/dev/shm" "$root/proc"; rm -rf --one-file-system "$root"' EXIT
  trap 'exit 130' HUP INT TERM
  rm -rf --one-file-system "$root"
  cp -a "$pristine" "$root"
  mount_kernel_dirs
  copy_sources
  inside CI=true bash -c 'cd /src-vecidx && bash .ci/run </dev/null'
  exit
fi

bootstrap
mount_kernel_dirs
install_packages
case $verb in
  make) say "$suite with PostgreSQL $pgmajor is ready in $root" ;;
  run)
    copy_sources
    inside sh -c 'cd /src-vecidx && exec "$@"' sh "$@"
    ;;
  test)
    copy_sources
    inside sh -c 'cd /src-vecidx && VECIDX_NO_INSTALL=1 exec sh tools/test.sh core-release gcc symbols sql tap'
    ;;
esac
