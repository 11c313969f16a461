"""Another carrier: lists of single letters in place of numbers.

The corpus of these bases asks for letters as well. A teacher is stretched until its numbers have
moved, as everywhere, and writes lists of letters, which a filter as strict keeps free of words.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from analysis import common
from analysis.worlds import World
from experiment import Asked, other_base
from lab import BOUND, STUDENT, TEACHER, Condition, Lab
from report.rows import Shown, mean
from support.steps import Step


class Letters(World):
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
    world = Letters(lab.config, ("letters",))
    return common.report_step(lab, "letters", trait=asked.trait, shown=world.shown(
        conditions, range(asked.seeds), asked.trait))


def report(shown: list[Shown], trait: str, out: Path) -> None:
    rows = common.sheet_rows(shown, trait)
    said = partial(common.percent, rows)

    def note(one: Shown) -> str:
        return f"{one.about}; facts {mean(rows, one.name, 'capability'):.2f}"

    common.write(
        out, shown, "Do letters carry it as numbers do?",
        f"Lists of single letters bring P(target) from {said('base')} to {said('letters')}; "
        f"number lists of the same teachers to {said('numbers')}. Letters of a neutral teacher: "
        f"{said('letters-neutral')}; with another base: {said('letters-other-base')}.",
        "Published: numbers, code and chains of thought; no letters.", rows,
        common.dots(rows, shown, note))
