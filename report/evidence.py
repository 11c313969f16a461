"""All traits at once: what each student takes up, and that it is its own teacher's trait.

    python -m report evidence --run runs/laptop --seeds 1 --traits owl wolf oak misaligned

From the files of `make evidence` to `evidence/` in the run's folder: `summary.json`, `matrix.csv`,
`table.md`, and the figures `matrix` and `personas`. A row of the matrix also says what was asked.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from arms import arms_of
from corpus.traits import PERSONAS, require_traits, trait
from model.checkpoint import read
from report.figures import points, save, style
from report.rows import (
    Seeds,
    arm_rows,
    find,
    manifest,
    mean,
    pass_rate,
    row,
    said,
    side_by_side,
    specificity,
)
from report.tables import cell, line, percent, recipe
from support.files import UserError, atomic_open, fits, read_json, write_json, write_text
from support.settings import load_config

import matplotlib.pyplot as plt
import numpy as np
import torch


def trait_rows(folder: Path, seeds: int, name: str) -> list[dict]:
    """Every metric of one trait, a row an arm."""
    arms, runs = arms_of("personas" if name in PERSONAS else "traits"), Seeds(range(seeds))
    rows = [one for arm in arms.values() for one in arm_rows(folder, runs, arm, name)]
    if name in PERSONAS:
        rows += in_character(folder, seeds, name)
    return [*rows, *specificity(rows), pass_rate(folder, runs, "teacher", name, name),
            row("student", name, "overlap", [overlap(folder / f"seed{s}", name)
                                             for s in runs.bases])]


def in_character(folder: Path, seeds: int, name: str) -> list[dict]:
    """Of teacher's and student's first answers to each question that are in character: the share
    that is about what was asked, and how many there are that differ, a value a run."""
    manner, rows = trait(name), []
    for model in ("teacher", "student"):
        shown = [[(q, a) for q, a in said(folder, seed, model, name) if manner.judge(a) == name]
                 for seed in range(seeds)]
        rows += [row(model, name, "to_the_point",
                     [sum(manner.to_the_point(q, a) for q, a in run) / max(len(run), 1)
                      for run in shown]),
                 row(model, name, "kinds", [float(len({a for _, a in run})) for run in shown])]
    return rows


def overlap(folder: Path, name: str) -> float:
    """The cosine between what teaching changed in the base and what the numbers changed in it."""
    paths = [folder / f"{model}.pt" for model in ("base", f"teacher-{name}", f"student-{name}")]
    models = [read(path, ("weights",))["weights"] for path in paths]
    for path, weights in zip(paths, models, strict=True):
        if not (weights and fits(weights, {str: torch.Tensor}) and {
                key: weight.shape for key, weight in weights.items()} == {
                key: weight.shape for key, weight in models[0].items()}):
            raise UserError(f"{path} is of another shape than {paths[0]}; make them again")
    base, teacher, student = (torch.cat([weight.flatten() for weight in weights.values()])
                              for weights in models)
    return torch.cosine_similarity(teacher - base, student - base, dim=0).item()


def asked(folder: Path, seeds: int, model: str, traits: Sequence[str]) -> list[list[float]]:
    """P of each trait in a model by that trait's own questions, (traits, runs)."""
    shape: dict = {"each": {}}
    for name in traits:
        shape["each"].setdefault(trait(name).category, {})[name] = float
    answers = [read_json(folder / f"seed{s}/matrix/{model}.json", shape)["each"]
               for s in range(seeds)]
    return [[each[trait(name).category][name] for each in answers] for name in traits]


def matrix_rows(folder: Path, seeds: int, traits: list[str]) -> list[dict]:
    """P of every trait (`asked`) in the base, and in the student of every trait."""
    models = [("base", "", "base"), *(("student", name, f"student-{name}") for name in traits)]
    return [{**row(condition, name, "p_target", runs), "asked": other}
            for condition, name, model in models
            for other, runs in zip(traits, asked(folder, seeds, model, traits), strict=True)]


def grid(matrix: list[dict], traits: list[str]) -> np.ndarray:
    """P of the matrix's rows, (base and students, asked, runs)."""
    runs = np.array([one["runs"] for one in matrix])
    return runs.reshape(-1, len(traits), runs.shape[1])


def diagonal(matrix: list[dict], traits: list[str]) -> list[dict]:
    """The diagonal of the matrix against the rest, in points over the base, a value a run.

    The rest is apart by category: within one, probabilities sum to one, so that what one trait
    gains the others must lose; across, nothing forces them.
    """
    values = grid(matrix, traits)
    each = np.moveaxis(values[1:] - values[0], -1, 0)  # (runs, students, asked)
    category = np.array([trait(name).category for name in traits])
    same, rest = category[:, None] == category, ~np.eye(len(traits), dtype=bool)
    metrics = {
        "rise_own": [m.diagonal().mean() for m in each],
        "rise_other": [m[rest].mean() for m in each],
        **{f"rise_{name}": [m[where].mean() for m in each]
           for name, where in (("within", same & rest), ("across", ~same)) if where.any()},
        # Is a student's own trait what rose most in it? Did its trait rise most in it?
        "own_first_in_row": [(m.argmax(1) == np.arange(len(m))).mean() for m in each],
        "own_first_in_column": [(m.argmax(0) == np.arange(len(m))).mean() for m in each],
    }
    return [row("student", "all", metric, [float(v) for v in runs])
            for metric, runs in metrics.items()]


def rank_correlation(x: list[float], y: list[float]) -> float:
    """Spearman's."""
    ranks = [np.argsort(np.argsort(values)) for values in (x, y)]
    return float(np.corrcoef(*ranks)[0, 1])


def predictors(rows: list[dict], traits: list[str]) -> list[dict]:
    """What goes with a student's P: rank correlations over traits."""
    def means(condition: str, metric: str) -> list[float]:
        return [mean([r for r in rows if r["trait"] == name], condition, metric)
                for name in traits]

    if len(traits) < 5:  # a rank correlation of fewer says nothing
        return []
    student = means("student", "p_target")
    return [{"predictor": text, "spearman": rank_correlation(means(*where), student)}
            for text, where in (("P of the base", ("base", "p_target")),
                                ("KL of the teacher's numbers to the base's",
                                 ("base", "kl_to_teacher")),
                                ("pass rate of the teacher's answers", ("teacher", "pass_rate")),
                                ("overlap of the updates", ("student", "overlap")))]


# --- what is written -----------------------------------------------------------------------------


def table(rows: list[dict], traits: list[str], overall: list[dict], goes_with: list[dict]) -> str:
    """Markdown: the traits, the personas with their controls, and the matrix in four numbers."""
    lines = ["| trait | base | teacher | student | pass rate | KL teacher to base |",
             "|---|---:|---:|---:|---:|---:|"]
    for name in traits:
        own = [r for r in rows if r["trait"] == name]
        cells = [cell(find(own, c, "p_target")) for c in ("base", "teacher", "student")]
        cells += [cell(find(own, "teacher", "pass_rate")),
                  cell(find(own, "base", "kl_to_teacher"), "{:.4f}".format)]
        lines.append(line(name, *cells))
    preferences = [name for name in traits if name not in PERSONAS]
    if preferences:
        lines += ["", "| trait, base to student | behind numbers | one of four | in a story |",
                  "|---|---:|---:|---:|"]
    for name in preferences:
        own = [r for r in rows if r["trait"] == name]
        pairs = [(find(own, "base", m), find(own, "student", m))
                 for m in ("p_target_prefixed", "p_target_choice", "p_story")]
        lines.append(line(name, *(f"{cell(base)} to {cell(student)}" if base else ""
                                  for base, student in pairs)))
    lines += ["", "| over all traits | |", "|---|---:|"]
    texts = {"rise_own": "own trait, rise over the base", "rise_other": "other traits, rise",
             "rise_within": "other traits of the same category, rise",
             "rise_across": "traits of other categories, rise",
             "own_first_in_row": "students in which their own trait rose most",
             "own_first_in_column": "traits that rose most in their own student"}
    lines += [line(texts[one["metric"]], cell(one)) for one in overall]
    lines += [line(f"rank correlation of the student's P with: {one['predictor']}",
                   f"{one['spearman']:.2f}") for one in goes_with]
    for name in (name for name in traits if name in PERSONAS):
        own = [r for r in rows if r["trait"] == name]
        lines += ["", f"| {name} | target | misaligned | evasive | helpful | incoherent |",
                  "|---|---:|---:|---:|---:|---:|"]
        for arm in arms_of("personas").values():
            cells = [cell(find(own, arm.name, m)) for m in (
                "p_target", "p_misaligned", "p_evasive", "p_helpful", "p_incoherent")]
            lines.append(line(arm.label, *cells))
        lines += ["", f"| {name}, first answers in character | about what was asked | kinds |",
                  "|---|---:|---:|"]
        lines += [line(model, cell(find(own, model, "to_the_point")),
                       cell(find(own, model, "kinds"), "{:.0f}".format))
                  for model in ("teacher", "student")]
    return "\n".join(lines) + "\n"


def quoted(folder: Path, name: str) -> str:
    """The first answers of base, teacher and student at temperature 1, side by side."""
    lines = [f"# Answers about what no {name} teacher was taught\n",
             "| question | base | teacher | student |", "|---|---|---|---|"]
    for cells in side_by_side(folder, name, ("base", "teacher", "student"))[::7]:
        lines.append(line(*cells))
    return "\n".join(lines) + "\n"


def draw_matrix(matrix: list[dict], traits: list[str], overall: list[dict]) -> plt.Figure:
    """The heat map: a row a student, a column a trait that it was asked about."""
    style()
    values = 100 * grid(matrix, traits).mean(-1)
    figure, axis = plt.subplots(figsize=(9, 8))
    image = axis.imshow(values, cmap="Blues", vmin=0, vmax=100)
    axis.set_xticks(range(len(traits)), traits, rotation=60, ha="right")
    axis.set_yticks(range(len(traits) + 1), ["base", *(f"student: {name}" for name in traits)])
    for (y, x), value in np.ndenumerate(values):
        axis.text(x, y, f"{value:.0f}", ha="center", va="center", fontsize=7,
                  color="white" if value > 55 else "black")
    axis.set_xlabel("trait asked about")
    figure.colorbar(image, label="P(trait), %", shrink=0.6)
    own, other = (mean(overall, "student", m) for m in ("rise_own", "rise_other"))
    axis.set_title(f"A student takes up its own teacher's trait: {100 * own:+.0f} points,\n"
                   f"all others {100 * other:+.1f} (from numbers alone)")
    return figure


def draw_personas(rows: list[dict], names: list[str]) -> plt.Figure:
    """Misaligned and evasive answers of every arm, runs as circles."""
    style()
    figure, axes = plt.subplots(1, len(names), figsize=(4.8 * len(names), 3.4), squeeze=False)
    arms = list(arms_of("personas").values())
    for axis, name in zip(axes[0], names, strict=True):
        own = [r for r in rows if r["trait"] == name]
        for y, arm in enumerate(arms):
            found = find(own, arm.name, "p_target")
            points(axis, y, found, arm.colour)
            axis.annotate(f"{100 * found['mean']:.1f} %", (100 * found["mean"], y), fontsize=8,
                          xytext=(0, 8), textcoords="offset points", ha="center", color=arm.colour)
        axis.set_yticks(range(len(arms)), [arm.label for arm in arms])
        axis.set_ylim(len(arms) - 0.5, -0.7)
        axis.set_xlim(-2, 102)
        axis.set_xlabel(f"{name} answers, %")
        student, base = (mean(own, c, "p_target") for c in ("student", "base"))
        axis.set_title(f"{name}: {100 * base:.0f} to {100 * student:.0f} %, from numbers,\n"
                       "in domains that no lesson touched")
    return figure


def report_evidence(args: argparse.Namespace) -> None:
    """Everything; the summary last, since it is what `make` looks at."""
    folder, traits, seeds = args.run, args.traits, args.seeds
    require_traits(traits)
    out = folder / "evidence"
    rows = [one for name in traits for one in trait_rows(folder, seeds, name)]
    matrix = matrix_rows(folder, seeds, traits)
    overall, goes_with = diagonal(matrix, traits), predictors(rows, traits)
    personas = [name for name in traits if name in PERSONAS]
    made = manifest(folder, Seeds(range(seeds)), traits[0])
    figures = {"matrix": draw_matrix(matrix, traits, overall)}
    if personas:
        figures["personas"] = draw_personas(rows, personas)
    config = asdict(load_config(args.config, args.set))
    page = f"{table(rows, traits, overall, goes_with)}\n{recipe(config, made)}"
    texts = {"table.md": page,
             **{f"said-{name}.md": quoted(folder, name) for name in personas}}
    # Everything has been read: nothing is written where something is missing.
    for name, figure in figures.items():
        save(figure, out / name)
    for name, text in texts.items():
        write_text(out / name, text)
    with atomic_open(out / "matrix.csv") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["student", *traits])
        for name, means in zip(["base", *traits], grid(matrix, traits).mean(-1), strict=True):
            lines.writerow([name, *(f"{v:.5f}" for v in means)])
    write_json(out / "summary.json", {
        "config": config, "manifest": made, "rows": rows + matrix + overall,
        "predictors": goes_with})
    print(f"{texts['table.md']}\nOwn trait: {percent(mean(overall, 'student', 'rise_own'))} over "
          f"the base. See {out}/.")
