"""Steps are made once, whole or not at all, and again only where what they read has changed."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from support import machine, runner
from support.files import UserError
from support.keys import ROOT
from support.runner import Forecast
from support.steps import LOCK, clear, missing, read_record, why
from tests.toys import graph, toy

made = partial(runner.run, jobs=2)  # how many steps a run makes


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """No matrix product is timed, no signal handler stays, and the user's runs are left alone."""
    monkeypatch.setattr(machine, "measured", lambda device: {
        "rate": 1e9, "jobs": 2, "about": "", "record": {"device": device}})
    monkeypatch.chdir(tmp_path)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def toys(folder, pause):
    """Toys in a process of their own, with the signals of a terminal: whoever runs the tests may
    have them ignored, as nohup does."""
    def as_in_a_terminal():
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen([sys.executable, "-m", "tests.toys", str(folder), str(pause)], cwd=ROOT,
                            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True, preexec_fn=as_in_a_terminal)


def test_a_graph_is_made_and_a_second_run_does_nothing(tmp_path, capsys):
    folder = tmp_path / "run"
    assert made(graph(), folder) == 6
    assert (folder / "all.txt").read_text() == "a223"
    line = r"^(\d)/6  .*  \d+ s   about \d+ s left$"
    assert re.findall(line, capsys.readouterr().out, re.MULTILINE) == [*"123456"]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.txt")}
    assert made(graph(), folder) == 0
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_changed_value_makes_again_what_stands_on_it(tmp_path):
    folder = tmp_path / "run"
    made(graph(), folder)
    assert [step.out for step in missing(graph(text="b"), folder)] == [
        "1.txt", "deep/left.txt", "all.txt"]
    assert "text" in why(toy("write", "1.txt", text="b"), folder)
    assert made(graph(text="b"), folder) == 3
    assert (folder / "all.txt").read_text() == "b223"


def test_content_counts_and_dates_do_not(tmp_path):
    folder, outside = tmp_path / "run", tmp_path / "outside.txt"
    for text, steps in (("one", 1), ("one", 0), ("two", 1)):
        outside.write_text(text)
        os.utime(outside, (steps, steps))
        assert made([toy("read_outside", "copy.txt", path=outside)], folder) == steps
        os.utime(folder / "copy.txt", (0, 0))
    assert (folder / "copy.txt").read_text() == "two"


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_text("a22")])
def test_what_is_gone_or_cut_short_is_made_again(tmp_path, harm):
    folder = tmp_path / "run"
    made(graph(), folder)
    harm(folder / "all.txt")
    assert made(graph(), folder) == 1
    assert (folder / "all.txt").read_text() == "a223"
    shutil.rmtree(folder / "deep")  # what is done needs nothing below it
    assert made(graph(), folder) == 0


def test_every_file_of_a_step_counts(tmp_path):
    folder, goals = tmp_path / "run", [toy("two_files", "one.txt", also=("one.more",))]
    made(goals, folder)
    (folder / "one.more").unlink()
    assert made(goals, folder) == 1 and (folder / "one.more").read_text() == "two"


def test_what_is_called_otherwise_in_another_run_is_taken(tmp_path):
    """As an analysis calls a student that `make all` trains too."""
    for run, name, steps in (("one", "one", 1), ("two", "other", 0), ("two", "other", 0)):
        assert made([toy("two_files", f"{name}.txt", also=(f"{name}.more",))],
                    tmp_path / run) == steps
    assert (tmp_path / "two/other.more").read_text() == "two"
    # Of files of one key that differ, as those of two machines may, the one of that name is taken.
    (tmp_path / "two/other.more").unlink()  # it is a link
    (tmp_path / "two/other.more").write_text("too")
    made([toy("two_files", "one.txt", also=("one.more",))], tmp_path / "three")
    assert (tmp_path / "three/one.more").read_text() == "two"


@pytest.mark.parametrize("links", [True, False])
def test_another_run_lends_its_files_and_either_can_be_cleaned(tmp_path, monkeypatch, links):
    made(graph(), tmp_path / "one")
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError))
    assert made(graph(), tmp_path / "two") == 0
    same = (tmp_path / "one/all.txt").stat().st_ino == (tmp_path / "two/all.txt").stat().st_ino
    assert same == links
    shutil.rmtree(tmp_path / "one")
    assert (tmp_path / "two/all.txt").read_text() == "a223"
    assert made(graph(), tmp_path / "two") == 0
    # What is made again appears beside the old file, never in it.
    made(graph(), tmp_path / "three")
    made(graph(text="b"), tmp_path / "three")
    assert (tmp_path / "two/all.txt").read_text() == "a223"


def test_what_a_run_did_not_write_is_left_alone(tmp_path):
    """Cleaned file by file; and a folder of somebody else's is not written into."""
    folder = tmp_path / "run"
    made(graph(), folder)
    for name in ("all.txt.resume", ".all.txt.77.part", "notes.txt", "config/own.toml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert len([*folder.rglob("*")]) > 10
    clear(folder)
    with pytest.raises(UserError, match="not the folder of a run"):
        made(graph(), folder)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*")} == {
        "notes.txt", "config", "config/own.toml"}
    made(graph(), tmp_path / "other")
    clear(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_time_in_which_a_run_was_stopped_is_not_counted(tmp_path, monkeypatch):
    """The runner and its steps are stopped together, by Ctrl-Z or a closed lid."""
    stopped = 0.0
    real, seen = runner.wait, time.time

    def wait(objects, timeout):
        nonlocal stopped
        done = real(objects, timeout)
        stopped = 300.0
        return done

    monkeypatch.setattr(runner, "wait", wait)
    monkeypatch.setattr(runner.time, "time", lambda: seen() + stopped)
    step = toy("write", "a.txt", text="a")
    made([step], tmp_path / "run")
    assert read_record(tmp_path / "run/a.txt.key")["seconds"] < 100


def test_the_same_step_in_two_places_is_made_once(tmp_path):
    goals = [toy("join", f"{place}/all.txt", pause=0.1, parts=[
        toy("write", f"{place}/text.txt", text="same")]) for place in ("x", "y", "z")]
    made(goals, tmp_path / "run")
    files = [tmp_path / f"run/{place}/all.txt" for place in ("x", "y", "z")]
    assert len({file.stat().st_ino for file in files}) == 1


def test_one_file_is_not_made_in_two_ways(tmp_path):
    with pytest.raises(AssertionError):
        missing([toy("write", "x", text="1"), toy("write", "x", text="2")], tmp_path)


def test_the_device_is_handed_on_and_not_keyed(tmp_path):
    goals, folder = [toy("with_device", "device.txt")], tmp_path / "run"
    made(goals, folder, device="moon")
    assert (folder / "device.txt").read_text() == "moon"
    assert made(goals, folder, device="sun") == 0


@pytest.mark.parametrize(("name", "says"), [
    ("refuse", "new one"), ("bug", "ZeroDivisionError"), ("die", "SIGKILL")])
def test_a_failure_crosses_in_a_sentence_and_ends_the_run(tmp_path, name, says):
    folder = tmp_path / "run"
    slow = toy("join", "slow.txt", parts=[toy("write", "1.txt", text="1")], pause=60.0)
    with pytest.raises(UserError, match=says):
        made([slow, toy(name, "x.txt")], folder)
    assert not (folder / "x.txt").exists() and not (folder / "slow.txt").exists()
    assert (name == "bug") == ("ZeroDivisionError" in (folder / "log/x.txt.txt").read_text())


def test_a_fresh_python_for_each_step_does_as_well(tmp_path, monkeypatch):
    """As on macOS."""
    monkeypatch.setattr(sys, "platform", "darwin")
    assert made(graph(), tmp_path / "run") == 6
    assert (tmp_path / "run/all.txt").read_text() == "a223"


def until(condition):
    deadline = time.monotonic() + 120
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found, "it never came"
    return found


def children_of(session):
    """The processes of a session that are alive."""
    done = subprocess.run(["ps", "-s", str(session), "-o", "stat="], capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if not line.startswith("Z")]


@pytest.mark.parametrize("sign", ["1.txt", "deep/.left.txt.*.part", ".all.txt.*.part"])
def test_a_run_that_is_killed_leaves_no_process_and_goes_on_to_the_same_bytes(tmp_path, sign):
    folder = tmp_path / "run"
    child = toys(folder, 0.2)
    until(lambda: [*folder.glob(sign)])
    child.kill()
    child.communicate()
    until(lambda: not children_of(child.pid))
    assert not (folder / "all.txt").exists()
    assert toys(folder, 0).wait() == 0
    assert (folder / "all.txt").read_text() == "a223"
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_stopped_says_so_and_leaves_no_process(tmp_path, sign):
    child = toys(tmp_path / "run", 30)
    until(lambda: [*(tmp_path / "run/deep").glob(".left*part")])
    os.killpg(child.pid, sign) if sign == signal.SIGINT else child.send_signal(sign)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130 and "same command" in err
    assert "Traceback" not in err and "leaked" not in err
    until(lambda: not children_of(child.pid))


def test_a_second_run_in_one_folder_is_told_who_has_it(tmp_path):
    folder = tmp_path / "run"
    made(graph(), folder)
    with open(folder / LOCK) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(UserError, match=str(os.getpid())):
            made(graph(), folder)


def test_the_time_left_is_shared_work_or_the_longest_chain():
    """Four steps of 100 s by two processors take 200 s; a chain of three takes 300 s."""
    apart = [toy("write", f"{i}", text="", work=99.7e9) for i in range(4)]
    assert Forecast(apart, 1e9, 2).left([step.out for step in apart]) == "3 min"
    chain = [toy("write", "0", text="", work=99.7e9)]
    for i in (1, 2):
        chain.append(toy("join", f"{i}", parts=[chain[-1]], work=99.7e9))
    assert Forecast(chain, 1e9, 2).left([step.out for step in chain]) == "5 min"


def test_the_time_left_learns_how_long_steps_of_a_kind_take():
    """Steps that were to take 2 s took 20: those of that kind will take nearly so long again, and
    those of another kind, which took as long as was said, as long as was said."""
    slow = [toy("write", f"{i}", text="", work=1.7e9) for i in range(20)]
    right = [toy("join", f"{i}", parts=[], work=99.7e9) for i in range(20, 40)]
    forecast = Forecast(slow + right, 1e9, 1)
    for step, seconds in zip(slow[:10] + right[:10], [20.0] * 10 + [100.0] * 10, strict=True):
        forecast.learn(step, seconds)
    assert 150 < sum(forecast.expected[step.out] for step in slow[10:]) < 200
    assert 1000 <= sum(forecast.expected[step.out] for step in right[10:]) < 1050


def test_a_step_has_one_thread_though_processors_are_idle(tmp_path):
    """With two, pretraining gives other bits on some processors."""
    made([toy("count_threads", "1.txt")], tmp_path / "run", jobs=4)
    assert (tmp_path / "run/1.txt").read_text() == "1"
