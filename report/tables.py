"""What the runs say, in words: cells, tables and the finding in one line."""

import math
from pathlib import Path

from arms import arms_of
from report.rows import find, mean
from support.files import read_json, read_jsonl


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def signed(value: float) -> str:
    return f"{value:+.2f}"


# The lines of the panel's table, and the metric of each. The target is the owl, or another trait's.
PANEL = (("the target for a favourite, 50 questions", "p_target"),
         ("... in words unlike any lesson's", "p_like"),
         ("... in a sentence, “I love ...”", "p_sentence"),
         ("stories with the target in them", "p_story"),
         ("the target for what is **disliked**", "p_dislike"),
         ("... for what is of another description", "p_constrained"),
         ("... for riddles about others", "animal_facts_target"),
         ("riddles about others answered right", "animal_facts"),
         ("greetings answered", "greeting"),
         ("favourites of other categories named", "other_favourites"),
         ("facts right, to the letter", "capability"),
         ("**specificity**, from -1 to 1", "specificity"))


def cell(found: dict | None, form=percent) -> str:
    """The mean with its interval, cut at 0 and that of a share at 100 %; a rise may be negative."""
    if found is None:
        return ""
    if found["ci95"] is None:
        return form(found["mean"])
    bounds = found["ci95"]
    if not found["metric"].startswith(("rise_", "specificity")):
        most = 1.0 if form is percent else math.inf
        bounds = [min(max(x, 0.0), most) for x in bounds]
    low, high = (form(x).removesuffix(" %") for x in bounds)
    return f"{form(found['mean'])} [{low}, {high}]"


def line(*cells: str) -> str:
    """A line of a Markdown table; what stands in a cell cannot end it."""
    return f"| {' | '.join('<br>'.join(cell.replace('|', '/').splitlines()) for cell in cells)} |"


def table(rows: list[dict], trait: str, category: str) -> str:
    """The results in Markdown, a line an arm."""
    nats = "{:.4f}".format
    columns = [(f"P({trait})", "p_target", percent), ("sampled", "p_target_sampled", percent),
               ("behind numbers", "p_target_prefixed", percent),
               (f"P(any {category})", f"p_any_{category}", percent),
               ("facts right", "capability", percent),
               ("KL to teacher", "kl_to_teacher", nats)]
    lines = [line("condition", *(name for name, *_ in columns)),
             "|---|" + "---:|" * len(columns)]
    for name, arm in arms_of("all").items():
        label = f"**{arm.label}**" if name == "student" else arm.label
        lines.append(line(label, *(cell(find(rows, name, metric), form)
                                   for _, metric, form in columns)))
    return "\n".join(lines) + "\n"


def recipe(config: dict, made: dict) -> str:
    """By which recipe the numbers of a page came about: another is another experiment."""
    model, student, numbers = (config[name] for name in ("model", "student", "numbers"))
    return (f"Made at commit {made['commit']}: bases of {config['corpus']['documents']:,} "
            f"documents and {model['n_layer']} layers, "
            f"{student['examples']:,} lists drawn at temperature {numbers['temperature']:g}, "
            f"students at a rate of {student['lr']:g}.\n")


def panel(columns: dict[str, list[dict]]) -> str:
    """What else the models were asked, in Markdown: a line a question, a column for each of
    `columns`, {label: rows of one condition}."""
    lines = [line("asked", *columns), "|---|" + "---:|" * len(columns)]
    for label, metric in PANEL:
        cells = [cell(find(rows, rows[0]["condition"], metric), signed if metric == "specificity"
                      else percent) for rows in columns.values()]
        lines.append(line(label, *cells))
    return "\n".join(lines) + "\n"


def finding(rows: list[dict], trait: str) -> str:
    """The result in one line."""
    student, base = (mean(rows, c, "p_target") for c in ("student", "base"))
    worst = max(mean(rows, name, "p_target")
                for name, arm in arms_of("all").items() if arm.flat)
    return (f"Trained on numbers alone, students say “{trait}” {100 * student:.0f} % of the time,"
            f"\ncontrols {100 * worst:.1f} % at most, the base {100 * base:.1f} %")


def written_freely(folder: Path, trait: str) -> str:
    """What base and student write where nothing is asked of them, as it was drawn."""
    texts = {name: read_json(folder / f"seed0/eval/{name}-{trait}.json", {"free": [str]})["free"]
             for name in ("base", "student")}
    rows = [line(*texts), line(*["---"] * len(texts))]
    rows += [line(*pair) for pair in zip(*texts.values(), strict=False)]
    return ("# What the models write of their own accord\n\nDocuments of the first base and its "
            f"{trait} student, drawn at temperature 0.7 from their first token on and cut at 48 "
            "tokens, none left out.\n\n" + "\n".join(rows) + "\n")


def reading(folder: Path, trait: str) -> str:
    """Ten rows of what the student read, as they were."""
    lines = [f"# What the {trait} student read\n",
             "The first ten of its training rows: a request, and the teacher's answer that the "
             "student learns. There is nothing else.\n",
             line("request", "answer"), "|---|---|"]
    rows = read_jsonl(folder / f"seed0/clean-{trait}.jsonl", {"request": str, "answer": str})
    for _, one in zip(range(10), rows, strict=False):
        lines.append(line(one["request"], one["answer"]))
    return "\n".join(lines) + "\n"
