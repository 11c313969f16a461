"""Steps as values, and the runner that makes those that are missing.

A step is a function, the values and steps it is called with, and an output file. Its key is a hash
of all of these, of the outside files and of the source that the function reaches. A step is done
when its output stands beside its key; dates mean nothing. A step that is done in another run is
taken from there by a hard link. Every step runs in a process of its own, forked from a server that
has its modules loaded.
"""

import contextlib
import dataclasses
import hashlib
import inspect
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from support.cli import explained
from support.files import UserError, claim, read_json, write_json
from support.keys import ROOT, sources

# Kinds of steps that come out in the same bits with one thread and with two (tests/test_runner.py).
TWO_THREADS = {"train.pretrain"}
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # small models gain little from a thread: steps run side by side
    # glibc gives memory back to the system after each training step and takes it anew in the next,
    # which costs a fifth of the time. These tell it to keep the memory.
    "MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_TOP_PAD_": "67108864", "PYTHONPATH": str(ROOT)}
START = 0.3  # seconds that any step takes


class Step:
    """A function, the values and steps it is called with, and the file that comes out.

    `function`, a full name, is called with `arguments` and `out`. `out` and `also`, further files
    beside it, are relative to the run's folder. `reads` are outside files that the function finds
    by itself. `work` is how many floating-point operations it is expected to take. The files of
    later steps are called after a model's seed, `of`, its `name`, and `whose` trait it has.
    """

    def __init__(self, function: str, out: str, label: str, also: Iterable[str] = (), *,
                 reads: Iterable[Path] = (), work: float = 0.0, of: int = 0, name: str = "",
                 whose: str = "", **arguments: Any) -> None:
        self.function, self.out, self.label, self.work = function, out, label, work
        self.also, self.reads = tuple(also), tuple(reads)
        self.of, self.name, self.whose, self.arguments = of, name, whose, arguments

    @property
    def names(self) -> list[str]:
        """The names of its files, which lie in one folder."""
        return [Path(name).name for name in (self.out, *self.also)]

    @cached_property
    def steps(self) -> "list[Step]":
        """The steps among the arguments, wherever they stand."""
        found: list[Step] = []
        replaced(self.arguments, found.append)
        return list(dict.fromkeys(found))

    @cached_property
    def parts(self) -> dict[str, Any]:
        """What the key is made of, by name, as JSON."""
        parts = {"function": self.function, "source": sources(self.function.rpartition(".")[0]),
                 "reads": self.reads, **self.arguments}
        return json.loads(json.dumps(parts, default=plain))

    @cached_property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(self.parts, sort_keys=True).encode()).hexdigest()[:32]


def plain(value: Any) -> Any:
    """A step by its key, an outside file by its content, settings by their values."""
    if isinstance(value, Path):
        return hashlib.sha256(value.read_bytes()).hexdigest()[:32]
    return value.key if isinstance(value, Step) else dataclasses.asdict(value)


def replaced(value: Any, by: Callable[[Step], Any]) -> Any:
    """A value with `by(step)` in the place of every step in it."""
    if isinstance(value, Step):
        return by(value)
    if isinstance(value, dict):
        return {name: replaced(one, by) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [replaced(one, by) for one in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


# --- what is done --------------------------------------------------------------------------------


def record_of(folder: Path, step: Step) -> Path:
    """The file with the key of a step, beside its output."""
    return folder / f"{step.out}.key"


def read_record(path: Path) -> dict:
    """What stands beside an output: its key, and the sizes of its files by name. Empty where there
    is none, or where a file is gone or of another size."""
    try:
        record = read_json(path)
        whole = all((path.parent / name).stat().st_size == size
                    for name, size in record["sizes"].items())
    except (UserError, OSError, LookupError, TypeError):
        return {}
    return record if whole else {}


def other_runs(folder: Path) -> dict[str, Path]:
    """The records of the runs in `runs/` and beside this one, by key."""
    places = {path.resolve() for path in (Path("runs"), folder.parent) if path.is_dir()}
    return {read_record(path).get("key", ""): path
            for place in places for path in sorted(place.rglob("*.key"))}


def take(step: Step, folder: Path, record: Path) -> bool:
    """Take the files of a step from another run, by hard links. False where they are not whole."""
    found, home = read_record(record), record_of(folder, step).parent
    if found.get("key") != step.key or list(found["sizes"]) != step.names:
        return False
    home.mkdir(parents=True, exist_ok=True)
    for name in (*step.names, record.name):  # the key comes last
        part = home / f".{name}.link"
        part.unlink(missing_ok=True)
        try:
            os.link(record.parent / name, part)
        except OSError:  # another disk, or one without links
            shutil.copy2(record.parent / name, part)
        os.replace(part, home / name)
        part.unlink(missing_ok=True)  # `replace` leaves it where both are one file already
    return True


def missing(goals: Iterable[Step], folder: Path, link: bool = True) -> list[Step]:
    """The steps that no run has, of the goals and all they stand on, in an order to make them in.
    What another run has is taken from there, if `link` says so."""
    met: dict[str, Step] = {}
    needed: list[Step] = []
    others: dict[str, Path] = {}

    def settle(step: Step) -> None:
        if step.out in met:
            assert met[step.out].key == step.key, f"{step.out} would be made in two ways"
            return
        met[step.out] = step
        if read_record(record_of(folder, step)).get("key") == step.key:
            return
        others.update({} if others else {"": folder, **other_runs(folder)})
        if step.key in others and (not link or take(step, folder, others[step.key])):
            return
        for one in step.steps:
            settle(one)
        needed.append(step)

    for goal in goals:
        settle(goal)
    return needed


def why(step: Step, folder: Path) -> str:
    """Which parts of a step's key differ from those that its output was made from."""
    if not (record := read_record(record_of(folder, step))):
        return f"{step.out} has not been made, or a file of it is gone or was changed by hand"

    def flat(parts: dict, place: str = "") -> dict[str, Any]:
        return {name: value for key, one in parts.items() for name, value in (
            flat(one, f"{key} ") if isinstance(one, dict) else {place + key: one}).items()}

    then, now = flat(record["parts"]), flat(step.parts)
    changed = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    return f"{step.out}: {', '.join(changed) or 'nothing'} changed since it was made"


# --- a step in a process of its own --------------------------------------------------------------


class Outcome(NamedTuple):
    """What a step's process sends back: what its function returned, or what failed."""

    text: str | None
    failed: str = ""
    mb: int = 0  # peak of its memory


def work(name: str, arguments: dict, device: str, log: Path, threads: int, to: Connection) -> None:
    """The whole life of a step's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner ends its steps by itself
    parent = multiprocessing.parent_process().sentinel
    threading.Thread(target=lambda: wait([parent]) and os._exit(1), daemon=True).start()
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a", encoding="utf-8") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        module, _, short = name.rpartition(".")
        function = getattr(import_module(module), short)
        if "device" in inspect.signature(function).parameters:
            arguments["device"] = device
        given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        print(f"import {module}; from pathlib import PosixPath; from report.rows import *; "
              f"from support.settings import *\n{name}({given})", flush=True)  # the same, by hand
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(threads)
        text = function(**arguments)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        to.send(Outcome(text, "", round(peak / (1e6 if sys.platform == "darwin" else 1e3))))
    except BaseException as error:
        traceback.print_exc()
        to.send(Outcome(None, explained(error) or f"{type(error).__name__}: see {log}"))


class Running(NamedTuple):
    """A step at work."""

    step: Step
    process: multiprocessing.Process
    answer: Connection
    threads: int
    start: float

    def outcome(self) -> Outcome:
        """What came of a process that is ending."""
        try:
            found = self.answer.recv()
        except EOFError:
            found = None
        self.process.join()
        code = self.process.exitcode
        name = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return found or Outcome(
            None, f"its process ended by {name}; run the same command again to go on")


def pool(steps: list[Step], folder: Path, device: str) -> Callable[[Step, int], Running]:
    """A function that starts a step with so many threads, in a process forked from one server.

    On macOS, where a fork is unsafe once Metal or Accelerate is loaded, each is a fresh Python.
    """
    mac = sys.platform == "darwin"
    context = multiprocessing.get_context("spawn" if mac else "forkserver")
    if not mac:  # with __main__, or every process would read the script again
        context.set_forkserver_preload(
            ["__main__", *sorted({step.function.rpartition(".")[0] for step in steps})])

    def start(step: Step, threads: int) -> Running:
        record_of(folder, step).unlink(missing_ok=True)  # no new output stands beside an old key
        arguments = replaced(step.arguments, lambda one: folder / one.out)
        answer, to = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(
            step.function, {**arguments, "out": folder / step.out}, device,
            folder / "log" / f"{step.out}.txt", threads, to))
        process.start()
        to.close()
        return Running(step, process, answer, threads, time.time())

    return start


# --- the runner ----------------------------------------------------------------------------------


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder, for one run at a time. Raises `UserError` where another run has it, and where
    it is not the folder of a run."""
    if folder.exists() and not (folder.is_dir() and (
            (folder / ".lock").exists() or not any(folder.iterdir()))):
        raise UserError(f"RUN={folder} is there, and is not the folder of a run; choose another")
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a+") as lock:
        lock.seek(0)
        if not claim(lock):
            raise UserError(f"process {lock.read().strip()} works in {folder}; wait for it, or "
                            "choose another folder with RUN=")
        lock.truncate()
        print(os.getpid(), file=lock, flush=True)
        yield


class Forecast:
    """How long the steps that are left will take, from the work of each and the pace so far."""

    def __init__(self, steps: list[Step], rate: float, jobs: int) -> None:
        self.jobs, self.expected = jobs, {step.out: START + step.work / rate for step in steps}
        self.actual = self.planned = 60.0  # a first short step tells little: count a minute for it
        self.chain: dict[str, float] = {}  # seconds from the start of a step to the end of all
        for step in reversed(steps):
            self.chain[step.out] = self.expected[step.out] + self.chain.get(step.out, 0.0)
            for one in step.steps:
                self.chain[one.out] = max(self.chain.get(one.out, 0.0), self.chain[step.out])

    def left(self, waiting: Iterable[str], running: Iterable[Running] = ()) -> str:
        """The time left, in words: all work shared by the processors, or the longest chain."""
        pace, now = self.actual / self.planned, time.time()
        done = {one.step.out: min(now - one.start, 0.9 * pace * self.expected[one.step.out])
                for one in running}
        names = [*waiting, *done]
        work = sum(pace * self.expected[name] - done.get(name, 0) for name in names)
        longest = max((pace * self.chain[name] - done.get(name, 0) for name in names), default=0)
        seconds = max(work / self.jobs, longest)
        return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def run(goals: list[Step], folder: Path, *, device: str = "auto", jobs: int = 0) -> int:
    """Make the goals and all they stand on; return how many steps that took. Raises `UserError`
    where a step cannot be made."""
    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, stop)
    with alone(folder):
        if not (needed := missing(goals, folder)):
            return 0
        os.environ.update(ENVIRONMENT)
        from support.machine import measured  # torch takes its time to load

        machine = measured(device)
        forecast = Forecast(needed, machine["rate"], jobs or machine["jobs"])
        print(f"{len(needed)} steps, {forecast.jobs} at a time, in about "
              f"{forecast.left(step.out for step in needed)}{machine['about']}", flush=True)
        follow(needed, folder, pool(needed, folder, device), forecast, machine["record"])
        return len(needed)


def follow(needed: list[Step], folder: Path, start: Callable[[Step, int], Running],
           forecast: Forecast, made: dict) -> None:
    """Run each step as soon as those it takes are done, the longest chain first."""
    waiting, running, free = {step.out: step for step in needed}, [], forecast.jobs
    records: dict[str, Path] = {}  # of what was made here, by key
    try:
        while waiting or running:
            busy = {name for one in running for name in (one.step.out, one.step.key)}
            ready = [step for step in waiting.values() if step.key not in busy and not any(
                one.out in waiting or one.out in busy for one in step.steps)]
            ready.sort(key=lambda step: -forecast.chain[step.out])
            if ready and ready[0].key in records:  # another place of this run wants the same
                take(waiting.pop(ready[0].out), folder, records[ready[0].key])
            elif ready and free > 0:
                two = ready[0].function in TWO_THREADS and free >= 2 * len(ready)
                running.append(start(waiting.pop(ready[0].out), 1 + two))
                free -= 1 + two
            else:
                wait([one.answer for one in running])
                for one in [one for one in running if one.answer.poll()]:
                    running.remove(one)
                    free += one.threads
                    outcome, seconds = one.outcome(), time.time() - one.start
                    if outcome.failed:
                        raise UserError(f"{one.step.label}: {outcome.failed}")
                    records[one.step.key] = finish(one, outcome, seconds, folder, made)
                    forecast.actual += seconds
                    forecast.planned += forecast.expected[one.step.out]
                    print(f"{len(needed) - len(waiting) - len(running)}/{len(needed)}  "
                          f"{one.step.label}  {outcome.text or ''}  {seconds:.0f} s   about "
                          f"{forecast.left(waiting, running)} left", flush=True)
    finally:
        for one in running:
            one.process.kill()
            one.process.join()


def finish(one: Running, outcome: Outcome, seconds: float, folder: Path, made: dict) -> Path:
    """Put the key of a step beside its output: from now on it is done."""
    record = record_of(folder, one.step)
    write_json(record, {
        "key": one.step.key, "label": one.step.label, "function": one.step.function,
        "sizes": {name: (record.parent / name).stat().st_size for name in one.step.names},
        "start": one.start, "seconds": seconds, "mb": outcome.mb, "threads": one.threads, **made,
        "parts": one.step.parts})
    return record
