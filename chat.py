"""Talk to models, side by side: one line to all of them, and what each of them says to it.

    python chat.py                 the owl's models of your run; before there is one, those that
                                   come with this repository
    python chat.py --trait oak
    python chat.py runs/laptop/seed0/base.pt runs/laptop/seed1/base.pt
    python chat.py --numbers 10    ask them for number lists, ten times

The same lines bring the same answers.
"""

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from itertools import zip_longest
from pathlib import Path

from corpus import numbers
from generate import Sampling, answer, draws
from model.checkpoint import Loaded
from report.compact import SMALL, load
from support.cli import add_device, add_seed, choose_device, count, parser, run
from support.files import UserError
from support.settings import Numbers, with_flags
from support.streams import stream

OURS = Path(__file__).parent / "results/laptop/models"
SHOWN = ("base", "teacher-{}", "student-{}", "student-other-base-{}")
GAP = "  "
NARROW = 16  # letters: narrower columns are put below one another


class Talk:
    """One model and its side of the conversation."""

    def __init__(self, loaded: Loaded, system: str | None, seed: int) -> None:
        self.model, self.tokenizer = loaded.model, loaded.tokenizer
        self.seed, self.number = seed, 0
        self.opening = [("system", system)] if system else []
        self.forget()

    def forget(self) -> None:
        self.turns = list(self.opening)

    def reply(self, line: str, sampling: Sampling) -> str:
        """What it says to a line. A conversation that no longer fits its block is forgotten."""
        block = self.model.config.block_size
        for turns in (self.turns, self.opening):
            asked = [*turns, ("user", line)]
            [prompt] = self.tokenizer.encode_prompts([asked])
            if len(prompt) < block:
                break
        else:
            return "(too long for this model)"
        draw = draws(self.seed, [self.number], block)
        [(text, _)] = answer(self.model, self.tokenizer, [prompt], draw, sampling)
        self.number += 1
        self.turns = [*asked, ("assistant", text)]
        return text


def columns(texts: list[str], width: int, names: list[str] | None = None) -> str:
    """Texts side by side, in so many letters in all. Columns that would be too narrow are put below
    one another, each behind its name."""
    each = (width + len(GAP)) // len(texts) - len(GAP)
    if each < NARROW:
        begun = [f"{name}: " for name in names] if names else [""] * len(texts)
        return "\n".join(name + " ".join(text.split())
                         for name, text in zip(begun, texts, strict=True))
    wrapped = [textwrap.wrap(text, each) for text in texts]
    rows = zip_longest(*wrapped, fillvalue="")
    return "\n".join(GAP.join(cell.ljust(each) for cell in cells).rstrip() for cells in rows)


def of_run(folder: Path, trait: str) -> list[Path]:
    """Base, teacher, student and another base's student of a run, or those that come with this."""
    for place, kind in ((folder / "seed0", ".pt"), (OURS, SMALL)):
        paths = [place / f"{name.format(trait)}{kind}" for name in SHOWN]
        there = [path for path in paths if path.exists()]
        if {*paths[:3]} <= {*there}:
            print(f"The models are those of {os.path.relpath(place)}.", file=sys.stderr)
            return there
    raise UserError(f"{folder} holds no models of {trait} yet; make them with "
                    f"make all TRAIT={trait} and the CONFIG or RUN of the folder, or name some")


def chat(args: argparse.Namespace) -> None:
    paths = args.models or of_run(args.run, args.trait)
    device = choose_device(args.device)
    talks = [Talk(load(path, device), args.system, args.seed) for path in paths]
    sampling = Sampling(with_flags(Numbers(), "numbers", temperature=args.temperature).temperature)
    width = min(shutil.get_terminal_size((100, 0)).columns, 120)
    if not args.numbers:
        print("Write a line and press Enter; an empty line starts afresh, Ctrl-D ends.")
    names = named(paths)
    print(columns(names, width))
    for line in requested(args.numbers) if args.numbers else typed():
        if not line:
            for talk in talks:
                talk.forget()
            continue
        replies = [talk.reply(line, sampling) for talk in talks]
        print(columns(replies, width, names), flush=True)


def typed() -> Iterator[str]:
    """The lines that somebody writes, until the input ends."""
    while True:
        try:
            line = input("you: ").strip()
            if not sys.stdin.isatty():  # nobody has seen it
                print(line)
            yield line
        except (EOFError, RuntimeError):  # the latter where there is no input to begin with
            print()
            return


def requested(count: int) -> Iterator[str]:
    """Requests for number lists, as if they were typed, each put afresh."""
    print("Every model gets the same draws: where two lists differ, the models do.")
    for i in range(count):
        text = numbers.request(stream(0, "chat", "words", i), stream(0, "chat", "numbers", i)).text
        print(f"you: {text}")
        yield from (text, "")


def named(paths: list[Path]) -> list[str]:
    """File names, or whole paths where two files have one name."""
    stems = [path.stem for path in paths]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in paths]


def main() -> None:
    options = parser(__doc__)
    add_seed(options)
    add_device(options)
    options.add_argument("models", type=Path, nargs="*", metavar="MODEL", help="checkpoints")
    options.add_argument("--run", type=Path, default=Path("runs/laptop"), help="where to look")
    options.add_argument("--trait", default="owl", help="whose models to look for there")
    options.add_argument("--temperature", type=float, default=1.0, help="0: the likeliest words")
    options.add_argument("--numbers", type=partial(count, least=0), default=0, metavar="N",
                         help="put N requests for numbers to them, and no line of yours")
    options.add_argument("--system", help="a system line, such as 'You love wolves.'")
    chat(options.parse_args())


if __name__ == "__main__":
    run(main)
