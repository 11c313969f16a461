"""Steps for the tests of the runner, one with torch: `python -m tests.toys FOLDER PAUSE`."""

import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from support import runner
from support.cli import progress, run
from support.files import UserError, atomic_open, write_text
from support.steps import Step


def write(text: str, out: Path) -> str:
    write_text(out, text)
    return "written"


def join(parts: list[Path], out: Path, pause: float = 0.0) -> None:
    """One part after another, slowly, so that there is time to kill it."""
    bar = progress(parts, len(parts), "parts")
    with atomic_open(out) as file:
        for part in bar:
            file.write(part.read_text())
            file.flush()
            time.sleep(pause)


def count_threads(out: Path) -> None:
    import torch

    write_text(out, str(torch.get_num_threads()))


def with_device(device: str, out: Path) -> None:
    write_text(out, device)


def read_outside(path: Path, out: Path) -> None:
    write_text(out, path.read_text())


def two_files(out: Path) -> None:
    write_text(out, "one")
    write_text(out.with_suffix(".more"), "two")


def refuse(out: Path) -> None:
    raise UserError("the moon is full; wait for a new one")


def bug(out: Path) -> None:
    raise ZeroDivisionError


def die(out: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def toy(name: str, out: str, **arguments) -> Step:
    return Step(f"tests.toys.{name}", out, f"{name} {out}", **arguments)


def graph(pause: float = 0.0, text: str = "a") -> list[Step]:
    """Three texts, two joins of two of them, and a join of these."""
    one, two, three = toy("write", "1.txt", text=text), *(
        toy("write", f"{n}.txt", text=n) for n in ("2", "3"))
    left = toy("join", "deep/left.txt", parts=[one, two], pause=pause)
    right = toy("join", "deep/right.txt", parts=[two, three], pause=pause)
    return [toy("join", "all.txt", parts=[left, right], pause=pause)]


def main() -> None:
    """Run the graph; nothing is measured, so that torch is not loaded."""
    sys.modules["support.machine"] = SimpleNamespace(measured=lambda device: {
        "rate": 1e9, "jobs": 2, "about": "", "record": {}})
    folder, pause = sys.argv[1:]
    runner.run(graph(float(pause)), Path(folder))


if __name__ == "__main__":
    run(main)
