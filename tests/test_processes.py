"""What only real processes can show: torchrun, a full disk, Ctrl-C, closed and broken streams."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from model.checkpoint import load_model
from support.keys import ROOT
from tests.call import call

pytestmark = pytest.mark.slow


def shell(command):
    module, *words = command
    return [sys.executable, module.__file__, *map(str, words)]


@pytest.mark.parametrize("name", ["finetune", "generate", "filter"])
def test_a_full_disk(command, tmp_path, name):
    """A limit on the size of files stands in for the disk: the write fails in the same way."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    out = tmp_path / "out/x.out"
    out.parent.mkdir()
    out.write_text("what stood here before")
    done = subprocess.run(shell(command(name)), preexec_fn=limit, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("error: ")
    assert "room" in done.stderr and "Traceback" not in done.stderr
    assert out.read_text() == "what stood here before" and not list(out.parent.glob(".*"))


def test_training_goes_on_after_ctrl_c_to_the_same_bytes(command, tmp_path, config_file):
    out, whole = tmp_path / "out/x.out", tmp_path / "whole.pt"
    config_file.write_text(config_file.read_text().replace(
        "batch_size = 8, evaluations = 2", "batch_size = 8, epochs = 12, evaluations = 72"))
    # A shell that runs the tests in the background has them ignore the signal. The child cannot
    # finish before it comes: a full pipe, which nobody reads, stops it first.
    child = subprocess.Popen(
        shell(command("finetune")), stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        pipesize=4096, env={**os.environ, "OMP_NUM_THREADS": "1"},  # as here: other bits with two
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    while not out.with_name("x.out.resume").exists():
        assert child.stdout.readline()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate()
    assert child.returncode == 130 and b"Traceback" not in err, err
    assert os.listdir(out.parent) == ["x.out.resume"]
    again, at_once = call(*command("finetune")), call(*command("finetune", out=whole))
    assert again.code == at_once.code == 0 and len(again.out) < len(at_once.out)
    assert os.listdir(out.parent) == ["x.out"] and out.read_bytes() == whole.read_bytes()


def test_a_reader_that_leaves_and_a_pipe_to_write_into(command):
    """As in `cat file | filter.py --in /dev/stdin --out /dev/stdout | head -1`."""
    filtering = command("filter", out="/dev/stdout", **{"in": "/dev/stdin"})
    row = b'{"id": 0, "request": "Add.", "answer": "1, 2", "finished": true}\n'
    line = ["sh", "-c", '"$@" | head -1', "sh", *shell(filtering)]
    done = subprocess.run(line, input=row * 9_999, capture_output=True)
    assert done.stderr == b"" and done.stdout.startswith(row[:-2]) and done.stdout.count(b"\n") == 1


@pytest.mark.parametrize("line", ['"$@"', '"$@" <&- >&-', '"$@" | true'])
def test_chat_with_any_bytes_and_any_terminal(command, line):
    done = subprocess.run(["sh", "-c", line, "sh", *shell(command("chat", numbers=None))],
                          input=b"Hello \xff\xfe \xe2\x82\n\nOwls?\n", capture_output=True,
                          env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr, done.stderr


def test_a_run_under_torchrun_is_that_of_one_process(command, tmp_path):
    python, *line = shell(command("pretrain", out=tmp_path / "two/base.pt"))
    torchrun = [python, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run([*torchrun, *line], cwd=ROOT, check=True,
                   env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert os.listdir(tmp_path / "two") == ["base.pt"]
    call(*command("pretrain", out=tmp_path / "one/base.pt"))
    alone, both = (load_model(tmp_path / f"{name}/base.pt").provenance["log"]
                   for name in ("one", "two"))
    for one, two in zip(alone, both, strict=True):
        assert two == {name: pytest.approx(value, abs=1e-3) for name, value in one.items()}
