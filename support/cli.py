"""What every script's command line shares: flags, exit codes, the device, progress."""

import argparse
import errno
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from support.files import UserError, is_regular

T = TypeVar("T")

OUTPUTS = {"out", "report", "resume"}  # the files that a command writes


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in a sentence and lets no output replace an input."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False,  # --seed is not short for --seeds
                         formatter_class=argparse.ArgumentDefaultsHelpFormatter)

    def parse_args(self, *args: Any, **options: Any) -> argparse.Namespace:
        found = super().parse_args(*args, **options)
        for name, value in vars(found).items():
            # Python turns bytes that are not UTF-8 into lone surrogates.
            if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
                raise UserError(f"--{name} holds bytes that are not text; write it in UTF-8")
        require_apart(vars(found))
        return found

    def error(self, message: str) -> None:
        raise UserError(f"{message}; {self.prog} --help says how it is called")


def parser(docstring: str | None) -> argparse.ArgumentParser:
    return Parser(description=(docstring or "").split("\n")[0])


def count(text: str, least: int = 1, most: int = 10_000) -> int:
    """A whole number in a range, for a flag."""
    if not (re.fullmatch("[0-9]{1,19}", text) and least <= int(text) <= most):
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


def add_files(to: argparse.ArgumentParser, required: bool = True, **files: str) -> None:
    """Flags that name a file, each with what the file holds."""
    for name, about in files.items():
        to.add_argument(f"--{name.replace('_', '-')}", type=Path, required=required, help=about)


def add_device(to: argparse.ArgumentParser) -> None:
    to.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")


def add_seed(to: argparse.ArgumentParser) -> None:
    to.add_argument("--seed", type=partial(count, least=0, most=10**18), default=0,
                    help="seed of the random numbers")


def choose_device(name: str):
    """The torch device of this name. Raises `UserError` when it is not there."""
    import torch

    present = ["cpu"]
    if torch.cuda.is_available():
        present = ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), "cpu"]
    if torch.backends.mps.is_available():
        present = ["mps", *present]
    if name == "auto":
        print(f"device {present[0]}: the best of {', '.join(present)}", file=sys.stderr)
        return torch.device(present[0])
    if name not in present:
        raise UserError(f"there is no device {name} on this machine; choose auto, or one of "
                        f"{', '.join(present)}")
    return torch.device(name)


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
        return f"cannot read or write {error.filename or 'a file'}: {error.strerror}; {cure}"
    return None


def run(main: Callable[[], None]) -> None:
    """Call a script's main, and end the process: what a person can mend in one sentence and with
    exit code 2."""
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
    except Exception as error:
        if (sentence := explained(error)) is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(2)
    finally:  # all is said and written: an interrupt while Python ends would only hide that
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def progress(items: Iterable[T], total: int, label: str, start: int = 0) -> Iterator[T]:
    """Go through `items` with a bar of the time left; in a file it is written now and then."""
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())  # its own makes a semaphore, which a killed step leaves behind
    pause = 0.1 if sys.stderr.isatty() else 15  # seconds
    return iter(tqdm(items, total=total, initial=start, desc=label, leave=False, mininterval=pause,
                     delay=pause))
