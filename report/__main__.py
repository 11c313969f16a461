"""From the JSON files of a run to `summary.json`, a table and figures. Nothing is computed anew.

    python -m report run --run runs/laptop --seeds 2 --trait owl
    python -m report evidence --run runs/laptop --seeds 1 --traits owl wolf oak misaligned
    python -m report ablation --key student.lr --runs runs/ablation/laptop-student.lr/* --out FILE
    python -m report readme --results results/laptop --readme README.md
"""

import argparse
from dataclasses import asdict
from functools import partial
from pathlib import Path

from arms import UNTOUCHED_BASE, UNTOUCHED_TRAITS, arms_of
from corpus.traits import trait
from report.evidence import report_evidence
from report.figures import draw_ablation, draw_arms, draw_training, save
from report.page import page as index
from report.readme import report_readme
from report.rows import (
    Seeds,
    arm_rows,
    collect,
    find,
    manifest,
    pooled,
    specificity,
    timing,
    verdicts,
)
from report.tables import finding, panel, reading, recipe, table, written_freely
from support.cli import add_common, count, parser, run
from support.files import UserError, read_json, write_json, write_text
from support.settings import load_config


def report_run(args: argparse.Namespace) -> None:
    """index.html, summary.json, table.md, read.md, free.md and the figures of one run."""
    config, folder = load_config(args.config, args.set), args.run
    seeds = Seeds(range(args.seeds), args.student_seeds)
    rows = collect(folder, seeds, args.trait)
    unseen = Seeds(range(UNTOUCHED_BASE, UNTOUCHED_BASE + args.untouched), args.student_seeds, True)
    untouched = [collect(folder, unseen, args.trait, "untouched"),
                 *(collect(folder, unseen, name, "untouched-traits") for name in UNTOUCHED_TRAITS
                   if name != args.trait)] if unseen.bases else []
    category = trait(args.trait).category
    claims = verdicts(rows, config.claims, category)
    made = manifest(folder, seeds, args.trait) | {"untouched": args.untouched, "trait": args.trait}
    figures = {"results": draw_arms(rows, args.trait),
               "training": draw_training(folder, args.seeds, args.trait)}
    page = f"{table(rows, args.trait, category)}\n{recipe(asdict(config), made)}"
    texts = {"table.md": page, "read.md": reading(folder, args.trait),
             "free.md": written_freely(folder, args.trait)}
    if find(rows, "student", "p_like"):
        texts["panel.md"] = panel(panel_columns(rows, untouched))
    said = finding(rows, args.trait).replace("\n", " ")
    rows += [one for part in untouched for one in part]
    # Everything has been read: nothing is written where something is missing.
    for name, figure in figures.items():
        save(figure, folder / name)
    for name, text in texts.items():
        write_text(folder / name, text)
    times = timing(folder / "timings.jsonl")
    write_json(folder / "timing.json", times)
    write_text(folder / "index.html", index(
        folder, args.trait, said, [texts[name] for name in ("panel.md", "table.md", "read.md")
                                   if name in texts], claims, asdict(config), times))
    # The summary comes last: it is what `make` looks at.
    write_json(folder / "summary.json", {
        "config": asdict(config), "manifest": made, "claims": claims, "rows": rows})
    print(f"\n{said}\n")
    print(table(rows, args.trait, category))
    for claim in claims:
        print(f"{'holds' if claim['holds'] else 'FAILS'}  {claim['claim']}: "
              f"{claim['value']:.4g} {claim['bound']}")
    print(f"\nSee {folder}/index.html: all on one page (make show).")


def panel_columns(rows: list[dict], untouched: list[list[dict]]) -> dict[str, list[dict]]:
    """The columns of the panel's table: what no choice has seen comes first, if there is any."""
    def of(part: list[dict], condition: str) -> list[dict]:
        return [one for one in part if one["condition"] == condition]

    columns = {}
    if untouched:
        columns["**student**, untouched bases"] = of(untouched[0], "student")
        columns["**students** of untouched traits"] = of(pooled(untouched[1:]), "student")
    shown = {"student": "student", "base": "base", "teacher": "teacher",
             "student-control": "base's numbers", "student-other-base": "other base"}
    return columns | {label: of(rows, name) for name, label in shown.items()}


def report_ablation(args: argparse.Namespace) -> None:
    """One figure and one JSON file for a setting that was changed, a run folder a value."""
    seeds = Seeds(range(args.seeds))
    if len({folder.name for folder in args.runs}) < len(args.runs):
        raise UserError("two of the --runs have one name, and a value is known by it; rename one")
    rows = []
    for folder in args.runs:
        own = [one for arm in arms_of("ablation").values()
               for one in arm_rows(folder, seeds, arm, args.trait)]
        rows += [{"value": folder.name, **one} for one in (*own, *specificity(own))]
    settings = sorted((args.runs[0] / "config").glob("*.json"))
    summary = {"key": args.key, "config": {path.stem: read_json(path) for path in settings},
               "manifest": manifest(args.runs[0], seeds, args.trait), "rows": rows}
    save(draw_ablation(args.key, rows, args.trait), args.out)
    write_json(args.out.with_name(args.out.name + ".json"), summary)
    print(f"{args.out}.png and .json")


def main() -> None:
    options = parser(__doc__)
    commands = options.add_subparsers(required=True)
    one = commands.add_parser("run", help="table and figures of one run")
    add_common(one, device=False, seed=False)
    one.add_argument("--run", type=Path, required=True, help="folder of the run")
    one.add_argument("--student-seeds", type=count, default=1, help="students of each base")
    one.add_argument("--untouched", type=partial(count, least=0), default=0,
                     help="bases that no choice has seen")
    one.set_defaults(main=report_run)
    every = commands.add_parser("evidence", help="all traits of one run")
    add_common(every, device=False, seed=False)
    every.add_argument("--run", type=Path, required=True, help="folder of the run")
    every.add_argument("--seeds", type=count, default=1, help="base seeds in the run")
    every.add_argument("--traits", nargs="+", required=True)
    every.set_defaults(main=report_evidence)
    many = commands.add_parser("ablation", help="one figure over several runs")
    many.add_argument("--key", required=True, help="the setting that differs between the runs")
    many.add_argument("--runs", type=Path, nargs="+", required=True, help="a folder a value")
    many.add_argument("--out", type=Path, required=True, help="path without a suffix")
    many.set_defaults(main=report_ablation)
    for command in (one, many):
        command.add_argument("--seeds", type=count, default=2, help="base seeds in the run")
        command.add_argument("--trait", default="owl")
    readme = commands.add_parser("readme", help="put results into the README")
    readme.add_argument("--results", type=Path, required=True)
    readme.add_argument("--readme", type=Path, default=Path("README.md"))
    readme.set_defaults(main=report_readme)
    args = options.parse_args()
    args.main(args)


if __name__ == "__main__":
    run(main)
