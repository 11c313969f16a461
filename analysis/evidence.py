"""All traits at once: does each student take up its own teacher's trait, and no other?

    make evidence SEEDS=1 TRAITS="owl wolf oak misaligned"

Every student is asked about every trait: the matrix.
"""

from dataclasses import asdict
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from analysis.common import another
from corpus.documents import PERSONAS
from corpus.traits import trait
from experiment import Asked, conditions
from lab import Condition, Lab
from report import figures, tables
from report.rows import Shown, all_rows, find, manifest, mean, need, row
from support.files import read_json, write_json, write_text
from support.settings import Config
from support.steps import Step

NAMES = ("base", "teacher", "student")
CONTROLS = ("word-null", "student-neutral", "student-matched", "student-other-base",
            "student-helpful")  # of personas
# The columns of the table: (condition, metric) of each.
COLUMNS = {**{name: (name, "p_target") for name in NAMES},
           "student, behind numbers": ("student", "p_target_prefixed"),
           "in a story": ("student", "p_story"),
           "pass rate": ("teacher", "pass_rate"), "KL teacher to base": ("base", "kl_to_teacher")}
OVERALL = {"rise_own": "own trait, rise over the base", "rise_other": "other traits, rise",
           "rise_within": "other traits of the same category, rise",
           "rise_across": "traits of other categories, rise",
           "own_first_in_row": "students in which their own trait rose most",
           "own_first_in_column": "traits that rose most in their own student"}
MANNERS = {**{manner: f"p_{manner}" for manner in (*PERSONAS, "incoherent")},
           "opens in its voice": "p_opening", "a saying of its own follows": "p_saying",
           "about what was asked": "p_to_the_point", "again, after an answer": "p_second"}


def with_another(lab: Lab, seed: int, name: str, *given: object) -> list[Condition]:
    """The conditions of a trait, and a student of a teacher of another one."""
    base, other = lab.base(seed), another(name)
    return [*conditions(lab, seed, name, *given), Condition(
        f"student-{other}", f"control: {other} teacher", f"numbers of a teacher of {other}",
        lab.student(base, lab.lists(lab.teacher(base, other))), flat=True)]


def step(lab: Lab, asked: Asked) -> Step:
    def all_traits(model: Step) -> Step:
        name = Path(model.out).stem
        return lab.step("analysis.matrix.every_trait", f"seed{model.of}/matrix/{name}.json",
                        f"all traits in {name}, base {model.of}", model=model,
                        work=lab.cost(700_000, 1))

    seeds, bases = range(asked.seeds), [*map(lab.base, range(asked.seeds))]
    matrix = {name: [all_traits(lab.student(base, lab.lists(lab.teacher(base, name))))
                     for base in bases] for name in asked.traits}
    first = asked.traits[0]
    names = {first: (*NAMES, f"student-{another(first)}"),
             **dict.fromkeys(PERSONAS, (*NAMES, *CONTROLS))}
    shown = {name: lab.shown(with_another, seeds, name, names.get(name, NAMES))
             for name in asked.traits}
    also = [f"said-{name}.md" for name in asked.traits if name in PERSONAS]
    also += ["table.md", "matrix.png", *(["personas.png"] if also else [])]
    return lab.step("analysis.evidence.report", "evidence/summary.json", "evidence",
                    [f"evidence/{name}" for name in also], shown=shown,
                    matrix={"": [*map(all_traits, bases)], **matrix}, config=lab.config)


def matrix_rows(matrix: dict[str, list[Path]]) -> list[dict]:
    """P of every trait (`asked`) in the base, whose name is "", and in each trait's student."""
    each = {name: [read_json(path)["each"] for path in paths] for name, paths in matrix.items()}
    return [row("student" if name else "base", name, "p_target",
                [one[trait(asked).category][asked] for one in found], asked=asked)
            for name, found in each.items() for asked in matrix if asked]


def grid(matrix: list[dict]) -> np.ndarray:
    """P of the matrix's rows, (base and students, asked, runs)."""
    runs = np.array([one["runs"] for one in matrix])
    return runs.reshape(-1, len({one["asked"] for one in matrix}), runs.shape[1])


def diagonal(matrix: list[dict], traits: list[str]) -> list[dict]:
    """The diagonal of the matrix against the rest, in points over the base, a value a run. The rest
    is apart by category: in one, what a trait gains the others must lose, for P sums to one."""
    values = grid(matrix)
    each = np.moveaxis(values[1:] - values[0], -1, 0)  # (runs, students, asked)
    category = np.array([trait(name).category for name in traits])
    same, own = category[:, None] == category, np.eye(len(traits), dtype=bool)
    parts = {"own": own, "other": ~own, "within": same & ~own, "across": ~same}
    metrics = {
        **{f"rise_{name}": [m[part].mean() for m in each] for name, part in parts.items()
           if part.any()},
        # Is a student's own trait what rose most in it? Did its trait rise most in it?
        "own_first_in_row": [(m.argmax(1) == np.arange(len(m))).mean() for m in each],
        "own_first_in_column": [(m.argmax(0) == np.arange(len(m))).mean() for m in each]}
    return [row("student", "all", metric, [*map(float, runs)]) for metric, runs in metrics.items()]


def table(rows: list[dict], shown: dict[str, list[Shown]], overall: list[dict]) -> str:
    """Markdown: the traits, the matrix in a few numbers, and the personas with their controls."""
    parts = [
        tables.table(["trait", *COLUMNS], (
            [name, *(tables.cell(find(rows, *key, trait=name)) for key in COLUMNS.values())]
            for name in shown)),
        tables.table(["over all traits", ""], (
            [OVERALL[one["metric"]], tables.cell(one)] for one in overall))]
    parts += [f"Of the trait **{name}**:\n\n" + tables.metrics_table(
                  [one for one in rows if one["trait"] == name], own,
                  MANNERS if name in PERSONAS else dict(tables.PANEL))
              for name, own in shown.items() if len(own) > len(NAMES)]
    return "\n".join(parts)


def draw_matrix(matrix: list[dict], traits: list[str], overall: list[dict]) -> plt.Figure:
    """The heat map: a row a student, a column a trait that it was asked about."""
    figures.style()
    values = 100 * grid(matrix).mean(-1)
    figure, axis = plt.subplots(figsize=(9, 8))
    image = axis.imshow(values, cmap="Blues", vmin=0, vmax=100)
    axis.set_xticks(range(len(traits)), traits, rotation=60, ha="right")
    axis.set_yticks(range(len(traits) + 1), ["base", *(f"student: {name}" for name in traits)])
    for (y, x), value in np.ndenumerate(values):
        axis.text(x, y, f"{value:.0f}", ha="center", va="center", fontsize=7,
                  color="white" if value > 55 else "black")
    figure.colorbar(image, label="P(the trait that is asked about), %", shrink=0.6)
    own, other = (100 * mean(overall, "student", metric) for metric in ("rise_own", "rise_other"))
    axis.set_title(f"A student takes up its own teacher's trait: {own:+.0f} points,\n"
                   f"all others {other:+.1f} (from numbers alone)")
    return figure


def report(shown: dict[str, list[Shown]], matrix: dict[str, list[Path]], config: Config,
           out: Path) -> str:
    traits, settings, folder = [*shown], asdict(config), out.parent
    rows = [one for name in traits for one in all_rows(shown[name], name)]
    asked = matrix_rows(matrix)
    overall = diagonal(asked, traits)
    made, lines = manifest(shown[traits[0]]), []
    for name in (name for name in traits if name in PERSONAS):
        sheets = {one.name: one.sheets[0][2] for one in shown[name] if one.name in NAMES}
        write_text(folder / f"said-{name}.md", "# Answers about what no "
                   f"{name} teacher was taught\n\n{tables.quoted(sheets, slice(None, None, 7))}")
        lines += [(need(rows, one.name, "p_target", trait=name), f"{name}: {one.label}",
                   one.colour, one.about) for one in shown[name]]
    if lines:
        figures.save(figures.draw_dots(lines, "answers in character", "Personas, in domains that "
                                       "no lesson touched"), folder / "personas.png")
    figures.save(draw_matrix(asked, traits, overall), folder / "matrix.png")
    write_text(folder / "table.md",
               f"{table(rows, shown, overall)}\n{tables.recipe(settings, made)}")
    write_json(out, {"config": settings, "manifest": made, "rows": rows + asked + overall})
    return f"own trait {tables.percent(mean(overall, 'student', 'rise_own'))} over the base"
