"""weft model predict, eval, info and list, as a user calls them; no Kafka."""
import json
import struct
import zlib

from support import WeftTest
from support.sample import SAMPLE, SIDE, sample_images, sample_labels
from support.weft import SOURCE


def png(pixels):
    """A grey PNG of SIDE x SIDE pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + pixels[y * SIDE:(y + 1) * SIDE] for y in range(SIDE))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def negative(pixels):
    return bytes(255 - pixel for pixel in pixels)


class PredictTest(WeftTest):
    def answers(self, *arguments, stdin="", status=0):
        result = self.weft("model predict", *arguments, "--json", stdin=stdin, status=status)
        return [json.loads(line) for line in result.out.splitlines()]

    def test_predict_takes_the_default_model_where_none_is_named(self):
        image = self.write("image.png", png(sample_images(1)[0]))
        self.assertEqual(self.answers(image), self.answers("builtin:fast", image))
        self.assertEqual(self.answers(image), self.answers(SOURCE / "model" / "zoo" / "fast.onnx", image))

    def test_predict_gives_the_most_probable_classes_in_order(self):
        image = self.write("image.png", png(sample_images(1)[0]))
        [answer] = self.answers("--top", 4, image)
        probabilities = [entry["probability"] for entry in answer["top"]]
        self.assertEqual(len(probabilities), 4)
        self.assertEqual(probabilities, sorted(probabilities, reverse=True))
        self.assertEqual((answer["label"], answer["class"]), (answer["top"][0]["label"], answer["top"][0]["class"]))

    def test_predict_reads_pixels_of_several_images_from_standard_input(self):
        images = sample_images(5)
        files = [self.write(f"{i}.png", png(pixels)) for i, pixels in enumerate(images)]
        piped = self.answers("-", stdin=b"".join(images))
        self.assertEqual([answer["top"] for answer in piped], [answer["top"] for answer in self.answers(*files)])

    def test_predict_reads_an_image_file_from_standard_input(self):
        content = png(sample_images(1)[0])
        [piped], [named] = self.answers("-", stdin=content), self.answers(self.write("image.png", content))
        self.assertEqual(piped["top"], named["top"])

    def test_predict_refuses_standard_input_that_ends_within_an_image(self):
        result = self.weft("model predict", "-", stdin=sample_images(1)[0] + b"too little", status=1)
        self.assertIn("ends 10 bytes into image 1", result.err)
        self.assertIn("784 bytes for each image", result.err)
        self.assertIn("ends 0 bytes into image 0", self.weft("model predict", "-", status=1).err)

    def test_predict_inverts_a_negative_and_says_so(self):
        [image] = sample_images(1)
        upright, inverted = self.write("image.png", png(image)), self.write("negative.png", png(negative(image)))
        first, second = self.answers(upright, inverted)
        self.assertEqual((first["inverted"], second["inverted"]), (False, True))
        self.assertEqual(first["top"], second["top"])
        result = self.weft("model predict", upright, inverted)
        self.assertEqual(result.err.count("inverted: the ground is light"), 1)
        self.assertIn("negative.png: inverted", result.err)

    def test_predict_inverts_as_it_is_told(self):
        [image] = sample_images(1)
        upright, inverted = self.write("image.png", png(image)), self.write("negative.png", png(negative(image)))
        [as_it_is], [by_order] = self.answers("--invert", "no", inverted), self.answers("--invert", "yes", upright)
        self.assertEqual((as_it_is["inverted"], by_order["inverted"]), (False, True))
        self.assertEqual(as_it_is["top"], by_order["top"])
        self.assertIn("auto, yes or no", self.weft("model predict", "--invert", "maybe", upright, status=2).err)

    def test_predict_shows_the_truth_of_a_data_set(self):
        [answer] = self.answers("--data", SAMPLE, "--index", 7)
        self.assertEqual(answer["expected"], sample_labels(8)[7])

    def test_predict_needs_an_image(self):
        self.assertIn("give image files", self.weft("model predict", "builtin:lenet", status=2).err)


class EvalTest(WeftTest):
    def test_eval_counts_what_predict_answers(self):
        measured = json.loads(self.weft("model eval", "builtin:fast", "--data", SAMPLE, "--json").out)
        lines = self.weft("model predict", "-", "--json", "--top", 1, stdin=b"".join(sample_images(500))).out
        answers = [json.loads(line)["label"] for line in lines.splitlines()]
        right = sum(answer == truth for answer, truth in zip(answers, sample_labels(500)))
        self.assertEqual((measured["count"], measured["correct"]), (500, right))
        self.assertIsNone(measured["with_flip_averaging"])
        bins = measured["calibration"]["bins"]
        self.assertEqual((len(bins), sum(entry["count"] for entry in bins)), (15, 500))

    def test_eval_reports_both_with_flip_averaging_and_without(self):
        arguments = ("builtin:lenet", "--data", SAMPLE)
        plain = json.loads(self.weft("model eval", *arguments, "--json").out)
        both = json.loads(self.weft("model eval", *arguments, "--flip-average", "--json").out)
        self.assertEqual(plain["accuracy"], both["accuracy"])
        self.assertEqual(both["with_flip_averaging"]["count"], 500)
        self.assertNotEqual(both["with_flip_averaging"]["log_loss"], both["log_loss"])
        table = self.weft("model eval", *arguments, "--flip-average").out
        self.assertRegex(table, r"% with flip averaging \(\d+ of 500")

    def test_eval_draws_the_history_beside_the_model(self):
        model = self.write("my.onnx", (SOURCE / "model" / "zoo" / "lenet.onnx").read_bytes())
        self.write("my.history.csv", "epoch,loss,validation_loss\n1,1.5,1.2\n2,0.9,0.8\n")
        out = self.weft("model eval", model, "--data", SAMPLE, "--report", "report").out
        self.assertIn("report/report.html", out)
        self.assertTrue((self.folder / "report" / "figures" / "history.svg").exists())
        self.assertEqual((self.folder / "report" / "predictions.csv").read_text().count("\n"), 501)

    def test_eval_without_gnuplot_names_the_package(self):
        failed = self.weft("model eval", "builtin:lenet", "--data", SAMPLE, "--report", "report",
                           environment={"PATH": "/nowhere"}, status=2)
        self.assertIn("gnuplot-nox", failed.err)


class BuiltinTest(WeftTest):
    def test_list_marks_one_default(self):
        models = [json.loads(line) for line in self.weft("model list", "--json").out.splitlines()]
        self.assertEqual([model["default"] for model in models].count(True), 1)
        self.assertIn("builtin:lenet", [model["model"] for model in models])

    def test_an_unknown_builtin_model_is_refused_with_the_known_ones(self):
        for command in ("model info", "model eval"):
            failed = self.weft(command, "builtin:nothing", *(["--data", SAMPLE] if "eval" in command else []), status=2)
            self.assertIn("builtin:nothing", failed.err)
            self.assertIn("builtin:lenet", failed.err)
