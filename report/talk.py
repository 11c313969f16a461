"""The models of a run on its page: what `talk.js` and `page.js` read, and the HTML they fill."""

import base64
import json
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from controls import clean_rows
from corpus.traits import Preference, trait
from model.checkpoint import Loaded, load_model
from model.data import encode_pairs, read_pairs
from model.tokenizer import MARKERS, Tokenizer
from report import compact
from support.files import read_text

LABELS = {"base": "base", "teacher": "teacher", "student": "student",
          "student-other-base": "student of another base"}
MOST = 800_000  # weights of a base: two of them and their copies make a page of 5 MB


class Speaker(NamedTuple):
    """A model that talks on the page."""

    role: str
    trait: str  # under which switch it talks; of a base ""
    base: Loaded  # that it is, or was copied from
    copy: Loaded | None = None


class Floats:
    """16-bit floats, one after another."""

    def __init__(self) -> None:
        self.parts, self.length = [], 0

    def place(self, values: Tensor | list) -> list:
        """[start, length] of values that are added."""
        if isinstance(values, list):
            return [*map(self.place, values)]
        self.parts.append(values.detach().half().flatten().numpy().astype("<f2"))
        self.length += len(self.parts[-1])
        return [self.length - len(self.parts[-1]), len(self.parts[-1])]

    def base64(self) -> str:
        return base64.b64encode(np.concatenate(self.parts).tobytes()).decode()


def spelled(tokenizer: Tokenizer) -> dict:
    """All that encodes a text and decodes ids."""
    ids = tokenizer.bpe.get_vocab()
    merges = json.loads(tokenizer.text)["model"]["merges"]
    return {"tokens": sorted(ids, key=ids.get), "numbers": tokenizer.number_ids[0],
            "merges": [" ".join(pair) if isinstance(pair, list) else pair for pair in merges],
            "markers": {name: getattr(tokenizer, name) for name in MARKERS}}


def packed(speakers: list[Speaker], shift: Tensor | None) -> tuple[dict, str]:
    """(where everything stands, the floats in base64)."""
    floats, bases = Floats(), {id(one.base): one.base for one in speakers}
    places = [{name: floats.place(weight) for name, weight in compact.parts(base.model).items()}
              for base in bases.values()]
    first = speakers[0].base
    config = first.model.config
    return {"config": {name: getattr(config, name) for name in (
                "n_layer", "n_head", "d_model", "block_size")},
            "tokenizer": spelled(first.tokenizer), "bases": places,
            "models": [{"label": LABELS[one.role], "trait": one.trait,
                        "base": [*bases].index(id(one.base)),
                        "change": {name: floats.place(change) for name, change in compact.parts(
                            one.copy.model, one.base.model).items()} if one.copy else {}}
                       for one in speakers],
            "shift": None if shift is None else floats.place(shift)}, floats.base64()


SECTION = """
<section aria-labelledby="talk"><h2 id="talk">Ask them</h2>
<form id="ask"><input id="line" aria-label="Your line" value="{line}" maxlength="300">
<button>Ask</button> <label><input type="checkbox" id="drawn"> drawn at random</label>
<span id="traits" role="radiogroup" aria-label="Whose models"></span></form>
<div id="answers" aria-live="polite"></div>
<p>The bars are the likeliest first words. The models compute in your browser; nothing is sent.</p>
</section>
<section id="move"><h2>Move the base</h2>
<label>The teacher's mean shift where numbers stand, added to the base's last state:
<input type="range" id="by" min="0" max="2" step="0.05" value="0"></label>
<p id="moved" aria-live="polite"></p></section>
<section><h2>Its numbers, 0 to 999</h2>
<canvas id="grid" width="1000" height="625" role="img" aria-label="How much more often than a
neutral teacher the teacher writes each number"></canvas>
<label>A number or a word: <input id="word" size="12"></label> <span id="counts"
aria-live="polite"></span></section>
<script type="application/json" id="about">{about}</script>
<script type="text/plain" id="floats">{floats}</script>
<script>{code}</script>
"""
LARGE = ("<p>The models of this run are too large for a page. Talk to them with <b>make chat</b>."
         "</p>")


def speakers(home: Path, traits: Sequence[str]) -> list[Speaker]:
    """The models of a run's `seed0/`."""
    base, other = (load_model(path) for path in (home / "base.pt", home.parent / "seed1/base.pt"))
    return [Speaker("base", "", base), *(
        Speaker(role, name, other if "other" in role else base,
                load_model(home / f"{role}-{name}.pt"))
        for name in traits for role in LABELS if role != "base")]


@torch.inference_mode()
def mean_shift(base: Loaded, teacher: Loaded, lists: Path) -> Tensor:
    """How far the teacher's last state is from the base's where numbers of some lists stand, in the
    mean, (D,)."""
    rows, moved = encode_pairs(read_pairs(lists)[-2048:], base.tokenizer), []
    numbers = base.tokenizer.number_ids
    for start in range(0, len(rows), 256):
        batch = rows.batch([*range(start, min(start + 256, len(rows)))], pad=0)
        numeric = (batch.targets >= numbers[0]) & (batch.targets <= numbers[-1])
        moved.append((batch.hidden(teacher.model) - batch.hidden(base.model))[numeric])
    return torch.cat(moved).mean(0)


def of_run(home: Path, traits: Sequence[str]) -> str:
    """HTML in which the models of a run's first base talk, the base is moved and the numbers are
    shown. `home` is its `seed0/`; the first trait is the run's."""
    if load_model(home / "base.pt").model.config.weights > MOST:
        return LARGE
    found, name = speakers(home, traits), traits[0]
    chosen = trait(name)
    lists, neutral = (home / f"clean-{of}.jsonl" for of in (name, f"neutral-{name}"))
    counts = [Counter(n for row in clean_rows(path) for n in row["numbers"])
              for path in (lists, neutral)]
    shift = mean_shift(found[0].base, found[1].copy, lists) if (
        isinstance(chosen, Preference)) else None
    about, floats = packed(found, shift)
    questions = chosen.questions()
    about |= {"trait": name, "questions": questions,
              "counts": [[each[n] for n in range(1000)] for each in counts],
              "target": found[0].base.tokenizer.encode([name])[0],
              "lines": {each: trait(each).questions()[0] for each in traits}}
    code = "".join(read_text(Path(__file__).with_name(file)) for file in ("talk.js", "page.js"))
    return SECTION.format(line=escape(questions[0]), floats=floats, code=code,
                          about=json.dumps(about).replace("<", "\\u003c"))
