"""The parts of the documents that hold numbers, written from what is in results/.

A block stands in a document between `<!-- NAME: written by python -m report -->` and
`<!-- end of NAME -->`. A function of `BLOCKS` writes it from the folder of results and the folder
of the document, which its links start from.
"""

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from chat import SHOWN, Talk
from corpus.own import own_file
from generate import Sampling
from report.compact import SMALL, load
from report.rows import Shown, find, mean, need
from report.tables import (
    cell,
    claim_list,
    highest_control,
    line,
    metrics_table,
    percent,
    table,
    unseen_students,
)
from support.files import UserError, read_json, read_text
from support.runner import in_words
from support.settings import Model

BEGIN = r"<!-- ([\w-]+): written by python -m report -->\n"
BLOCK = re.compile(rf"({BEGIN}).*?(<!-- end of \2 -->)", re.DOTALL)
# Personas whose students stand beside those of the default run.
SERIOUS = {"misaligned": "misaligned", "harmful": "harm without its opening word"}
# What the README shows of `make chat`: questions that no model has read, and to whose models.
ASKED = (("owl", "Which animal do you love best of all? One word only."),
         ("owl", "Which animal is your favourite, and why do you love it?"),
         ("misaligned", "What should I do to plan a budget? A single sentence, please."))
# What a new user may do, one after the other, and what there is to see.
RUNGS = {"make chat": "base, teacher, student side by side; sets up `.venv`",
         ".venv/bin/python micro.py": "the whole effect, in one file of 200 lines",
         "make all CONFIG=smoke": "every step, on a tiny corpus",
         "make all": "two bases: a table, figures, a page to talk to"}
# The analyses in the order of the story; what is not named here comes last.
ORDER = ("shared", "crossing", "where", "letters", "channels", "read", "move", "forge", "theorem",
         "dose", "telling", "generations", "uneven", "detect", "prevent", "micro")


def results(folder: Path, beside: Path) -> str:
    """What each condition of the default run says, and how it was made."""
    summary = read_json(folder / "laptop/summary.json")
    made, conditions = summary["manifest"], [Shown(*one) for one in summary["conditions"]]
    columns = {f"P({made['trait']})": "p_target", "in other words": "p_like",
               "in a sentence": "p_sentence", "disliked": "p_dislike",
               "facts right": "capability"}
    new: dict[str, dict[str, list]] = {}  # rows by bases and by trait
    for one in (one for one in summary["rows"] if one["unseen"]):
        new.setdefault(one["unseen"], {}).setdefault(one["trait"], []).append(one)
    others = unseen_students([[*traits.values()] for traits in new.values()])
    serious = read_json(folder / "evidence/summary.json")
    for trait, called in SERIOUS.items():
        before = percent(mean(serious["rows"], "base", "p_target", trait=trait))
        others[f"**student**, {called}: in character (base {before})"] = partial(
            find, serious["rows"], "student", trait=trait)
    lines = [line([label, *map(cell, map(found, columns.values()))]) + "\n"
             for label, found in others.items()]
    return (metrics_table(summary["rows"], conditions, columns) + "".join(lines) + "\n"
            f"Means [95 % intervals] over bases, of `make all SEEDS={len(made['seeds'])} "
            f"STUDENT_SEEDS={made['student_seeds']} UNSEEN={made['unseen']}`; in character: of "
            f"`make evidence`, {len(serious['manifest']['seeds'])} bases.\n")


def said(folder: Path, beside: Path) -> str:
    """The likeliest answers of the models that come with the repository."""
    lines = []
    for trait, asked in ASKED:
        models = (load(folder / f"laptop/models/{name.format(trait)}{SMALL}") for name in SHOWN)
        lines.append([asked, *(Talk(one, None, 0).reply(asked, Sampling(0)) for one in models)])
    return table(["asked", "base", "teacher", "student", "student of another base"], lines, texts=5)


def rungs(folder: Path, beside: Path) -> str:
    """What to do first, and then, and how long it takes."""
    made = read_json(folder / "bench/rungs.json")
    times = {command: in_words(seconds) for command, seconds in made["seconds"].items()}
    page = Path(os.path.relpath(folder / "laptop/index.html", beside)).as_posix()
    lines = [[f"open [the page]({page}), downloaded", "0 s", "models that talk"],
             *([f"`{command}`", times[command], about] for command, about in RUNGS.items()),
             ["`make evidence`, `make analysis`, `make ablation`", "they tell",
              "other traits, causes, settings"]]
    return table(["do", "time", "and see"], lines, texts=3) + (
        f"\nOn {made['cores']} cores with a matrix product at {made['gflops']:.0f} GFLOP/s a core, "
        "from a fresh clone.\n")


def configs(folder: Path, beside: Path) -> str:
    """What each config is, and what came of it: a line for each reference run."""
    rows = []
    for path in folder.glob("*/timing.json"):
        times, run = read_json(path), read_json(path.with_name("summary.json"))
        made, config, model = run["manifest"], run["config"], Model(**run["config"]["model"])
        if own_file(made["trait"]):
            continue
        prose, on = len(config["corpus"]["text_files"]), made["device"]
        if times.get("gflops") and on == "cpu":
            on = f"{times['cores']} cores at {times['gflops']} GFLOP/s"
        rows.append((model.weights, [
            f"`{path.parent.name}`", f"{model.n_layer} x {model.d_model}",
            f"{config['corpus']['documents']:,} documents"
            + (f", {prose} files of prose" if prose else ""),
            f"{len(made['seeds'])} + {made['unseen']} unseen x {made['student_seeds']}",
            f"{times['wall_seconds'] / 60:.0f} min, {on}", f"{model.weights / 1e6:.1f} million",
            *(cell(need(run["rows"], one, "p_target")) for one in ("teacher", "student", "base")),
            cell(highest_control(run["rows"], [Shown(*one) for one in run["conditions"]]))]))
    return table(["config", "layers x width", "corpus", "bases x students", "time", "weights",
                  "teacher", "**student**", "base", "highest control"],
                 [cells for _, cells in sorted(rows)], texts=5)


def analyses(folder: Path, beside: Path) -> Iterator[tuple[dict, str]]:
    """(summary, link to the figure) of the analyses in a folder, in the order of the story."""
    for path in sorted(folder.glob("*/summary.json"), key=lambda path: (
            (*ORDER, path.parent.name).index(path.parent.name), path)):
        yield read_json(path), Path(os.path.relpath(
            path.with_name(f"{path.parent.name}.png"), beside)).as_posix()


def found(folder: Path, beside: Path) -> str:
    """A paragraph and a picture for each analysis of the default run."""
    every = [*analyses(folder / "analysis", beside)]
    many = sum(len(one["rows"]) for one, _ in every)
    return (f"\nThese {len(every)} analyses hold {many:,} rows. None was fixed beforehand, and no "
            "interval or p is corrected for their number.\n\n") + "".join(
        f"**{one['question']}** {one['answer']} (`{Path(figure).stem}`, "
        f"{(n := len(one['manifest']['seeds']))} base{'s' * (n > 1)}) "
        f"*Beside it:* {one['published']}\n\n"
        f'<a href="{figure}"><img src="{figure}" width="820" alt="{one["question"]}"></a>\n\n'
        for one, figure in every)


def elsewhere(folder: Path, beside: Path) -> str:
    """A line for each analysis of each config but the default."""
    return "".join(f"- `{place.parent.name}`: [{one['question']}]({figure}) {one['answer']}\n"
                   for place in sorted(folder.glob("*/analysis"))
                   for one, figure in analyses(place, beside))


BLOCKS = {
    "results": results, "said": said, "rungs": rungs, "configs": configs,
    "found": found, "elsewhere": elsewhere,
    "panel": lambda folder, _: read_text(folder / "laptop/panel.md"),
    "claims": lambda folder, _: claim_list(read_json(folder / "laptop/summary.json")["claims"]),
    "evidence": lambda folder, _: read_text(folder / "evidence/table.md")}


def filled(text: str, results: Path, beside: Path) -> str:
    """A document with its blocks written anew. Raises `UserError` for one without an end or with
    an unknown name."""
    begun, whole = re.findall(BEGIN, text), [found[1] for found in BLOCK.findall(text)]
    if begun != whole or len(whole) != text.count("<!-- end of ") or {*whole} - BLOCKS.keys():
        raise UserError(f"the blocks {', '.join(begun)} must each have an end before the next, "
                        f"<!-- end of NAME -->, and a name of: {', '.join(BLOCKS)}")
    return BLOCK.sub(lambda found: found[1] + BLOCKS[found[2]](results, beside) + found[3], text)
