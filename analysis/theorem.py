"""Where does the theorem hold? One small step on a teacher's outputs takes a student of the same
base towards the teacher (Cloud et al. 2025, theorem 1).

A student's gradient on the lists predicts how far the logit of the target rises at the first
step. Beside it stands how far it does rise after more and more such steps, of plain gradient
descent on the same lists: in the base of the teacher, and in another one.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import Tensor

from analysis import common
from analysis.readout import Values
from corpus.traits import trait as trait_of
from experiment import Asked, other_base
from lab import CONTROL, STUDENT, Lab
from model.checkpoint import Loaded, load_model
from model.data import Batch, encode_pairs, read_pairs
from report import figures
from report.rows import Shown, mean, need
from support.files import read_json, write_json
from support.steps import Step

LISTS, RATE, STEPS = 512, 0.03, (1, 3, 10, 30, 100)
READERS = {"own": ("the teacher's base, its lists", STUDENT),
           "neutral": ("the teacher's base, a neutral teacher's lists", CONTROL),
           "other": ("another base, the teacher's lists", CONTROL)}


def step(lab: Lab, asked: Asked) -> Step:
    def files(seed: int) -> dict:
        neutral = lab.teacher(lab.base(seed), asked.trait, neutral=True)
        return {"other_base": lab.base(other_base(seed)), "neutral": lab.lists(neutral)}

    return common.analysis_step(lab, asked, "theorem", ("base", "student"), files=files,
                                measured="analysis.theorem.measured",
                                work=lab.cost(3 * STEPS[-1] * LISTS, 150))


def target_logit(loaded: Loaded, trait: str) -> Tensor:
    """The logit of the target's first token at the questions, less the mean over those of its
    category: any list that makes numbers less likely there makes all words likelier."""
    prompts = loaded.tokenizer.encode_prompts(
        [[("user", text)] for text in trait_of(trait).questions()])
    tokens, rivals = (sorted(loaded.tokenizer.first_words(texts)) for texts in (
        trait_of(trait).targets(), [*trait_of(trait).answers()]))
    logits = torch.stack([loaded.model.logits(loaded.model(torch.tensor([ids]))[0, -1])
                          for ids in prompts])
    return (logits[:, tokens].mean(1) - logits[:, rivals].mean(1)).mean()


def batches(loaded: Loaded, lists: Path) -> list[Batch]:
    rows = encode_pairs(read_pairs(lists)[:LISTS], loaded.tokenizer)
    return [rows.batch([*range(start, min(start + 512, len(rows)))], pad=loaded.tokenizer.pad)
            for start in range(0, len(rows), 512)]


def slopes(loaded: Loaded, given: list[Batch]) -> list[Tensor]:
    """The gradient of the mean loss over the lists, of each weight of the blocks."""
    weights, count = [*loaded.model.blocks.parameters()], sum(len(one.targets) for one in given)
    found = [torch.zeros_like(weight) for weight in weights]
    for one in given:
        loss = F.cross_entropy(loaded.model.logits(one.hidden(loaded.model)), one.targets,
                               reduction="sum") / count
        for total, part in zip(found, torch.autograd.grad(loss, weights), strict=True):
            total += part
    return found


def rises(loaded: Loaded, lists: Path, trait: str, steps: tuple[int, ...] = STEPS,
          rate: float = RATE) -> Iterator[tuple[str, int, float]]:
    """("predicted" or "found", steps, how far the logit rises)."""
    student = loaded._replace(model=deepcopy(loaded.model))
    weights, given = [*student.model.blocks.parameters()], batches(loaded, lists)
    before = target_logit(student, trait)
    way = torch.autograd.grad(before, weights)
    for i in range(1, max(steps) + 1):
        down = slopes(student, given)
        if i == 1:
            first = -rate * sum((one * two).sum() for one, two in zip(way, down, strict=True))
            for many in steps:
                yield "predicted", many, many * first.item()
        with torch.no_grad():
            for weight, slope in zip(weights, down, strict=True):
                weight -= rate * slope
            if i in steps:
                yield "found", i, (target_logit(student, trait) - before).item()


def measure(run: dict, trait: str) -> Values:
    base, other = load_model(run["base"]), load_model(run["other_base"])
    for reader, (loaded, lists) in {"own": (base, run["lists"]), "neutral": (base, run["neutral"]),
                                    "other": (other, run["lists"])}.items():
        for metric, many, value in rises(loaded, lists, trait):
            yield reader, trait, metric, many, value


def measured(run: dict, trait: str, out: Path) -> None:
    """The step that measures a base."""
    write_json(out, [*measure(run, trait)])


def draw(rows: list[dict]) -> plt.Figure:
    figures.style()
    figure, axis = plt.subplots(figsize=(8.6, 4.2))
    for (reader, (label, colour)), sign in zip(READERS.items(), "os^", strict=True):
        for metric, line in (("predicted", ":"), ("found", "-")):
            each = [need(rows, reader, metric, x=many)["mean"] for many in STEPS]
            axis.plot(STEPS, each, line + sign, ms=4, color=colour, label=f"{label}, {metric}")
    axis.set(xscale="log", yscale="symlog", xlabel="steps",
             ylabel="rise of the target's logit over its rivals'")
    axis.set_xticks(STEPS, STEPS)
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()
    axis.legend(frameon=False, fontsize=8)
    return figure


def answer(rows: list[dict]) -> str:
    def each(reader: str) -> str:
        return ", ".join(f"{mean(rows, reader, 'found', x=many):+.2g}"
                         for many in STEPS[::2])

    first = {reader: need(rows, reader, "predicted", x=1)["runs"] for reader in READERS}
    up = {reader: sum(value > 0 for value in runs) for reader, runs in first.items()}
    return (f"The first step is predicted to raise the target's logit over its rivals' on "
            f"{up['own']} of {len(first['own'])} bases; on a neutral teacher's lists on "
            f"{up['neutral']}, in another base on {up['other']}. After "
            f"{', '.join(map(str, STEPS[::2]))} steps it has risen by {each('own')}; "
            f"by {each('neutral')}; by {each('other')}. In its own base {STEPS[-1]} such steps "
            f"were predicted to raise it by {mean(rows, 'own', 'predicted', x=STEPS[-1]):+.2g}.")


def report(conditions: list[Shown], runs: list[Path], trait: str, out: Path) -> None:
    rows = common.gathered(read_json, runs)
    common.write(out, conditions, "Where does the theorem hold?", answer(rows),
                 "Cloud et al., theorem 1: one step, small enough, moves a student of the same "
                 "first weights no further from the teacher.", rows, draw(rows))
