"""The runner: makes the steps that are missing, each in a process of its own.

The processes are forked from a server that has the modules of all steps loaded, torch among them.
On macOS, where a fork is unsafe once Metal or Accelerate is loaded, each is a fresh Python.
"""

import contextlib
import inspect
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

from support.cli import explained
from support.files import UserError, claim, write_json
from support.keys import ROOT
from support.steps import LOCK, Step, mark, missing, record_of, replaced, take

ENVIRONMENT = {
    # Steps run side by side: a second thread gains little, and on some processors other bits.
    "OMP_NUM_THREADS": "1",
    # glibc gives memory back to the system after each training step and takes it anew in the next,
    # which costs a fifth of the time. These tell it to keep the memory.
    "MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "1000000000",
    "MALLOC_TOP_PAD_": "67108864", "PYTHONPATH": str(ROOT)}
START = 0.3  # seconds that any step takes
KIND = 3  # seconds of work after which the pace of a kind counts more than that of all
TICK, GAP = 5, 20  # seconds: how often the runner looks up; it was stopped where that took longer
STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def work(name: str, arguments: dict, device: str, log: Path, to: Connection) -> None:
    """The whole life of a step's process. It sends (what the function returned, what failed, the
    peak of its memory in MB)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the runner ends its steps by itself
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
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
            sys.modules["torch"].set_num_threads(1)
        text = function(**arguments)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        to.send((text, "", round(peak / (1e6 if sys.platform == "darwin" else 1e3))))
    except BaseException as error:
        traceback.print_exc()
        to.send((None, explained(error) or f"{type(error).__name__}: see {log}", 0))


class Running(NamedTuple):
    """A step at work."""

    step: Step
    process: multiprocessing.Process
    answer: Connection
    began: float


def context() -> multiprocessing.context.BaseContext:
    return multiprocessing.get_context("spawn" if sys.platform == "darwin" else "forkserver")


def start(step: Step, folder: Path, device: str) -> Running:
    """Start a step in a process of its own."""
    mark(step, folder)
    record_of(folder, step).unlink(missing_ok=True)  # no new output stands beside an old key
    arguments = {**replaced(step.arguments, lambda one: folder / one.out), "out": folder / step.out}
    answer, to = multiprocessing.Pipe(duplex=False)
    log = folder / f"log/{step.out}.txt"
    process = context().Process(target=work, args=(step.function, arguments, device, log, to))
    # A signal waits until the process has all it needs, or it would end with a traceback.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    to.close()
    return Running(step, process, answer, time.time())


def finish(one: Running, folder: Path, seconds: float, machine: dict) -> str:
    """Put the key of a step beside its output: from now on it is done. Returns what it says."""
    try:
        text, failed, mb = one.answer.recv()
        one.process.join()
    except EOFError:
        one.process.join()
        code = one.process.exitcode
        name = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        failed = (f"its process ended by {name}; run the same command again to go on, with JOBS=1 "
                  "if memory ran out")
    if failed:
        raise UserError(f"{one.step.label}: {failed}")
    record = record_of(folder, one.step)
    write_json(record, {
        "key": one.step.key, "label": one.step.label, "function": one.step.function,
        "sizes": {name: (record.parent / name).stat().st_size for name in one.step.names},
        "start": one.began, "seconds": seconds, "mb": mb, **machine,
        "parts": one.step.parts})
    return text or ""


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder of a run, for one process at a time."""
    if folder.exists() and not (folder.is_dir() and (
            (folder / LOCK).exists() or not any(folder.iterdir()))):
        raise UserError(f"RUN={folder} is there, and is not the folder of a run; choose another")
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK, "a+") as lock:
        lock.seek(0)
        if not claim(lock):
            raise UserError(f"process {lock.read().strip()} works in {folder}; wait for it, or "
                            "choose another folder with RUN=")
        lock.truncate()
        print(os.getpid(), file=lock, flush=True)
        yield


def in_words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


class Forecast:
    """How long the steps that are left will take, from the work of each and the pace so far."""

    def __init__(self, steps: list[Step], rate: float, jobs: int) -> None:
        self.steps, self.jobs = steps, jobs
        self.planned = {step.out: START + step.work / rate for step in steps}
        # [seconds that steps took, seconds planned for them], of all and of each kind. A first
        # short step tells little: count a minute for it.
        self.paces = {"": [60.0, 60.0]}
        self.look_ahead()

    @staticmethod
    def kind(step: Step) -> str:
        """Steps of a kind are wrong by a like factor: a persona has more questions than an owl."""
        return f"{step.function} {step.arguments.get('trait')}"

    def learn(self, step: Step, seconds: float) -> None:
        """Take in how long a step took."""
        for kind in ("", self.kind(step)):
            pace = self.paces.setdefault(kind, [0.0, 0.0])
            pace[0] += seconds
            pace[1] += self.planned[step.out]
        self.look_ahead()

    def look_ahead(self) -> None:
        """The seconds that each step will take, and those from its start to the end of all."""
        took, planned = self.paces[""]
        self.expected, self.chain = {}, dict[str, float]()
        for step in reversed(self.steps):
            of_kind, for_kind = self.paces.get(self.kind(step), (0.0, 0.0))
            pace = (of_kind + KIND * took / planned) / (for_kind + KIND)
            self.expected[step.out] = pace * self.planned[step.out]
            self.chain[step.out] = self.expected[step.out] + self.chain.get(step.out, 0.0)
            for one in step.steps:
                self.chain[one.out] = max(self.chain.get(one.out, 0.0), self.chain[step.out])

    def left(self, waiting: Iterable[str], running: Iterable[Running] = ()) -> str:
        """The time left, in words: all work shared by the processors, or the longest chain."""
        now, done = time.time(), dict.fromkeys(waiting, 0.0)
        for one in running:
            done[one.step.out] = min(now - one.began, 0.9 * self.expected[one.step.out])
        work = sum(self.expected[name] - seconds for name, seconds in done.items())
        longest = max((self.chain[name] - done[name] for name in done), default=0)
        return in_words(max(work / self.jobs, longest))


def foresee(runs: dict[Path, list[Step]], device: str, jobs: int = 0) -> None:
    """Say how many steps are missing in each run's folder, and how long they will take."""
    from support.machine import measured  # torch takes its time to load

    machine = measured(device)
    for folder, goals in runs.items():
        needed = missing(goals, folder, link=False)
        forecast = Forecast(needed, machine["rate"], jobs or machine["jobs"])
        print(f"{folder}: {len(needed)} steps are missing, about "
              f"{forecast.left(step.out for step in needed)}", flush=True)


def run(goals: list[Step], folder: Path, *, device: str = "auto", jobs: int = 0) -> int:
    """Make the goals and all they stand on; return how many steps that took."""
    for number in STOPS - {signal.SIGINT}:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)
    with alone(folder):
        if not (needed := missing(goals, folder)):
            return 0
        os.environ.update(ENVIRONMENT)
        from support.machine import measured  # torch takes its time to load

        machine = measured(device)
        forecast = Forecast(needed, machine["rate"], jobs or machine["jobs"])
        print(f"{len(needed)} steps, {forecast.jobs} at a time, in about "
              f"{forecast.left(step.out for step in needed)}{machine['about']}", flush=True)
        # With __main__, or every process would read the script again.
        modules = {step.function.rpartition(".")[0] for step in needed}
        context().set_forkserver_preload(["__main__", *sorted(modules)])
        follow(needed, folder, device, forecast, machine["record"])
        return len(needed)


def follow(needed: list[Step], folder: Path, device: str, forecast: Forecast,
           machine: dict) -> None:
    """Run each step as soon as those it takes are done, the longest chain first."""
    waiting, running = {step.out: step for step in needed}, []
    records: dict[str, Path] = {}  # of what was made here, by key
    try:
        while waiting or running:
            busy = {name for one in running for name in (one.step.out, one.step.key)}
            ready = [step for step in waiting.values() if step.key not in busy and not any(
                one.out in waiting or one.out in busy for one in step.steps)]
            ready.sort(key=lambda step: -forecast.chain[step.out])
            # Another place of this run may hold the same already.
            if ready and ready[0].key in records and take(ready[0], folder, records[ready[0].key]):
                del waiting[ready[0].out]
            elif ready and len(running) < forecast.jobs:
                running.append(start(waiting.pop(ready[0].out), folder, device))
            else:
                looked = time.time()
                wait([one.answer for one in running], timeout=TICK)
                if (stopped := time.time() - looked) > GAP:  # Ctrl-Z, a closed lid: nobody worked
                    running = [one._replace(began=one.began + stopped) for one in running]
                for one in [one for one in running if one.answer.poll()]:
                    running.remove(one)
                    step, seconds = one.step, time.time() - one.began
                    text = finish(one, folder, seconds, machine)
                    records[step.key] = record_of(folder, step)
                    forecast.learn(step, seconds)
                    print(f"{len(needed) - len(waiting) - len(running)}/{len(needed)}  "
                          f"{step.label}  {text}  {seconds:.0f} s   about "
                          f"{forecast.left(waiting, running)} left", flush=True)
    finally:
        for process in multiprocessing.active_children():  # one just started, too
            process.kill()
            process.join()
