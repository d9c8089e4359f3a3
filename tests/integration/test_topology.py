"""weft topology plan and apply, against what the independent clients then see."""
import http.server
import json
import threading
import unittest

from confluent_kafka.admin import ConfigResource

from support import OwnCluster, SharedCluster
from support.weft import SOURCE

POINT = {"type": "record", "name": "Point", "fields": [{"name": "x", "type": "int"}]}
POINT_WITH_Y = {**POINT, "fields": [*POINT["fields"], {"name": "y", "type": "int", "default": 0}]}
POINT_OF_TEXT = {**POINT, "fields": [{"name": "x", "type": "string"}]}
NOBODY = "127.0.0.1:1"


class SomeWebSite(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        page = b"<html><body>Welcome!</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class TopologyTest(SharedCluster):
    def declare(self, schema=POINT, compatibility=None, topics=True, **topic):
        """Writes a topology with one schema and two topics, of which the keywords describe the first; its path."""
        self.subject = self.topic_name("points") + "-value"
        self.first, self.second = self.topic_name("first"), self.topic_name("second")
        declared = {"topology": "test"}
        if schema:
            self.write("point.avsc", json.dumps(schema, indent=2))
            declared["schemas"] = [{"subject": self.subject, "file": "point.avsc"}]
            if compatibility:
                declared["schemas"][0]["compatibility"] = compatibility
        if topics:
            declared["topics"] = [{"name": self.first, "partitions": 3, **topic}, {"name": self.second, "partitions": 1}]
        self.write("test.yaml", json.dumps(declared, indent=2))  # JSON is YAML
        return "test.yaml"

    def plan(self, path, status, **options):
        """The verdict on each step, by kind and name, and the summary."""
        lines = [json.loads(line) for line in
                 self.weft("topology plan", path, "--json", status=status, **options).out.splitlines()]
        steps = {(line["step"], line["name"]): line["verdict"] for line in lines if "step" in line}
        return steps, next(line for line in lines if "topology" in line)

    def serve_web_site(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SomeWebSite)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}"

    def assert_nothing_is_made(self):
        topics = self.kafka.topics()
        self.assertNotIn(self.first, topics)
        self.assertNotIn(self.second, topics)
        self.assertNotIn(self.subject, self.registry.call("/subjects"))

    def topic_settings(self, name):
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        return {key: entry.value for key, entry in
                self.kafka.admin.describe_configs([resource])[resource].result().items()}


class Plan(TopologyTest):
    def test_a_plan_shows_what_is_missing_and_makes_nothing(self):
        path = self.declare(compatibility="FULL", config={"retention.ms": "2h"})
        shown = self.weft("topology plan", path, status=4).out
        self.assertEqual(shown, f"+ register schema {self.subject} (new subject)\n"
                                f"+ set compatibility of {self.subject} (FULL)\n"
                                f"+ create topic {self.first} (3 partitions, retention.ms=7200000)\n"
                                f"+ create topic {self.second} (1 partition)\n"
                                "topology test: 4 changes, 0 unchanged\n"
                                "`weft topology apply test.yaml` makes them\n")
        self.assert_nothing_is_made()

    def test_what_differs_is_shown_and_left_as_it_is(self):
        path = self.declare(schema=None, config={"retention.ms": "1h", "segment.bytes": 1048576})
        self.kafka.create_topic(self.first, 2, segment_bytes=1048576)
        self.kafka.create_topic(self.second, 1)
        shown = self.weft("topology plan", path, status=4).out
        self.assertIn(f"~ topic {self.first} (partitions is 2, declared 3; retention.ms is 604800000, declared 3600000)",
                      shown)
        self.assertIn(f"= topic {self.second} (1 partition)", shown)
        self.weft("topology apply", path)
        self.assertEqual(len(self.kafka.topics()[self.first].partitions), 2)
        self.assertEqual(self.topic_settings(self.first)["retention.ms"], "604800000")

    def test_a_looser_compatibility_is_not_set(self):
        path = self.declare(compatibility="NONE", topics=False)
        self.registry.register(self.subject, POINT)
        self.registry.call(f"/config/{self.subject}", {"compatibility": "FULL"}, "PUT")
        steps, _ = self.plan(path, 4)
        self.assertEqual(steps[("compatibility", self.subject)], "differs")
        self.weft("topology apply", path)
        self.assertEqual(self.registry.call(f"/config/{self.subject}")["compatibilityLevel"], "FULL")

    def test_topics_alone_need_no_registry(self):
        path = self.declare(schema=None)
        self.plan(path, 4, settings={"schema.registry.url": f"http://{NOBODY}"})

    def test_schemas_alone_need_no_broker(self):
        path = self.declare(topics=False)
        self.plan(path, 4, settings={"bootstrap.servers": NOBODY})


class Apply(TopologyTest):
    def test_topics_and_schemas_are_made_as_declared(self):
        path = self.declare(compatibility="FORWARD", config={"cleanup.policy": "compact", "segment.ms": "12h"})
        done = self.weft("topology apply", path).out
        topics = self.kafka.topics()
        self.assertEqual(len(topics[self.first].partitions), 3)
        self.assertEqual(len(topics[self.second].partitions), 1)
        self.assertTrue(all(p.leader >= 0 for p in topics[self.first].partitions.values()))
        settings = self.topic_settings(self.first)
        self.assertEqual((settings["cleanup.policy"], settings["segment.ms"]), ("compact", "43200000"))
        schema_id, schema = self.registry.latest(self.subject)
        self.assertEqual(schema, POINT)
        self.assertEqual(self.registry.call(f"/config/{self.subject}")["compatibilityLevel"], "FORWARD")
        self.assertIn(f"registered schema {self.subject} (id {schema_id})\n", done)
        self.assertIn(f"created topic {self.second} (1 partition)\n", done)

    def test_after_it_nothing_is_left_to_do(self):
        path = self.declare(compatibility="BACKWARD", config={"retention.ms": "7d", "min.cleanable.dirty.ratio": 0.50})
        self.weft("topology apply", path)
        steps, summary = self.plan(path, 0)
        self.assertEqual(set(steps.values()), {"unchanged"})
        self.assertEqual(summary, {"topology": "test", "unchanged": 4, "change": 0, "differs": 0, "refused": 0})

    def test_a_second_one_changes_nothing(self):
        path = self.declare(compatibility="BACKWARD")
        self.weft("topology apply", path)
        before = self.registry.latest(self.subject)
        lines = self.weft("topology apply", path, "--json").out.splitlines()
        self.assertNotIn("done", [json.loads(line).get("verdict") for line in lines])
        self.assertEqual(self.registry.latest(self.subject), before)
        self.assertEqual(self.registry.call(f"/subjects/{self.subject}/versions"), [1])

    def test_it_makes_what_is_missing_beside_what_is_there(self):
        path = self.declare()
        self.kafka.create_topic(self.second, 1)
        lines = self.weft("topology apply", path, "--json").out.splitlines()
        done = [(line["step"], line["name"]) for line in map(json.loads, lines) if line.get("verdict") == "done"]
        self.assertEqual(done, [("schema", self.subject), ("topic", self.first)])

    def test_two_at_once_do_no_harm(self):
        path = self.declare(schema=None)
        running = [self.start_weft("topology apply", path) for _ in range(4)]
        self.assertEqual([process.wait() for process in running], [0, 0, 0, 0])
        self.assertEqual(len(self.kafka.topics()[self.first].partitions), 3)

    def test_a_compatible_schema_becomes_the_next_version(self):
        path = self.declare(schema=POINT_WITH_Y)
        self.registry.register(self.subject, POINT)
        self.assertEqual(self.plan(path, 4)[0][("schema", self.subject)], "change")
        self.weft("topology apply", path)
        self.assertEqual(self.registry.latest(self.subject)[1], POINT_WITH_Y)
        self.assertEqual(self.registry.call(f"/subjects/{self.subject}/versions"), [1, 2])

    def test_a_schema_with_another_layout_is_the_same(self):
        path = self.declare()
        self.registry.register(self.subject, POINT)  # with spaces where weft writes none
        self.assertEqual(self.plan(path, 4)[0][("schema", self.subject)], "unchanged")

    def test_an_incompatible_schema_stops_it_before_it_begins(self):
        path = self.declare(schema=POINT_OF_TEXT)
        self.registry.register(self.subject, POINT)
        failed = self.weft("topology apply", path, status=1)
        self.assertIn(f"! schema {self.subject} (point.avsc is not compatible with version 1", failed.out)
        self.assertEqual(failed.err, "weft: 1 step is refused: nothing was changed\n")
        self.assertNotIn(self.first, self.kafka.topics())
        self.assertEqual(self.plan(path, 1)[1]["refused"], 1)

    def test_more_replicas_than_brokers_stop_it_before_it_begins(self):
        path = self.declare(replication=3)
        self.assertEqual(self.plan(path, 1)[0][("topic", self.first)], "refused")
        self.weft("topology apply", path, status=1)
        self.assert_nothing_is_made()

    def test_a_value_that_kafka_refuses_stops_it_before_it_begins(self):
        path = self.declare(config={"cleanup.policy": "shred"})
        failed = self.weft("topology apply", path, status=1)
        self.assertRegex(failed.out, f"! topic {self.first} .*cleanup.policy")
        self.assert_nothing_is_made()


class WithoutTheOthers(TopologyTest):
    def test_no_broker_is_one_error_that_names_the_address(self):
        path = self.declare(schema=None)
        failed = self.weft("topology plan", path, "--quiet", status=1,
                           settings={"bootstrap.servers": NOBODY, "startup.timeout": "1s"})
        self.assertIn(f"no broker answers at {NOBODY}", failed.err)
        self.assertIn("is bootstrap.servers right?", failed.err)
        self.assertEqual(failed.out, "")

    def test_no_bootstrap_servers_says_how_to_set_them(self):
        path = self.declare(schema=None)
        failed = self.weft("topology plan", path, status=2, environment={"WEFT_BOOTSTRAP_SERVERS": ""})
        self.assertIn("bootstrap.servers is not set", failed.err)

    def test_no_registry_stops_it_before_it_begins(self):
        path = self.declare()
        failed = self.weft("topology apply", path, status=1,
                           settings={"schema.registry.url": f"http://{NOBODY}", "schema.registry.max.retries": 0})
        self.assertIn(f"http://{NOBODY}", failed.err)
        self.assert_nothing_is_made()

    def test_a_web_site_is_no_registry(self):
        path = self.declare()
        url = self.serve_web_site()
        failed = self.weft("topology apply", path, status=2, settings={"schema.registry.url": url})
        self.assertIn(f"{url} answered with text/html", failed.err)
        self.assertIn("check schema.registry.url", failed.err)
        self.assert_nothing_is_made()

    def test_a_broken_file_is_named_with_its_line(self):
        self.write("broken.yaml", "topology: test\ntopics:\n  - name: x\n    partitons: 1\n")
        failed = self.weft("topology plan", "broken.yaml", status=2)
        self.assertEqual(failed.err, "weft: broken.yaml:4: topics: unknown key 'partitons': known here are name, "
                                     "partitions, replication, config\n")

    def test_errors_are_json_on_request(self):
        failed = self.weft("topology plan", "no-such.yaml", "--json", status=2)
        self.assertEqual(json.loads(failed.out),
                         {"error": {"class": "config", "message": "no-such.yaml: No such file or directory"}})


class Shipped(OwnCluster):
    def test_the_shipped_topology_can_be_applied_to_an_empty_cluster(self):
        path = SOURCE / "topology" / "predict.yaml"
        self.weft("topology apply", path)
        topics = self.kafka.topics()
        self.assertEqual({name: len(topics[name].partitions) for name in topics if "predict" in name},
                         {"req_predict": 4, "res_predict": 4, "req_predict.dead": 1})
        self.assertEqual(self.registry.latest("req_predict-value")[1],
                         json.loads((SOURCE / "schemas" / "predict_request.avsc").read_text()))
        self.weft("topology plan", path)


if __name__ == "__main__":
    unittest.main()
