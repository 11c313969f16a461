"""What every script's command line shares: flags, exit codes, the device, progress."""

import argparse
import errno
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from support.files import UserError, is_regular

T = TypeVar("T")

OUTPUTS = {"out", "report", "log", "resume"}  # the flags of files that a command writes


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in a sentence and lets no output replace an input."""

    def __init__(self, **options) -> None:
        super().__init__(**{"allow_abbrev": False, **options})  # --seed is not short for --seeds

    def parse_args(self, *args, **options) -> argparse.Namespace:
        found = super().parse_args(*args, **options)
        for name, value in vars(found).items():
            texts = value if isinstance(value, list) else [value]
            if any(isinstance(text, str) and not is_unicode(text) for text in texts):
                raise UserError(f"--{name} holds bytes that are not text; write it in UTF-8")
        require_apart(vars(found))
        return found

    def error(self, message: str) -> None:
        raise UserError(f"{message}; {self.prog} --help says how it is called")


def is_unicode(text: str) -> bool:
    """Whether a flag came as UTF-8: Python turns other bytes into lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser for a script with this docstring."""
    return Parser(description=(description or "").split("\n")[0],
                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)


def count(text: str, least: int = 1, most: int = 10_000) -> int:
    """A whole number in a range, for a flag."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20
            and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"a whole number from {least} to {most} is wanted, "
                                         f"not {text[:40]!r}")
    return int(text)


def require_apart(paths: dict[str, object]) -> None:
    """Raise `UserError` where an output is the same file as another of a command's files."""
    place = {name: os.path.realpath(path) for name, path in paths.items() if isinstance(path, Path)}
    for name in OUTPUTS & place.keys():
        for other in place.keys() - {name}:
            if place[name] == place[other] and is_regular(paths[name]):
                raise UserError(f"--{name} and --{other} name one file, {paths[name]}, which would "
                                "be lost; choose another")


def add_common(to: argparse.ArgumentParser) -> None:
    """The flags that say which settings hold."""
    to.add_argument("--config", type=Path, default=Path("configs/laptop.toml"),
                    help="settings of the run (TOML)")
    to.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                    help="change one setting, for example student.lr=1e-3; may be repeated")


def add_device(to: argparse.ArgumentParser) -> None:
    to.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")


def add_seed(to: argparse.ArgumentParser) -> None:
    to.add_argument("--seed", type=partial(count, least=0, most=10**18), default=0,
                    help="seed of the random numbers")


def choose_device(name: str):
    """The torch device of this name. Raises `UserError` when it is not there: there is no silent
    fallback."""
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
    devices = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type not in present or (device.index or 0) >= devices:
        raise UserError(f"device {name} is not on this machine; it has {', '.join(present)}")
    return device


def explained(error: BaseException) -> str | None:
    """What went wrong in a sentence with the cure, if a person can mend it; None for a bug."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError) or (
            isinstance(error, RuntimeError) and "memory" in str(error)):
        return "there is not enough memory; lower batch_size, tokens_at_once or the model's size"
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        cure = "make room and run it again" if full else "check the path and its permissions"
        where = f" {error.filename}" if error.filename else ""
        return f"cannot read or write{where}: {error.strerror}; {cure}"
    return None


def run(main: Callable[[], None]) -> None:
    """Call a script's main, the last thing that a process does. What a person can mend ends in one
    sentence and exit code 2."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (for all of the process)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a letter shows a ?
            stream.reconfigure(errors="replace")
    try:
        main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\nstopped; run the same command again to go on", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has left, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except (UserError, MemoryError, RuntimeError, OSError) as error:
        if (sentence := explained(error)) is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(2)
    finally:  # all is said and written: an interrupt while Python ends would only hide that
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def progress(items: Iterable[T], total: int, label: str, start: int = 0) -> Iterator[T]:
    """Go through `items` with the time left: a bar on a terminal, now and then a line elsewhere."""
    if sys.stderr.isatty():
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
