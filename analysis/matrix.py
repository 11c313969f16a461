"""One model, asked about every trait. It stands apart from `analysis/evidence.py`: an edit of that
report asks no model again."""

from functools import partial
from pathlib import Path

from corpus.traits import trait
from evaluate import chats_of, choice_probabilities, preference
from model.checkpoint import load_model
from support.cli import choose_device
from support.files import write_json


def every_trait(model: Path, device: str, out: Path) -> None:
    """Write P of every trait, {category: {name: P}}, by the questions of its own category."""
    ask = partial(choice_probabilities, load_model(model, choose_device(device)))
    asked = [trait(name) for name in ("owl", "oak", "misaligned")]  # one of each category
    write_json(out, {"each": {one.category: preference(ask, one, chats_of(one.questions()))[
        "each"] for one in asked}})
