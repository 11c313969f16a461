"""Rules for files, and how they are written for `make`."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from support.files import UserError

PYTHON = ".venv/bin/python"


class Rule(NamedTuple):
    """A file, what it is made from, and the command that makes it."""

    target: str
    needs: tuple[str, ...]
    command: str
    also: tuple[str, ...] = ()  # further files that the command writes, before the target


def require_name(name: str, what: str, cure: str) -> None:
    """Raise `UserError` for a file name that make would read as something else."""
    if not re.fullmatch(r"[\w./+][\w./+-]*", name, re.ASCII):
        raise UserError(f"{what}: make reads names of letters, digits and . _ / + - alone; {cure}")


def require_count(name: str, text: str, least: int) -> None:
    """Raise `UserError` for what is no whole number of at most three digits, or under `least`."""
    if not re.fullmatch(f"[{least}-9][0-9]{{0,2}}", text):
        raise UserError(f"{name}={text} must be a whole number, {least} or more")


def require_folder(run: str) -> None:
    """Raise `UserError` where a run cannot be kept: its files would lie among another's."""
    require_name(run, f"RUN={run}", "choose such a folder")
    folder = Path(run)
    if folder.exists() and not (folder.is_dir() and (
            (folder / "config").is_dir() or not any(folder.iterdir()))):
        raise UserError(f"RUN={run} is there, and is not the folder of a run; choose another")


def beside(files: Iterable[str], rules: list[Rule]) -> tuple[str, ...]:
    """The further files of every rule that `files` stand on."""
    rule_of, met, todo = {rule.target: rule for rule in rules}, {}, list(files)
    while todo:
        if (rule := rule_of.get(todo.pop())) and rule.target not in met:
            met[rule.target] = rule
            todo += rule.needs
    return tuple(sorted(file for rule in met.values() for file in rule.also))


def as_it_should_be(path: str, value: object) -> bool:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8")) == json.loads(json.dumps(value))
    except (OSError, ValueError):
        return False


def in_make(
    rules: list[Rule], goals: dict[str, tuple[str, ...]], values: dict[str, object]
) -> Iterator[str]:
    """The rules in make's language, line by line; `values` are what JSON files should hold, which
    are written where they do not."""
    for goal, files in goals.items():
        yield f".PHONY: {goal} FORCE\n{goal}: {' '.join(files)}"
    for path, value in values.items():
        if not as_it_should_be(path, value):
            text = shlex.quote(json.dumps(value)).replace("$", "$$")
            yield f"{path}: FORCE\n\t@mkdir -p $(@D) && printf '%s\\n' {text} > $@"
    for target, needs, command, also in rules:
        command = f"{PYTHON} {command}".replace("$", "$$")
        yield f"{target}: {' '.join(needs)}\n\t{command}"
        for file in also:
            yield f"{file}: | {target}"
            if Path(target).exists() and not Path(file).exists():
                # Somebody deleted it. The target comes out as it was, and gets its date back, so
                # that nothing that stands on it is made again.
                yield (f"\t@test -e $@ || {{ touch -r {target} $@.date && {command} && "
                       f"touch -r $@.date {target} && rm $@.date; }}")
