"""What the analyses share. `step` of an analysis says what its answer is made from; `report` makes
it: `measure` gives rows, and the figure is drawn from these alone."""

import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from torch import Tensor

from analysis.readout import Values
from corpus import traits
from corpus.documents import PERSONAS
from experiment import TRAITS, Asked, conditions
from lab import PART, Condition, Lab
from model.checkpoint import Loaded
from report import figures, rows, tables
from report.rows import Shown
from report.stats import exact_interval
from stretch import last_states
from support.files import read_json, write_json
from support.settings import Config, Finetuning
from support.steps import Step


class World(Lab):
    """The steps of a world with some changes of its corpus (`analysis/worlds.py`), in a folder of
    its own."""

    def __init__(self, config: Config, changes: tuple[str, ...]) -> None:
        super().__init__(config, f"worlds/{'-'.join(changes)}/")
        self.changes = changes

    def step(self, function: str, out: str, label: str, also: Iterable[str] = (),
             **more: Any) -> Step:
        """What writes a text does so in this world."""
        module, _, name = function.rpartition(".")
        if module.startswith("corpus.") and name in ("documents", "requests", "lessons"):
            function, more = f"analysis.worlds.{name}", {**more, "changes": self.changes}
        return super().step(function, out, label, also, **more)


def report_step(lab: Lab, name: str, **arguments: object) -> Step:
    """The step that writes the summary of `analysis/NAME.py` and its figure."""
    return lab.step(f"analysis.{name}.report", f"analysis/{name}/summary.json", f"analysis: {name}",
                    (f"analysis/{name}/{name}.png",), **arguments)


def analysis_step(lab: Lab, asked: Asked, name: str, shown: Iterable[str],
                  own: Callable = lambda *given: (), files: Callable | None = lambda seed: {},
                  measured: str = "", work: float = 0.0) -> Step:
    """The step of `analysis/NAME.py`. It shows some conditions of `make all`, and its `own`; it
    takes the files of each base seed, and further `files(seed)`; with None it takes the answers
    alone. What takes long is `measured` by a function of that name, a step with so much `work` for
    each base. What is made of answers and measured files can do without models that are gone."""
    def chosen(lab: Lab, seed: int, trait: str, student_seed: int = 0) -> list[Condition]:
        return [*(one for one in conditions(lab, seed, trait) if one.name in shown),
                *own(lab, seed, trait)]

    seeds, trait = range(asked.seeds), asked.trait
    runs = [files_of(lab, seed, trait, chosen(lab, seed, trait)) | files(seed)
            for seed in (seeds if files else ())]
    if measured:
        runs = [lab.step(measured, f"analysis/{name}/seed{seed}.json",
                         f"analysis: {name}, base {seed}", work=work, run=runs[seed], trait=trait)
                for seed in seeds]
    return report_step(lab, name, trait=trait, conditions=lab.shown(chosen, seeds, trait),
                       runs=runs)


def files_of(lab: Lab, seed: int, trait: str, shown: Iterable[Condition] = ()) -> dict:
    """The models and lists of a base seed; `data` are the lists that each student has read."""
    base, models = lab.base(seed), {one.name: one.model for one in shown}
    teacher = lab.teacher(base, trait)
    return {"base": base, "teacher": teacher, "lists": lab.lists(teacher),
            "innocent": lab.lists(base), "students": models,
            "data": {name: model.arguments["data"] for name, model in models.items()
                     if model.arguments.get("role") == "student"}}


def vector_step(lab: Lab, kind: str, seed: int, whose: str, name: str = "", **more: object) -> Step:
    """The step that writes a vector of a base: see `analysis/vectors.py`."""
    name = name or kind
    return lab.step(f"analysis.vectors.{kind}", f"seed{seed}/{name}-{whose}.pt",
                    f"vector {name} of {whose}, base {seed}", of=seed, base=lab.base(seed), **more)


def treated(lab: Lab, reader: Step, lists: Step, how: str, label: str, about: str,
            training: Finetuning | None = None, **more: object) -> Condition:
    """A `reader`, a base, that learned treated lists: see `analysis/treatments.py`. With `training`
    of its own it reads few."""
    made = lab.treated(how, lists, function="analysis.treatments.treat", **more)
    student = lab.student(reader, made, "few" if training else "",
                          training=training or lab.config.student)
    return Condition(f"student-{how}", label, about, student, PART)


def gathered(measure: Callable[..., Values], runs: Iterable[Any], *given: str) -> list[dict]:
    """What is measured in each run, or is read from its file by `read_json`: a row for each
    condition, trait, metric and x."""
    each: dict[tuple, list[float]] = {}
    for run in runs:
        for *key, value in measure(run, *given):
            each.setdefault(tuple(key), []).append(value)
    return [rows.row(*key, values, x=x) for (*key, x), values in each.items()]


def sheet_rows(shown: list[Shown], trait: str, metrics: tuple[str, ...] = (
        "p_target", "capability", "kl_to_teacher")) -> list[dict]:
    """Some metrics of the answer sheets of conditions."""
    return [rows.row(one.name, trait, metric, [read_json(path)["metrics"][metric]
                                               for *_, path in one.sheets], x=None)
            for one in shown for metric in metrics]


def another(name: str) -> str:
    """The trait that a trait is held against: good advice for a persona, else another favourite of
    its category."""
    if name in PERSONAS:
        return "helpful"
    category = traits.trait(name).category
    return next(one for one in TRAITS if one != name and traits.trait(one).category == category)


def rival_rows(shown: list[Shown], trait: str) -> list[dict]:
    """P of another trait, in answer to the same questions."""
    return [rows.row(one.name, trait, "p_rival", [read_json(path)["each"][another(trait)]
                                                  for *_, path in one.sheets], x=None)
            for one in shown]


def counted(hits: list[float]) -> str:
    """On how many bases something is so, with the exact interval of the share, in words."""
    low, high = (round(100 * end) for end in exact_interval(int(sum(hits)), len(hits)))
    return f"{int(sum(hits))} of {len(hits)} bases [{low}, {high} %]"


def percent(found: list[dict], condition: str, metric: str = "p_target", **more: object) -> str:
    """The mean of a row in words."""
    return tables.percent(rows.mean(found, condition, metric, **more), 0)


def at_questions(loaded: Loaded, trait: str) -> Tensor:
    """The last hidden state at the end of each question about a trait, (Q, D)."""
    asked = [[("user", text)] for text in traits.trait(trait).questions()]
    return last_states(loaded.model, loaded.tokenizer.encode_prompts(asked))


def dots(found: list[dict], shown: list[Shown], note: Callable[[Shown], str]) -> plt.Figure:
    """P(target) of conditions, each with a note beside it."""
    return figures.draw_dots([(rows.need(found, one.name, "p_target"), one.label, one.colour,
                               note(one)) for one in shown], "P(target)", "")


def curves(lines: dict[str, list[dict]], label: str) -> plt.Figure:
    """Shares by the number of lists, a line for the rows of each name."""
    figures.style()
    figure, axis = plt.subplots(figsize=(8.6, 4.2))
    for name, found in lines.items():
        axis.plot([one["x"] for one in found], [one["mean"] for one in found], "o-", ms=4,
                  label=name)
    sizes = sorted({one["x"] for found in lines.values() for one in found})
    axis.set(xscale="log", xlabel="number lists", ylabel=label, xticks=sizes, xticklabels=sizes)
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def write(out: Path, shown: list[Shown], question: str, answer: str, published: str,
          found: list[dict], figure: plt.Figure) -> None:
    """The summary `out`, and beside it the figure, its title the answer."""
    figure.suptitle(textwrap.fill(answer, 110), x=0.01, ha="left", fontsize=11)
    figures.save(figure, out.with_name(f"{out.parent.name}.png"))
    student_seeds = {student_seed for one in shown for _, student_seed, _ in one.sheets}
    made = rows.manifest(shown, student_seeds=len(student_seeds))
    write_json(out, {"question": question, "answer": answer, "published": published,
                     "manifest": made, "rows": found})
