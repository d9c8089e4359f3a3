"""One client, three registries: what weft does with each, and how each differs from what the API's description says.

Apicurio 2 is the cluster's own; Apicurio 3 and srfake run beside it. All judge by BACKWARD where a subject has no level
of its own."""
import json

from support import SharedCluster, wait_for
from support.processor import REQUEST, Processor
from support.registry import Registry
from support.weft import BUILD

from registries import Registries  # support has set the way to it

POINT = {"type": "record", "name": "Point", "fields": [{"name": "x", "type": "int"}]}
POINT_WITH_Y = {**POINT, "fields": [*POINT["fields"], {"name": "y", "type": "int", "default": 0}]}
POINT_OF_TEXT = {**POINT, "fields": [{"name": "x", "type": "string"}]}
LINE = {"type": "record", "name": "Line", "fields": [{"name": "from", "type": "Point"}]}
LINE_WITH_WIDTH = {**LINE, "fields": [*LINE["fields"], {"name": "width", "type": "int", "default": 1}]}


class RegistryTests:
    """What each of the registries is asked; the classes below say which it is, and what is peculiar to it."""

    unset_level = "NONE"  # what GET /config/SUBJECT says of a subject without a level
    inherits_visibly = True  # weft can tell that from NONE
    none_is_a_level = True  # a subject's NONE is stronger than the level of all subjects
    judges = True  # compatibility
    judges_references = False  # before the schema is registered
    knows_avro = True

    def setUp(self):
        super().setUp()
        self.registry_url = self.find_registry()
        self.registry = Registry(self.registry_url)
        self.subject = self.topic_name("points") + "-value"
        self.lines = self.topic_name("lines") + "-value"
        for name, schema in {"point": POINT, "with_y": POINT_WITH_Y, "of_text": POINT_OF_TEXT, "line": LINE,
                             "wide_line": LINE_WITH_WIDTH}.items():
            self.write(f"{name}.avsc", json.dumps(schema, indent=2))

    def register(self, file, subject=None, *options):
        return json.loads(self.weft("schema register", subject or self.subject, file, *options, "--json").out)["id"]

    def versions(self, subject=None):
        return self.registry.call(f"/subjects/{subject or self.subject}/versions")

    def topology(self, *schemas):
        self.write("topology.yaml", json.dumps({"topology": "test", "schemas": schemas}))

    def point(self, file="point.avsc", **more):
        return {"subject": self.subject, "file": file, **more}

    def line(self, file="line.avsc", **more):
        return {"subject": self.lines, "file": file, "references": [{"name": "Point", "subject": self.subject, **more}]}

    def plan(self, *options, status=0):
        return self.weft("topology plan", "topology.yaml", *options, status=status).out

    def apply(self, *options):
        return self.weft("topology apply", "topology.yaml", *options).out

    # weft schema

    def test_a_registered_schema_is_found_as_the_latest_and_by_its_id(self):
        schema_id = self.register("point.avsc")
        self.assertEqual(self.registry.latest(self.subject), (schema_id, POINT))
        self.assertEqual(json.loads(self.weft("schema get", self.subject).out), POINT)
        self.assertEqual(json.loads(self.weft("schema get", "--id", schema_id).out), POINT)

    def test_the_same_schema_in_another_layout_keeps_its_id(self):
        first = self.register("point.avsc")
        self.write("respaced.avsc", json.dumps(POINT, indent=8))
        self.assertEqual(self.register("respaced.avsc"), first)
        self.assertEqual(self.versions(), [1])

    def test_subjects_and_versions_are_listed(self):
        first, second = self.register("point.avsc"), self.register("with_y.avsc")
        listed = [json.loads(line) for line in self.weft("schema list", "--json").out.splitlines()]
        self.assertIn({"subject": self.subject, "version": 2, "id": second}, listed)
        self.assertEqual(self.weft("schema list", self.subject).out, f"version 1  id {first}\nversion 2  id {second}\n")

    def test_what_is_not_there_is_named(self):
        failed = self.weft("schema get", self.subject, status=1)
        self.assertEqual(failed.err, f"weft: the registry knows no subject {self.subject}\n")
        failed = self.weft("schema get", "--id", "999999", status=1)
        self.assertEqual(failed.err, "weft: the registry knows no schema with the id 999999\n")
        self.register("point.avsc")
        failed = self.weft("schema get", self.subject, "--version", 7, status=1)
        self.assertEqual(failed.err, f"weft: the registry knows no version 7 of {self.subject}\n")

    def test_a_deleted_version_is_hidden_and_its_id_still_read(self):
        schema_id = self.register("point.avsc")
        self.register("with_y.avsc")
        self.weft("schema delete", self.subject, "--version", 1, "--yes")
        self.assertEqual(self.versions(), [2])
        self.assertEqual(json.loads(self.weft("schema get", "--id", schema_id).out), POINT)

    def test_a_subject_is_deleted_for_good(self):
        self.register("point.avsc")
        self.weft("schema delete", self.subject, "--permanent", "--yes")
        self.assertNotIn(self.subject, self.registry.call("/subjects?deleted=true"))
        failed = self.weft("schema delete", self.subject, "--yes", status=1)
        self.assertIn(f"nothing to delete under {self.subject}", failed.err)

    def test_an_incompatible_schema_is_refused(self):
        self.register("point.avsc")
        if not self.judges:
            self.register("of_text.avsc")
            self.assertEqual(self.versions(), [1, 2])
            return
        failed = self.weft("schema register", self.subject, "of_text.avsc", "--json", status=1)
        self.assertEqual(json.loads(failed.out)["error"]["class"], "conflict")
        self.assertEqual(self.versions(), [1])

    def test_check_names_the_field_in_the_way(self):
        self.register("point.avsc")
        shown = self.weft("schema check", "of_text.avsc", "--subject", self.subject, status=1).out
        self.assertIn("    Point.x: reader has string, writer has int\n", shown)
        self.assertEqual("but the registry finds it compatible" in shown, not self.judges)

    def test_what_is_no_avro_is_refused(self):
        self.write("no.avsc", '{"type": "record", "name": "R"}')
        if not self.knows_avro:
            self.register("no.avsc")
            return
        failed = self.weft("schema register", self.subject, "no.avsc", status=2)
        self.assertIn("does not accept this (status 422)", failed.err)

    def test_a_level_is_set_and_shown(self):
        self.register("point.avsc")
        self.assertEqual(self.weft("schema compat", self.subject, "full").out, f"{self.subject}: FULL\n")
        self.assertEqual(self.registry.call(f"/config/{self.subject}"), {"compatibilityLevel": "FULL"})

    def test_a_subject_without_a_level_has_that_of_all_subjects(self):
        self.register("point.avsc")
        self.assertEqual(self.registry.call(f"/config/{self.subject}"), {"compatibilityLevel": self.unset_level})
        shown = self.weft("schema compat", self.subject).out
        if not self.inherits_visibly:
            self.assertEqual(shown, f"{self.subject}: NONE, which with Apicurio 2 means the level of all subjects: "
                                    "BACKWARD\n")
        elif self.unset_level == "NONE":
            self.assertEqual(shown, f"{self.subject}: BACKWARD, which is the level of all subjects\n")
        else:
            self.assertEqual(shown, f"{self.subject}: BACKWARD\n")

    # References

    def test_a_schema_with_references_is_registered_and_fetched_whole(self):
        self.register("point.avsc")
        schema_id = self.register("line.avsc", self.lines, "--reference", f"Point={self.subject}:1")
        whole = json.loads(self.weft("schema get", "--id", schema_id).out)
        self.assertEqual(whole["fields"][0]["type"]["fields"], POINT["fields"])
        failed = self.weft("schema delete", self.subject, "--yes", status=1)
        self.assertIn("keeps this", failed.err)

    def test_a_schema_with_references_is_checked(self):
        self.register("point.avsc")
        reference = "--reference", f"Point={self.subject}:1"
        self.register("line.avsc", self.lines, *reference)
        shown = json.loads(self.weft("schema check", "wide_line.avsc", "--subject", self.lines, "--json", *reference).out)
        self.assertEqual((shown["compatible"], shown["version"]), (True, 1))
        self.assertEqual(shown["registry"], True if self.judges_references else None)

    def test_what_a_topology_refers_to_is_registered_first(self):
        self.topology(self.point(), self.line())
        self.apply()
        references = self.registry.call(f"/subjects/{self.lines}/versions/1")["references"]
        self.assertEqual(references, [{"name": "Point", "subject": self.subject, "version": 1}])
        self.assertEqual(self.plan().count("\n= "), 1)

    def test_a_new_version_of_what_is_referred_to_makes_a_new_one_of_both(self):
        self.topology(self.point(), self.line())
        self.apply()
        self.topology(self.point("with_y.avsc"), self.line())
        self.assertIn(f"+ register schema {self.lines} (new version after version 1, which refers to the new one of "
                      f"{self.subject})\n", self.plan(status=4))
        self.apply()
        references = self.registry.call(f"/subjects/{self.lines}/versions/2")["references"]
        self.assertEqual(references[0]["version"], 2)
        self.plan()

    def test_a_topology_may_refer_to_a_version_of_somebody_else(self):
        self.register("point.avsc")
        self.register("with_y.avsc")
        self.topology(self.line(version=1))
        self.apply()
        self.assertEqual(self.registry.call(f"/subjects/{self.lines}/versions/1")["references"][0]["version"], 1)
        self.plan()

    def test_a_reference_to_a_subject_that_nobody_has_is_refused(self):
        self.topology(self.line())
        self.assertIn(f"! schema {self.lines} (it refers to {self.subject}, which the registry does not have)",
                      self.plan(status=1))

    # weft topology

    def test_after_apply_nothing_is_left_to_do(self):
        self.topology(self.point(compatibility="FULL_TRANSITIVE"))
        self.plan(status=4)
        self.apply()
        self.assertEqual(self.registry.call(f"/config/{self.subject}"), {"compatibilityLevel": "FULL_TRANSITIVE"})
        self.assertIn("0 changes, 2 unchanged", self.plan())

    def test_the_level_of_all_subjects_can_be_declared(self):
        self.register("point.avsc")
        self.topology(self.point(compatibility="BACKWARD"))
        if self.unset_level != "BACKWARD":
            self.assertIn("compatibility of", self.plan(status=4))
            self.apply()
        self.assertIn("0 changes, 2 unchanged", self.plan())

    def test_no_level_at_all_is_looser_than_that_of_all_subjects(self):
        self.register("point.avsc")
        self.topology(self.point(compatibility="NONE"))
        if self.inherits_visibly:
            self.assertIn("BACKWARD -> NONE (looser", self.plan(status=1))
            self.apply("--allow", f"loosen-compatibility:{self.subject}")
        else:
            self.assertIn("= compatibility of", self.plan())
        self.assertIn("0 changes, 2 unchanged", self.plan())
        self.topology(self.point("of_text.avsc", compatibility="NONE"))
        self.plan(status=4 if self.none_is_a_level else 1)

    def test_a_looser_level_is_not_hidden_where_none_was_set(self):
        self.register("point.avsc")
        self.topology(self.point(compatibility="FORWARD"))
        self.assertIn("looser", self.plan(status=1))
        self.apply("--allow", f"loosen-compatibility:{self.subject}")
        self.assertIn("0 changes, 2 unchanged", self.plan())

    def test_what_another_client_registered_in_another_layout_is_unchanged(self):
        self.registry.call(f"/subjects/{self.subject}/versions", {"schema": json.dumps(POINT, indent=4)})
        self.topology(self.point())
        self.assertIn("0 changes, 1 unchanged", self.plan())

    # weft run

    def test_a_request_with_an_id_of_this_registry_is_answered(self):
        processor = Processor(self)
        self.assertEqual(self.registry.latest(f"{processor.source}-value")[1], REQUEST)
        instance = processor.start()
        processor.send(20)
        wait_for(lambda: processor.answered() == 20, "all answers")
        self.assertEqual(instance.stop(), 0)
        processor.assert_exactly_once()


class Apicurio2(RegistryTests, SharedCluster):
    inherits_visibly = none_is_a_level = False

    def find_registry(self):
        return self.registry_url


class OtherRegistry(SharedCluster):
    """One of those that run beside the cluster, which a fixture of ctest starts."""

    def find_registry(self):
        url = Registries(BUILD / "tests" / "registries").url(type(self).__name__.lower())
        if not url:
            self.fail(f"no registry runs in {BUILD / 'tests' / 'registries'}: start this test through ctest")
        return url


class Apicurio3(RegistryTests, OtherRegistry):
    pass


class Srfake(RegistryTests, OtherRegistry):
    unset_level = "BACKWARD"
    judges = knows_avro = False
    judges_references = True
