"""What an operator sees: the status endpoint, the dashboard and alerts made on it, and weft status."""
import hashlib
import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from support import OwnCluster, SharedCluster, WeftTest, wait_for
from support.dashboard import ALERTS, assert_exported, queries
from support.endpoint import Endpoint
from support.processor import MODEL, REQUEST, Processor
from support.web import RegistryProxy, serve
from support.weft import SOURCE, WITH_FAILPOINTS

ALERTS_TEST = SOURCE / "tests" / "data" / "prometheus" / "alerts_test.yaml"
BAD = [b"", b"\0\0", b"no Avro at all"]


def start(processor, **settings):
    running = processor.start(status_listen="0", **settings)
    return running, Endpoint(running)


def wait_ready(endpoint):
    wait_for(lambda: endpoint.ready()[0], "a ready processor")


def wait_for_reason(endpoint, beginning):
    """Waits until /readyz says 503 with this reason."""
    def says():
        ready, reason = endpoint.ready()
        return not ready and f": {beginning}" in reason
    wait_for(says, f"/readyz saying {beginning!r}")


class Metrics(SharedCluster):
    def setUp(self):
        super().setUp()
        self.processor = Processor(self)

    def test_metrics_tell_what_was_done(self):
        self.processor.send(200)
        self.kafka.produce(self.processor.source, BAD)
        _, endpoint = start(self.processor)
        wait_for(lambda: endpoint.total("weft_results_total") == 200 and endpoint.total("weft_dead_letters_total") == 3,
                 "all requests being counted")
        self.assertEqual(endpoint.total("weft_dead_letters_total", **{"class": "corrupt"}), 3)
        commits = endpoint.total("weft_commits_total")
        self.assertGreaterEqual(commits, 1)
        self.assertEqual(endpoint.total("weft_requests_total"), 203)
        self.assertEqual(endpoint.total("weft_aborts_total"), 0)
        self.assertEqual(endpoint.total("weft_batch_requests_sum"), 203)
        self.assertEqual(endpoint.total("weft_batch_requests_count"), commits)
        self.assertEqual(endpoint.total("weft_request_latency_seconds_count"), 203)
        for stage in ("wait", "decode", "score", "produce", "commit"):
            self.assertEqual(endpoint.total("weft_stage_duration_seconds_count", stage=stage), commits)
            self.assertGreater(endpoint.total("weft_stage_duration_seconds_sum", stage=stage), 0, stage)
        model, = endpoint.samples()["weft_model_info"]
        self.assertEqual(model.labels["sha256"], hashlib.sha256(MODEL.read_bytes()).hexdigest())
        self.assertEqual(model.labels["role"], "main")
        # The second may join when the first has done all.
        wait_for(lambda: endpoint.total("weft_worker_state", state="working") == 2, "both workers being at work")
        self.assertEqual(endpoint.total("weft_worker_state"), 2)

    def test_lag_of_each_partition_is_known_also_where_nothing_comes(self):
        self.kafka.produce(self.processor.source, [{"value": self.processor.request(i), "partition": 1}
                                                   for i in range(10)])
        running, endpoint = start(self.processor)

        def lags():
            return {int(s.labels["partition"]): s.value for s in endpoint.samples().get("weft_lag_requests", [])}
        wait_for(lambda: lags() == {0: 0, 1: 0, 2: 0, 3: 0}, "no lag in any partition")
        self.assertEqual(running.stop(), 0)
        # Of a schema that cannot be had, so that they wait.
        newer = {**REQUEST, "fields": [*REQUEST["fields"], {"name": "new", "type": "int", "default": 0}]}
        newer_id = self.registry.register(f"{self.processor.source}-newer", newer)
        value = self.registry.encode(newer_id, {"id": "n", "image": bytes(784), "label": None, "attributes": {}, "new": 1})
        self.kafka.produce(self.processor.source, [{"value": value, "partition": 1}] * 40)
        url = serve(self, RegistryProxy, registry=self.registry_url, away=f"/schemas/ids/{newer_id}")
        _, endpoint = start(self.processor, schema_registry_url=url)
        wait_for(lambda: lags() == {0: 0, 1: 40, 2: 0, 3: 0}, "the lag of what waits")
        # While it waits nothing is fetched, and yet the lag grows.
        self.kafka.produce(self.processor.source, [{"value": value, "partition": 1}] * 5)
        wait_for(lambda: lags() == {0: 0, 1: 45, 2: 0, 3: 0}, "the lag of what came meanwhile")

    def test_the_clients_own_figures_are_there(self):
        _, endpoint = start(self.processor, workers=1)
        averages = {}

        def known():
            self.processor.send(10)
            samples = endpoint.samples()
            for sample in samples.get("weft_kafka_round_trip_average_seconds", []):
                averages[sample.labels["client"]] = sample.value
            return len(averages) == 2 and all(
                {sample.labels["client"] for sample in samples[name]} == {"consumer", "producer"}
                for name in ("weft_kafka_requests_total", "weft_kafka_queue_messages", "weft_kafka_connections"))
        wait_for(known, "the figures of both clients")
        self.assertGreater(endpoint.total("weft_kafka_received_bytes_total"), 0)
        self.assertGreater(endpoint.total("weft_kafka_connections"), 0)
        self.assertTrue(all(0 < average < 60 for average in averages.values()), averages)

    def test_names_follow_the_rules_of_prometheus(self):
        _, endpoint = start(self.processor)
        self.processor.send(10)
        wait_for(lambda: "weft_kafka_round_trip_average_seconds" in endpoint.samples(), "all of the metrics")
        text = endpoint.get("/metrics")[1]
        for name in re.findall(r"^# TYPE (\S+) counter$", text, re.MULTILINE):
            self.assertTrue(name.endswith("_total"), name)
        helped, typed = (re.findall(rf"^# {word} (\S+) \S", text, re.MULTILINE) for word in ("HELP", "TYPE"))
        self.assertEqual(helped, typed)
        self.assertEqual(len(set(typed)), len(typed))
        self.assertTrue(all(name.startswith(("weft_", "process_")) for name in typed), typed)
        if shutil.which("promtool"):
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True,
                                     check=False)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""), checked.stdout)

    def test_dashboard_and_alerts_use_only_names_that_are_exported(self):
        _, endpoint = start(self.processor)
        self.processor.send(10)
        wait_for(lambda: {"weft_kafka_round_trip_average_seconds", "weft_lag_requests"} <= endpoint.samples().keys(),
                 "all of the metrics")
        self.assertGreater(len(assert_exported(self, queries(of_bridges=False), endpoint)), 20)

    @unittest.skipUnless(shutil.which("promtool"), "needs promtool: apt-get install prometheus")
    def test_alerts_fire_when_they_should(self):
        for arguments in (["check", "rules", ALERTS], ["test", "rules", ALERTS_TEST]):
            done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_info_names_what_runs_and_no_page_tells_a_secret(self):
        running, endpoint = start(self.processor, sasl_password="hunter2", basic_auth_user_info="me:hunter2")
        wait_ready(endpoint)
        info = endpoint.info()
        self.assertEqual((info["program"], info["version"]),
                         ("weft", json.loads(self.weft("version", "--json").out)["version"]))
        processor, = info["processors"]
        self.assertEqual((processor["source"], processor["group"], processor["ready"], processor["workers"]),
                         (self.processor.source, self.processor.group, True, ["working", "working"]))
        self.assertEqual(processor["models"][0]["sha256"], hashlib.sha256(MODEL.read_bytes()).hexdigest())
        self.assertEqual(info["settings"]["sasl.password"], "-X")
        for page in ("/metrics", "/healthz", "/readyz", "/info"):
            status, text = endpoint.get(page)
            self.assertEqual(status, 200, text)
            self.assertNotIn("hunter2", text)
        self.assertNotIn("hunter2", running.err)

    def test_there_is_none_unless_an_address_is_given(self):
        running = self.processor.start()
        running.wait_for_line("worker.assigned")
        self.assertNotIn("status.listening", running.err)

    def test_scraping_without_pause_does_not_disturb_the_work(self):
        _, endpoint = start(self.processor)
        wait_ready(endpoint)
        over, answers = threading.Event(), []

        def scrape():
            while not over.is_set():
                answers.append(endpoint.get("/metrics")[0])
        threads = [threading.Thread(target=scrape) for _ in range(4)]
        with socket.create_connection(endpoint.url.removeprefix("http://").split(":")) as silent:
            silent.sendall(b"GET /metrics HTTP/1.1\r\nHost")
            for thread in threads:
                thread.start()
            try:
                self.processor.send(2000)
                wait_for(lambda: self.processor.answered() == 2000, "all answers")
            finally:
                over.set()
                for thread in threads:
                    thread.join()
        self.assertEqual(set(answers), {200})
        self.processor.assert_exactly_once()


class Ready(SharedCluster):
    """Each reason not to be ready, as it really comes about; those that need a cluster of their own stand below."""

    def setUp(self):
        super().setUp()
        self.processor = Processor(self)

    def test_joining(self):
        # A member that does not answer keeps the group waiting for it.
        silent = self.kafka.consumer(**{"group.id": self.processor.group, "session.timeout.ms": 30000,
                                        "max.poll.interval.ms": 30000, "partition.assignment.strategy": "range"})
        silent.subscribe([self.processor.source])
        wait_for(lambda: silent.poll(0.1) is None and silent.assignment(), "the silent member's partitions")
        _, endpoint = start(self.processor)
        wait_for_reason(endpoint, "joining")
        self.assertEqual(endpoint.get("/healthz"), (200, "ok\n"))
        silent.close()
        wait_ready(endpoint)

    def test_lagging(self):
        self.processor.send(100)
        running, endpoint = start(self.processor, workers=1, batch_max=1, commit_interval_min="1s", ready_lag_max=10)
        wait_for_reason(endpoint, "lagging")
        self.assertEqual(running.stop(), 0)
        _, endpoint = start(self.processor, ready_lag_max=10)
        wait_ready(endpoint)

    def test_fenced(self):
        first, endpoint = start(self.processor, workers=2)
        wait_ready(endpoint)
        reasons = set()

        def watch():
            while first.running():
                reasons.add(endpoint.get("/readyz")[1])
        watcher = threading.Thread(target=watch)
        watcher.start()
        # Takes the place of the first one's worker 0 and not of its worker 1, which takes its time to leave.
        second = self.processor.start(workers=1)
        second.wait_for_line("worker.assigned")
        self.processor.send(1000)
        try:
            self.assertEqual(first.wait(), 3)
        finally:
            first.kill()
            watcher.join()
        self.assertTrue(any(": fenced: another instance has taken the place of worker 0" in reason
                            for reason in reasons), reasons)

    def test_a_registry_away_at_the_start(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
            _, endpoint = start(self.processor, schema_registry_url=url)
            wait_for_reason(endpoint, "registry away")
            self.assertEqual(endpoint.total("weft_ready"), 0)

    def test_a_broker_away_at_the_start(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            _, endpoint = start(self.processor, bootstrap_servers=f"127.0.0.1:{nobody.getsockname()[1]}")
            self.assertEqual(endpoint.ready(), (False, "processor predict: starting: no broker has answered yet"))

    def test_a_port_in_use_ends_the_start(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            refused = self.weft("run", settings=self.processor.settings(status_listen=port), status=2)
        self.assertIn(f"status.listen={port}: Address already in use", refused.err)


class Away(OwnCluster):
    def test_registry_and_broker_away_while_it_runs(self):
        processor = Processor(self)
        running, endpoint = start(processor)
        wait_ready(endpoint)
        processor.send(10)
        wait_for(lambda: processor.answered() == 10, "answers while all is there")

        newer = {**REQUEST, "fields": sorted(REQUEST["fields"], key=lambda field: field["name"])}
        newer_id = self.registry.register(f"{processor.source}-value-newer", newer)
        value = self.registry.encode(newer_id, {"image": bytes(784), "id": "newer", "label": None, "attributes": {}})
        self.cluster.registry.process.stop()
        self.kafka.produce(processor.source, [value])
        wait_for_reason(endpoint, "registry away")
        self.assertEqual(endpoint.total("weft_worker_state", state="registry_away"), 1)
        self.cluster.start_registry()
        wait_ready(endpoint)
        wait_for(lambda: processor.answered() == 11, "the answer once the registry is back")

        self.cluster.kill(1)
        wait_for_reason(endpoint, "broker away")
        self.assertEqual(endpoint.get("/healthz"), (200, "ok\n"))
        self.cluster.start_node(1)
        wait_ready(endpoint)
        self.assertTrue(running.running())
        processor.assert_exactly_once()


class Status(SharedCluster):
    """weft status, the cluster's view."""

    def setUp(self):
        super().setUp()
        self.processor = Processor(self)

    def status(self, *arguments, status=0):
        done = self.weft("status", "--json", *arguments, settings=self.processor.settings(), status=status)
        return json.loads(done.out)

    def test_a_processor_at_work(self):
        self.processor.send(20)
        self.processor.start(instance="left", workers=1)
        self.processor.start(instance="right", workers=1)

        def balanced():
            found = json.loads(self.weft("status", "--json", settings=self.processor.settings(), status=None).out)
            return found if found["well"] and found["lag"] == 0 and len(found["members"]) == 2 else None
        found = wait_for(balanced, "two members and no lag")
        self.assertEqual((found["state"], found["assignor"], found["transactions"]), ("Stable", "range", []))
        self.assertEqual({m["client_id"]: m["partitions"] for m in found["members"]},
                         {"weft-left-0": 2, "weft-right-0": 2})
        self.assertEqual(sum(p["committed"] or 0 for p in found["partitions"]), 20)
        table = self.weft("status", settings=self.processor.settings()).out
        self.assertIn(f"group {self.processor.group}: Stable, 2 members, range", table)
        self.assertIn("weft-left-0 at /127.0.0.1", table)
        self.assertIn("open transactions: none", table)

    def test_a_group_that_nobody_is_in(self):
        self.processor.send(20)
        found = self.status(status=1)
        self.assertEqual((found["members"], found["lag"], found["well"]), ([], 20, False))
        self.assertIn("nobody reads", self.weft("status", settings=self.processor.settings(), status=1).out)

    def test_too_much_lag_is_a_failure_where_a_limit_is_given(self):
        self.processor.send(100)
        running = self.processor.start(workers=1, batch_max=1, commit_interval_min="1s")
        running.wait_for_line("worker.assigned")
        wait_for(lambda: self.processor.answered() > 0, "the first answer")
        self.assertGreater(self.status("--lag-max", "1", status=1)["lag"], 1)
        self.assertTrue(self.status()["well"])

    def test_an_open_transaction_is_found_with_its_age_and_what_it_answers(self):
        self.processor.start(workers=1).wait_for_line("worker.assigned")
        first = self.kafka.end_offsets(self.processor.dead_letters)[0]
        producer = self.kafka.producer(**{"transactional.id": self.topic_name("writer")})
        producer.init_transactions(60)
        producer.begin_transaction()
        # As a worker writes it, that has read partition 3.
        headers = {"weft.source.topic": self.processor.source, "weft.source.partition": "3", "weft.source.offset": "5"}
        begun = time.time()
        producer.produce(self.processor.dead_letters, b"x", headers=headers)
        producer.produce(self.processor.dead_letters, b"y", headers=headers)
        producer.produce(self.processor.sink, b"no result", partition=2)
        producer.flush(60)
        found = self.status()
        letters, result = sorted(found["transactions"], key=lambda one: one["topic"] != self.processor.dead_letters)
        self.assertEqual((letters["topic"], letters["partition"], letters["offset"], letters["behind"]),
                         (self.processor.dead_letters, 0, first, 2))
        self.assertEqual((letters["source_partition"], letters["source_offset"], letters["read_by"]),
                         (3, 5, found["members"][0]["id"]))
        self.assertEqual((result["topic"], result["partition"], result["source_partition"], result["source_offset"],
                          result["read_by"]), (self.processor.sink, 2, None, None, None))
        self.assertLess(letters["open_seconds"], time.time() - begun + 1)

        wait_for(lambda: time.time() - begun > 2, "the transaction's second second")
        hanging = self.weft("status", "--hanging-after", "1", settings=self.processor.settings(), status=1).out
        self.assertRegex(hanging, rf"{self.processor.dead_letters} partition 0 from offset {first}, 2 offsets behind, open for "
                                  rf"\d+\.\d s, answers {self.processor.source} partition 3 offset 5\n"
                                  r"    that partition is now read by weft-a-0 at /127.0.0.1: the writer, or its successor\n")
        self.assertIn(f"describe-producers --topic {self.processor.sink} --partition 2", hanging)
        producer.abort_transaction(60)
        wait_for(lambda: self.status()["transactions"] == [], "the end of the transaction")

    def test_a_transaction_of_an_instance_that_died_is_not_put_down_to_its_successor(self):
        shadow = self.topic("shadow", 4)
        settings = {"workers": 1, "shadow_model": MODEL, "shadow_results": shadow, "transaction_timeout_ms": 120000}
        self.processor.send(20)
        died = self.start_weft("run", settings=self.processor.settings(instance="a", producer_linger_ms=0, **settings),
                               environment={"FAILPOINT": "produced:1:kill"}, program=WITH_FAILPOINTS)
        self.assertEqual(died.wait(), -signal.SIGKILL)
        self.processor.start(instance="b", **settings)
        wait_for(lambda: self.processor.answered() == 20, "the successor's answers")
        asked = self.processor.settings(shadow_model=MODEL, shadow_results=shadow)
        found = json.loads(self.weft("status", "--json", settings=asked).out)
        successor, = found["members"]
        self.assertEqual(successor["client_id"], "weft-b-0")
        self.assertEqual({one["topic"] for one in found["transactions"]}, {self.processor.sink, shadow})
        for one in found["transactions"]:
            # The successor has answered the same request, and is done with it.
            self.assertLess(one["source_offset"], found["partitions"][one["source_partition"]]["committed"])
            self.assertEqual(one["read_by"], successor["id"])
        lines = self.weft("status", settings=asked).out.partition("open transactions:\n")[2].splitlines()
        self.assertEqual(len(lines), 2 * len(found["transactions"]))
        for line in lines[1::2]:
            self.assertRegex(line, r"^    that partition is now read by weft-b-0 at \S+: the writer, or its successor$")
        self.processor.start(instance="a", **settings)  # fences who died
        wait_for(lambda: not json.loads(self.weft("status", "--json", settings=asked, status=None).out)["transactions"],
                 "the end of the transaction")

    def test_a_topic_that_is_not_there_is_said(self):
        refused = self.weft("status", settings={**self.processor.settings(), "sink": "nowhere"}, status=2)
        self.assertIn("topic nowhere does not exist", refused.err)


class StatusOfNothing(WeftTest):
    def test_the_address_is_checked_before_anything_starts(self):
        refused = self.weft("run", settings={"source": "a", "sink": "b", "bootstrap.servers": "localhost:1",
                                             "status.listen": "9464x"}, status=2)
        self.assertIn("status.listen=9464x: write HOST:PORT", refused.err)
