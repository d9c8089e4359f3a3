#!/usr/bin/env python3
"""Fetches the broker and the schema registry that pom.xml pins, once, into the user's cache.

    jars.py            fetch what is missing and print the folder
    jars.py record     write jars.sha256 anew, after a change of pom.xml

The folder's name holds a digest of pom.xml and jars.sha256, and it appears only once all of it is there and verified:
whatever a cut leaves behind is picked up, or thrown away, by the next call.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
CHECKSUMS = HERE / "jars.sha256"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"


class Failure(Exception):
    """Something a person has to know; the message says what and what to do."""


def cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weft"


def folder():
    key = hashlib.sha256(POM.read_bytes() + CHECKSUMS.read_bytes()).hexdigest()[:12]
    return cache() / f"cluster-{key}"


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sums(directory):
    return "".join(f"{sha256(path)}  {path.name}\n" for path in sorted(directory.iterdir()))


def maven(target, *options):
    """Copies all that pom.xml names into the folder target; -C refuses files whose checksum is not the repository's."""
    if not shutil.which("mvn"):
        raise Failure("mvn (Maven) is needed to fetch the broker: ./dev deps installs it")
    shutil.rmtree(target, ignore_errors=True)
    command = ["mvn", "-B", "-q", "-C", "-U", *options, "-f", str(POM), PLUGIN + ":copy-dependencies",
               "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        reason = next((line for line in done.stdout.splitlines() if "[ERROR]" in line), done.stdout)
        reason = reason.rpartition("[ERROR] ")[2]
        raise Failure(f"Maven could not fetch the broker's jars; what did arrive is kept for the next try.\n{reason}")


def difference(directory):
    """The first file that is not as jars.sha256 says, or None."""
    wanted, found = set(CHECKSUMS.read_text().splitlines()), set(sums(directory).splitlines())
    return next((line.split()[1] for line in sorted(wanted ^ found, key=lambda line: line.split()[1])), None)


def fetch():
    """Gives the folder with kafka/*.jar and registry/, fetching it first when it is not there."""
    ready = folder()
    if ready.is_dir():
        return ready
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if ready.is_dir():  # another process was first
            return ready
        print("Fetching Kafka and the schema registry (190 MB, once) ...", file=sys.stderr)
        part = cache() / f"{ready.name}.part"
        kafka, registry = part / "kafka", part / "registry"
        maven(kafka)
        if difference(kafka):
            # A damaged file in Maven's own repository would come again for ever: go round that repository.
            maven(kafka, f"-Dmaven.repo.local={part / 'maven'}")
        if wrong := difference(kafka):
            raise Failure(f"{wrong} is not the file that {CHECKSUMS.name} pins: nothing was installed")
        shutil.rmtree(part / "maven", ignore_errors=True)
        shutil.rmtree(registry, ignore_errors=True)
        registry.mkdir()
        archive = next(kafka.glob("*.tar.gz"))
        subprocess.run(["tar", "xzf", archive, "-C", registry], check=True)
        archive.unlink()
        part.rename(ready)
    return ready


def record():
    kafka = cache() / "record.part"
    maven(kafka)
    CHECKSUMS.write_text(sums(kafka))
    shutil.rmtree(kafka)


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
