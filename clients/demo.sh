#!/usr/bin/env bash
# The demo behind ./dev demo [--keep]: a cluster of its own, the topology, the processor, 2,000 requests, the answers.
# --stop ends what --keep left running.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

count=2000
burst=50000
home=build/demo
weft=$PWD/build/cli/weft
for images in data/fashion-mnist ../shared/data/fashion-mnist data/sample; do
  [[ -d $images ]] && break
done

cluster() { python3 -B tests/cluster/cluster.py --data "$home/cluster" "$@"; }
# Runs a command such that a signal ends the demo at once: bash holds its traps back while a foreground command runs.
attend() { "$@" & wait $!; }
step() { printf '\n==> %s\n' "$*"; }

# The processor is known by its id and by the program that runs under it.
processor() {
  local pid
  pid=$(cat "$home/run.pid" 2>/dev/null) && [[ $(readlink "/proc/$pid/exe") == "$weft"* ]] && echo "$pid"
}

stop() {
  local pid tries=0
  while pid=$(processor); do
    ((tries == 0)) && kill -TERM "$pid"
    ((++tries > 300)) && kill -KILL "$pid"
    sleep 0.1
  done
  rm -f "$home/run.pid"
  cluster stop
}

finish() {
  local status=$? children
  trap '' INT TERM HUP
  mapfile -t children < <(jobs -p)
  for child in "${children[@]}"; do
    kill "$child" 2>/dev/null && { timeout 10 tail --pid="$child" -f /dev/null || kill -KILL "$child"; }
  done
  if ((status != 0)) && [[ -s $home/run.log ]]; then
    echo "The last lines of the processor's log, $home/run.log:" >&2
    tail -n 10 "$home/run.log" >&2
  fi
  stop
  exit $status
}

# Until both workers of topology/predict.yaml have their share of the partitions.
await_partitions() {
  local tries=0
  until (($(grep -c worker.assigned "$home/run.log") >= 2)); do
    [[ -n $(processor) ]] || { echo "the processor has ended" >&2 && return 1; }
    ((++tries < 600)) || { echo "the processor got no partitions within a minute" >&2 && return 1; }
    sleep 0.1
  done
}

go_on() {
  cat <<END

Everything still runs. To go on by hand:
  . $home/cluster/env
  build/cli/weft send req_predict --data $images --count 100
  build/cli/weft listen res_predict --from beginning
  tail -f $home/run.log
  ./dev down
END
}

if [[ ${1-} == --stop ]]; then
  stop
  exit
fi

stop
rm -rf "$home"
mkdir -p "$home"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

step "Starting Kafka and the schema registry"
cluster start
# shellcheck source=/dev/null
. "$home/cluster/env"

step "Applying topology/predict.yaml"
"$weft" topology apply topology/predict.yaml

step "Starting the processor (its log: $home/run.log)"
setsid "$weft" run topology/predict.yaml >"$home/run.log" 2>&1 </dev/null &
echo $! >"$home/run.pid"
disown # not one of the jobs that finish ends: it has its own way to stop
await_partitions

step "Sending $count images from $images, 500 a second, and listening for the answers"
"$weft" send req_predict --data "$images" --key id --count "$count" --rate 500 -q >"$home/send.log" 2>&1 &
sender=$!
attend "$weft" listen res_predict --from beginning --count "$count" --draw 3 --timeout 60 -q
wait $sender || { cat "$home/send.log" >&2 && exit 1; }

step "Sending $burst more, as fast as it goes"
"$weft" listen res_predict --from beginning --count $((count + burst)) --no-lines --timeout 120 -q >"$home/burst.log" 2>&1 &
listener=$!
began=$(date +%s%N)
attend "$weft" send req_predict --data "$images" --key id --count "$burst" -q
wait $listener || { cat "$home/burst.log" >&2 && exit 1; }
printf '%d answered, %d a second, from the first request to the last answer\n' "$burst" \
  $((burst * 1000000000 / ($(date +%s%N) - began)))

step "Verifying that each request has one answer, and only one"
"$weft" verify topology/predict.yaml

if [[ ${1-} == --keep ]]; then
  trap - EXIT
  go_on
fi
