"""What an analysis measures on models, in steps of their own: a base seed whose files are kept does
not need its models again when further seeds are asked."""

from pathlib import Path

import torch
from torch import Tensor

from analysis import common, readout
from analysis.readout import Places, number_embedding
from corpus.traits import trait as trait_of
from model.checkpoint import Loaded, load_model
from model.gpt import LOGIT_SCALE
from support.files import write_json


def profiles(loaded: Loaded) -> Tensor:
    """How much each word raises each number where the state goes its way, (1000, W): of a word,
    less the mean over the numbers, which no probability depends on."""
    words = loaded.model.embedding.weight.detach()[loaded.tokenizer.word_ids()]
    raised = number_embedding(loaded) @ words.T
    return raised - raised.mean(0)


def over_rivals(loaded: Loaded, trait: str) -> Tensor:
    """The direction (D,) along which a state raises the logit of the target over the mean of the
    names of its category."""
    words = loaded.model.embedding.weight.detach()
    target, category = (words[sorted(loaded.tokenizer.first_words(texts))].mean(0) for texts in (
        trait_of(trait).targets(), [*trait_of(trait).answers()]))
    return LOGIT_SCALE * (target - category)


def passed(run: dict, trait: str, out: Path) -> None:
    """How like the base's each relative's geometry is, the mean cosine of the numbers' profiles.
    And how far its student has raised the target's logit over that of its category, at the first
    number of a list and where a question is answered."""
    own, found = profiles(load_model(run["base"])), []
    for name in (one.removeprefix("own-") for one in run["students"] if one.startswith("own-")):
        base, student = (load_model(run["students"][f"{which}-{name}"])
                         for which in ("before", "own"))
        alike = torch.cosine_similarity(own, profiles(base)).mean().item()
        found.append((name, trait, "geometry", None, alike))
        plain, taught = (readout.read_places(one, run["lists"], 1024) for one in (base, student))
        first = plain.row_of.diff(prepend=torch.tensor([-1])) != 0
        at_numbers = (taught.hidden - plain.hidden)[first]
        at_questions = common.at_questions(student, trait) - common.at_questions(base, trait)
        along = over_rivals(base, trait)
        for where, moved in {"numbers": at_numbers, "questions": at_questions}.items():
            found.append((name, trait, f"rise_at_{where}", None, (moved.mean(0) @ along).item()))
    write_json(out, found)


@torch.inference_mode()
def kl_by_place(base: Loaded, teacher: Loaded, plain: Places, taught: Places) -> list[float]:
    """KL(teacher || base) over the numbers, in nats, at the first, second, ... of a list."""
    both = zip(readout.predictions(plain, number_embedding(base)),
               readout.predictions(taught, number_embedding(teacher)), strict=True)
    nats = torch.cat([(own * (own.log() - before.log())).sum(-1)
                      for (_, before, _), (_, own, _) in both])
    place = torch.arange(len(nats)) - torch.searchsorted(plain.row_of, plain.row_of)  # of its list
    return [nats[place == at].mean().item() for at in range(min(7, int(place.max()) + 1))]


def stretched(run: dict, trait: str, out: Path) -> None:
    """How far the teacher was stretched, and its KL at the first and the second number."""
    base, teacher = load_model(run["base"]), load_model(run["teacher"])
    places = (readout.read_places(one, run["lists"], 2048) for one in (base, teacher))
    nats = kl_by_place(base, teacher, *places)[:2]
    write_json(out, [("teacher", trait, "stretch", None, teacher.provenance["stretch"]),
                     *(("teacher", trait, "kl", place, value) for place, value in enumerate(nats))])
