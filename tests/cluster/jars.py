#!/usr/bin/env python3
"""Fetches the broker and the schema registry that pom.xml pins, once, into the user's cache.

    jars.py            fetch what is missing and print the folder
    jars.py record     write jars.sha256 anew, after a change of pom.xml

The folder's name holds a digest of pom.xml and jars.sha256, and it appears only once all of it is there and verified:
whatever a cut leaves behind is picked up, or thrown away, by the next call.
"""
import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"


class Failure(Exception):
    """Something a person has to know; the message says what and what to do."""


def cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weft"


@dataclasses.dataclass(frozen=True)
class Pinned:
    """What a pom.xml names and the jars.sha256 beside it verifies."""
    name: str  # in the cache
    home: Path  # of both files
    jars: str  # the part of the folder that holds the jars; archives are unpacked into registry/ beside it
    what: str  # for people

    @property
    def pom(self):
        return self.home / "pom.xml"

    @property
    def checksums(self):
        return self.home / "jars.sha256"

    def folder(self):
        return cache() / f"{self.name}-{digest(self.pom, self.checksums)}"


CLUSTER = Pinned("cluster", HERE, "kafka", "Kafka and the schema registry (190 MB, once)")


def digest(*files):
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


@contextlib.contextmanager
def locked():
    """One process at a time adds to the cache."""
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sums(directory):
    return "".join(f"{sha256(path)}  {path.name}\n" for path in sorted(directory.iterdir()))


def maven(pinned, target, *options):
    """Copies all that pom.xml names into the folder target; -C refuses files whose checksum is not the repository's."""
    if not shutil.which("mvn"):
        raise Failure("mvn (Maven) is needed to fetch the jars: ./dev deps installs it")
    shutil.rmtree(target, ignore_errors=True)
    command = ["mvn", "-B", "-q", "-C", "-U", *options, "-f", str(pinned.pom), PLUGIN + ":copy-dependencies",
               "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        reason = next((line for line in done.stdout.splitlines() if "[ERROR]" in line), done.stdout)
        reason = reason.rpartition("[ERROR] ")[2]
        raise Failure(f"Maven could not fetch the jars; what did arrive is kept for the next try.\n{reason}")


def difference(pinned, directory):
    """The first file that is not as jars.sha256 says, or None."""
    wanted, found = set(pinned.checksums.read_text().splitlines()), set(sums(directory).splitlines())
    return next((line.split()[1] for line in sorted(wanted ^ found, key=lambda line: line.split()[1])), None)


def fetch(pinned=CLUSTER):
    """Gives the folder with the jars and registry/, fetching it first when it is not there."""
    ready = pinned.folder()
    if ready.is_dir():
        return ready
    with locked():
        if ready.is_dir():  # another process was first
            return ready
        print(f"Fetching {pinned.what} ...", file=sys.stderr)
        part = cache() / f"{ready.name}.part"
        files, registry = part / pinned.jars, part / "registry"
        maven(pinned, files)
        if difference(pinned, files):
            # A damaged file in Maven's own repository would come again for ever: go round that repository.
            maven(pinned, files, f"-Dmaven.repo.local={part / 'maven'}")
        if wrong := difference(pinned, files):
            raise Failure(f"{wrong} is not the file that {pinned.checksums} pins: nothing was installed")
        shutil.rmtree(part / "maven", ignore_errors=True)
        shutil.rmtree(registry, ignore_errors=True)
        registry.mkdir()
        for archive in files.glob("*.tar.gz"):
            subprocess.run(["tar", "xzf", archive, "-C", registry], check=True)
            archive.unlink()
        part.rename(ready)
    return ready


def record(pinned=CLUSTER):
    files = cache() / "record.part"
    maven(pinned, files)
    pinned.checksums.write_text(sums(files))
    shutil.rmtree(files)


def main():
    try:
        if sys.argv[1:] == ["record"]:
            record()
        elif not sys.argv[1:]:
            print(fetch())
        else:
            sys.exit(__doc__)
    except Failure as failure:
        sys.exit(f"jars: {failure}")


if __name__ == "__main__":
    main()
