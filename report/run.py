"""The steps that report: on a run, and over the values of a setting."""

from dataclasses import asdict
from pathlib import Path

from corpus.traits import trait as trait_of
from report import figures, tables
from report.page import page
from report.rows import (
    Part,
    Shown,
    all_rows,
    claims,
    find,
    manifest,
    mean,
    need,
    seeds_of,
    timing,
)
from report.talk import of_run
from support.files import read_text, write_json, write_text
from support.settings import Config


def reading(lists: Path, trait: str, out: Path) -> None:
    """Ten rows of what the student read."""
    write_text(out, tables.reading(lists, trait))


def report(own: Part, unseen: list[list[Part]], read: Path, talk: list[Path], config: Config,
           student_seeds: int, unseen_bases: int, out: Path) -> str:
    """`out`, which is summary.json, and beside it the tables, figures and page of a run. `unseen`
    are parts on bases that no choice has seen, a list for some bases, of the run's own trait first;
    `talk` are what the page takes to talk, of base 0, the base first."""
    folder, settings = out.parent, asdict(config)
    trait, conditions = own
    rows = all_rows(conditions, trait)
    new = [[all_rows(one.conditions, one.trait, seeds_of(one)) for one in parts]
           for parts in unseen]
    made = manifest(conditions, student_seeds=student_seeds, unseen=unseen_bases, trait=trait)
    category = trait_of(trait).category
    checked = claims(rows, conditions, config.claims, category)
    for [part, *_], [found, *_] in zip(unseen, new, strict=True):
        checked += claims(found, part.conditions, config.claims, category,
                          f"unseen bases {seeds_of(part)}: ")
    title, times = tables.finding(rows, conditions, trait), timing(folder)
    sheets = {one.name: one.sheets[0][2] for one in conditions
              if one.name in ("base", "teacher", "student")}
    overview = tables.metrics_table(rows, conditions, {
        f"P({trait})": "p_target", "sampled": "p_target_sampled",
        "behind numbers": "p_target_prefixed", f"P(any {category})": f"p_any_{category}",
        "facts right": "capability", "KL to teacher": "kl_to_teacher",
        "KL from base": "kl_from_base", "lists that pass": "pass_rate"})
    texts = {"table.md": f"{overview}\n{tables.recipe(settings, made)}",
             "panel.md": tables.panel(rows, new),
             "free.md": tables.written_freely(sheets, trait)}
    figures.save(figures.draw_dots(
        [(need(rows, one.name, "p_target"), one.label, one.colour, one.about)
         for one in conditions], f"P(“{trait}”) in answer to 50 unseen questions", title),
        folder / "results.png")
    figures.save(figures.draw_training(conditions, trait, config.student.batch_size),
                 folder / "training.png")
    for name, text in texts.items():
        write_text(folder / name, text)
    write_json(folder / "timing.json", times)
    write_text(folder / "index.html", page(title, "\n\n".join([
        f"![P({trait}) of every condition](results.png)", texts["panel.md"],
        texts["table.md"], "# What was fixed before the run", tables.claim_list(checked),
        "# While the students read", f"![P({trait}) while the students read](training.png)",
        read_text(read), "# What they say", "The first answers of the first base's models, drawn "
        "at temperature 1.", tables.quoted(sheets), "# Time",
        f"{times['wall_seconds'] / 60:.0f} minutes in all."]), folder,
        of_run(talk[0].parent, [trait])))
    write_json(out, {
        "config": settings, "manifest": made, "finding": title,
        "conditions": [one[:5] for one in conditions], "claims": checked,
        "rows": rows + [one for parts in new for part in parts for one in part]})
    return f"student {tables.percent(mean(rows, 'student', 'p_target'))}"


# What an ablation tells of each value, and of whom.
TOLD = {"P(target)": "p_target", "in other words": "p_like", "disliked": "p_dislike",
        "facts right": "capability", "greetings": "greeting"}
WHOSE = ("base", "student-neutral", "student")


def ablation(key: str, values: list[tuple[str, list[Shown]]], trait: str, config: Config,
             out: Path) -> None:
    """`out`, a JSON file, and beside it a figure and a table: some conditions at each value of a
    setting."""
    rows = [{"value": value, **one} for value, shown in values for one in all_rows(shown, trait)]
    first = values[0][1]
    told = {label: metric for label, metric in TOLD.items() if find(rows, "student", metric)}
    whose = [one for one in first if one.name in WHOSE]

    def at(metric: str, value: str) -> dict[str, dict]:
        return {one.label: need(rows, one.name, metric, value=value) for one in whose}

    found = {label: [at(metric, value) for value, _ in values] for label, metric in told.items()}
    lines = {one.label: (one.colour, one.curve or ":") for one in whose}
    figures.save(figures.draw_values(found, lines, [value for value, _ in values], key),
                 out.with_suffix(".png"))
    write_text(out.with_suffix(".md"), tables.table([key, "", *found], (
        [value, label, *(tables.cell(each[i][label]) for each in found.values())]
        for i, (value, _) in enumerate(values) for label in lines), texts=2))
    write_json(out, {"key": key, "config": asdict(config), "manifest": manifest(first),
                     "rows": rows})
