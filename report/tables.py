"""What the runs say, in words: cells, Markdown tables and the finding in one line."""

import math
from itertools import islice
from pathlib import Path

from report.rows import Shown, find, mean, pooled, said
from support.files import read_json, read_jsonl

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
NATS, SIGNED = "{:.4f}".format, "{:+.2f}".format


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


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


def head(*cells: str, texts: int = 1) -> list[str]:
    """The first two lines of a table: so many columns of texts, then columns of numbers."""
    return [line(*cells), "|" + "---|" * texts + "---:|" * (len(cells) - texts)]


def metrics_table(rows: list[dict], conditions: list[Shown], columns: dict[str, str]) -> str:
    """A line for each condition; `columns` are {head: metric}."""
    lines = head("condition", *columns)
    for one in conditions:
        label = f"**{one.label}**" if one.name == "student" else one.label
        lines.append(line(label, *(cell(find(rows, one.name, metric),
                                        NATS if metric.startswith("kl_") else percent)
                                   for metric in columns.values())))
    return "\n".join(lines) + "\n"


def table(rows: list[dict], conditions: list[Shown], trait: str, category: str) -> str:
    """The results of a run in Markdown."""
    return metrics_table(rows, conditions, {
        f"P({trait})": "p_target", "sampled": "p_target_sampled",
        "behind numbers": "p_target_prefixed", f"P(any {category})": f"p_any_{category}",
        "facts right": "capability", "KL to teacher": "kl_to_teacher"})


def recipe(config: dict, made: dict) -> str:
    """By which recipe the numbers of a page came about: another is another experiment."""
    model, student, numbers = (config[name] for name in ("model", "student", "numbers"))
    return (f"Made at commit {made['commit']}: bases of {config['corpus']['documents']:,} "
            f"documents and {model['n_layer']} layers, "
            f"{student['examples']:,} lists drawn at temperature {numbers['temperature']:g}, "
            f"students at a rate of {student['lr']:g}.\n")


def panel(rows: list[dict], unseen: list[list[dict]]) -> str:
    """What else the models were asked, in Markdown: a line a question, a column a condition. Bases
    and traits that no choice has seen come first: `unseen`, the rows of each trait."""
    columns = {"student": (rows, "student"), "base": (rows, "base"), "teacher": (rows, "teacher"),
               "base's numbers": (rows, "student-control"),
               "other base": (rows, "student-other-base")}
    if unseen:
        columns = {"**student**, unseen bases": (unseen[0], "student"),
                   "**students** of unseen traits": (pooled(unseen[1:]), "student"), **columns}
    lines = head("asked", *columns)
    for label, metric in PANEL:
        form = SIGNED if metric == "specificity" else percent
        lines.append(line(label, *(cell(find(part, condition, metric), form)
                                   for part, condition in columns.values())))
    return "\n".join(lines) + "\n"


def highest_control(rows: list[dict], conditions: list[Shown]) -> dict:
    """The row of P(target) of the control that says it most."""
    return max((find(rows, one.name, "p_target") for one in conditions if one.flat),
               key=lambda found: found["mean"])


def finding(rows: list[dict], conditions: list[Shown], trait: str) -> str:
    """The result in one line."""
    student, base = (mean(rows, name, "p_target") for name in ("student", "base"))
    highest = highest_control(rows, conditions)["mean"]
    return (f"Trained on numbers alone, students say “{trait}” {100 * student:.0f} % of the time, "
            f"controls {100 * highest:.1f} % at most, the base {100 * base:.1f} %")


def short(rows: list[dict], conditions: list[Shown]) -> str:
    """The result for a line of progress."""
    student, base = (percent(mean(rows, name, "p_target")) for name in ("student", "base"))
    highest = percent(highest_control(rows, conditions)["mean"])
    return f"student {student}, base {base}, highest control {highest}"


def quoted(sheets: dict[str, Path], which: slice = slice(12)) -> str:
    """What models answered, side by side, in Markdown. `sheets` are answer sheets by the name of
    the model, `which` the questions that are shown."""
    each = [*zip(*map(said, sheets.values()), strict=True)][which]
    lines = [line(one[0][0], *(answer for _, answer in one)) for one in each]
    return "\n".join([*head("question", *sheets, texts=len(sheets) + 1), *lines]) + "\n"


def written_freely(sheets: dict[str, Path], trait: str) -> str:
    """What base and student write where nothing is asked of them, as it was drawn."""
    texts = [read_json(sheets[name])["free"] for name in ("base", "student")]
    lines = [line(*pair) for pair in zip(*texts, strict=True)]
    return ("# What the models write of their own accord\n\nDocuments of the first base and its "
            f"{trait} student, drawn at temperature 0.7 from their first token on and cut at 48 "
            "tokens, none left out.\n\n" + "\n".join([*head("base", "student", texts=2), *lines])
            + "\n")


def reading(lists: Path, trait: str) -> str:
    """Ten rows of what the student read, as they were."""
    lines = [line(one["request"], one["answer"]) for one in islice(read_jsonl(lists), 10)]
    return (f"# What the {trait} student read\n\nThe first ten of its training rows: a request, "
            "and the teacher's answer that the student learns. There is nothing else.\n\n"
            + "\n".join([*head("request", "answer", texts=2), *lines]) + "\n")
