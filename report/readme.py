"""The parts of the README that hold numbers, written from what is in results/."""

import argparse
import os
from pathlib import Path

from arms import arms_of
from report.rows import ROW, find, need
from report.tables import cell, line, signed
from support.files import UserError, fits, read_json, read_text, write_text
from support.settings import Model

MARKS = ("<!-- results: written by report -->", "<!-- end of results -->")
FOUND = ("<!-- found: written by report -->", "<!-- end of found -->")
ELSEWHERE = ("<!-- found elsewhere: written by report -->", "<!-- end of found elsewhere -->")
MACHINES = ("<!-- machines: written by report -->", "<!-- end of machines -->")
CONFIGS = ("<!-- configs: written by report -->", "<!-- end of configs -->")
MACHINE = {"device": str, "cores": int, "gflops": float, "minutes": object, "expected": object}
RUN = {"rows": [ROW], "manifest": {"seeds": list, "device": str, "student_seeds": int,
                                   "untouched": int},
       "config": {"model": {"vocab_size": int, "n_layer": int, "d_model": int},
                  "corpus": {"documents": int, "text_files": list}}}
# The analyses in the order of the story; what is not named here comes last.
ORDER = ("read", "channels", "move", "forge", "detect", "prevent", "tokens", "spread", "size")


def between(text: str, marks: tuple[str, str], block: str, path: Path) -> str:
    """The text with `block` between its marks. Raises `UserError` where they are not there once
    and in order, or the block has them in it."""
    begin, end = marks
    if not (text.count(begin) == text.count(end) == 1 and text.index(begin) < text.index(end)):
        raise UserError(f"{path} must have the marks {begin} and {end}, once each and in this "
                        "order")
    if any(mark in block for mark in (*MARKS, *FOUND, *ELSEWHERE, *MACHINES, *CONFIGS)):
        raise UserError(f"the results hold the marks of {path}; make them again")
    before, after = text.split(begin)[0], text.split(end)[1]
    return f"{before}{begin}\n{block}{end}{after}"


def results(folder: Path) -> str:
    """The tables of a run, how many of its claims hold, and how long it took."""
    summary = read_json(folder / "summary.json", {
        "claims": [{"holds": bool}], "rows": [ROW], "manifest": {
            "seeds": list, "machine": str, "device": str, "packages": {"torch": str}}})
    times = read_json(folder / "timing.json", {"wall_seconds": float, "peak_mb": float})
    need(summary["rows"], "student", "p_target")
    if not all(one["ci95"] is None or fits(one["ci95"], (float, float)) for one in summary["rows"]):
        raise UserError(f"{folder}/summary.json has an interval that is none; make it again")
    held = sum(claim["holds"] for claim in summary["claims"])
    made = summary["manifest"]
    seeds = len(made["seeds"])
    rates = [cell(find(summary["rows"], c, "pass_rate")) for c in ("teacher", "base")]
    asked = folder / "panel.md"
    return (
        f"{read_text(asked) if asked.exists() else ''}\n"
        f"{read_text(folder / 'table.md')}\n"
        f"`make all SEEDS={seeds} STUDENT_SEEDS={made.get('student_seeds', 1)} "
        f"UNTOUCHED={made.get('untouched', 0)}` made these and the figure above. "
        f"Mean over {seeds} base seeds, with {made.get('student_seeds', 1)} students of each where "
        f"there are several [95 % t-interval over bases]. {held} of {len(summary['claims'])} "
        f"claims fixed in the config before the run hold. Answers that pass the filter: teacher's "
        f"{rates[0]}, base's {rates[1]}.\n\n"
        f"This run, of {seeds} seeds, took {times['wall_seconds'] / 60:.0f} minutes and at most "
        f"{times['peak_mb'] / 1000:.1f} GB of memory on {made['machine']}, device "
        f"{made['device']}, torch {made['packages']['torch']}.\n"
    )


def analyses(folder: Path) -> list[tuple[Path, dict]]:
    """The summaries of the analyses in a folder, in the order of the story."""
    paths = sorted(folder.glob("*/summary.json"), key=lambda path: (
        ORDER.index(path.parent.name) if path.parent.name in ORDER else len(ORDER), path))
    return [(path, read_json(path, {"question": str, "answer": str, "published": str,
                                    "manifest": {"seeds": [int], "student_seeds": int}}))
            for path in paths]


def picture(summary: Path, beside: Path) -> str:
    """The link to the figure of an analysis, as from the folder `beside`."""
    figure = summary.with_name(f"{summary.parent.name}.png")
    return Path(os.path.relpath(figure, beside)).as_posix()


def findings(folder: Path, beside: Path) -> str:
    """A line and a picture for each analysis in a folder, named as from the folder `beside`."""
    lines = []
    for path, summary in analyses(folder):
        link, made, name = picture(path, beside), summary["manifest"], path.parent.name
        again = f" STUDENT_SEEDS={made['student_seeds']}" if name == "spread" else ""
        lines.append(f"**{summary['question']}** {summary['answer']} "
                     f"(`make analysis NAME={name} SEEDS={len(made['seeds'])}{again}`) "
                     f"*Beside it:* "
                     f"{summary['published']}\n\n"
                     f"<a href=\"{link}\"><img src=\"{link}\" width=\"420\" "
                     f"alt=\"{summary['question']}\"></a>\n\n")
    return "\n" + "".join(lines)


def elsewhere(folder: Path, beside: Path) -> str:
    """A line for each analysis of each config but the default in a folder of results."""
    return "".join(
        f"- `{config.name}`: [{summary['question']}]({picture(path, beside)}) {summary['answer']}\n"
        for config in sorted(folder.iterdir()) for path, summary in analyses(config / "analysis"))


def machines(path: Path) -> str:
    """Minutes of `make all` by machine, as `make bench WORKS="machine make-all"` found them."""
    lines = [line("cores", "a matrix product", "`make all`", "expected beforehand"),
             "|---:|---:|---:|---:|"]
    for one in sorted(read_json(path, [MACHINE]), key=lambda one: one["gflops"]):
        took = [f"{minutes:.0f} min" if isinstance(minutes, (int, float)) else "not run"
                for minutes in (one["minutes"], one["expected"])]
        where = "a core" if one["device"] == "cpu" else f"on the GPU ({one['device']})"
        lines.append(line(str(one["cores"]), f"{one['gflops']:,.0f} GFLOP/s {where}", *took))
    return "\n".join(lines) + "\n"


def configs(folder: Path) -> str:
    """What each config is, and what came of it: a line for each reference run in a folder."""
    lines = [line("config", "layers x width", "weights", "corpus", "teacher", "**student**", "base",
                  "highest control", "specificity", "bases x students", "time"),
             "|---|---|---:|---|" + "---:|" * 5 + "---|---|"]
    found = {path.parent.name: read_json(path, RUN) for path in folder.glob("*/summary.json")
             if path.with_name("timing.json").exists()}
    weights = {name: Model(**{key: run["config"]["model"][key] for key in (
        "vocab_size", "n_layer", "d_model")}).weights for name, run in found.items()}
    for name in sorted(found, key=weights.__getitem__):
        rows, made, config = (found[name][part] for part in ("rows", "manifest", "config"))
        times = read_json(folder / name / "timing.json", {"wall_seconds": float})
        flat = max((need(rows, arm.name, "p_target") for arm in arms_of("all").values()
                    if arm.flat), key=lambda one: one["mean"])
        prose = len(config["corpus"]["text_files"])
        where = f", {made['device']}"
        if times.get("gflops") and made["device"] == "cpu":
            where = f", {times.get('cores')} cores at {times['gflops']} GFLOP/s"
        lines.append(line(
            f"`{name}`", f"{config['model']['n_layer']} x {config['model']['d_model']}",
            f"{weights[name] / 1e6:.1f} million", f"{config['corpus']['documents']:,} documents"
            + (f", {prose} files of prose" if prose else ""),
            *(cell(need(rows, arm, "p_target")) for arm in ("teacher", "student", "base")),
            cell(flat), cell(find(rows, "student", "specificity"), signed),
            f"{len(made['seeds'])} + {made['untouched']} untouched x {made['student_seeds']}",
            f"{times['wall_seconds'] / 60:.0f} min{where}"))
    return "\n".join(lines) + "\n"


def report_readme(args: argparse.Namespace) -> None:
    """Put the tables of a results folder between the README's marks, and where it has marks for
    them, what the analyses beside it found, the machines, and the configs."""
    text = between(read_text(args.readme), MARKS, results(args.results), args.readme)
    folder, beside = args.results.parent, args.readme.parent
    known = folder / "bench/machines.json"
    for marks, block in ((FOUND, lambda: findings(folder / "analysis", beside)),
                         (ELSEWHERE, lambda: elsewhere(folder, beside)),
                         (MACHINES, lambda: machines(known)), (CONFIGS, lambda: configs(folder))):
        if marks[0] in text and (marks != MACHINES or known.exists()):
            text = between(text, marks, block(), args.readme)
    write_text(args.readme, text)
