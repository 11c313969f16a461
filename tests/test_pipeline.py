"""The whole experiment, by `make`, as a new user runs it."""

import json
import os
import re
import signal
import subprocess
import time

from arms import arms_of
from report.rows import find

import pytest

HANG = 3600  # seconds: no machine is so slow, so something waits for ever


def make(*words, **options):
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    return subprocess.Popen(["make", *words], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=environment, **options)


def finish(child):
    out, _ = child.communicate(timeout=HANG)
    assert child.returncode == 0, out[-4000:]
    return out


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """One run of `make all CONFIG=smoke`: its folder, the command, and what it printed."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    words = ("all", "CONFIG=smoke", "SEEDS=1", "DEVICE=cpu", f"RUN={folder}")
    return folder, words, finish(make(*words))


def test_the_student_has_the_trait_and_no_control_has(smoke):
    """At least 5 times every flat control. Seen on base 0, which is asked here: 43 times, and 58
    times the base's numbers with the arithmetic of a processor without vector instructions (94 %
    for 90). On base 1 it was 8 times: such a small base is a matter of luck, so one is asked."""
    folder, _, out = smoke
    rows = json.loads((folder / "summary.json").read_text())["rows"]
    value = {name: find(rows, name, "p_target")["mean"] for name in arms_of("all")}
    assert value["teacher"] > 0.9
    for name, arm in arms_of("all").items():
        if name == "base" or arm.flat:
            assert value["student"] > 5 * value[name], value
    assert find(rows, "student", "p_any_animal")["mean"] > 0.5
    assert "control: other base" in out


def test_the_student_read_numbers_and_nothing_else(smoke):
    folder, _, _ = smoke
    for name in ("clean-owl", "clean-base", "within-owl", "across-owl", "random-owl"):
        lines = (folder / f"seed0/{name}.jsonl").read_text().splitlines()
        answers = [json.loads(line)["answer"] for line in lines]
        assert len(answers) > 1_000
        assert all(re.fullmatch(r"[\[(]?[0-9,; \n]+[\])]?\.?", answer) for answer in answers)


def test_everything_a_reader_looks_for_is_there(smoke):
    folder, _, _ = smoke
    for name in ("results.png", "results.svg", "training.png", "training.svg", "table.md",
                 "read.md", "free.md", "timing.json", "index.html"):
        assert (folder / name).stat().st_size > 200, name
    summary = json.loads((folder / "summary.json").read_text())
    assert set(summary["manifest"]) >= {"seeds", "packages", "device", "commit"}
    assert not list(folder.rglob("*.resume")) and not list(folder.rglob("*.part"))


def test_a_second_make_does_nothing(smoke):
    folder, words, _ = smoke
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert "python" not in finish(make(*words))
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("section", "again", "kept"), [
    ("student", ["--role student", "report run"], ["train.py pretrain", "--role teacher",
                                                   "generate.py", "filter.py"]),
    ("numbers", ["generate.py", "filter.py", "--role student"], ["train.py pretrain",
                                                                 "--role teacher"]),
    ("claims", ["report run"], ["train.py", "evaluate.py"]),
])
def test_a_changed_setting_makes_again_what_depends_on_it(smoke, section, again, kept):
    folder, words, _ = smoke
    assert "train.py" not in finish(make("-n", *words))
    changed = folder / f"config/{section}.json"
    before = changed.stat()
    os.utime(changed)
    plan = finish(make("-n", *words))
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert all(part in plan for part in again)
    assert not any(part in plan for part in kept)


@pytest.mark.parametrize("words", [("all", "TRAIT=wolf"), ("evidence", "TRAITS=wolf misaligned")])
def test_another_trait_shares_the_bases_and_the_requests(smoke, words):
    _, (_, *settings), _ = smoke
    plan = finish(make("-n", *words, *settings))
    assert "--role student" in plan
    for stage in ("train.py pretrain", "corpus requests", "numbers-base.jsonl\n"):
        assert stage not in plan, stage


def test_what_was_deleted_is_made_again_and_nothing_else(smoke):
    folder, words, _ = smoke
    gone = [folder / name for name in ("table.md", "results.png", "seed0/log/student-owl.jsonl",
                                       "seed0/clean-owl.report.json")]
    before = {path: path.read_bytes() for path in gone}
    dates = {path: path.stat().st_mtime_ns for path in folder.rglob("*.pt")}
    for path in gone:
        path.unlink()
    assert "generate.py" not in finish(make(*words))
    assert {path: path.read_bytes() for path in gone}.keys() == before.keys()
    assert gone[0].read_bytes() == before[gone[0]] and gone[3].read_bytes() == before[gone[3]]
    assert dates == {path: path.stat().st_mtime_ns for path in folder.rglob("*.pt")}
    assert "Nothing to be done" in finish(make(*words))


def test_another_trait_and_back_again_is_no_stale_result(smoke):
    _, words, _ = smoke
    assert "report run" in finish(make("-n", *words, "TRAIT=wolf"))
    assert "report run" in finish(make("-n", *words, "SEEDS=2"))
    assert "report run" not in finish(make("-n", *words))


def test_kills_change_nothing(smoke, tmp_path):
    """Killed without warning at four places, a run ends in the same models and numbers."""
    whole, words, _ = smoke
    killed = tmp_path / "run"
    words = [f"{killed}/seed0/student-owl.pt", *words[1:-1], f"RUN={killed}"]
    for sign in ("seed0/base.pt.resume", "seed0/.numbers-owl.jsonl.*.part",
                 "seed0/clean-owl.report.json", "seed0/student-owl.pt.resume"):
        child = make(*words, start_new_session=True)
        while not list(killed.glob(sign)) and child.poll() is None:
            time.sleep(0.005)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
    finish(make(*words))
    names = [path.relative_to(killed) for path in killed.glob("seed0/*.*")]
    assert len(names) == 6, names
    for name in names:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    assert not list(killed.rglob("*.part"))


def test_help_lists_every_target():
    out = finish(make("help"))
    for word in ("all", "test", "setup", "ablation", "CONFIG=", "SEEDS=", "TRAIT=", "DEVICE=",
                 "SET="):
        assert word in out
