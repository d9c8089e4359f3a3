"""weft schema register, get and check, against what the independent client sees."""
import json
import unittest

from support import SharedCluster

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


class Check(SchemaTest):
    def test_a_compatible_schema_is_and_is_not_registered(self):
        self.register("point.avsc")
        shown = self.weft("schema check", self.subject, "with_y.avsc").out
        self.assertEqual(shown, f"{self.subject}: compatible with version 1, the latest\n")
        self.assertEqual(self.registry.call(f"/subjects/{self.subject}/versions"), [1])

    def test_an_incompatible_schema_is_not(self):
        self.register("point.avsc")
        shown = self.weft("schema check", self.subject, "of_text.avsc", status=1)
        self.assertEqual(shown.out, f"{self.subject}: not compatible with version 1, the latest\n")
        shown = self.weft("schema check", self.subject, "of_text.avsc", "--json", status=1)
        self.assertEqual(json.loads(shown.out), {"subject": self.subject, "compatible": False, "version": 1})

    def test_anything_is_compatible_with_a_new_subject(self):
        shown = self.weft("schema check", self.subject, "point.avsc").out
        self.assertEqual(shown, f"{self.subject}: compatible, the subject is new\n")

    def test_no_registry_is_no_verdict(self):
        failed = self.weft("schema check", self.subject, "point.avsc", status=1,
                           settings={"schema.registry.url": "http://127.0.0.1:1", "schema.registry.max.retries": 0})
        self.assertIn("http://127.0.0.1:1", failed.err)
        self.assertEqual(failed.out, "")


if __name__ == "__main__":
    unittest.main()
