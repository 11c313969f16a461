"""Can the trait be read off the numbers? The word that a teacher loves, from its lists alone.

    python -m analysis.read --base base.pt --numbers clean-owl.jsonl [--reference clean-base.jsonl]

A word's score is how far it lies along the shift that `analysis/readout.py` finds, in standard
errors. The command reads any file of number lists with any base.
"""

import statistics
from pathlib import Path

import matplotlib.pyplot as plt

from analysis import common
from analysis.reader import FAR, FEW, HOT, stranger, threshold, word_scores
from analysis.readout import (
    inverse_temperature_of,
    misfit,
    number_embedding,
    read_places,
    read_shift,
)
from experiment import Asked, other_base
from lab import Lab
from model.checkpoint import load_model
from report.rows import Shown, find, need
from support.cli import parser, run
from support.files import read_json
from support.steps import Step

SHOWN = {"own-base": "its base", "within": "... shuffled within", "across": "... shuffled across",
         "other-base": "another base", "neutral": "a neutral teacher's"}


def step(lab: Lab, asked: Asked) -> Step:
    def files(seed: int) -> dict:
        base = lab.base(seed)
        lists = {name: lab.lists(lab.teacher(base, name)) for name in (asked.trait, *asked.traits)}
        own = lists.pop(asked.trait)
        neutral = [lab.lists(lab.teacher(base, asked.trait, neutral=True, again=again))
                   for again in range(2)]
        return {"other_base": lab.base(other_base(seed)), "others": lists, "neutral": neutral,
                "treated": {how: lab.treated(how, own) for how in ("within", "across")}}

    work = (4 + len(asked.traits)) * lab.cost(lab.config.numbers.enough, 120)
    return common.analysis_step(lab, asked, "read", ("base", "teacher", "student"), files=files,
                                measured="analysis.reader.measured", work=work)


def draw(rows: list[dict], chosen: str) -> plt.Figure:
    """How often the word is first of its category: of the trait, and of the other traits
    together."""
    top = [one for one in rows if one["metric"] == "best"]
    lines = {label: [one for one in top if (one["trait"], one["condition"]) == (chosen, name)]
             for name, label in SHOWN.items()}
    others = {x: [one["mean"] for one in top if (one["trait"] != chosen and one["x"] == x)]
              for x in FEW}
    lines["other traits, their base"] = [{"x": x, "mean": statistics.fmean(means)}
                                         for x, means in others.items() if means]
    return common.curves(lines, "first of its category, share")


def answer(rows: list[dict], chosen: str) -> str:
    own = [one for one in rows if one["trait"] == chosen]
    most = max(x for x in FEW if all(find(own, name, "top1", x=x) for name in SHOWN))

    def each(metric: str) -> str:
        return ", ".join(f"{100 * value:.0f}"
                         for value in need(own, "own-base", metric, x=most)["runs"])

    across, alarms, told = (common.percent(own, *key, x=most) for key in (
        ("across", "top1"), ("neutral", "alarm"), ("other-base", "stranger")))
    return (f"To whoever has the base, and a neutral teacher's lists to take away, {most} lists "
            f"say “{chosen}” first of its category in {each('best')} % of samples, base by base; "
            f"first of all words in {each('top1')} %, dealt out over all lists in {across}. A "
            f"neutral teacher's file raises an alarm in {alarms}. Another base is told that it did "
            f"not write the lists in {told}.")


def report(conditions: list[Shown], trait: str, runs: list[Path], out: Path) -> None:
    rows = common.gathered(read_json, runs)
    common.write(out, conditions, "Can the trait be read off the numbers?", answer(rows, trait),
                 "No such read-out is published. Of a file and candidate prompts, change of log p "
                 "names the persona in 86-91 % at 10 rows, 100 % at 100 (agokrani/cl-with-sl).",
                 rows, draw(rows, trait))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--base", type=Path, required=True, help="a checkpoint")
    options.add_argument("--numbers", type=Path, required=True, help="the file to read")
    options.add_argument("--reference", type=Path,
                         help="innocent lists to take away from it, best a neutral teacher's")
    args = options.parse_args()
    loaded = load_model(args.base)
    places, innocent = read_places(loaded, args.numbers), None
    print(f"{len(places.said):,} numbers of {places.rows:,} lists")
    if stranger(loaded, places):
        embedding = number_embedding(loaded)
        print("This base did not write these lists, nor did a copy of it: no word is read. Shares "
              f"of numbers are off by {misfit(places, embedding):.2f} in the square, the "
              f"temperature fitted is {1 / inverse_temperature_of(places, embedding):.1f} (at most "
              f"{FAR} and {HOT} where it did).")
        return
    if args.reference:
        innocent = read_shift(read_places(loaded, args.reference), number_embedding(loaded))
    scores, words = word_scores(loaded, places, innocent)
    best, bar = scores.argsort(descending=True)[:10].tolist(), threshold(len(words))
    print("standard errors, word:")
    for i in best:
        print(f"{scores[i]:8.1f}   {loaded.tokenizer.decode([words[i]])}")
    verdict = "found" if scores.max() > bar else "nothing found"
    print(f"{verdict}: of {len(words):,} words one passes {bar:.1f} once in 20 innocent files")


if __name__ == "__main__":
    run(main)
