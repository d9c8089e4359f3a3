"""A processor under load, and the account of what was done to it and what came out.

    stream = Stream(self)
    victim = stream.start("victim")
    with stream.load():
        victim.kill()
        stream.did("kill -9")
        stream.start("victim")
    stream.account_for()
"""
import collections
import contextlib
import json
import signal
import sys
import threading
import time

from support import wait_for
from support.processor import Processor
from support.weft import BUILD, PROGRAM, WITH_FAILPOINTS

LEAPING_CLOCK = BUILD / "tests" / "faults" / "libleaping_clock.so"
LEDGER = BUILD / "faults.jsonl"
FENCED = 3
ASSERTION = "rd_kafka_enq_once_del_source_return: Assertion"
# For faults that last longer than these time-outs allow, so that a test need not wait for long.
IMPATIENT = {"session_timeout_ms": 4000, "heartbeat_interval_ms": 500, "transaction_timeout_ms": 8000}


def long(test):
    """Only in `./dev test faults`; CMake reads the mark."""
    return test


class Stream(Processor):
    def __init__(self, test, partitions=4, **config):
        super().__init__(test, partitions, **config)
        self.kafka.settings["log_level"] = 0  # lost connections are no news here
        self.registry.schema(self.schema_id)  # known from now on, also while the registry is away
        self.sent = self.extra = 0  # of the load, and beside it
        self.deeds = collections.Counter()
        self.instances, self.latest = [], {}  # all processes; that of each instance
        self.supervised = {}  # the settings of instances that are started again

    def start(self, instance="a", workers=1, failpoint=None, preload=None, **settings):
        """failpoint: NAME:N:kill or NAME:N:stop, as in streams/failpoint.h. preload: a library."""
        environment = {"FAILPOINT": failpoint, "LD_PRELOAD": preload and str(preload)}
        process = self.test.start_weft(
            "run", settings=self.settings(**{"instance": instance, "workers": workers, "batch_max": 200, **settings}),
            environment={name: value for name, value in environment.items() if value},
            program=WITH_FAILPOINTS if failpoint else PROGRAM)
        self.instances.append(process)
        self.latest[instance] = process
        return process

    def supervise(self, instance="a", **settings):
        """Starts an instance, and starts it again when it ends by itself, as systemd or Kubernetes do."""
        self.supervised[instance] = settings
        return self.start(instance, **settings)

    def tend(self):
        """Starts again what has ended and asks for it, or was ended by the library, as docs/reliability.md has it."""
        for instance, settings in self.supervised.items():
            latest = self.latest[instance]
            if not latest.running():
                status = latest.process.returncode
                if status != -signal.SIGABRT or ASSERTION not in latest.err:
                    self.test.assertEqual(status, FENCED, latest.err)
                self.did(f"ended with {status} and started again")
                self.start(instance, **settings)

    def did(self, what, times=1):
        self.deeds[what] += times

    @contextlib.contextmanager
    def load(self, per_second=500, at_least=4000):
        """Sends requests meanwhile, and after that, without pauses, what is missing to at_least so many."""
        enough, failure = threading.Event(), []

        def delivered(error, _):
            if error:
                failure.append(error)

        def send():
            producer = self.kafka.producer(**{"enable.idempotence": True, "linger.ms": 5})
            while not failure and not (enough.is_set() and self.sent >= at_least):
                key = f"r{self.sent}".encode()
                producer.produce(self.source, self.request(self.sent), key, on_delivery=delivered)
                self.sent += 1
                producer.poll(0)
                if self.sent % 20 == 0 and not enough.is_set():
                    time.sleep(20 / per_second)
            if producer.flush(180):
                failure.append("not all was delivered")
        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield
        finally:
            enough.set()
            sender.join()
        self.test.assertEqual(failure, [])

    def send_values(self, values, **arguments):
        """Messages beside the load; arguments as for confluent_kafka's produce()."""
        self.send_messages([{"value": value, **arguments} for value in values])

    def send_messages(self, messages):
        """Beside the load; each the arguments of confluent_kafka's produce()."""
        messages = list(messages)
        self.kafka.produce(self.source, messages, **{"message.max.bytes": 2_000_000})
        self.extra += len(messages)

    def wait_progress(self, more=1):
        """Waits until so many further requests have been answered."""
        wanted = self.answered() + more
        wait_for(lambda: self.tend() or self.answered() >= wanted, f"{more} more answers")

    def wait_answered(self):
        """However many are left: the deadline is one for the next answer."""
        wanted = self.sent + self.extra
        while (answered := self.answered()) < wanted:
            wait_for(lambda: self.tend() or self.answered() > answered, f"more than {answered} of {wanted} answers")
        self.test.assertEqual(answered, wanted)

    def delays(self):
        """Seconds: the longest time without an answer, and from a request to its answer."""
        answers = []
        for message in self.kafka.each(self.sink):
            source = self.registry.decode(message.value())["source"]
            answers.append((message.timestamp()[1] / 1000, source["timestamp"].timestamp()))
        answers.sort()
        gap = max((b[0] - a[0] for a, b in zip(answers, answers[1:])), default=0)
        return round(gap, 1), round(max((at - asked for at, asked in answers), default=0), 1)

    def account_for(self, dead=0, timed=True, **outcome):
        """Waits for the last answer, proves exactly once, and notes it all in BUILD/faults.jsonl."""
        self.wait_answered()
        self.assert_exactly_once(dead)
        gap, slowest = self.delays() if timed else (None, None)
        requests = self.sent + self.extra
        self.note({"requests": requests, "results": requests - dead, "dead_letters": dead,
                   "longest_gap_s": gap, "slowest_answer_s": slowest, **outcome})

    def note(self, outcome):
        aborts = sum(process.err.count("worker.aborted") for process in self.instances)
        note(self.test, self.deeds, {**outcome, "aborts": aborts})


def note(test, deeds, outcome):
    """Into BUILD/faults.jsonl, of which table.py makes a table."""
    file = test.id().partition(".")[0].removeprefix("test_")
    line = {"test": f"{file}: {test.name.replace('_', ' ')}", "done": dict(deeds), **outcome}
    with open(LEDGER, "a", encoding="utf-8") as ledger:
        ledger.write(json.dumps(line) + "\n")
    print(json.dumps(line), file=sys.stderr)
