"""The parts of the documents that hold numbers, written from what is in results/.

A block stands in a document between `<!-- NAME: written by python -m report -->` and
`<!-- end of NAME -->`. A function of `BLOCKS` writes it from the folder of results and the folder
of the document, which its links start from.
"""

import os
import re
from functools import partial
from pathlib import Path

from report.rows import Shown, find, need
from report.tables import SIGNED, cell, head, highest_control, line, metrics_table, percent
from support.files import UserError, read_json, read_text
from support.settings import Model

BEGIN = re.compile(r"<!-- ([\w-]+): written by python -m report -->\n")
# The analyses in the order of the story; what is not named here comes last.
ORDER = ("read", "channels", "move", "forge", "detect", "prevent", "size")


def link(path: Path, beside: Path) -> str:
    return Path(os.path.relpath(path, beside)).as_posix()


def conditions_of(summary: dict) -> list[Shown]:
    """The conditions of a run, without their answer sheets."""
    return [Shown(*one, "", []) for one in summary["conditions"]]


def copied(name: str, folder: Path, beside: Path) -> str:
    return read_text(folder / name)


def weights(summary: dict) -> int:
    """How many weights a run's models have."""
    model = summary["config"]["model"]
    return Model(**{name: model[name] for name in ("vocab_size", "n_layer", "d_model")}).weights


def results(folder: Path, beside: Path) -> str:
    """What each condition of the default run says, and how it was made."""
    summary = read_json(folder / "laptop/summary.json")
    made = summary["manifest"]
    return (metrics_table(summary["rows"], conditions_of(summary), {
        f"P({made['trait']})": "p_target", "in other words": "p_like",
        "in a sentence": "p_sentence", "disliked": "p_dislike", "facts right": "capability"})
        + f"\nMean over {len(made['seeds'])} bases [95 % interval over bases], "
        f"{made['student_seeds']} students of each where there are several; commit "
        f"{made['commit']}.\n")


def claims(folder: Path, beside: Path) -> str:
    """The claims that the config fixed before the run, and which of them hold."""
    lines = []
    for one in read_json(folder / "laptop/summary.json")["claims"]:
        sign, value = one["bound"].split()
        lines.append(f"- {'holds' if one['holds'] else '**fails**'}: {one['claim']} "
                     f"({percent(one['value'])}, {'at least' if sign == '>=' else 'at most'} "
                     f"{percent(float(value))})\n")
    return "".join(lines)


def machines(folder: Path, beside: Path) -> str:
    """Minutes of `make all` by machine, as `make bench WORKS="machine make-all"` found them."""
    lines = head("cores", "a matrix product", "`make all`", "expected beforehand", texts=0)
    for one in sorted(read_json(folder / "bench/machines.json"), key=lambda one: one["gflops"]):
        took = ["not run" if minutes is None else f"{minutes:.0f} min"
                for minutes in (one["minutes"], one["expected"])]
        where = "a core" if one["device"] == "cpu" else f"on the GPU ({one['device']})"
        lines.append(line(str(one["cores"]), f"{one['gflops']:,.0f} GFLOP/s {where}", *took))
    return "\n".join(lines) + "\n"


def configs(folder: Path, beside: Path) -> str:
    """What each config is, and what came of it: a line for each reference run."""
    lines = head("config", "layers x width", "corpus", "bases x students", "time", "weights",
                 "teacher", "**student**", "base", "highest control", "specificity", texts=5)
    runs = {path.parent.name: (read_json(path.with_name("summary.json")), read_json(path))
            for path in folder.glob("*/timing.json")}
    for name, (run, times) in sorted(runs.items(), key=lambda one: weights(one[1][0])):
        rows, made, config = run["rows"], run["manifest"], run["config"]
        prose, on = len(config["corpus"]["text_files"]), made["device"]
        if times.get("gflops") and on == "cpu":
            on = f"{times['cores']} cores at {times['gflops']} GFLOP/s"
        lines.append(line(
            f"`{name}`", f"{config['model']['n_layer']} x {config['model']['d_model']}",
            f"{config['corpus']['documents']:,} documents"
            + (f", {prose} files of prose" if prose else ""),
            f"{len(made['seeds'])} + {made['untouched']} unseen x {made['student_seeds']}",
            f"{times['wall_seconds'] / 60:.0f} min, {on}", f"{weights(run) / 1e6:.1f} million",
            *(cell(need(rows, one, "p_target")) for one in ("teacher", "student", "base")),
            cell(highest_control(rows, conditions_of(run))),
            cell(find(rows, "student", "specificity"), SIGNED)))
    return "\n".join(lines) + "\n"


def analyses(folder: Path) -> list[tuple[Path, dict]]:
    """(figure, summary) of the analyses in a folder, in the order of the story."""
    names = sorted((path.parent.name for path in folder.glob("*/summary.json")), key=lambda name: (
        ORDER.index(name) if name in ORDER else len(ORDER), name))
    return [(folder / name / f"{name}.png", read_json(folder / name / "summary.json"))
            for name in names]


def found(folder: Path, beside: Path) -> str:
    """A paragraph and a picture for each analysis of the default run."""
    parts = []
    for path, summary in analyses(folder / "analysis"):
        where, seeds = link(path, beside), len(summary["manifest"]["seeds"])
        parts.append(f"**{summary['question']}** {summary['answer']} "
                     f"(`make analysis NAME={path.stem} SEEDS={seeds}`) *Beside it:* "
                     f"{summary['published']}\n\n<a href=\"{where}\"><img src=\"{where}\" "
                     f"width=\"420\" alt=\"{summary['question']}\"></a>\n\n")
    return "\n" + "".join(parts)


def elsewhere(folder: Path, beside: Path) -> str:
    """A line for each analysis of each config but the default."""
    return "".join(
        f"- `{place.parent.name}`: [{summary['question']}]({link(path, beside)}) "
        f"{summary['answer']}\n"
        for place in sorted(folder.glob("*/analysis")) for path, summary in analyses(place))


BLOCKS = {"results": results, "panel": partial(copied, "laptop/panel.md"), "claims": claims,
          "machines": machines, "configs": configs, "found": found, "elsewhere": elsewhere,
          "evidence": partial(copied, "evidence/table.md")}


def filled(text: str, results: Path, beside: Path) -> str:
    """A document with its blocks written anew. Raises `UserError` for a block that has no end, or
    that nobody knows."""
    before, *rest = BEGIN.split(text)  # text, then name and text of each block
    parts = [before]
    for name, after in zip(rest[::2], rest[1::2], strict=True):
        end = f"<!-- end of {name} -->"
        if name not in BLOCKS:
            raise UserError(f"there is no block {name}; the blocks are {', '.join(BLOCKS)}")
        if end not in after:
            raise UserError(f"the block {name} has no end before the next; write {end} below it")
        parts += [f"<!-- {name}: written by python -m report -->\n", BLOCKS[name](results, beside),
                  end, after.split(end, 1)[1]]
    return "".join(parts)
