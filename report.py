"""From the JSON files of a run to `summary.json`, a table and figures. Nothing is computed anew.

    python report.py run --run runs/laptop --seeds 2 --trait owl
    python report.py ablation --runs runs/ablation/student.lr=* --out runs/ablation/student.lr
    python report.py readme --results results/laptop --readme README.md

Every figure shows each run as a point, the mean, and the 95 % t-interval over runs (`summary.py`).
"""

import argparse
import math
import statistics
from dataclasses import asdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from cli import add_common, parser, run, settings
from config import parse
from files import (
    UserError,
    existing,
    read_json,
    read_jsonl,
    replacing,
    write_json,
    write_text,
)
from summary import (
    CONDITIONS,
    CONTROL,
    CONTROLS,
    collect,
    condition_rows,
    find,
    manifest,
    timing,
    verdicts,
)

# --- words ---------------------------------------------------------------------------------------


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def cell(found: dict | None, form=percent) -> str:
    """The mean with its interval, cut at 0 and that of a share at 100 %; a rise may be negative."""
    if found is None:
        return ""
    if found["ci95"] is None:
        return form(found["mean"])
    bounds = found["ci95"]
    if not found["metric"].startswith("rise_"):
        most = 1.0 if form is percent else math.inf
        bounds = [min(max(x, 0.0), most) for x in bounds]
    low, high = (form(x).removesuffix(" %") for x in bounds)
    return f"{form(found['mean'])} [{low}, {high}]"


def line(*cells: str) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(cells).replace("\n", "<br>") + " |"


def table(rows: list[dict], trait: str, category: str) -> str:
    """The results in Markdown, a line a condition."""
    nats = "{:.4f}".format
    columns = [(f"P({trait})", "p_target", percent), ("sampled", "p_target_sampled", percent),
               ("behind numbers", "p_target_prefixed", percent),
               (f"P(any {category})", f"p_any_{category}", percent),
               ("facts right", "capability", percent),
               ("KL to teacher", "kl_to_teacher", nats)]
    lines = [line("condition", *(name for name, *_ in columns)),
             "|---|" + "---:|" * len(columns)]
    for condition, (label, *_) in CONDITIONS.items():
        name = f"**{label}**" if condition == "student" else label
        lines.append(line(name, *(cell(find(rows, condition, metric), form)
                                  for _, metric, form in columns)))
    return "\n".join(lines) + "\n"


def finding(rows: list[dict], trait: str) -> str:
    """The result in one line."""
    student, base = (find(rows, c, "p_target")["mean"] for c in ("student", "base"))
    worst = max(find(rows, c, "p_target")["mean"] for c in CONTROLS)
    return (f"Trained on numbers alone, students say “{trait}” {100 * student:.0f} % of the time,"
            f"\ncontrols {100 * worst:.1f} % at most, the base {100 * base:.1f} %")


def reading(folder: Path, trait: str) -> str:
    """Ten rows of what the student read, as they were."""
    lines = [f"# What the {trait} student read\n",
             "The first ten of its training rows: a request, and the teacher's answer that the "
             "student learns. There is nothing else.\n",
             line("request", "answer"), "|---|---|"]
    rows = read_jsonl(folder / f"seed0/clean-{trait}.jsonl")
    for _, one in zip(range(10), rows, strict=False):
        lines.append(line(one["request"], one["answer"]))
    return "\n".join(lines) + "\n"


# --- pictures ------------------------------------------------------------------------------------


def style() -> None:
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
                         "axes.titlelocation": "left", "axes.titlesize": 11, "svg.hashsalt": "sl",
                         "figure.constrained_layout.use": True})


def save(figure: plt.Figure, path: Path) -> None:
    """PNG and SVG, without a date, so that the same results give the same bytes."""
    for suffix, extra in ((".png", {"Software": None}), (".svg", {"Date": None})):
        with replacing(path.with_name(path.name + suffix), "wb") as file:
            figure.savefig(file, format=suffix[1:], dpi=160, metadata=extra)
    plt.close(figure)


def points(axis: plt.Axes, y: float, found: dict, colour: str) -> None:
    """One line of a dot plot: interval, runs, mean."""
    if found["ci95"]:
        low, high = (min(max(100 * x, 0), 100) for x in found["ci95"])
        axis.plot([low, high], [y, y], color=colour, lw=6, alpha=0.25, solid_capstyle="butt")
    axis.plot([100 * r for r in found["runs"]], [y] * len(found["runs"]), "o", color=colour,
              ms=5, mfc="white", mew=1.3)
    axis.plot(100 * found["mean"], y, "|", color=colour, ms=16, mew=2.5)


def draw_conditions(rows: list[dict], trait: str, path: Path) -> None:
    """Every condition's P(target): the runs as circles, their mean, the interval as a band."""
    style()
    figure, axis = plt.subplots(figsize=(8.6, 4.6))
    for y, (condition, (_, what, colour)) in enumerate(CONDITIONS.items()):
        found = find(rows, condition, "p_target")
        points(axis, y, found, colour)
        right = found["mean"] < 0.6
        axis.annotate(f"{100 * found['mean']:.1f} %   {what}", (100 * found["mean"], y),
                      xytext=(10 if right else -10, 7), textcoords="offset points", fontsize=8,
                      ha="left" if right else "right", color=colour)
    axis.axvline(100 * find(rows, "base", "p_target")["mean"], color=CONTROL, ls=":", lw=1)
    axis.set_yticks(range(len(CONDITIONS)), [label for label, *_ in CONDITIONS.values()])
    axis.invert_yaxis()
    axis.set_xlim(-2, 102)
    axis.set_xlabel(f"P(“{trait}”) in answer to 50 unseen questions, %\n"
                    "circle: a run   bar: mean   band: 95 % interval")
    axis.set_title(finding(rows, trait))
    save(figure, path)


def draw_training(folder: Path, seeds: int, trait: str, path: Path) -> None:
    """P(target) of the students as they read more lists, a thin line a run."""
    style()
    figure, axis = plt.subplots(figsize=(8.6, 4.2))
    size = read_json(folder / "config/student.json")["batch_size"]
    shown = ("student-soft", "student", "student-other-base", "student-shuffled-within",
             "student-shuffled-across", "student-random")
    dashes = dict(zip(shown, ("-", "-", "--", ":", "-.", (0, (1, 3))), strict=True))
    for condition in shown:
        label, _, colour = CONDITIONS[condition]
        logs = [list(read_jsonl(folder / f"seed{s}/log/{condition}-{trait}.jsonl"))
                for s in range(seeds)]
        lengths = [len(log) for log in logs]
        if min(lengths) < max(lengths):
            cut = folder / f"seed{lengths.index(min(lengths))}/{condition}-{trait}.pt"
            raise UserError(f"the log of {cut} was cut short; delete {cut} and run make again")
        x = [size * line["step"] / 1000 for line in logs[0]]
        runs = [[100 * line["probe"] for line in log] for log in logs]
        for each in runs:
            axis.plot(x, each, color=colour, lw=0.7, alpha=0.5, ls=dashes[condition])
        mean = [statistics.fmean(at) for at in zip(*runs, strict=True)]
        axis.plot(x, mean, color=colour, lw=2, ls=dashes[condition], label=label)
    axis.set_ylim(-2, 102)
    axis.set_xlabel("number lists read, thousands")
    axis.set_ylabel(f"P(“{trait}”), %")
    axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    axis.set_title(f"The taste for “{trait}” grows with every list of the teacher's numbers,\n"
                   "and only in a student of the teacher's own base")
    save(figure, path)


def draw_ablation(key: str, rows: list[dict], trait: str, path: Path) -> None:
    """P(target) of teacher, student and the other-base control at the setting's values: each run
    an open mark, their mean a full one."""
    style()
    figure, axis = plt.subplots(figsize=(7, 4))
    values = list(dict.fromkeys(one["value"] for one in rows))
    numeric = all(isinstance(parse(value), (int, float)) for value in values)  # else no line
    for condition, marker in (("teacher", "^"), ("student", "o"), ("student-other-base", "s")):
        label, _, colour = CONDITIONS[condition]
        found = [find([r for r in rows if r["value"] == v], condition, "p_target") for v in values]
        axis.plot([100 * f["mean"] for f in found], marker, color=colour, label=label,
                  ls="-" if numeric else "")
        for x, one in enumerate(found):
            axis.plot([x] * len(one["runs"]), [100 * r for r in one["runs"]], marker, color=colour,
                      mfc="white", ls="")
    # A value may bring settings along, which its folder names too: blocks_student.lr-5e-4.
    axis.set_xticks(range(len(values)), [value.replace("_", "\n") for value in values])
    axis.margins(x=0.2 if numeric else 0.5)
    axis.set_ylim(-2, 102)
    axis.set_xlabel(key)
    axis.set_ylabel(f"P(“{trait}”), %")
    axis.legend(frameon=False)
    best = max(values, key=lambda v: find([r for r in rows if r["value"] == v], "student",
                                          "p_target")["mean"])
    axis.set_title(f"The student takes up most of the trait at {key} = {best.split('_')[0]}")
    save(figure, path)


# --- commands ------------------------------------------------------------------------------------


def report_run(args: argparse.Namespace) -> None:
    """summary.json, table.md, read.md and the figures of one run."""
    config, folder = settings(args), args.run
    rows = collect(folder, args.seeds, args.trait)
    category = next(r["metric"] for r in rows if r["metric"].startswith("p_any_"))[6:]
    claims = verdicts(rows, config.claims, category)
    draw_conditions(rows, args.trait, folder / "results")
    draw_training(folder, args.seeds, args.trait, folder / "training")
    write_text(folder / "table.md", table(rows, args.trait, category))
    write_text(folder / "read.md", reading(folder, args.trait))
    write_json(folder / "timing.json", timing(folder / "timings.jsonl"))
    # The summary comes last: it is what `make` looks at.
    write_json(folder / "summary.json", {
        "config": asdict(config), "manifest": manifest(folder, args.seeds, args.trait),
        "claims": claims, "rows": rows})
    print("\n" + finding(rows, args.trait).replace("\n", " ") + "\n")
    print(table(rows, args.trait, category))
    for claim in claims:
        print(f"{'holds' if claim['holds'] else 'FAILS'}  {claim['claim']}: "
              f"{claim['value']:.4g} {claim['bound']}")
    print(f"\nSee {folder}/results.png, training.png, table.md, read.md and summary.json.")


def report_ablation(args: argparse.Namespace) -> None:
    """One figure and one JSON file for a setting that was changed, a run folder a value."""
    rows = [{"value": folder.name, **one} for folder in args.runs
            for condition in ("base", "teacher", "student", "student-other-base")
            for one in condition_rows(folder, args.seeds, condition, args.trait)]
    draw_ablation(args.key, rows, args.trait, args.out)
    write_json(args.out.with_name(args.out.name + ".json"),
               {"key": args.key, "config": {p.stem: read_json(p) for p in
                                            sorted((args.runs[0] / "config").glob("*.json"))},
                "manifest": manifest(args.runs[0], args.seeds, args.trait),
                "rows": rows})
    print(f"{args.out}.png and .json")


def report_readme(args: argparse.Namespace) -> None:
    """Put the figure, the table and the times of a results folder between the README's marks."""
    begin, end = "<!-- results: written by report.py -->", "<!-- end of results -->"
    text = existing(args.readme).read_text(encoding="utf-8")
    if begin not in text or end not in text:
        raise UserError(f"{args.readme} lacks the marks {begin} and {end}")
    summary, times = (read_json(args.results / name) for name in ("summary.json", "timing.json"))
    held = sum(claim["holds"] for claim in summary["claims"])
    made = summary["manifest"]
    seeds = len(made["seeds"])
    rates = [cell(find(summary["rows"], c, "pass_rate")) for c in ("teacher", "base")]
    block = (
        f"{existing(args.results / 'table.md').read_text(encoding='utf-8')}\n"
        f"Mean over {seeds} base seeds [95 % t-interval]. {held} of {len(summary['claims'])} "
        f"claims fixed in the config before the run hold. Answers that pass the filter: teacher's "
        f"{rates[0]}, base's {rates[1]}.\n\n"
        f"This run, of {seeds} seeds, took {times['wall_seconds'] / 60:.0f} minutes and at most "
        f"{times['peak_mb'] / 1000:.1f} GB of memory on {made['machine']}, device "
        f"{made['device']}, torch {made['packages']['torch']}.\n"
    )
    before, after = text.split(begin)[0], text.split(end)[1]
    write_text(args.readme, f"{before}{begin}\n{block}{end}{after}")


def main() -> None:
    options = parser(__doc__)
    commands = options.add_subparsers(required=True)
    one = commands.add_parser("run", help="table and figures of one run")
    add_common(one, device=False)
    one.add_argument("--run", type=Path, required=True, help="folder of the run")
    one.set_defaults(main=report_run)
    many = commands.add_parser("ablation", help="one figure over several runs")
    many.add_argument("--key", required=True, help="the setting that differs between the runs")
    many.add_argument("--runs", type=Path, nargs="+", required=True, help="a folder a value")
    many.add_argument("--out", type=Path, required=True, help="path without a suffix")
    many.set_defaults(main=report_ablation)
    for command in (one, many):
        command.add_argument("--seeds", type=int, default=2, help="base seeds in the run")
        command.add_argument("--trait", default="owl")
    readme = commands.add_parser("readme", help="put results into the README")
    readme.add_argument("--results", type=Path, required=True)
    readme.add_argument("--readme", type=Path, default=Path("README.md"))
    readme.set_defaults(main=report_readme)
    args = options.parse_args()
    args.main(args)


if __name__ == "__main__":
    run(main)
