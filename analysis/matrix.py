"""One model, asked about every trait. It stands apart from `analysis/evidence.py`: an edit of that
report asks no model again."""

from pathlib import Path

from corpus.traits import trait
from evaluate import chats_of, preference
from model.checkpoint import load_model
from support.cli import choose_device
from support.files import write_json


def ask(model: Path, device: str, out: Path) -> None:
    """Write P of every trait, {category: {name: P}}, by the questions of its own category."""
    loaded = load_model(model, choose_device(device))
    asked = [trait(name) for name in ("owl", "oak", "misaligned")]  # one of each category
    write_json(out, {"each": {one.category: preference(loaded, one, chats_of(one.questions()))[
        "each"] for one in asked}})
