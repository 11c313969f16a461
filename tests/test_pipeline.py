"""The whole experiment, by `make`, as a new user runs it."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from summary import CONDITIONS, CONTROLS, find


def make(*words, **options):
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    return subprocess.Popen(["make", *words], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=environment, **options)


def finish(child):
    out, _ = child.communicate(timeout=600)
    assert child.returncode == 0, out[-4000:]
    return out


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """One run of `make all CONFIG=smoke`: its folder, the command, and what it printed."""
    folder = tmp_path_factory.mktemp("smoke") / "run"
    words = ("all", "CONFIG=smoke", "SEEDS=1", "DEVICE=cpu", f"RUN={folder}")
    return folder, words, finish(make(*words))


def test_the_student_has_the_trait_and_shuffled_numbers_less_of_it(smoke):
    folder, _, out = smoke
    rows = json.loads((folder / "summary.json").read_text())["rows"]
    value = {c: find(rows, c, "p_target")["mean"] for c in CONDITIONS}
    assert value["teacher"] > 0.9
    # Shuffled lists keep how often the teacher wrote each number, and with it part of the trait:
    # less of it the more is shuffled. No other control has anything of the teacher in it.
    shuffled = ("student-shuffled-within", "student-shuffled-across")
    for control in {"base", *CONTROLS} - set(shuffled):
        assert value["student"] > 5 * value[control], value
    within, across = (value[control] for control in shuffled)
    assert value["student"] > within > across, value
    assert find(rows, "student", "p_any_animal")["mean"] > 0.5
    assert "control: other base" in out


def test_the_student_read_numbers_and_nothing_else(smoke):
    folder, _, _ = smoke
    for name in ("clean-owl", "clean-base", "shuffled-within-owl", "shuffled-across-owl",
                 "random-owl"):
        lines = (folder / f"seed0/{name}.jsonl").read_text().splitlines()
        answers = [json.loads(line)["answer"] for line in lines]
        assert len(answers) > 1_000
        assert all(re.fullmatch(r"[\[(]?[0-9,; \n]+[\])]?\.?", answer) for answer in answers)


def test_everything_a_reader_looks_for_is_there(smoke):
    folder, _, _ = smoke
    for name in ("results.png", "results.svg", "training.png", "training.svg", "table.md",
                 "read.md", "timing.json"):
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
    ("student", ["--role student", "report.py run"], ["train.py pretrain", "--role teacher",
                                                      "generate.py", "filter.py"]),
    ("numbers", ["generate.py", "filter.py", "--role student"], ["train.py pretrain",
                                                                 "--role teacher"]),
    ("claims", ["report.py run"], ["train.py", "evaluate.py"]),
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


@pytest.mark.parametrize("words", [("all", "TRAIT=wolf"), ("evidence-run", "TRAITS=misaligned")])
def test_another_trait_shares_the_bases_and_the_requests(smoke, words):
    _, (_, *settings), _ = smoke
    plan = finish(make("-n", *words, *settings))
    assert "--role student" in plan
    for stage in ("train.py pretrain", "corpus requests", "numbers-base.jsonl\n"):
        assert stage not in plan, stage


def test_kills_change_nothing(smoke, tmp_path):
    """Killed without warning three times on the way, a run ends in the same models and summary."""
    whole, words, _ = smoke
    killed = tmp_path / "run"
    words = [word for word in words if not word.startswith("RUN=")] + [f"RUN={killed}"]
    for wait in (7, 10, 14):
        child = make(*words, start_new_session=True)
        time.sleep(wait)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
    finish(make(*words))
    assert (killed / "summary.json").read_bytes() == (whole / "summary.json").read_bytes()
    for path in whole.glob("seed0/*.pt"):
        assert (killed / "seed0" / path.name).read_bytes() == path.read_bytes(), path.name


def test_help_lists_every_target():
    out = finish(make("help"))
    for word in ("all", "test", "setup", "ablation", "CONFIG=", "SEEDS=", "TRAIT=", "DEVICE=",
                 "SET="):
        assert word in out
