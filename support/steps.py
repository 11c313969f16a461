"""Steps as values: what they are made from, whether they are done, and what is missing.

The key of a step is a hash of its function, the values and steps it is called with, the outside
files and the source that the function reaches. A step is done when its output stands beside its
key; dates mean nothing. What is done in another run is taken from there by a hard link.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from support.files import UserError, read_json, remove_parts, write_json
from support.keys import sources

# The file that tells a run's folder, and that with the names of what steps have written there.
LOCK, MADE = ".subliminal.lock", ".subliminal.made"


class Step:
    """A function, the values and steps it is called with, and the file that comes out.

    `function`, a full name, is called with `arguments` and `out`. `out` and `also`, further files
    beside it, are relative to the run's folder. `reads` are outside files that the function finds
    by itself, `work` the floating-point operations that it should take. The files of later steps
    are called after a model's seed, `of`, its `name`, and `whose` trait it has.
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


def record_of(folder: Path, step: Step) -> Path:
    """The file with the key of a step, beside its output."""
    return folder / f"{step.out}.key"


def read_record(path: Path) -> dict:
    """What stands beside an output. Empty where a file is gone or of another size than it says."""
    try:
        record = read_json(path)
        whole = all((path.parent / name).stat().st_size == size
                    for name, size in record["sizes"].items())
    except (UserError, OSError, LookupError, TypeError):
        return {}
    return record if whole else {}


def other_runs(folder: Path) -> dict[tuple[str, str], Path]:
    """The records of the runs in `runs/` and beside this one, by key and output, and by key alone,
    which is (key, "")."""
    runs = {lock.parent.resolve() for home in (Path("runs"), folder.parent)
            for lock in home.glob(f"*/{LOCK}")}
    found = {}
    for run in sorted(runs):
        for path in sorted(run.rglob("*.key")):
            key = read_record(path).get("key", "")
            out = path.relative_to(run).as_posix().removesuffix(".key")
            found[key, out] = found[key, ""] = path
    return found


def take(step: Step, folder: Path, record: Path) -> bool:
    """Take the files of a step from another run, or another place of this, by hard links; they may
    be called otherwise there. False where they are not whole."""
    found, own = read_record(record), record_of(folder, step)
    if found.get("key") != step.key:
        return False
    mark(step, folder)
    own.unlink(missing_ok=True)  # no new output stands beside an old key: that comes last
    for there, name in zip(found["sizes"], step.names, strict=True):
        part = own.with_name(f".{name}.link.part")
        part.unlink(missing_ok=True)
        try:
            os.link(record.parent / there, part)
        except OSError:  # another disk, or one without links
            shutil.copy2(record.parent / there, part)
        os.replace(part, own.with_name(name))
        part.unlink(missing_ok=True)  # `replace` leaves it where both are one file already
    sizes = dict(zip(step.names, found["sizes"].values(), strict=True))
    write_json(own, {**found, "label": step.label, "sizes": sizes})
    return True


def mark(step: Step, folder: Path) -> None:
    """Note that the files of a step are the run's own, before the first of them is there."""
    place = Path(step.out).parent
    (folder / place).mkdir(parents=True, exist_ok=True)
    with open(folder / MADE, "a", encoding="utf-8") as file:
        file.writelines(f"{place / name}\n" for name in step.names)


def clear(folder: Path) -> None:
    """Delete what the steps of a run have written, file by file, and the folders that are then
    empty. What else lies there stays."""
    made = folder / MADE
    for name in {*made.read_text("utf-8").split("\n")} - {""} if made.exists() else ():
        for path in (name, f"{name}.key", f"{name}.resume", f"log/{name}.txt"):
            (folder / path).unlink(missing_ok=True)
        remove_parts(folder / name)
    for path in (made, folder / LOCK):
        path.unlink(missing_ok=True)
    for place, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):  # it is not empty
            os.rmdir(place)


def missing(goals: Iterable[Step], folder: Path, link: bool = True) -> list[Step]:
    """The steps that no run has, of the goals and all they stand on, in an order to make them in.
    What another run has is taken from there, if `link` says so."""
    met, needed, others = {}, [], {}

    def settle(step: Step) -> None:
        if step.out in met:
            assert met[step.out].key == step.key, f"{step.out} would be made in two ways"
            return
        met[step.out] = step
        if read_record(record_of(folder, step)).get("key") == step.key:
            return
        if not others:
            others.update({("", ""): folder, **other_runs(folder)})
        there = others.get((step.key, step.out)) or others.get((step.key, ""))
        if there and (not link or take(step, folder, there)):
            return
        for one in step.steps:
            settle(one)
        needed.append(step)

    for goal in goals:
        settle(goal)
    return needed


def changes(then: Any, now: Any, place: str = "") -> Iterator[str]:
    """Where two JSON values differ: names, from the outermost in."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in {**then, **now}:
            yield from changes(then.get(name), now.get(name), f"{place} {name}")
    elif then != now:
        yield place


def why(step: Step, folder: Path) -> str:
    """Which parts of a step's key differ from those that its output was made from."""
    if not (record := read_record(record_of(folder, step))):
        return f"{step.out} has not been made, or a file of it is gone or was changed by hand"
    changed = ",".join(changes(record["parts"], step.parts))
    return f"{step.out}:{changed or ' nothing'} changed since it was made"
