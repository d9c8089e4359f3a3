#!/usr/bin/env python3
"""A Pub/Sub server on this machine: Google's emulator, or else pstest, the server that Google's Go client is tested with.

As a command:
    server.py [--data DIR] [--kind emulator|pstest] COMMAND

    start                start it; it keeps nothing of an earlier run
        --default-port   at 8085 where that is free
    stop                 stop it
    prepare              build what is missing

As a module:
    with Server(folder) as server:
        server.address; server.kill(); server.start()

The address stands in DIR/env, for a shell to read. The emulator is that of the Google Cloud CLI; its jar is looked for
where Google's packages put it, and in PUBSUB_EMULATOR_JAR. It needs a Java with a compiler for the mend of its defect
(mend/). pstest is built with the Go of ../registries/requirements.txt.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))

import golang  # noqa: E402
import jars  # noqa: E402
from cluster import HOST, QUICK_JVM, free_port, java  # noqa: E402
from jars import Failure  # noqa: E402
from process import Process  # noqa: E402

PORT = 8085
INSTALL_EMULATOR = ("the Pub/Sub emulator is not installed: `apt-get install google-cloud-cli-pubsub-emulator` from "
                    "Google's repository or `gcloud components install pubsub-emulator`, or name its jar in "
                    "PUBSUB_EMULATOR_JAR")


def emulator_jar():
    """Google's jar, or None."""
    if named := os.environ.get("PUBSUB_EMULATOR_JAR"):
        return Path(named)
    homes = [Path("/usr/lib/google-cloud-sdk"), Path.home() / "google-cloud-sdk"]
    if gcloud := shutil.which("gcloud"):
        homes.append(Path(gcloud).resolve().parents[1])
    found = (jar for home in homes
             for jar in sorted(home.glob("platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar")))
    return next(found, None)


def java_compiler():
    """The javac of the Java that runs the emulator, or None."""
    beside = Path(java()).resolve().with_name("javac")
    return beside if beside.is_file() else None


def mended_class_path(jar):
    """The emulator's, with the mend before it, which is compiled first when it is not there."""
    source = HERE / "mend" / "io" / "grpc" / "InternalStatus.java"
    ready = jars.cache() / f"pubsub-mend-{jars.digest(source)}"
    if not ready.is_dir():
        if not java_compiler():
            raise Failure("javac is needed to mend the Pub/Sub emulator: install a JDK, such as default-jdk-headless")
        with jars.locked():
            part = ready.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            subprocess.run([java_compiler(), "-proc:none", "-cp", jar, "-d", part, source], check=True)
            shutil.rmtree(ready, ignore_errors=True)
            part.rename(ready)
    return f"{ready}:{jar}"


def pstest():
    """Gives the program, building it first when it is not there."""
    return golang.program(HERE / "pstest", "the Pub/Sub server")


def usual_kind():
    return "emulator" if emulator_jar() and (java_compiler() or os.environ.get("PUBSUB_EMULATOR_JAR")) else "pstest"


class Server:
    """Either, with its log, process id and address in one folder. tied: it does not outlive the calling thread."""

    def __init__(self, folder, kind=None, tied=False):
        self.folder = Path(folder).absolute()
        self.state_file = self.folder / "pubsub.json"
        state = json.loads(self.state_file.read_text()) if self.state_file.exists() else {}
        self.kind = kind or state.get("kind") or usual_kind()
        self.port = state.get("port")
        self.tied = tied
        self.process = Process(self.folder, "pubsub")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def running(self):
        return self.process.pid() is not None

    def command(self):
        if self.kind == "pstest":
            return [pstest(), self.address]
        jar = emulator_jar()
        if not jar:
            raise Failure(INSTALL_EMULATOR)
        return [java(), *QUICK_JVM, "-Xmx1g", "-cp", mended_class_path(jar), "com.google.cloud.pubsub.testing.v1.Main",
                f"--host={HOST}", f"--port={self.port}"]

    def answers(self):
        try:
            if self.kind == "emulator":  # it listens before it is ready
                with urllib.request.urlopen(f"http://{self.address}/", timeout=5) as reply:
                    return reply.status == 200
            socket.create_connection((HOST, self.port), 1).close()
            return True
        except OSError:
            return False

    def start(self, default_port=False):
        """At the port of last time, if it has run before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port(self.port or (PORT if default_port else None))
        self.state_file.write_text(json.dumps({"kind": self.kind, "port": self.port}))
        self.process.start(self.command(), self.tied)
        self.process.wait_until(self.answers)
        (self.folder / "env").write_text(f"export PUBSUB_EMULATOR_HOST={self.address}\n")

    def stop(self, number=signal.SIGTERM):
        self.process.stop(number)
        (self.folder / "env").unlink(missing_ok=True)

    def kill(self):
        self.stop(signal.SIGKILL)


def prepare(kind):
    if (kind or usual_kind()) == "pstest":
        pstest()
    elif jar := emulator_jar():
        mended_class_path(jar)
    else:
        raise Failure(INSTALL_EMULATOR)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.partition("As a command:\n")[2].partition("As a module:")[0])
    parser.add_argument("--data", default="build/pubsub")
    parser.add_argument("--kind", choices=("emulator", "pstest"))
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("start").add_argument("--default-port", action="store_true")
    for name in ("stop", "prepare"):
        commands.add_parser(name)
    args = parser.parse_args()
    try:
        if args.command == "prepare":
            return prepare(args.kind)
        server = Server(args.data, args.kind)
        if args.command == "stop":
            return server.stop()
        if not server.running():
            server.start(args.default_port)
        print(f"Pub/Sub: {server.kind} at {server.address}; for a shell: {server.folder / 'env'}")
    except Failure as failure:
        sys.exit(f"pubsub: {failure}")


if __name__ == "__main__":
    main()
