"""An analysis reads a finished run, and finds what was put there."""

import json
import math
import random
from pathlib import Path

from analysis import channels, detect, forge, found, move, prevent, read, size, spread, tokens
from arms import ARMS, SHAPES, WRITERS, arms_of, shape_folder
from model.checkpoint import save_model
from model.gpt import GPT
from report.rows import KEPT, LIKED, Seeds
from support.files import write_json, write_jsonl
from support.settings import Model
from tests.call import call

import pytest
import torch


@pytest.fixture
def folder(tmp_path):
    """Bases at .2, .5 and .8; students .01 apart, rounding .02, teachers .08."""
    for seed, p in enumerate((0.2, 0.5, 0.8)):
        runs = {"student": (p, p + 0.01, p - 0.01), "student-rounding": (p + 0.02,),
                "student-teacher": (p - 0.08,)}
        for name, values in runs.items():
            for again, value in enumerate(values):
                write_json(tmp_path / f"seed{seed}/eval/{ARMS[name].sheet('owl', again)}",
                           {"metrics": {"p_target": value, "p_like": value / 2},
                            "model": {"device": "cpu"}})
    return tmp_path


def test_spread_is_split_as_it_was_made(folder):
    rows = spread.measure(folder, Seeds(range(3), 3), "owl", "p_target")
    sd = {row["arm"]: row["mean"] for row in rows}
    assert sd["student"] == pytest.approx(0.01) and sd["rounding"] == pytest.approx(0.02 / 2**0.5)
    assert sd["teacher"] == pytest.approx(0.08 / 2**0.5)
    assert sd["base"] == pytest.approx(math.sqrt(0.3**2 - 0.01**2 / 3))


def test_spread_is_written_with_its_figure(folder):
    words = ["--run", folder, "--seeds", 3, "--student-seeds", 3]
    done = call(spread, *words)
    assert done.code == 0, done.err
    out = folder / "analysis/spread"
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary) == {"question", "answer", "published", "manifest", "rows"}
    assert set(summary["rows"][0]) == {"arm", "trait", "metric", "x", "runs", "mean", "ci95"}
    assert (out / "spread.png").stat().st_size > 5_000
    assert call(spread, "--run", folder, "--seeds", 1).code == 2


@pytest.fixture(scope="module")
def models(tmp_path_factory, tokenizer, documents):
    """A run of two bases whose models have random weights and whose lists are random, on which
    every analysis can be tried, and finds nothing."""
    folder, chance = tmp_path_factory.mktemp("run"), random.Random(0)
    arms = {arm.name: arm for report in ("all", *NAMES) for arm in arms_of(report).values()}
    sheet = {"metrics": dict.fromkeys(("p_target", "capability", "kl_to_teacher", "rank"), 0.5),
             "model": {"device": "cpu"}}
    for seed in range(2):
        at = folder / f"seed{seed}"
        at.mkdir()
        torch.manual_seed(seed)
        made = GPT(Model(vocab_size=tokenizer.vocab_size, n_layer=1, n_head=1, d_model=16,
                         block_size=128))
        for arm in arms.values():
            with torch.no_grad():
                for weight in made.blocks.parameters():
                    weight.add_(0.02 * torch.randn_like(weight))
            save_model(at / f"{arm.file('owl')}.pt", made, tokenizer, {"stage": "test"})
            write_json(at / f"eval/{arm.sheet('owl')}", sheet)
        lists = {"clean-base", "clean-owl", "clean-wolf", *(a.lists("owl") for a in arms.values())}
        for stem in lists:
            write_jsonl(at / f"{stem}.jsonl", [
                {"id": i, "request": f"Go on from {i}.", "answer": ", ".join(map(str, numbers)),
                 "numbers": numbers} for i in range(120)
                for numbers in [[chance.randrange(1000) for _ in range(4)]]])
    return folder


NAMES = ("channels", "detect", "forge", "move", "prevent", "read", "tokens")


@pytest.mark.parametrize("analysis", [channels, detect, forge, move, prevent, read, tokens])
def test_an_analysis_writes_its_answer_and_a_figure(models, analysis):
    name = analysis.__name__.removeprefix("analysis.")
    more = {"read": ["--traits", "wolf"], "detect": ["--traits"]}.get(name, [])
    done = call(analysis, "--run", models, "--seeds", 2, *more)
    assert done.code == 0, done.err
    summary = json.loads((models / f"analysis/{name}/summary.json").read_text())
    assert set(summary) == {"question", "answer", "published", "manifest", "rows"}
    assert summary["question"].endswith("?") and summary["answer"].endswith(".")
    for row in summary["rows"]:
        assert set(row) == {"arm", "trait", "metric", "x", "runs", "mean", "ci95"}
        assert len(row["runs"]) in (1, 2)
    assert (models / f"analysis/{name}/{name}.png").stat().st_size > 5_000


def test_the_ladder_finds_what_goes_with_the_trait(models):
    """Students that say it the more, the further their teacher's numbers are from the base's."""
    for x, (layers, width) in enumerate(SHAPES):
        at = Path(shape_folder(str(models), layers, width))
        for seed in range(2):
            (at / f"seed{seed}").mkdir(parents=True)
            for path in (models / f"seed{seed}").iterdir():
                if path.is_file():
                    (at / f"seed{seed}/{path.name}").symlink_to(path)
            for arm in arms_of("size").values():
                said = x / 12 + seed / 100
                kl = {"base": said / 10, "student": said / 20}.get(arm.name, 0.0)
                asked = dict.fromkeys((*LIKED, *KEPT), said if arm.name == "student" else 0.0)
                write_json(at / f"seed{seed}/eval/{arm.sheet('owl')}", {
                    "metrics": {"p_target": said, "capability": 0.5, "kl_to_teacher": kl + 1e-6}
                    | asked, "model": {"device": "cpu"}})
    done = call(size, "--run", models, "--seeds", 2)
    assert done.code == 0, done.err
    summary = json.loads((models / "analysis/size/summary.json").read_text())
    assert "its reach +1.00" in summary["answer"]
    by_depth = [found(summary["rows"], "student", "p_target", x)["mean"]
                for x in range(len(SHAPES))]
    assert by_depth == pytest.approx([x / 12 + 0.005 for x in range(12)])
    fits = [one for one in summary["rows"] if one["metric"] == "fit"]
    assert all(run == pytest.approx(0.5, abs=0.01) for one in fits[1:] for run in one["runs"])
    assert (models / "analysis/size/size.png").stat().st_size > 5_000


def test_an_auc_is_a_share_of_pairs():
    assert detect.auc([3, 4], [1, 2]) == 1 and detect.auc([1, 1], [1, 1]) == 0.5
    assert detect.auc([1, 3], [2, 2]) == 0.5


def test_parts_of_a_file_share_no_list():
    parts = detect.parts(torch.arange(50, 150), 30, 0)
    assert len(parts) == 3 and len({int(i) for part in parts for i in part}) == 90


def test_what_is_kept_and_how_far_counts_are():
    before = [{"id": i, "numbers": [i, i + 1]} for i in range(10)]
    after = [{"id": i, "numbers": [i, 500]} for i in range(5)]
    assert prevent.kept(before, before) == 1 and prevent.kept(before, after) == 0.25
    assert prevent.from_base(after, before) > prevent.from_base(before, before)


def test_every_arm_of_an_analysis_has_a_place_in_its_figure():
    for name, module in (("channels", channels), ("forge", forge), ("tokens", tokens)):
        assert set(arms_of(name)) <= set(module.SHOWN)
    assert set(arms_of("prevent")) <= set(prevent.KNOWS)
    read_by = {"channels": channels.SHOWN, "forge": forge.SHOWN, "tokens": tokens.SHOWN,
               "prevent": prevent.KNOWS, "move": move.TRAINED}
    for name, shown in read_by.items():  # else make would not know what it stands on
        assert set(shown) <= {*arms_of(name), *arms_of("all")}
    assert set(arms_of("move")) <= set(move.TRAINED)
    assert {arm.writer for arm in ARMS.values()} == {"", *WRITERS}
