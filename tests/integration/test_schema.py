"""weft schema: each command against what the independent client sees, and the compatibility check against the
registry's own verdict."""
import json
import unittest
import urllib.error
from pathlib import Path

from support import SharedCluster, WeftTest

TABLE = Path(__file__).resolve().parents[1] / "data" / "schemas" / "compatibility.json"

POINT = {"type": "record", "name": "Point", "fields": [{"name": "x", "type": "int"}]}
POINT_WITH_Y = {**POINT, "fields": [*POINT["fields"], {"name": "y", "type": "int", "default": 0}]}
POINT_OF_TEXT = {**POINT, "fields": [{"name": "x", "type": "string"}]}


class SchemaTest(SharedCluster):
    def setUp(self):
        super().setUp()
        self.subject = self.topic_name("points") + "-value"
        self.write("point.avsc", json.dumps(POINT, indent=2))
        self.write("with_y.avsc", json.dumps(POINT_WITH_Y))
        self.write("of_text.avsc", json.dumps(POINT_OF_TEXT))

    def register(self, file):
        return json.loads(self.weft("schema register", self.subject, file, "--json").out)["id"]


class Register(SchemaTest):
    def test_a_schema_is_registered_and_its_id_printed(self):
        shown = self.weft("schema register", self.subject, "point.avsc").out
        schema_id, schema = self.registry.latest(self.subject)
        self.assertEqual(schema, POINT)
        self.assertEqual(shown, f"{self.subject}: id {schema_id}\n")

    def test_the_same_schema_keeps_its_id(self):
        first = self.register("point.avsc")
        self.write("respaced.avsc", json.dumps(POINT, indent=8))
        self.assertEqual(self.register("respaced.avsc"), first)
        self.assertEqual(self.registry.call(f"/subjects/{self.subject}/versions"), [1])

    def test_what_is_registered_can_be_written_and_read_with(self):
        schema_id = self.register("point.avsc")
        self.assertEqual(self.registry.decode(self.registry.encode(schema_id, {"x": 5})), {"x": 5})

    def test_an_incompatible_schema_is_refused(self):
        self.register("point.avsc")
        failed = self.weft("schema register", self.subject, "of_text.avsc", "--json", status=1)
        error = json.loads(failed.out)["error"]
        self.assertEqual(error["class"], "conflict")
        self.assertIn(self.subject, error["message"])
        self.assertEqual(self.registry.latest(self.subject)[1], POINT)

    def test_a_file_that_is_not_json_is_refused_with_its_line(self):
        self.write("broken.avsc", '{\n  "type": record\n}\n')
        failed = self.weft("schema register", self.subject, "broken.avsc", status=2)
        self.assertIn("weft: broken.avsc:2: this is not JSON", failed.err)
        self.assertNotIn(self.subject, self.registry.call("/subjects"))

    def test_a_name_that_is_no_part_of_an_url_works(self):
        subject = self.topic_name("a/b c?é")
        self.weft("schema register", subject, "point.avsc")
        self.assertEqual(json.loads(self.weft("schema get", subject).out), POINT)


class Get(SchemaTest):
    def test_the_latest_schema_of_a_subject_is_printed(self):
        self.register("point.avsc")
        self.register("with_y.avsc")
        self.assertEqual(json.loads(self.weft("schema get", self.subject).out), POINT_WITH_Y)

    def test_json_has_id_and_version_too(self):
        schema_id = self.register("point.avsc")
        shown = json.loads(self.weft("schema get", self.subject, "--json").out)
        self.assertEqual(json.loads(shown.pop("schema")), POINT)
        self.assertEqual(shown, {"subject": self.subject, "version": 1, "id": schema_id})

    def test_a_schema_is_found_by_its_id(self):
        first = self.register("point.avsc")
        self.register("with_y.avsc")
        self.assertEqual(json.loads(self.weft("schema get", "--id", first).out), POINT)

    def test_an_unknown_subject_is_named(self):
        failed = self.weft("schema get", self.subject, status=1)
        self.assertEqual(failed.err, f"weft: the registry knows no subject {self.subject}\n")

    def test_an_unknown_id_is_named(self):
        failed = self.weft("schema get", "--id", "999999", status=1)
        self.assertEqual(failed.err, "weft: the registry knows no schema with the id 999999\n")

    def test_a_subject_and_an_id_are_one_too_many(self):
        self.assertIn("either", self.weft("schema get", self.subject, "--id", "1", status=2).err)
        self.assertIn("either", self.weft("schema get", status=2).err)

    def test_an_id_is_a_number(self):
        self.assertIn("--id is 'x'", self.weft("schema get", "--id", "x", status=2).err)


class Verbs(WeftTest):
    def test_without_a_verb_the_verbs_are_listed(self):
        shown = self.weft("schema", status=2).out
        self.assertEqual(self.weft("schema", "--help").out, shown)
        for verb in "list get check diff register compat delete".split():
            self.assertIn(f"weft schema {verb} ", shown)
        failed = self.weft("schema", "lst", status=2)
        self.assertIn("no command 'schema lst': see `weft help`", failed.err)


class Offline(WeftTest):
    def setUp(self):
        super().setUp()
        self.write("point.avsc", json.dumps(POINT))
        self.write("with_y.avsc", json.dumps(POINT_WITH_Y))
        self.write("of_text.avsc", json.dumps(POINT_OF_TEXT))

    def test_two_files_are_compared_without_a_registry(self):
        shown = self.weft("schema check", "with_y.avsc", "--against", "point.avsc", "--level", "full").out
        self.assertEqual(shown, "with_y.avsc: compatible with point.avsc (FULL)\n")

    def test_what_stands_in_the_way_is_named(self):
        shown = self.weft("schema check", "of_text.avsc", "--against", "point.avsc", status=1).out
        self.assertEqual(shown, "of_text.avsc: not compatible with point.avsc (BACKWARD)\n"
                                "  the new schema cannot read what is written with point.avsc:\n"
                                "    Point.x: reader has string, writer has int\n")

    def test_json_says_who_the_reader_is(self):
        shown = self.weft("schema check", "of_text.avsc", "--against", "point.avsc", "--level", "FULL", "--json", status=1)
        shown = json.loads(shown.out)
        self.assertEqual([(one["reader"], one["kind"], one["path"]) for one in shown["reasons"]],
                         [("new", "type-mismatch", "Point.x"), ("old", "type-mismatch", "Point.x")])

    def test_a_file_alone_is_checked_for_being_a_schema(self):
        self.assertEqual(self.weft("schema check", "point.avsc").out, "point.avsc: an Avro schema\n")
        self.write("none.avsc", '{"type": "record", "name": "R"}')
        self.assertIn("none.avsc is no Avro schema: no list of fields", self.weft("schema check", "none.avsc", status=2).err)

    def test_a_level_that_does_not_exist_is_wrong_use(self):
        failed = self.weft("schema check", "point.avsc", "--against", "point.avsc", "--level", "BOTH", status=2)
        self.assertIn("'BOTH' is no compatibility level", failed.err)

    def test_differences_of_two_files_are_shown(self):
        shown = self.weft("schema diff", "with_y.avsc", "--against", "point.avsc").out
        self.assertEqual(shown, "with_y.avsc: point.avsc -> with_y.avsc\n"
                                "+ Point.y: int, default 0\n"
                                "    new readers of old messages: take the default 0\n"
                                "    old readers of new messages: do not see it\n"
                                "new readers read old messages, old readers read new messages\n")


class Check(SchemaTest):
    def test_a_compatible_schema_is_and_is_not_registered(self):
        self.register("point.avsc")
        shown = json.loads(self.weft("schema check", "with_y.avsc", "--subject", self.subject, "--json").out)
        self.assertEqual((shown["compatible"], shown["registry"], shown["reasons"]), (True, True, []))
        self.assertEqual(self.registry.call(f"/subjects/{self.subject}/versions"), [1])

    def test_an_incompatible_schema_is_not_and_the_field_is_named(self):
        self.register("point.avsc")
        shown = self.weft("schema check", "of_text.avsc", "--subject", self.subject, status=1)
        self.assertEqual(shown.out, f"{self.subject}: not compatible with version 1 (BACKWARD)\n"
                                    "  the new schema cannot read what is written with version 1:\n"
                                    "    Point.x: reader has string, writer has int\n")
        shown = json.loads(self.weft("schema check", "of_text.avsc", "--subject", self.subject, "--json", status=1).out)
        self.assertEqual((shown["compatible"], shown["registry"], shown["version"]), (False, False, 1))

    def test_a_transitive_level_looks_at_every_version(self):
        self.register("point.avsc")
        self.weft("schema compat", self.subject, "NONE")
        self.register("with_y.avsc")
        self.write("needs_y.avsc", json.dumps({**POINT, "fields": [*POINT["fields"], {"name": "y", "type": "int"}]}))
        latest = self.weft("schema check", "needs_y.avsc", "--subject", self.subject, "--level", "BACKWARD").out
        self.assertEqual(latest, f"{self.subject}: compatible with version 2 (BACKWARD)\n")
        every = self.weft("schema check", "needs_y.avsc", "--subject", self.subject, "--level", "BACKWARD_TRANSITIVE",
                          status=1).out
        self.assertIn("written with version 1:\n    Point.y: the writer has no such field", every)

    def test_anything_is_compatible_with_a_new_subject(self):
        shown = self.weft("schema check", "point.avsc", "--subject", self.subject).out
        self.assertEqual(shown, f"{self.subject}: compatible, the subject is new\n")

    def test_no_registry_is_no_verdict(self):
        failed = self.weft("schema check", "point.avsc", "--subject", self.subject, status=1,
                           settings={"schema.registry.url": "http://127.0.0.1:1", "schema.registry.max.retries": 0})
        self.assertIn("http://127.0.0.1:1", failed.err)
        self.assertEqual(failed.out, "")

    def test_the_registry_judges_each_pair_of_the_table_as_weft_does(self):
        differs = []
        for i, pair in enumerate(json.loads(TABLE.read_text())):
            subject = self.topic_name(f"pair{i}")
            try:
                self.registry.register(subject, pair["writer"])
            except urllib.error.HTTPError as refused:
                self.assertIn("registry_refuses", pair, f"{pair['what']}: {refused}")
                continue
            verdict = self.registry.call(f"/compatibility/subjects/{subject}/versions/latest",
                                         {"schema": json.dumps(pair["reader"])})
            if verdict["is_compatible"] != pair["readable"]:
                differs.append(pair["what"])
        self.assertEqual(differs, [])


class Diff(SchemaTest):
    def test_versions_of_a_subject_are_compared(self):
        self.register("point.avsc")
        self.register("with_y.avsc")
        shown = self.weft("schema diff", self.subject).out
        self.assertTrue(shown.startswith(f"{self.subject}: version 1 -> version 2\n+ Point.y: int, default 0\n"), shown)
        same = self.weft("schema diff", self.subject, "--from", 2, "--to", 2).out
        self.assertIn("no difference that a reader sees", same)

    def test_a_file_is_compared_with_the_latest_version(self):
        self.register("point.avsc")
        shown = json.loads(self.weft("schema diff", self.subject, "of_text.avsc", "--json").out)
        self.assertEqual((shown["old"], shown["new"], shown["backward"]), ("version 1", "of_text.avsc", False))
        self.assertEqual(shown["differences"], [{"change": "changed", "path": "Point.x", "what": "int -> string",
                                                 "new_readers": "cannot read it", "old_readers": "cannot read it"}])

    def test_a_version_that_does_not_exist_is_an_error(self):
        self.register("point.avsc")
        failed = self.weft("schema diff", self.subject, "--from", 7, status=1)
        self.assertIn(f"no such version of {self.subject}", failed.err)


class List(SchemaTest):
    def test_subjects_and_their_versions_are_listed(self):
        first, second = self.register("point.avsc"), self.register("with_y.avsc")
        listed = [json.loads(line) for line in self.weft("schema list", "--json").out.splitlines()]
        self.assertIn({"subject": self.subject, "version": 2, "id": second}, listed)
        self.assertEqual(self.weft("schema list", self.subject).out, f"version 1  id {first}\nversion 2  id {second}\n")
        self.assertEqual(json.loads(self.weft("schema get", self.subject, "--version", 1).out), POINT)


class Compat(SchemaTest):
    def test_a_level_is_set_and_shown(self):
        self.register("point.avsc")
        self.assertEqual(self.weft("schema compat", self.subject, "full_transitive").out, f"{self.subject}: FULL_TRANSITIVE\n")
        self.assertEqual(self.registry.call(f"/config/{self.subject}"), {"compatibilityLevel": "FULL_TRANSITIVE"})
        shown = json.loads(self.weft("schema compat", self.subject, "--json").out)
        self.assertEqual(shown, {"subject": self.subject, "compatibility": "FULL_TRANSITIVE", "inherited": False,
                                 "global": "BACKWARD"})

    def test_the_global_level_is_shown(self):
        self.assertEqual(self.weft("schema compat", "--global").out, "all subjects: BACKWARD\n")

    def test_a_level_that_does_not_exist_is_refused(self):
        self.assertIn("no compatibility level", self.weft("schema compat", self.subject, "SOME", status=2).err)


class Delete(SchemaTest):
    def test_nothing_is_deleted_without_yes(self):
        self.register("point.avsc")
        self.assertIn("--yes", self.weft("schema delete", self.subject, status=2).err)
        self.assertIn(self.subject, self.registry.call("/subjects"))

    def test_a_version_is_hidden_and_its_id_still_read(self):
        schema_id = self.register("point.avsc")
        self.register("with_y.avsc")
        self.weft("schema delete", self.subject, "--version", 1, "--yes")
        self.assertEqual(self.registry.call(f"/subjects/{self.subject}/versions"), [2])
        self.assertEqual(json.loads(self.weft("schema get", "--id", schema_id).out), POINT)

    def test_a_subject_is_deleted_for_good(self):
        self.register("point.avsc")
        self.assertEqual(self.weft("schema delete", self.subject, "--permanent", "--yes").out,
                         f"{self.subject}: deleted all versions for good\n")
        self.assertNotIn(self.subject, self.registry.call("/subjects?deleted=true"))
        failed = self.weft("schema delete", self.subject, "--yes", status=1)
        self.assertIn(f"nothing to delete under {self.subject}", failed.err)


class References(SchemaTest):
    def test_a_schema_that_refers_to_another_is_registered_and_fetched_whole(self):
        self.register("point.avsc")
        line = {"type": "record", "name": "Line", "fields": [{"name": "from", "type": "Point"}, {"name": "to", "type": "Point"}]}
        self.write("line.avsc", json.dumps(line))
        subject = self.topic_name("lines") + "-value"
        shown = json.loads(self.weft("schema register", subject, "line.avsc", "--json", "--reference",
                                     f"Point={self.subject}:1").out)
        whole = json.loads(self.weft("schema get", "--id", shown["id"]).out)
        self.assertEqual(whole["fields"][0]["type"]["fields"], POINT["fields"])
        self.assertEqual(whole["fields"][1]["type"], "Point")
        failed = self.weft("schema delete", self.subject, "--yes", status=1)
        self.assertIn("keeps this", failed.err)


if __name__ == "__main__":
    unittest.main()
