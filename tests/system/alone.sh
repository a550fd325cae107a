# shellcheck shell=sh
# alone.sh - sourced before all else by tests that need a network of their own, where nobody else
# has connections: executes the test again in a new network namespace, or skips it without one.
if [ -z "${BENCH_TEST_ALONE-}" ]; then
  PATH=$PATH:/usr/sbin:/sbin BENCH_TEST_ALONE=yes
  export PATH BENCH_TEST_ALONE
  for how in --net '--user --map-root-user --net'; do
    # shellcheck disable=SC2016,SC2086 # for the shell there; several words
    if unshare $how ip link set lo up 2>/dev/null; then
      exec unshare $how sh -c 'ip link set lo up && exec sh "$0"' "$0"
    fi
  done
  echo '1..0 # SKIP needs a network namespace'
  exit 0
fi
