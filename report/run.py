"""The steps that report: on a run, and over the values of a setting."""

from dataclasses import asdict
from pathlib import Path

from corpus.traits import trait as trait_of
from report import figures, tables
from report.page import page
from report.rows import Part, Shown, all_rows, claims, find, manifest, timing
from support.files import write_json, write_text
from support.settings import Config


def report(own: Part, unseen: list[Part], config: Config, student_seeds: int, untouched: int,
           out: Path) -> str:
    """`out`, which is summary.json, and beside it the tables, figures and page of a run. `unseen`
    are parts on bases that no choice has seen, first of the run's own trait."""
    folder, settings = out.parent, asdict(config)
    trait, conditions, lists = own
    rows = all_rows(conditions, trait, lists=lists)
    new = [all_rows(one.conditions, one.trait, True, one.lists) for one in unseen]
    made = manifest(conditions, student_seeds=student_seeds, untouched=untouched, trait=trait)
    category = trait_of(trait).category
    checked = claims(rows, conditions, config.claims, category)
    title, times = tables.finding(rows, conditions, trait), timing(folder)
    first = {one.name: one.sheets[0][2] for one in conditions}
    sheets = {name: first[name] for name in ("base", "teacher", "student")}
    texts = {"table.md": f"{tables.table(rows, conditions, trait, category)}\n"
                         f"{tables.recipe(settings, made)}",
             "read.md": tables.reading(lists["teacher"][0], trait),
             "free.md": tables.written_freely(sheets, trait)}
    if find(rows, "student", "p_like"):  # a preference
        texts = {"panel.md": tables.panel(rows, new), **texts}
    figures.save(figures.draw_conditions(rows, conditions, trait), folder / "results.png")
    figures.save(figures.draw_training(conditions, trait, config.student.batch_size),
                 folder / "training.png")
    for name, text in texts.items():
        write_text(folder / name, text)
    write_json(folder / "timing.json", times)
    write_text(folder / "index.html", page(folder, trait, title, texts, tables.quoted(sheets),
                                           checked, settings, times))
    write_json(out, {
        "config": settings, "manifest": made, "finding": title,
        "conditions": [one[:5] for one in conditions], "claims": checked,
        "rows": rows + [one for part in new for one in part]})
    return tables.short(rows, conditions)


def ablation(key: str, values: list[tuple[str, list[Shown]]], trait: str, config: Config,
             out: Path) -> None:
    """`out`, a JSON file, and a figure beside it: the conditions at each value of a setting."""
    rows = [{"value": value, **one} for value, shown in values for one in all_rows(shown, trait)]
    first = values[0][1]
    figures.save(figures.draw_ablation(key, rows, first, trait), out.with_suffix(".png"))
    write_json(out, {"key": key, "config": asdict(config), "manifest": manifest(first),
                     "rows": rows})
