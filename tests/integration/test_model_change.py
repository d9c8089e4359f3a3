"""A model that changes under a running processor, one that scores along, one for a share of the keys."""
import collections
import os
import signal

from support import SharedCluster, wait_for
from support.models import version, with_metadata
from support.processor import PIXELS, Processor
from support.weft import SOURCE


def takes(key, percent):
    """Whether the canary answers for the key, as documented."""
    value = 0xcbf29ce484222325
    for byte in key:
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return (value >> 32) % 100 < percent


class ModelTest(SharedCluster):
    def setUp(self):
        super().setUp()
        self.processor = Processor(self)

    def model(self, name, number):
        return self.write(name, version(number))

    def put(self, content, path):
        """Another file under the name, in one step."""
        os.rename(self.write("next", content), path)

    def versions(self, topic=None):
        """How many results each version of the model made, and by id which."""
        made = {}
        for message in self.kafka.read(topic or self.processor.sink):
            result = self.registry.decode(message.value())
            made[result["id"]] = result["model"]["version"]
        return collections.Counter(made.values()), made

    def answer(self, count, start):
        self.processor.send(count, start=start)
        wait_for(lambda: self.processor.answered() == start + count, "the answers")


class Changes(ModelTest):
    def test_a_model_put_in_the_place_of_another_is_taken_up(self):
        path = self.model("model.onnx", 1)
        run = self.processor.start(model=path)
        self.answer(200, 0)
        self.put(version(2), path)
        run.wait_for_line(r"model\.changed.*trivial 2 .*replaces trivial 1 ")
        self.answer(200, 200)
        self.assertEqual(run.stop(), 0)
        counts, made = self.versions()
        self.assertEqual(counts.total(), 400)
        self.assertTrue(all(made[f"r{i}"] == "1" for i in range(200)))
        # A worker that had begun to wait for requests when the model changed answers once more with the old one.
        self.assertGreater(counts["2"], 0)
        self.processor.assert_exactly_once()

    def test_a_model_written_over_the_other_is_taken_up_once_it_is_whole(self):
        path = self.model("model.onnx", 1)
        run = self.processor.start(model=path)
        run.wait_for_line("worker.assigned")
        whole = version(2)
        with open(path, "wb", buffering=0) as file:
            file.write(whole[:100])
            file.write(whole[100:])
        run.wait_for_line(r"model\.changed")
        self.assertNotIn("model.refused", run.err)

    def test_a_model_changes_amid_a_stream_and_nothing_is_lost(self):
        path = self.model("model.onnx", 1)
        run = self.processor.start(model=path, batch_max=50)
        self.processor.send(3000)
        wait_for(lambda: self.processor.answered() > 0, "the first answers")
        for number in range(2, 5):
            self.put(version(number), path)
            run.send(signal.SIGHUP)
            run.wait_for_line(rf"model\.changed.*trivial {number} ")
        self.answer(500, 3000)
        self.assertEqual(run.stop(), 0)
        counts, _ = self.versions()
        self.assertEqual(counts.total(), 3500)
        self.assertIn("4", counts)
        self.processor.assert_exactly_once()

    def test_a_model_that_cannot_serve_is_named_once_and_the_old_one_stays(self):
        path = self.model("model.onnx", 1)
        run = self.processor.start(model=path)
        self.answer(50, 0)
        bad = {
            "ONNX": (SOURCE / "LICENSE").read_bytes(),
            "it takes images of": (SOURCE / "tests" / "data" / "models" / "perceptron.onnx").read_bytes(),
            "its class 0 is called T-skirt/top": version(2).replace(b"T-shirt/top", b"T-skirt/top"),
            "self-test: image 0 gets .* the file says 1": with_metadata(version(2), "weft.self_test", str([1] * 40)),
        }
        for number, (reason, content) in enumerate(bad.items(), start=1):
            self.put(content, path)
            wait_for(lambda: run.err.count("model.refused") == number, f"refusal {number}:\n{run.err}")
            self.assertRegex(run.err, rf"model\.refused.*{reason}.*trivial 1 stays")
        self.answer(50, 50)
        self.put(version(3), path)
        run.wait_for_line(r"model\.changed.*trivial 3 ")
        self.assertEqual(run.err.count("model.refused"), len(bad))
        self.assertEqual(run.stop(), 0)
        self.assertEqual(self.versions()[0], {"1": 100})

    def test_sighup_loads_the_file_that_has_not_changed_and_says_so(self):
        run = self.processor.start(model=self.model("model.onnx", 1))
        run.wait_for_line("worker.assigned")
        run.send(signal.SIGHUP)
        run.wait_for_line(r"model\.unchanged")
        self.assertEqual(run.stop(), 0)


class SecondModels(ModelTest):
    def test_a_shadow_scores_what_is_answered_into_a_topic_of_its_own(self):
        shadow = self.kafka.create_topic(f"{self.processor.sink}.shadow", 4)
        run = self.processor.start(model=self.model("model.onnx", 1), shadow_model=self.model("shadow.onnx", 2))
        self.processor.send(300)
        too_small = self.processor.request(300, image=bytes(PIXELS - 1))
        self.kafka.produce(self.processor.source, [b"no request", too_small])
        wait_for(lambda: self.processor.answered() == 302, "the answers")
        self.assertEqual(run.stop(), 0)
        self.processor.assert_exactly_once(dead=2)
        self.assertEqual(self.versions()[0], {"1": 300})
        self.assertEqual(self.versions(shadow)[0], {"2": 300})
        results = {message.key(): (message.partition(), self.registry.decode(message.value()))
                   for message in self.kafka.read(self.processor.sink)}
        for message in self.kafka.read(shadow):
            partition, result = results[message.key()]
            scored = self.registry.decode(message.value())
            self.assertEqual(message.partition(), partition)
            self.assertEqual(scored["source"], result["source"])
            self.assertEqual(scored["probabilities"], result["probabilities"])

    def test_a_canary_answers_for_its_share_of_the_keys(self):
        run = self.processor.start(model=self.model("model.onnx", 1), canary_model=self.model("canary.onnx", 2),
                                   canary_percent=30)
        self.processor.send(1000)
        self.kafka.produce(self.processor.source, map(self.processor.request, range(1000, 1200)))  # without keys
        wait_for(lambda: self.processor.answered() == 1200, "the answers")
        self.assertEqual(run.stop(), 0)
        counts, made = self.versions()
        self.assertEqual(made, {f"r{i}": "2" if takes(f"r{i}".encode(), 30) else "1" for i in range(1200)})
        self.assertAlmostEqual(counts["2"] / 1200, 0.3, delta=0.05)
        self.processor.assert_exactly_once()

    def test_models_of_other_images_or_classes_do_not_start(self):
        other = SOURCE / "tests" / "data" / "models" / "perceptron.onnx"
        self.kafka.create_topic(f"{self.processor.sink}.shadow", 4)
        for setting in ("shadow.model", "canary.model"):
            settings = {**self.processor.settings(), setting: other, "log.level": "error"}
            result = self.weft("run", settings=settings, status=2)
            self.assertRegex(result.err, r"\Aweft: model .*perceptron.onnx: it takes images of .* are served\n\Z")
