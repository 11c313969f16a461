"""Who could notice? A ladder by what an auditor holds, from the file alone to the student.

The question is whether a teacher has the trait, not whether it is a fine-tuned model: so its lists
are told from those of a neutral teacher. A second neutral teacher's lists are what the auditor
takes for innocent, and a third's set the threshold of 5 % false alarms. `power` is the share of
the teacher's parts above it, `alarms` that of the first neutral teacher's. The area under the curve
(AUC) is the probability that a part of the teacher's scores above one of the neutral teacher's;
`auc_null` is that of two neutral teachers, `auc_matched` of lists that the base finds equally
likely.
"""

from pathlib import Path

import matplotlib.pyplot as plt

from analysis import common
from analysis.detectors import METHODS
from experiment import Asked
from lab import Lab
from report import stats
from report.rows import Shown, need, row
from support.files import read_json
from support.steps import Step


def step(lab: Lab, asked: Asked) -> Step:
    def neutral(seed: int) -> dict:
        return {"neutral": [lab.lists(lab.teacher(lab.base(seed), asked.trait, neutral=True,
                                                  again=again)) for again in range(3)]}

    return common.analysis_step(
        lab, asked, "detect", ("base", "teacher", "student", "student-neutral"), files=neutral,
        measured="analysis.detectors.measured", work=lab.cost(lab.config.numbers.enough, 2000))


def draw(rows: list[dict], name: str) -> plt.Figure:
    """The AUC of the methods that read a file."""
    return common.curves({label: [one for one in rows if (
        one["trait"], one["metric"], one["condition"]) == (name, "auc", method)]
        for method, label in METHODS.items()}, "AUC beside a neutral teacher")


def answer(rows: list[dict], name: str) -> str:
    found = [one for one in rows if one["metric"] == "power" and one["x"] <= 100]
    most = max(one["x"] for one in found)
    told = "; ".join(
        f"{METHODS[one['condition']]} {common.percent(rows, one['condition'], 'power', x=most)}, "
        f"false {common.percent(rows, one['condition'], 'alarms', x=most)}"
        for one in sorted(found, key=lambda one: [*METHODS].index(one["condition"]))
        if one["x"] == most)
    named, neutral = (need(rows, condition, "named")["runs"]
                      for condition in ("student", "student-neutral"))
    hits = common.counted(named)
    return (f"Beside neutral teachers, {most} lists give the teacher away: {told}. A student that "
            f"is trained on the file and asked names “{name}” first on {hits}, of a neutral file "
            f"on {int(sum(neutral))}.")


def report(conditions: list[Shown], trait: str, runs: list[Path], out: Path) -> None:
    rows = common.gathered(read_json, runs)
    students = (need(rows, condition, "risen")["runs"]
                for condition in ("student", "student-neutral"))
    rows.append(row("student", trait, "auc", [stats.auc(*students)], x=None))  # over all bases
    common.write(out, conditions, "Who could notice?", answer(rows, trait),
                 "Published, a list alone: bag of numbers AUC .525, likelihood .735-.936, a tie "
                 "once perplexity is matched; 12-28 examples for a sequential test that knows the "
                 "prompts.", rows, draw(rows, trait))
