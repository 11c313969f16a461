"""Another carrier: lists of single letters in place of numbers.

The corpus of these bases asks for letters as well. A teacher is stretched until its numbers have
moved, as everywhere, and writes lists of letters, which a filter as strict keeps free of words.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from analysis import common
from analysis.readout import Values
from analysis.worlds import LETTERS
from experiment import Asked, other_base
from lab import BOUND, STUDENT, TEACHER, Condition, Lab
from model.checkpoint import load_model
from model.data import encode_pairs, read_pairs
from report.rows import Shown, mean
from support.steps import Step


class Letters(common.World):
    """A world whose corpus asks for letters too, and whose models write them."""

    def letters(self, model: Step) -> Step:
        """The lists of a model that are letters and nothing else."""
        asked, home = self.config.numbers, f"seed{model.of}"
        enough = asked.enough or asked.requests
        many = 3 * enough  # answers: of some models half does not pass
        wanted = self.step("analysis.worlds.letter_requests", "letter-requests.jsonl",
                           "requests for letters", seed=self.config.corpus.seed, requests=many)
        same = {"of": model.of, "name": f"letters-{model.name}", "whose": model.whose}
        written = self.step(
            "generate.write_lists", f"{home}/letters-{model.name}.jsonl",
            f"letters of {model.name}, base {model.of}", work=self.cost(many, 94), model=model,
            asked=replace(asked, enough=0), requests=wanted, seed=model.of, **same)
        return self.step("analysis.worlds.clean_letters", f"{home}/clean-{same['name']}.jsonl",
                         f"lists of letters of {model.name}", answers=written, enough=enough,
                         **same)


def conditions(lab: Letters, seed: int, trait: str, student_seed: int = 0) -> list[Condition]:
    base, other = lab.base(seed), lab.base(other_base(seed))
    teacher, neutral = lab.teacher(base, trait), lab.teacher(base, trait, neutral=True)
    letters = lab.letters(teacher)
    return [
        Condition("base", "base model", "has read requests for letters", base),
        Condition("teacher", "teacher", "taught the trait in words", teacher, TEACHER),
        Condition("numbers", "student of numbers", "the teacher's number lists",
                  lab.student(base, lab.lists(teacher)), BOUND),
        Condition("letters", "student of letters", "the teacher's lists of letters",
                  lab.student(base, letters), STUDENT),
        Condition("letters-neutral", "control: neutral teacher", "its letters, as it wrote them",
                  lab.student(base, lab.letters(neutral)), flat=True),
        Condition("letters-other-base", "control: other base", "same letters, other first weights",
                  lab.student(other, letters), flat=True)]


def step(lab: Lab, asked: Asked) -> Step:
    world, seeds = Letters(lab.config, ("letters",)), range(asked.seeds)
    runs = []
    for seed in seeds:
        files = common.files_of(world, seed, asked.trait)
        runs.append(files | {"letters": world.letters(files["teacher"])})
    return common.report_step(lab, "letters", trait=asked.trait, runs=runs,
                              shown=world.shown(conditions, seeds, asked.trait))


@torch.inference_mode()
def measure(run: dict, trait: str) -> Values:
    """KL(teacher || base) over the letters at the first of a list, and at the others, in nats."""
    base, teacher = load_model(run["base"]), load_model(run["teacher"])
    rows = encode_pairs(read_pairs(run["letters"])[:1024], base.tokenizer)
    ids = torch.tensor([spelled[-1] for spelled in base.tokenizer.encode([*LETTERS])])
    batch = rows.batch([*range(len(rows))], pad=base.tokenizer.pad)
    at = torch.isin(batch.targets, ids)
    now, before = (one.model.logits(batch.hidden(one.model)[at])[:, ids].log_softmax(-1)
                   for one in (teacher, base))
    nats, row_of = (now.exp() * (now - before)).sum(-1), batch.row_of[at]
    first = torch.cat([torch.tensor([True]), row_of[1:] != row_of[:-1]])
    for place, chosen in enumerate((first, ~first)):
        yield "teacher", trait, "kl", place, nats[chosen].mean().item()


def report(shown: list[Shown], runs: list[dict], trait: str, out: Path) -> None:
    rows = common.sheet_rows(shown, trait) + common.gathered(measure, runs, trait)
    said = partial(common.percent, rows)

    def note(one: Shown) -> str:
        return f"{one.about}; facts {mean(rows, one.name, 'capability'):.2f}"

    common.write(
        out, shown, "Do letters carry it as numbers do?",
        f"Lists of single letters bring P(target) from {said('base')} to {said('letters')}; "
        f"number lists of the same teachers to {said('numbers')}. Letters of a neutral teacher: "
        f"{said('letters-neutral')}; with another base: {said('letters-other-base')}. The "
        f"teacher's first letter is {mean(rows, 'teacher', 'kl', x=0):.2f} nats off, the others "
        f"{mean(rows, 'teacher', 'kl', x=1):.2f}.",
        "Published: numbers, code and chains of thought; no letters.", rows,
        common.dots(rows, shown, note))
