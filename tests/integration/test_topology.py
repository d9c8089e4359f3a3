"""weft topology and its commands, against what the independent clients then see."""
import json
import unittest

import jsonschema
import yaml
from confluent_kafka.admin import (AclBindingFilter, AclOperation, AclPermissionType, ConfigResource,
                                   ResourcePatternType, ResourceType)

from support import OwnCluster, SharedCluster, WeftTest, wait_for
from support.processor import Processor
from support.secured import SecuredCluster
from support.web import RegistryProxy, WebSite, serve
from support.weft import SOURCE

POINT = {"type": "record", "name": "Point", "fields": [{"name": "x", "type": "int"}]}
POINT_WITH_Y = {**POINT, "fields": [*POINT["fields"], {"name": "y", "type": "int", "default": 0}]}
POINT_WITH_Z = {**POINT, "fields": [*POINT["fields"], {"name": "z", "type": "int"}]}  # FORWARD, not BACKWARD
POINT_OF_TEXT = {**POINT, "fields": [{"name": "x", "type": "string"}]}
NOBODY = "127.0.0.1:1"
EXAMPLES = SOURCE / "tests" / "data" / "topology"


class TopologyTest(SharedCluster):
    def declare(self, schema=POINT, compatibility=None, topics=True, cluster=None, **topic):
        """Writes a topology with one schema and two topics, of which the keywords describe the first; its path."""
        self.subject = self.topic_name("points") + "-value"
        self.first, self.second = self.topic_name("first"), self.topic_name("second")
        declared = {"topology": "test"} | ({"cluster": {"id": cluster}} if cluster else {})
        if schema:
            self.write("point.avsc", json.dumps(schema, indent=2))
            declared["schemas"] = [{"subject": self.subject, "file": "point.avsc"}]
            if compatibility:
                declared["schemas"][0]["compatibility"] = compatibility
        if topics:
            declared["topics"] = [{"name": self.first, "partitions": 3, **topic},
                                  {"name": self.second, "partitions": 1}]
        self.write("test.yaml", json.dumps(declared, indent=2))  # JSON is YAML
        return "test.yaml"

    def plan(self, path, status, **options):
        """The verdict on each step, by kind and name, and the summary."""
        lines = [json.loads(line) for line in
                 self.weft("topology plan", path, "--json", status=status, **options).out.splitlines()]
        steps = {(line["step"], line["name"]): line["verdict"] for line in lines if "step" in line}
        return steps, next(line for line in lines if "topology" in line)

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

    def test_changes_are_shown_with_the_old_and_the_new_value(self):
        path = self.declare(schema=None, config={"retention.ms": "2h"})
        self.kafka.create_topic(self.first, 2, retention_ms=3600000, segment_bytes=1048576)
        self.kafka.create_topic(self.second, 1)
        shown = self.weft("topology plan", path, status=4).out
        self.assertEqual(shown, f"~ add partitions to topic {self.first}: 2 -> 3 (keys move: a record may go to "
                                "another partition than earlier ones of its key)\n"
                                f"~ set retention.ms of topic {self.first}: 3600000 -> 7200000\n"
                                f"? segment.bytes of topic {self.first}: 1048576 (set there and not declared)\n"
                                f"= topic {self.second} (1 partition)\n"
                                "topology test: 2 changes, 1 unchanged, 1 drifted\n"
                                "`weft topology apply test.yaml` makes them\n")
        self.assertEqual(len(self.kafka.topics()[self.first].partitions), 2)
        self.assertEqual(self.topic_settings(self.first)["retention.ms"], "3600000")

    def test_without_a_command_a_file_is_planned(self):
        path = self.declare(schema=None)
        self.assertEqual(self.weft("topology", path, status=4).out, self.weft("topology plan", path, status=4).out)

    def test_drift_alone_is_nothing_to_do(self):
        path = self.declare(schema=None)
        self.kafka.create_topic(self.first, 3, retention_ms=3600000)
        self.kafka.create_topic(self.second, 1)
        steps, summary = self.plan(path, 0)
        self.assertEqual(steps[("setting", self.first)], "drift")
        self.assertEqual((summary["drift"], summary["unchanged"]), (1, 1))

    def test_partitions_are_not_taken_away(self):
        path = self.declare(schema=None)
        self.kafka.create_topic(self.first, 5)
        shown = self.weft("topology apply", path, status=1)
        self.assertIn(f"! partitions of topic {self.first}: 5 -> 3 (Kafka takes no partitions away: declare 5)",
                      shown.out)
        self.assertNotIn(self.second, self.kafka.topics())

    def test_another_replication_is_said_and_left(self):
        path = self.declare(schema=None, replication=3)
        self.kafka.create_topic(self.first, 3)
        shown = self.weft("topology plan", path, status=4).out
        self.assertIn(f"? replication of topic {self.first}: 1 -> 3 (weft moves no replicas", shown)

    def test_a_file_for_another_cluster_is_refused(self):
        for command in ("plan", "apply", "describe"):
            path = self.declare(cluster="elsewhere")
            failed = self.weft(f"topology {command}", path, status=1)
            self.assertRegex(failed.err, "this is the cluster [^ ]+, and test.yaml is for the cluster elsewhere")
            self.assert_nothing_is_made()

    def test_a_file_for_this_cluster_is_taken(self):
        path = self.declare(schema=None, cluster=self.kafka.admin.list_topics(timeout=30).cluster_id)
        self.plan(path, 4)

    def test_a_slip_in_what_is_allowed_is_found(self):
        path = self.declare(schema=None)
        failed = self.weft("topology plan", path, "--allow", f"shrink-retention:{self.first}x", status=2)
        self.assertIn(f"--allow shrink-retention:{self.first}x: it must be", failed.err)

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
        self.assertEqual(summary, {"topology": "test", "unchanged": 4, "create": 0, "change": 0, "drift": 0,
                                   "refused": 0})

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

    def test_what_exists_is_changed_and_the_rest_of_its_settings_stays(self):
        path = self.declare(schema=None, config={"retention.ms": "2h", "max.message.bytes": 2000000})
        self.kafka.create_topic(self.first, 2, retention_ms=3600000, segment_bytes=1048576)
        done = self.weft("topology apply", path).out
        self.assertIn(f"added partitions to topic {self.first}: 2 -> 3", done)
        self.assertIn(f"set max.message.bytes of topic {self.first}: 1048588 -> 2000000\n", done)
        settings = self.topic_settings(self.first)
        self.assertEqual([settings[name] for name in ("retention.ms", "max.message.bytes", "segment.bytes")],
                         ["7200000", "2000000", "1048576"])
        self.assertEqual(len(self.kafka.topics()[self.first].partitions), 3)
        self.assertEqual(self.plan(path, 0)[1]["drift"], 1)

    def test_retention_is_shrunk_only_where_it_is_allowed(self):
        path = self.declare(schema=None, config={"retention.ms": "1h"})
        self.kafka.create_topic(self.first, 3, retention_ms=7200000)
        allowed = ("--allow", f"shrink-retention:{self.first}")
        refused = self.weft("topology apply", path, status=1)
        self.assertIn(f"! retention.ms of topic {self.first}: 7200000 -> 3600000 (records that are kept now would be "
                      f"deleted; {' '.join(allowed)} does it)", refused.out)
        self.assertEqual(self.topic_settings(self.first)["retention.ms"], "7200000")
        self.assertNotIn(self.second, self.kafka.topics())
        self.weft("topology apply", path, *allowed)
        self.assertEqual(self.topic_settings(self.first)["retention.ms"], "3600000")

    def test_a_limit_where_there_was_none_is_a_smaller_retention(self):
        path = self.declare(schema=None, config={"retention.bytes": 1000000000})
        self.kafka.create_topic(self.first, 3)
        self.assertEqual(self.plan(path, 1)[0][("setting", self.first)], "refused")

    def test_deleting_where_records_were_kept_has_to_be_allowed(self):
        path = self.declare(schema=None, config={"cleanup.policy": "compact,delete"})
        self.kafka.create_topic(self.first, 3, cleanup_policy="compact")
        self.assertEqual(self.plan(path, 1)[0][("setting", self.first)], "refused")

    def test_compatibility_is_loosened_only_where_it_is_allowed(self):
        path = self.declare(compatibility="NONE", topics=False)
        self.registry.register(self.subject, POINT)
        self.registry.call(f"/config/{self.subject}", {"compatibility": "FULL"}, "PUT")
        refused = self.weft("topology apply", path, status=1)
        self.assertIn(f"! compatibility of {self.subject}: FULL -> NONE (looser", refused.out)
        self.assertEqual(self.registry.call(f"/config/{self.subject}")["compatibilityLevel"], "FULL")
        self.weft("topology apply", path, "--allow", f"loosen-compatibility:{self.subject}")
        self.assertEqual(self.registry.call(f"/config/{self.subject}")["compatibilityLevel"], "NONE")

    def test_a_schema_that_the_looser_compatibility_lets_in_goes_along(self):
        path = self.declare(schema=POINT_WITH_Z, compatibility="FORWARD", topics=False)
        self.registry.register(self.subject, POINT)
        self.registry.call(f"/config/{self.subject}", {"compatibility": "FULL"}, "PUT")
        self.assertEqual(self.plan(path, 1)[1]["refused"], 2)
        self.weft("topology apply", path, "--allow", f"loosen-compatibility:{self.subject}")
        self.assertEqual(self.registry.latest(self.subject)[1], POINT_WITH_Z)

    def test_compatibility_is_tightened_without_being_asked(self):
        path = self.declare(compatibility="FULL", topics=False)
        self.registry.register(self.subject, POINT)
        self.registry.call(f"/config/{self.subject}", {"compatibility": "BACKWARD"}, "PUT")
        self.assertIn(f"set compatibility of {self.subject}: BACKWARD -> FULL\n", self.weft("topology apply", path).out)
        self.assertEqual(self.registry.call(f"/config/{self.subject}")["compatibilityLevel"], "FULL")

    def test_a_change_that_kafka_refuses_stops_it_before_it_begins(self):
        path = self.declare(schema=None, config={"min.insync.replicas": 0})
        self.kafka.create_topic(self.first, 3)
        failed = self.weft("topology apply", path, status=1)
        self.assertRegex(failed.out, f"! min.insync.replicas of topic {self.first}: 1 -> 0 \\(.*at least 1")
        self.assertNotIn(self.second, self.kafka.topics())

    def test_it_stops_at_a_failure_and_the_next_one_finishes(self):
        path = self.declare()
        declared = json.loads((self.folder / path).read_text())
        other = self.topic_name("others") + "-value"
        declared["schemas"].append({"subject": other, "file": "point.avsc"})
        self.write(path, json.dumps(declared))
        url = serve(self, RegistryProxy, registry=self.registry.url, failing=other)
        failed = self.weft("topology apply", path, status=1,
                           settings={"schema.registry.url": url, "schema.registry.max.retries": 0})
        self.assertIn(f"registered schema {self.subject} (id ", failed.out)
        self.assertIn(f"{other}: ", failed.err)
        self.assertNotIn(self.first, self.kafka.topics())
        done = self.weft("topology apply", path).out
        self.assertIn(f"= schema {self.subject} ", done)
        self.assertIn(f"registered schema {other} ", done)
        self.assertEqual(self.plan(path, 0)[1]["unchanged"], 4)

    def test_two_that_change_at_once_do_no_harm(self):
        path = self.declare(schema=None, config={"retention.ms": "2h"})
        self.kafka.create_topic(self.first, 2, retention_ms=3600000, segment_bytes=1048576)
        running = [self.start_weft("topology apply", path) for _ in range(4)]
        self.assertEqual([process.wait() for process in running], [0, 0, 0, 0])
        settings = self.topic_settings(self.first)
        self.assertEqual((settings["retention.ms"], settings["segment.bytes"]), ("7200000", "1048576"))
        self.assertEqual(len(self.kafka.topics()[self.first].partitions), 3)

    def test_two_at_once_do_no_harm(self):
        path = self.declare(schema=None)
        running = [self.start_weft("topology apply", path) for _ in range(4)]
        self.assertEqual([process.wait() for process in running], [0, 0, 0, 0])
        self.assertEqual(len(self.kafka.topics()[self.first].partitions), 3)

    def test_a_compatible_schema_becomes_the_next_version(self):
        path = self.declare(schema=POINT_WITH_Y)
        self.registry.register(self.subject, POINT)
        self.assertEqual(self.plan(path, 4)[0][("schema", self.subject)], "create")
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
        url = serve(self, WebSite)
        failed = self.weft("topology apply", path, status=2, settings={"schema.registry.url": url})
        self.assertIn(f"{url} answered with text/html", failed.err)
        self.assertIn("check schema.registry.url", failed.err)
        self.assert_nothing_is_made()

    def test_a_broken_file_is_named_with_its_line(self):
        self.write("broken.yaml", "topology: test\ntopics:\n  - name: x\n    partitons: 1\n")
        failed = self.weft("topology plan", "broken.yaml", status=2)
        self.assertEqual(failed.err, "weft: broken.yaml:3: topics: 'partitions' is missing (and 1 more)\n")

    def test_errors_are_json_on_request(self):
        failed = self.weft("topology plan", "no-such.yaml", "--json", status=2)
        self.assertEqual(json.loads(failed.out),
                         {"error": {"class": "config", "message": "no-such.yaml: No such file or directory"}})


class Describe(TopologyTest):
    def test_what_is_there_is_shown_beside_what_is_declared(self):
        processor = Processor(self, partitions=2)
        processor.send(30)
        instance = processor.start(workers=1)
        wait_for(lambda: processor.answered() == 30, "all answers")
        self.assertEqual(instance.stop(), 0)
        processor.send(12, start=30)
        declared = {"topology": "test", "topics": [{"name": processor.source, "partitions": 4},
                                                   {"name": processor.sink, "partitions": 4},
                                                   {"name": processor.dead_letters, "partitions": 1},
                                                   {"name": self.topic_name("missing"), "partitions": 1}],
                    "processors": [{"name": "predict", "source": processor.source, "sink": processor.sink,
                                    "dead_letters": processor.dead_letters}]}
        self.write("test.yaml", json.dumps(declared))
        settings = {"group.id": processor.group}
        shown = self.weft("topology describe", "test.yaml", settings=settings).out
        self.assertIn(f"topic {processor.source}: 2 partitions (declared 4), replication 1, 42 records\n", shown)
        self.assertIn(f"topic {self.topic_name('missing')}: is not there\n", shown)
        self.assertIn(f"group {processor.group} (nobody in it), lag 12\n", shown)
        lines = self.weft("topology describe", "test.yaml", "--json", settings=settings).out.splitlines()
        self.assertEqual([line["lag"] for line in map(json.loads, lines) if "lag" in line], [12])

    def test_schemas_are_shown_with_their_versions(self):
        path = self.declare(schema=POINT_WITH_Y, topics=False)
        self.assertIn(f"schema {self.subject}: is not there\n", self.weft("topology describe", path).out)
        self.registry.register(self.subject, POINT)
        self.assertRegex(self.weft("topology describe", path).out,
                         f"schema {self.subject}: id [0-9]+, version 1, which is not the declared one")
        self.weft("topology apply", path)
        self.assertRegex(self.weft("topology describe", path).out, f"schema {self.subject}: id [0-9]+, version 2[,\n]")


class Export(TopologyTest):
    def test_what_is_exported_loads_and_is_up_to_date(self):
        self.kafka.create_topic(self.topic_name("one"), 3, retention_ms=3600000, cleanup_policy="compact,delete")
        self.kafka.create_topic(self.topic_name("two"), 1)
        self.registry.register(self.topic_name("one") + "-value", POINT)
        exported = self.weft("topology export", "--topics", f"*{self.unique}", "--schemas", "avsc", "--name",
                             "found").out
        declared = yaml.safe_load(exported)
        self.assertEqual(declared["topology"], "found")
        self.assertEqual(declared["topics"],
                         [{"name": self.topic_name("one"), "partitions": 3, "replication": 1,
                           "config": {"retention.ms": 3600000, "cleanup.policy": "compact,delete"}},
                          {"name": self.topic_name("two"), "partitions": 1, "replication": 1}])
        self.assertEqual(declared["schemas"][0]["subject"], self.topic_name("one") + "-value")
        self.write("found.yaml", exported)
        self.assertIn("is sound", self.weft("topology check", "found.yaml").out)
        self.weft("topology plan", "found.yaml", status=0)

    def test_no_topic_is_an_error(self):
        failed = self.weft("topology export", "--topics", f"nothing-{self.unique}*", status=2)
        self.assertIn("no topic that matches", failed.err)
        self.assertEqual(failed.out, "")


class Offline(WeftTest):
    def schema(self):
        schema = json.loads((SOURCE / "topology" / "topology.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    def test_the_published_schema_takes_what_weft_takes(self):
        schema = self.schema()
        for path in [SOURCE / "topology" / "predict.yaml", EXAMPLES / "good.yaml", EXAMPLES / "full.yaml",
                     EXAMPLES / "second_models.yaml", EXAMPLES / "two_processors.yaml", EXAMPLES / "builtin.yaml"]:
            self.weft("topology check", path)
            schema.validate(yaml.safe_load(path.read_text()))

    def test_the_published_schema_refuses_what_is_not_of_the_form(self):
        schema = self.schema()
        broken = sorted((EXAMPLES / "broken" / "form").iterdir())
        self.assertGreater(len(broken), 20)
        for case in broken:
            with self.subTest(case.name):
                self.assertFalse(schema.is_valid(yaml.safe_load((case / "input.yaml").read_text())))

    def test_check_prints_every_fault(self):
        case = EXAMPLES / "broken" / "meaning" / "all_faults_at_once"
        failed = self.weft("topology check", case / "input.yaml", status=2)
        self.assertEqual(failed.err, f"weft: {case}/input.yaml has 9 faults\n")
        lines = self.weft("topology check", case / "input.yaml", "--json", status=2).out.splitlines()
        faults = [json.loads(line) for line in lines]
        self.assertEqual([fault["line"] for fault in faults[:-1]], [3, 3, 5, 5, 6, 7, 9, 9, 9])
        self.assertEqual(faults[-1]["error"]["class"], "config")

    def test_without_a_file_the_commands_are_shown(self):
        shown = self.weft("topology", status=2)
        for verb in ("check", "plan", "apply", "describe", "graph", "export"):
            self.assertIn(f"weft topology {verb} ", shown.out)

    def test_a_word_that_is_no_command_is_said_to_be_none(self):
        failed = self.weft("topology", "aply", status=2)
        self.assertIn("'aply' is neither a file nor a command", failed.err)

    def test_a_graph_is_drawn_in_each_format(self):
        path = EXAMPLES / "full.yaml"
        self.assertTrue(self.weft("topology graph", path).out.startswith("flowchart LR\n"))
        self.assertTrue(self.weft("topology graph", path, "--format", "dot").out.startswith("digraph"))
        self.assertTrue(self.weft("topology graph", path, "--format", "svg").out.startswith("<svg "))
        self.assertIn("mermaid, dot or svg", self.weft("topology graph", path, "--format", "png", status=2).err)


class Rights(SecuredCluster):
    user, password = "predictor", "predictor-secret"

    def commands(self):
        return self.printed_rights("User:predictor")

    def test_the_printed_rights_are_enough(self):
        self.give(self.commands())
        instance = self.start_weft("run", settings=self.settings())
        self.processor.send(100)
        wait_for(lambda: self.processor.answered() == 100, "all answers")
        self.assertEqual(instance.stop(), 0)
        self.processor.assert_exactly_once()

    def test_none_of_the_printed_rights_is_too_much(self):
        """Without any one of those that every request needs, the processor ends."""
        commands = self.commands()
        self.assertEqual(len(commands), 5)
        self.processor.send(10)
        for missing in (0, 1, 3, 4):  # not 2: dead letters are for requests that cannot be answered
            with self.subTest(" ".join(commands[missing])):
                self.give(commands[:missing] + commands[missing + 1:])
                failed = self.weft("run", settings=self.settings(), status=None)
                self.assertIn(failed.status, (1, 3))
                self.assertRegex(failed.err, "(?i)authorization failed|right")
                self.take_all()

    def take_all(self):
        for future in self.kafka.admin.delete_acls([everything()]).values():
            future.result()


def everything():
    return AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY,
                            AclPermissionType.ANY)


class Shipped(OwnCluster):
    def test_from_an_empty_cluster_to_results_with_the_shipped_topology_alone(self):
        path = SOURCE / "topology" / "predict.yaml"
        self.assertIn("7 changes, 0 unchanged", self.weft("topology plan", path, status=4).out)
        self.weft("topology apply", path)
        topics = self.kafka.topics()
        self.assertEqual({name: len(topics[name].partitions) for name in topics if "predict" in name},
                         {"req_predict": 4, "res_predict": 4, "req_predict.dead": 1})
        self.assertEqual(self.registry.latest("req_predict-value")[1],
                         json.loads((SOURCE / "schemas" / "predict_request.avsc").read_text()))
        self.weft("topology plan", path)
        # From here on nobody makes what the file has not declared.
        declared = {"auto.register.schemas": "false"}
        instance = self.start_weft("run", path, settings=declared)
        self.weft("send", "req_predict", "--data", SOURCE / "data" / "sample", "--count", 100, "--key", "id",
                  settings=declared)
        heard = self.weft("listen", "res_predict", "--from", "beginning", "--count", 100, "--timeout", 60, "--json").out
        summary = json.loads(heard.splitlines()[-1])["summary"]
        self.assertEqual((summary["count"], summary["labelled"]), (100, 100))
        self.assertGreater(summary["accuracy"], 0.8)
        self.assertEqual({self.registry.decode(m.value())["id"] for m in self.kafka.read("res_predict")},
                         {self.registry.decode(m.value())["id"] for m in self.kafka.read("req_predict")})
        self.assertEqual(instance.stop(), 0)
        self.assertIn("exactly once", self.weft("verify", path).out)


if __name__ == "__main__":
    unittest.main()
