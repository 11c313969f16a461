"""The parts of the README that hold numbers, written from what is in results/."""

import argparse
import os
from pathlib import Path

from report.rows import ROW, find, need
from report.tables import cell, line
from support.files import UserError, fits, read_json, read_text, write_text

MARKS = ("<!-- results: written by report -->", "<!-- end of results -->")
FOUND = ("<!-- found: written by report -->", "<!-- end of found -->")
MACHINES = ("<!-- machines: written by report -->", "<!-- end of machines -->")
MACHINE = {"cores": int, "gflops": float, "minutes": object, "expected": object}
# The analyses in the order of the story; what is not named here comes last.
ORDER = ("read", "channels", "move", "forge", "detect", "prevent", "tokens", "spread")


def between(text: str, marks: tuple[str, str], block: str, path: Path) -> str:
    """The text with `block` between its marks. Raises `UserError` where they are not there once
    and in order, or the block has them in it."""
    begin, end = marks
    if not (text.count(begin) == text.count(end) == 1 and text.index(begin) < text.index(end)):
        raise UserError(f"{path} must have the marks {begin} and {end}, once each and in this "
                        "order")
    if any(mark in block for mark in (*MARKS, *FOUND, *MACHINES)):
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


def findings(folder: Path, beside: Path) -> str:
    """A line and a picture for each analysis in a folder, named as from the folder `beside`."""
    found = {path.parent.name: path for path in sorted(folder.glob("*/summary.json"))}
    lines = []
    for name in sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER),
                                                name)):
        summary = read_json(found[name], {"question": str, "answer": str, "published": str,
                                          "manifest": {"seeds": [int], "student_seeds": int}})
        link = Path(os.path.relpath(found[name].with_name(f"{name}.png"), beside)).as_posix()
        made = summary["manifest"]
        again = f" STUDENT_SEEDS={made['student_seeds']}" if name == "spread" else ""
        lines.append(f"**{summary['question']}** {summary['answer']} "
                     f"(`make analysis NAME={name} SEEDS={len(made['seeds'])}{again}`) "
                     f"*Beside it:* "
                     f"{summary['published']}\n\n"
                     f"<a href=\"{link}\"><img src=\"{link}\" width=\"420\" "
                     f"alt=\"{summary['question']}\"></a>\n\n")
    return "\n" + "".join(lines)


def machines(path: Path) -> str:
    """Minutes of `make all` by machine, as `make bench WORKS="machine make-all"` found them."""
    lines = [line("cores", "a matrix product, a core", "`make all`", "expected beforehand"),
             "|---:|---:|---:|---:|"]
    for one in sorted(read_json(path, [MACHINE]), key=lambda one: one["gflops"]):
        took = [f"{minutes:.0f} min" if isinstance(minutes, (int, float)) else "not run"
                for minutes in (one["minutes"], one["expected"])]
        lines.append(line(str(one["cores"]), f"{one['gflops']:.0f} GFLOP/s", *took))
    return "\n".join(lines) + "\n"


def report_readme(args: argparse.Namespace) -> None:
    """Put the tables of a results folder, and what the analyses beside it found, between the
    README's marks; the latter where the README has marks for it."""
    text = between(read_text(args.readme), MARKS, results(args.results), args.readme)
    if FOUND[0] in text:
        text = between(text, FOUND, findings(args.results.parent / "analysis", args.readme.parent),
                       args.readme)
    if MACHINES[0] in text and (known := args.results.parent / "bench/machines.json").exists():
        text = between(text, MACHINES, machines(known), args.readme)
    write_text(args.readme, text)
