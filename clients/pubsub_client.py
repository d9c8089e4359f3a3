#!/usr/bin/env python3
"""Asks for predictions over Google Cloud Pub/Sub: images go out as JSON, answers come back as JSON.

    pubsub_client.py --topic projects/P/topics/T --subscription projects/P/subscriptions/S --data FOLDER
                     [--count 2000] [--rate 500] [--timeout 60] [--quiet]

A client as one would write it for Google Cloud: it knows neither Kafka nor Avro nor weft. FOLDER holds the test images
of Fashion-MNIST (t10k-images-idx3-ubyte.gz and -labels-). PUBSUB_EMULATOR_HOST is heeded.
"""
import argparse
import base64
import gzip
import json
import pathlib
import statistics
import sys
import threading
import time
import uuid

from google.cloud import pubsub_v1

HEADER, LABELS_HEADER = 16, 8  # bytes of an IDX file before its images, its labels


def images(folder):
    """(pixels, label) of each test image, again from the start after the last."""
    pixels = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[LABELS_HEADER:]
    size = (len(pixels) - HEADER) // len(labels)
    while True:
        for i, label in enumerate(labels):
            yield pixels[HEADER + i * size:HEADER + (i + 1) * size], label


class Answers:
    """What has come back, each request once: Pub/Sub may deliver a message again."""

    def __init__(self, count, quiet):
        self.count, self.quiet = count, quiet
        self.sent, self.seconds = {}, {}
        self.right = self.repeats = 0
        self.lock, self.all = threading.Lock(), threading.Event()

    def take(self, message):
        answer = json.loads(message.data)
        with self.lock:
            sent = self.sent.get(answer["id"])
            if sent is None:  # of an earlier client
                pass
            elif answer["id"] in self.seconds:
                self.repeats += 1
            else:
                self.seconds[answer["id"]] = time.monotonic() - sent
                self.right += answer["label"] == answer["expected"]
                if not self.quiet:
                    sure = max(answer["probabilities"])
                    print(f"{answer['id']}  {answer['class']:<12} {sure:6.1%}  expected {answer['expected']}")
            if len(self.seconds) == self.count:
                self.all.set()
        message.ack()


def publish(topic, folder, count, rate, answers):
    publisher = pubsub_v1.PublisherClient()
    run = uuid.uuid4().hex[:8]
    began, calls = time.monotonic(), []
    for i, (pixels, label) in zip(range(count), images(folder)):
        name = f"{run}-{i}"
        request = {"id": name, "image": base64.b64encode(pixels).decode(), "label": label}
        time.sleep(max(0, began + i / rate - time.monotonic()))
        with answers.lock:
            answers.sent[name] = time.monotonic()
        calls.append(publisher.publish(topic, json.dumps(request).encode()))
    for call in calls:
        call.result()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--topic", required=True)
    parser.add_argument("--subscription", required=True)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=500, help="requests a second")
    parser.add_argument("--timeout", type=float, default=60, help="seconds to wait for the last answer")
    parser.add_argument("--quiet", action="store_true", help="the summary alone")
    options = parser.parse_args()
    answers = Answers(options.count, options.quiet)
    with pubsub_v1.SubscriberClient() as subscriber:
        pull = subscriber.subscribe(options.subscription, answers.take)
        publish(options.topic, options.data, options.count, options.rate, answers)
        complete = answers.all.wait(options.timeout)
        pull.cancel()
        pull.result()
    seconds = sorted(answers.seconds.values())
    print(f"{len(seconds)} of {options.count} requests answered, {answers.repeats} answers delivered again")
    if seconds:
        print(f"{answers.right / len(seconds):.2%} rightly; from publishing to the answer {statistics.median(seconds):.3f} s "
              f"in the middle, {seconds[int(0.99 * (len(seconds) - 1))]:.3f} s for 99 of 100")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
