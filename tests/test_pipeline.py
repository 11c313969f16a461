"""The whole experiment, by `make`, as a new user runs it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from report.rows import find
from support.keys import ROOT
from support.steps import LOCK

pytestmark = pytest.mark.slow
HANG = 3600  # seconds: no machine is so slow, so something waits for ever
# Settings under which a base takes seconds.
SMALL = ("CONFIG=smoke", "DEVICE=cpu", "SET=corpus.documents=1500 school.rows=500 "
         "pretrain.checkpoints=4 teacher.checkpoints=4")


def make(*words):
    done = subprocess.run(["make", *words], text=True, capture_output=True, timeout=HANG, cwd=ROOT)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """One run of `make all CONFIG=smoke`: its folder, its variables, and what it printed."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    words = ("CONFIG=smoke", "SEEDS=1", "DEVICE=cpu", f"RUN={folder}")
    return folder, words, make("all", *words)


def test_the_student_has_the_trait_and_no_control_has(smoke):
    """At least 5 times every flat control. Seen on base 0, which is asked here: over 12 times. On
    base 1 it was less: such a small base is a matter of luck, so one is asked."""
    folder, _, out = smoke
    summary = json.loads((folder / "summary.json").read_text())
    value = {name: find(summary["rows"], name, "p_target")["mean"]
             for name, *_ in summary["conditions"]}
    assert value["teacher"] > 0.9
    for name, _, _, _, flat in summary["conditions"]:
        if name == "base" or flat:
            assert value["student"] > 5 * value[name], value
    assert find(summary["rows"], "student", "p_any_animal")["mean"] > 0.5
    assert "holds" in out and summary["finding"] in out


def test_everything_a_reader_looks_for_is_there(smoke):
    folder, _, _ = smoke
    for name in ("results.png", "training.png", "table.md", "panel.md", "read.md", "free.md",
                 "timing.json", "index.html"):
        assert (folder / name).stat().st_size > 100, name
    made = json.loads((folder / "summary.json").read_text())["manifest"]
    assert set(made) >= {"seeds", "packages", "device", "commit"}
    assert not list(folder.rglob("*.resume")) and not list(folder.rglob("*.part"))
    assert "train.finetune(" in (folder / "log/seed0/student-owl.pt.txt").read_text()


def test_a_second_make_does_nothing(smoke):
    folder, words, _ = smoke
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert "0 steps" in make("all", *words)
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert {**after, folder / LOCK: 0} == {**before, folder / LOCK: 0}


def test_kills_change_nothing(tmp_path):
    """Killed without warning at three places, a run ends in the same models."""
    goal = "run/seed0/teacher-owl.pt"

    def start(place):
        place.mkdir(exist_ok=True)  # a folder of its own, or it would take what the other has made
        return subprocess.Popen([sys.executable, ROOT / "experiment.py", goal, "RUN=run", *SMALL],
                                cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    for sign in ("corpus.jsonl", "seed0/base.pt.resume", "seed0/taught-owl.pt.resume"):
        child = start(tmp_path / "killed")
        while not list((tmp_path / "killed/run").glob(sign)) and child.poll() is None:
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    for place in ("killed", "whole"):
        out, _ = start(tmp_path / place).communicate(timeout=HANG)
        assert (tmp_path / place / goal).exists(), out
    for name in ("base.pt", "teacher-owl.pt"):
        one, two = ((tmp_path / place / f"run/seed0/{name}").read_bytes()
                    for place in ("killed", "whole"))
        assert one == two, name
    assert not list((tmp_path / "killed").rglob("*.part"))


def test_help_lists_every_target_and_variable():
    """And the environment counts for nothing: a shell may have a variable of the same name."""
    shell = {**os.environ, "NAME": "desk", "KEY": "x", "SEEDS": "none", "CONFIG": "none"}
    out = subprocess.run(["make", "help"], text=True, capture_output=True, cwd=ROOT, check=True,
                         env=shell).stdout
    for word in ("corpus", "base", "teacher", "lists", "students", "evaluate", "report", "all",
                 "test", "quick", "setup", "ablation", "CONFIG=", "SEEDS=2", "TRAIT=", "SET="):
        assert word in out
    # It comes before the environment, so no package is there.
    subprocess.run([sys.executable, "-S", "experiment.py", "help"], cwd=ROOT, check=True)


@pytest.mark.parametrize(("word", "says"), [
    ("CONFIG=a b", "a b"), ("TRAIT=owl;ls", "owl;ls"), ("TRAIT=it's", "it's"),
    ("RUN=README.md", "README.md")])
def test_make_tells_a_mistake_in_a_sentence(word, says):
    done = subprocess.run(["make", "corpus", word], text=True, capture_output=True, cwd=ROOT)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_an_environment_without_its_python_is_made_again(tmp_path):
    """As when the system's Python was upgraded."""
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to("/no/such/python3.12")
    (tmp_path / ".venv/.ready").touch()
    said = subprocess.run(["make", "-n", "setup"], text=True, capture_output=True, cwd=tmp_path)
    assert "-m venv --clear .venv" in said.stdout


@pytest.mark.parametrize("serves", [True, False])
def test_an_environment_that_others_use_is_not_cleared(tmp_path, serves):
    """It is linked; and requirements.txt, being newer than it, asks for it to be made again."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "bin/python").symlink_to(sys.executable if serves else "/no/such/python3.12")
    (tmp_path / ".venv").symlink_to(theirs)
    subprocess.run(["make", "setup", f"PYTHON={sys.executable}"], capture_output=True,
                   cwd=tmp_path)
    assert (theirs / "bin/python").is_symlink() and (tmp_path / ".venv").is_symlink() == serves


def test_the_sweep_in_the_documents_runs(tmp_path, monkeypatch, checkpoint_file, lists_file):
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/by-hand.md").read_text(), re.DOTALL)
    for full, small in (("(1000, 4000, 16000)", "(10, 20)"), ("fit_rows=400", "fit_rows=5")):
        assert full in code
        code = code.replace(full, small)
    home = tmp_path / "runs/laptop/seed0"
    home.mkdir(parents=True)
    shutil.copy(checkpoint_file, home / "base.pt")
    shutil.copy(lists_file, home / "clean-owl.jsonl")
    monkeypatch.chdir(tmp_path)
    found = {}
    exec(code, found)
    assert [*found["shares"]] == [10, 20] and all(0 <= p <= 1 for p in found["shares"].values())
    assert (tmp_path / "sweep.png").stat().st_size > 5_000
