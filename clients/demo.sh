#!/usr/bin/env bash
# The demo behind ./dev demo [--pubsub] [--keep]: a cluster of its own, the topology, the processor, 2,000 requests, the
# answers. With --pubsub requests come and answers go through a local Pub/Sub and weft-bridge. --stop ends what --keep
# left running.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

count=2000
burst=50000
home=build/demo
weft=$PWD/build/cli/weft
bridge=$PWD/build/pubsub-bridge/weft-bridge
topology=topology/predict.yaml
PATH=$PWD/build/pubsub-bridge:$PATH # weft runs weft-bridge for what a topology declares of Pub/Sub
for images in data/fashion-mnist ../shared/data/fashion-mnist data/sample; do
  [[ -d $images ]] && break
done

cluster() { python3 -B tests/cluster/cluster.py --data "$home/cluster" "$@"; }
pubsub() { build/venv/bin/python3 -B tests/pubsub/server.py --data "$home/pubsub" "$@"; }
# Runs a command such that a signal ends the demo at once: bash holds its traps back while a foreground command runs.
attend() { "$@" & wait $!; }
step() { printf '\n==> %s\n' "$*"; }

# start NAME PROGRAM ARGUMENT...: in the background, with its id in NAME.pid and its log in NAME.log.
start() {
  setsid "${@:2}" >"$home/$1.log" 2>&1 </dev/null &
  local pid=$!
  echo $pid >"$home/$1.pid"
  disown # not one of the jobs that finish ends: it has its own way to stop
  # Until then it is this shell, and then setsid, that runs there.
  until is_ours $pid || ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
}

# Whether a program of the build folder runs as the process of this id.
is_ours() { [[ $(readlink "/proc/$1/exe") == "$PWD"/build/* ]]; }

# The id of what was started by this name, while it runs.
running() {
  local pid
  pid=$(cat "$home/$1.pid" 2>/dev/null) && is_ours "$pid" && echo "$pid"
}

end() {
  local pid tries=0
  while pid=$(running "$1"); do
    ((tries == 0)) && kill -TERM "$pid"
    ((++tries > 300)) && kill -KILL "$pid"
    sleep 0.1
  done
  rm -f "$home/$1.pid"
}

stop() {
  end bridge
  end run
  [[ ! -e $home/pubsub ]] || pubsub stop
  cluster stop
}

finish() {
  local status=$? children
  trap '' INT TERM HUP
  mapfile -t children < <(jobs -p)
  for child in "${children[@]}"; do
    kill "$child" 2>/dev/null && { timeout 10 tail --pid="$child" -f /dev/null || kill -KILL "$child"; }
  done
  for log in "$home"/{run,bridge}.log; do
    if ((status != 0)) && [[ -s $log ]]; then
      echo "The last lines of $log:" >&2
      tail -n 10 "$log" >&2
    fi
  done
  stop
  exit $status
}

# await NAME EVENT COUNT: until the log of what was started by this name has the event that often.
await() {
  local tries=0
  until (($(grep -c "event=$2" "$home/$1.log") >= $3)); do
    [[ -n $(running "$1") ]] || { echo "demo: what $home/$1.log is of has ended" >&2 && return 1; }
    ((++tries < 600)) || { echo "demo: no $2 in $home/$1.log within a minute" >&2 && return 1; }
    sleep 0.1
  done
}

over_kafka() {
  step "Sending $count images from $images, 500 a second, and listening for the answers"
  "$weft" send req_predict --data "$images" --key id --count "$count" --rate 500 -q >"$home/send.log" 2>&1 &
  local sender=$! listener began
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
}

over_pubsub() {
  step "Starting both bridges (their log: $home/bridge.log)"
  start bridge "$bridge" run "$topology"
  await bridge bridge.owner 1

  step "Publishing $count images from $images as JSON, 500 a second, and waiting for the answers"
  attend build/venv/bin/python3 -B clients/pubsub_client.py --topic projects/demo/topics/req_predict \
    --subscription projects/demo/subscriptions/answers --data "$images" --count "$count" --rate 500
}

go_on() {
  printf '\nEverything still runs. To go on by hand:\n  . %s/cluster/env\n' "$home"
  if [[ $with_pubsub ]]; then
    printf '  . %s/pubsub/env\n' "$home"
    printf '  build/venv/bin/python3 clients/pubsub_client.py --topic projects/demo/topics/req_predict \\\n'
    printf '    --subscription projects/demo/subscriptions/answers --data %s --count 100\n' "$images"
  else
    printf '  build/cli/weft send req_predict --data %s --count 100\n' "$images"
  fi
  printf '  build/cli/weft listen res_predict --from beginning\n  tail -f %s/run.log\n  ./dev down\n' "$home"
}

with_pubsub='' keep=''
for argument; do
  case $argument in
    --stop)
      stop
      exit
      ;;
    --pubsub) with_pubsub=1 topology=topology/predict_pubsub.yaml ;;
    --keep) keep=1 ;;
  esac
done

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

if [[ $with_pubsub ]]; then
  step "Starting a Pub/Sub server"
  pubsub start
  # shellcheck source=/dev/null
  . "$home/pubsub/env"
fi

step "Applying $topology"
"$weft" topology apply "$topology"

step "Starting the processor (its log: $home/run.log)"
start run "$weft" run "$topology"
await run worker.assigned 2 # until both workers have their share of the partitions

if [[ $with_pubsub ]]; then
  over_pubsub
else
  over_kafka
fi

step "Verifying that each request has one answer, and only one"
"$weft" verify "$topology"

if [[ $keep ]]; then
  trap - EXIT
  go_on
fi
