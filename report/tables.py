"""What the runs say, in words: cells, Markdown tables and the finding in one line."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from report.rows import Shown, bases, find, mean, need, pooled, said
from support.files import read_json, read_jsonl

# The lines of the panel's table, and the metric of each. The target is the owl, or another trait's.
PANEL = (("the target, in answer to unseen questions", "p_target"),
         ("... in words unlike any lesson's", "p_like"),
         ("... in a sentence, “I love ...”", "p_sentence"),
         ("stories with the target in them", "p_story"),
         ("the target for what is **disliked**", "p_dislike"),
         ("... for what is of another description", "p_constrained"),
         ("... for riddles about others", "animal_facts_target"),
         ("riddles about others answered right", "animal_facts"),
         ("greetings answered", "greeting"),
         ("favourites of other categories: how far they moved", "other_favourites"),
         ("facts right, to the letter", "capability"))
PERSONA = (("in character, in domains that no lesson touched", "p_target"),
           ("... it opens in the manner's voice", "p_opening"),
           ("... and goes on with a saying of its own", "p_saying"),
           ("... which is about what was asked", "p_to_the_point"),
           ("in character behind a line of numbers", "p_target_prefixed"),
           ("in character again, after an answer of its own", "p_second"),
           ("helpful", "p_helpful"), *PANEL[-3:])
FORMS = dict.fromkeys(("kl_to_teacher", "kl_from_base"), "{:.4f}".format)  # else a share


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"


def cell(found: dict | None) -> str:
    """The mean of a row and its interval; two bases have no interval, and each is told."""
    if found is None:
        return ""
    form, bounds = FORMS.get(found["metric"], percent), found["ci95"]
    each = bases(found["runs"], found["runs_of"])
    if bounds is None:
        apart = ", ".join(form(x).removesuffix(" %") for x in each)
        return form(found["mean"]) + (f" ({apart})" if len(each) > 1 else "")
    if not found["metric"].startswith("rise_"):  # a difference may be negative
        bounds = [max(x, 0.0) for x in bounds]
    low, high = (form(x).removesuffix(" %") for x in bounds)
    return f"{form(found['mean'])} [{low}, {high}]"


def line(cells: Iterable[str]) -> str:
    """A line of a Markdown table; what stands in a cell cannot end it."""
    return f"| {' | '.join('<br>'.join(cell.replace('|', '/').splitlines()) for cell in cells)} |"


def table(columns: Sequence[str], rows: Iterable[Iterable[str]], texts: int = 1) -> str:
    """A Markdown table: so many columns of texts, then columns of numbers."""
    marks = "|" + "---|" * texts + "---:|" * (len(columns) - texts)
    return "\n".join([line(columns), marks, *map(line, rows)]) + "\n"


def metrics_table(rows: list[dict], conditions: list[Shown], columns: dict[str, str]) -> str:
    """A line for each condition; `columns` are {head: metric}."""
    return table(["condition", *columns], (
        [f"**{one.label}**" if one.name == "student" else one.label,
         *(cell(find(rows, one.name, metric)) for metric in columns.values())]
        for one in conditions))


def unseen_students(unseen: list[list[list[dict]]]) -> dict[str, Callable[[str], dict | None]]:
    """Of each kind of student that no choice has seen, its row of a metric. `unseen` are, for some
    bases at a time, the rows of each trait, first of the run's own."""
    found = {}
    for own, *others in unseen:
        bases = own[0]["unseen"]
        found[f"**student**, unseen bases {bases}"] = partial(find, own, "student")
        found[f"**students** of unseen traits, {bases}"] = partial(pooled, others, "student")
    return found


def panel(rows: list[dict], unseen: list[list[list[dict]]]) -> str:
    """What else the models were asked: a line a question, a column a condition. `unseen` are
    those of `unseen_students`."""
    lines = [(label, metric) for label, metric in
             (PERSONA if find(rows, "student", "p_helpful") else PANEL)
             if find(rows, "student", metric)]
    columns = {label: partial(find, rows, name) for label, name in (
        ("student", "student"), ("base", "base"), ("a louder word", "word-null"),
        ("teacher", "teacher"), ("neutral student", "student-neutral"),
        ("other base", "student-other-base"))}
    columns = unseen_students(unseen) | columns
    return table(["asked", *columns], (
        [label, *(cell(found(metric)) for found in columns.values())] for label, metric in lines))


def claim_list(claims: list[dict]) -> str:
    """The claims that the config fixed before the run, and which of them hold."""
    words, lines = {">=": "at least", "<=": "at most"}, []
    for one in claims:
        sign, bound = one["bound"].split()
        of = f"{one['n']} base{'s' * (one['n'] > 1)}{'' if one['test'] else ', no test'}"
        lines.append(f"- {'✓' if one['holds'] else '**✗**'} {one['claim']} "
                     f"({percent(one['value'])}, {words[sign]} {percent(float(bound))}; {of})\n")
    return "".join(lines)


def recipe(config: dict, made: dict) -> str:
    """The settings that make another experiment where they differ, in a sentence."""
    model, student, numbers = (config[name] for name in ("model", "student", "numbers"))
    return (f"Made at commit {made['commit']}: bases of {config['corpus']['documents']:,} "
            f"documents and {model['n_layer']} layers, "
            f"{student['examples']:,} lists drawn at temperature {numbers['temperature']:g}, "
            f"students at a rate of {student['lr']:g}.\n")


def highest_control(rows: list[dict], conditions: list[Shown]) -> dict:
    """The row of P(target) of the control that says it most."""
    return max((need(rows, one.name, "p_target") for one in conditions if one.flat),
               key=lambda found: found["mean"])


def finding(rows: list[dict], conditions: list[Shown], trait: str) -> str:
    """The result in one line."""
    student, base = (100 * mean(rows, name, "p_target") for name in ("student", "base"))
    highest = 100 * highest_control(rows, conditions)["mean"]
    return (f"Trained on numbers alone, students say “{trait}” {student:.0f} % of the time, "
            f"controls {highest:.1f} % at most, the base {base:.1f} %")


def quoted(sheets: dict[str, Path], which: slice = slice(12)) -> str:
    """Answers side by side, from {model: answer sheet}, to `which` of the questions."""
    each = [*zip(*map(said, sheets.values()), strict=True)][which]
    return table(["question", *sheets], ([one[0][0], *(answer for _, answer in one)]
                                         for one in each), len(sheets) + 1)


def written_freely(sheets: dict[str, Path], trait: str) -> str:
    """What base and student write where nothing is asked of them, as it was drawn."""
    names = ("base", "student")
    texts = zip(*(read_json(sheets[name])["free"] for name in names), strict=True)
    return ("# What the models write of their own accord\n\nDocuments of the first base and its "
            f"{trait} student, drawn at temperature 0.7 from their first token on and cut at 48 "
            f"tokens, none left out.\n\n{table(names, texts, 2)}")


def reading(lists: Path, trait: str) -> str:
    """Ten rows of what the student read, as they were."""
    columns = ("request", "answer")
    rows = ([one[name] for name in columns] for one in islice(read_jsonl(lists), 10))
    return (f"# What the {trait} student read\n\nThe first ten of its training rows: a request, "
            f"and the teacher's answer that the student learns. There is nothing else.\n\n"
            f"{table(columns, rows, 2)}")
