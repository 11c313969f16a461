"""What only a real process can show: a full disk, Ctrl-C, a terminal."""

import os
import resource
import signal
import subprocess
import sys
import time

import chat
from tests.test_errors import commands, lists, run

import pytest

__all__ = ["commands", "lists"]  # fixtures


def process(command, **options):
    module, words, flags = command
    flat = [str(word) for flag in flags.items() for word in flag]
    return subprocess.Popen([sys.executable, module.__file__, *words, *flat], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("name", ["finetune", "generate"])
def test_a_full_disk(commands, tmp_path, name):
    """A limit on the size of files stands in for the disk: the write fails in the same way."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    out = tmp_path / "out" / "x.out"
    out.parent.mkdir()
    out.write_text("what stood here before")
    child = process(commands[name], preexec_fn=limit)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 2 and "Traceback" not in err
    assert "make room" in err.splitlines()[-1]
    assert out.read_text() == "what stood here before"
    assert not list(out.parent.glob(".*part"))


def test_ctrl_c_while_modules_load(commands):
    """Wherever it comes, once Python itself is up: a sentence, and 130."""
    for wait in (0.15, 0.4, 0.8):
        child = process(commands["generate"],
                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        time.sleep(wait)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate()
        assert child.returncode in (0, 130) and "Traceback" not in err, (wait, err)


def test_ctrl_c_once_all_is_said(commands):
    """While Python tidies up there is nothing left to stop."""
    child = process(commands["generate"],
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    assert child.stdout.readline()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate()
    assert child.returncode in (0, 130) and "Traceback" not in err, err


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_chat_with_any_bytes_and_any_terminal(checkpoint_file, locale):
    talk = [sys.executable, chat.__file__, "--device", "cpu", checkpoint_file]
    environment = {**os.environ, "LC_ALL": locale, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(talk, input=b"Hello \xff\xfe \xe2\x82\n\nOwls?\n", env=environment,
                          capture_output=True)
    assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr
    closed = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *talk], capture_output=True)
    assert closed.returncode == 0 and b"Traceback" not in closed.stderr, closed.stderr
    piped = subprocess.run(["sh", "-c", '"$@" | true', "sh", *talk], input=b"Owls?\n" * 9,
                           capture_output=True)
    assert b"Traceback" not in piped.stderr and b"Exception" not in piped.stderr, piped.stderr


def test_ctrl_c_ends_with_130_and_the_run_goes_on_later(commands, tmp_path):
    module, words, flags = commands["finetune"]
    flags = {**flags, "--set": "student.epochs=200"}
    # A shell that runs the tests in the background has them ignore the signal.
    child = process((module, words, flags),
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    resume = tmp_path / "out" / "x.out.resume"
    deadline = time.monotonic() + 60
    while not resume.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130 and "Traceback" not in err, err
    assert "same command" in err.splitlines()[-1]
    assert sorted(os.listdir(resume.parent)) == ["log", "x.out.resume"]
    again = run((module, words, flags))
    assert again.code == 0 and "going on from step" in again.err


@pytest.mark.parametrize(("word", "says"), [
    ("SEED=5", "SEED=5 means nothing here"), ("CONFIG=a b", "must be one name"),
    ("RUN=my run", "must be one name"), ("TRAIT=owl;ls", "must be one name")])
def test_make_tells_a_variable_that_is_none_or_holds_too_much(word, says):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(["make", "help", word], capture_output=True, text=True, env=clean)
    assert done.returncode == 2 and says in done.stderr
