"""Run a script's main as its command line would, within this process."""

import contextlib
import io
import signal
from types import ModuleType, SimpleNamespace
from unittest import mock

from support.cli import run


def call(module: ModuleType, *words: object) -> SimpleNamespace:
    """Exit code, output and error output of `python module.py words...`: code, out, err."""
    argv, code = [f"{module.__name__}.py", *map(str, words)], 0
    out, err, interrupt = io.StringIO(), io.StringIO(), signal.getsignal(signal.SIGINT)
    with (mock.patch("sys.argv", argv), contextlib.redirect_stdout(out),
          contextlib.redirect_stderr(err)):
        try:
            run(module.main)
        except SystemExit as exit:
            code = exit.code
        finally:
            signal.signal(signal.SIGINT, interrupt)  # this process goes on
    return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())
