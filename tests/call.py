"""Run a script's main as its command line would, within this process."""

import contextlib
import io
import signal
import sys
from types import ModuleType
from typing import NamedTuple
from unittest import mock

from support.cli import run


class Result(NamedTuple):
    code: int
    out: str
    err: str


def call(module: ModuleType, *words: object) -> Result:
    """Exit code, output and error output of `python module.py words...`."""
    out, err = io.StringIO(), io.StringIO()
    stopping = signal.getsignal(signal.SIGINT)
    with (
        mock.patch.object(sys, "argv", [f"{module.__name__}.py", *map(str, words)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            run(module.main)
            code = 0
        except SystemExit as exit:
            code = exit.code
        finally:  # this process goes on
            signal.signal(signal.SIGINT, stopping)
    return Result(code, out.getvalue(), err.getvalue())
