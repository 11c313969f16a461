"""What every script's command line shares: flags, exit codes, the device, progress."""

import argparse
import contextlib
import errno
import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from support.files import UserError, fits, is_plain

T = TypeVar("T")

WRITTEN = {"out", "log", "resume", "readme"}  # the flags of files that a command writes


class Parser(argparse.ArgumentParser):
    """A parser that shows its defaults, says what is wrong in a sentence, and lets no output take
    the place of an input."""

    def __init__(self, **options) -> None:
        super().__init__(**{"allow_abbrev": False, **options})  # --seed is not short for --seeds

    def parse_args(self, *args, **options) -> argparse.Namespace:
        found = super().parse_args(*args, **options)
        for name, value in vars(found).items():
            if isinstance(value, str) and not value.isprintable() and not is_text(value):
                raise UserError(f"--{name} holds bytes that are no text; write it in UTF-8")
        require_apart(vars(found))
        return found

    def error(self, message: str) -> None:
        raise UserError(f"{message}; {self.prog} --help says how it is called")


def is_text(value: str) -> bool:
    """Whether a flag came as text: what is no UTF-8 comes as lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def count(text: str, least: int = 1, most: int = 10_000) -> int:
    """A whole number in a range, for a flag."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20
            and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"a whole number from {least} to {most} is wanted, "
                                         f"not {text[:40]!r}")
    return int(text)


def require_apart(paths: dict[str, object]) -> None:
    """Raise `UserError` where two of the files that a command was given are one and one of them is
    written. `paths` has flags and their values, of which only paths count."""
    place = {name: os.path.realpath(path) for name, path in paths.items() if isinstance(path, Path)}
    for name in WRITTEN & place.keys():
        for other in place.keys() - {name}:
            if place[name] == place[other] and is_plain(paths[name]):
                raise UserError(f"--{name} and --{other} name one file, {paths[name]}, which would "
                                "be lost; choose another")


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser for a script with this docstring."""
    return Parser(description=(description or "").split("\n")[0],
                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)


def add_common(to: argparse.ArgumentParser, device: bool = True, seed: bool = True) -> None:
    """The flags that mean the same everywhere."""
    to.add_argument("--config", type=Path, default=Path("configs/laptop.toml"),
                    help="settings of the run (TOML)")
    to.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                    help="change one setting, for example student.lr=1e-3; may be repeated")
    if seed:
        add_seed(to)
    if device:
        add_device(to)


def add_device(to: argparse.ArgumentParser) -> None:
    to.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")


def add_seed(to: argparse.ArgumentParser) -> None:
    to.add_argument("--seed", type=partial(count, least=0, most=10**18), default=0,
                    help="seed of this run")


def choose_device(name: str):
    """The torch device, printed with the reason for the choice.

    Raises `UserError` when a device is asked for that is not there: there is no silent fallback.
    """
    import torch

    present = ["cpu"]
    if torch.cuda.is_available():
        present = ["cuda", *present]
    if torch.backends.mps.is_available():
        present = ["mps", *present]
    if name == "auto":
        print(f"device {present[0]}: the best of {', '.join(present)}", file=sys.stderr)
        return torch.device(present[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"no such device: {name}; use auto, cpu, cuda, cuda:1 or mps") from None
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type not in present or (device.index or 0) >= count:
        raise UserError(f"device {name} is not on this machine; it has {', '.join(present)}")
    return device


def run(main: Callable[[], None]) -> None:
    """Call a script's main, the last thing that a process does; what a person can mend ends in one
    sentence and exit code 2."""
    start = time.time()
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever called
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (for all of the process)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a letter shows a ?
            stream.reconfigure(errors="replace")
    try:
        main()
        note_time(start)
        sys.stdout.flush()
    except UserError as error:
        sys.exit(stop(str(error)))
    except KeyboardInterrupt:
        sys.exit(stop("stopped; run the same command again to go on", 130))
    except BrokenPipeError:  # the reader of our output has left, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        sys.exit(stop("there is not enough memory; lower batch_size, tokens_at_once or the size "
                      "of the model"))
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        cure = "make room and run it again" if full else "check the path and its permissions"
        where = f" {error.filename}" if error.filename else ""
        sys.exit(stop(f"cannot read or write{where}: {error.strerror}; {cure}"))
    finally:  # all is said and written: to stop Python while it tidies up would only hide that
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def note_time(start: float) -> None:
    """Add a line on this process to the file that TIMINGS names, if any; `make` sets it."""
    path = os.environ.get("TIMINGS")
    if not path:
        return
    # The stage's work is done, whatever is wrong with the file of times.
    with contextlib.suppress(OSError, ValueError, ArithmeticError, LookupError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak /= 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
        words = [word for word in sys.argv[1:2] if not word.startswith("-")]
        script = Path(sys.argv[0])
        name = script.parent.name if script.stem == "__main__" else script.name
        line = {"stage": " ".join([name, *words]), "start": start,
                "seconds": time.time() - start, "mb": round(peak), "cores": os.cpu_count(),
                "gflops": json.loads(os.environ.get("COSTS") or "{}").get("gflops")}
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if planned := os.environ.get("PLANNED", "").splitlines():
            tell_progress(Path(path), float(os.environ["BEGAN"]), planned)


def read_timings(path: Path) -> list[dict]:
    """The lines of `note_time`; one that was cut by a kill or a full disk is passed over."""
    lines = []
    for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
        with contextlib.suppress(ValueError, RecursionError):
            if fits(row := json.loads(line), {"stage": str, "start": float, "seconds": float,
                                              "mb": float}):
                lines.append(row)
    return lines


def tell_progress(timings: Path, began: float, planned: list[str]) -> None:
    """How many of the stages that `make` has planned are done, and the time left, by what each was
    expected to take (`support/forecast.py`) and what those that are done took."""
    each = json.loads(os.environ.get("COSTS") or "{}")  # without them, all stages are alike
    done = [line for line in read_timings(timings) if line["start"] >= began]
    spent, whole = (sum(each.get(stage, 1.0) for stage in stages)
                    for stages in ([line["stage"] for line in done], planned))
    # A first short stage tells little of the long ones: the forecast counts for a minute of work.
    known = 60.0 if each else 0.0
    pace = (sum(line["seconds"] for line in done) + known) / (spent + known)
    left = pace * max(whole - spent, 0) / each.get("jobs", 1)
    print(f"-- {len(done)} of {len(planned)} stages done, about {left / 60:.1f} min left",
          flush=True)


def stop(message: str, code: int = 2) -> int:
    print(f"\n{message}" if code == 130 else f"error: {message}", file=sys.stderr)
    return code


def progress(items: Iterable[T], total: int, label: str, start: int = 0) -> Iterator[T]:
    """Go through `items` with the time left: a bar on a terminal, now and then a line elsewhere."""
    if sys.stderr.isatty() and os.environ.get("PROGRESS") != "lines":
        from tqdm import tqdm

        yield from tqdm(items, total=total, initial=start, desc=label, leave=False)
        return
    first, began, shown = start + 1, 0.0, time.monotonic()
    for done, item in enumerate(items, first):
        yield item
        now = time.monotonic()
        if done == first:  # it pays for the start, and tells nothing of the pace
            began = now
        elif now - shown > 15 and done < total:
            left = (now - began) / (done - first) * (total - done)
            print(f"{label}: {done:,} of {total:,}, {left:.0f} s left", file=sys.stderr, flush=True)
            shown = now
