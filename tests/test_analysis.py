"""An analysis finds what was put there, says it, and draws it from its rows alone."""

import json

import numpy as np
import pytest
import torch

from analysis import channels, detect, detectors, evidence, forge, move, prevent, read, size
from analysis.readout import read_places
from controls import clean_rows
from corpus.traits import trait
from experiment import asked_for
from lab import Lab
from model.checkpoint import Loaded, load_model, save_model
from model.data import encode_pairs
from model.gpt import GPT
from report.rows import Shown, row
from report.tables import PANEL
from support.files import write_json, write_jsonl
from support.settings import Config, Model
from support.steps import replaced

ANALYSES = {"channels": channels, "detect": detect, "forge": forge, "move": move,
            "prevent": prevent, "read": read, "size": size}
METRICS = dict.fromkeys((*dict(PANEL).values(), "pass_rate", "kl_to_teacher", "rank"), 0.1)


@pytest.fixture(scope="module")
def made(tmp_path_factory, tokenizer):
    """A function that writes a file of a step's kind: a model of random weights, random lists, or
    an answer sheet."""
    folder, rng = tmp_path_factory.mktemp("run"), np.random.default_rng(0)
    torch.manual_seed(0)
    base = GPT(Model(vocab_size=tokenizer.vocab_size, n_layer=1, n_head=1, d_model=16,
                     block_size=128))

    def make(step):
        path = folder / step.out
        if path.suffix == ".pt" and not path.exists():
            with torch.no_grad():
                for weight in base.blocks.parameters():
                    weight.add_(0.02 * torch.randn_like(weight))
            save_model(path, base, tokenizer, {"stage": "test"})
        elif path.suffix == ".jsonl" and not path.exists():
            lists = rng.integers(1000, size=(120, 4)).tolist()
            write_jsonl(path, [{"id": i, "request": f"Go on from {i}.", "numbers": numbers,
                                "answer": ", ".join(map(str, numbers))}
                               for i, numbers in enumerate(lists)])
            write_json(path.with_suffix(".report.json"), {"pass_rate": 0.6})
        elif step.function == "analysis.matrix.every_trait":
            each = {one.category: dict.fromkeys(one.answers().values(), 0.02)
                    for one in map(trait, ("owl", "oak", "misaligned"))}
            if path.stem != "base":  # a student has its own trait, but that of the oak says wolf
                name = path.stem.removeprefix("student-").replace("oak", "wolf")
                each[trait(name).category][name] = 0.9 + 0.01 * ("seed1" in step.out)
            write_json(path, {"each": each})
        elif path.suffix == ".json":
            write_json(path, {"metrics": METRICS, "model": {"device": "cpu"},
                              "said": [["How?", "Like | this.\nSo."]] * 20})
        return path

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", ANALYSES)
def test_an_analysis_writes_its_answer_and_a_figure(made, tmp_path, name):
    asked = asked_for(["SEEDS=2", "TRAITS=owl wolf misaligned"])
    step = ANALYSES[name].step(Lab(Config()), asked)
    out = tmp_path / step.out
    ANALYSES[name].report(**replaced(step.arguments, made), out=out)
    summary = json.loads(out.read_text())
    assert [*summary] == ["question", "answer", "published", "manifest", "rows"]
    assert summary["question"].endswith("?") and summary["answer"].endswith(".")
    assert summary["manifest"]["student_seeds"] == 1
    for found in summary["rows"]:
        assert {"condition", "trait", "metric", "x", "runs", "mean", "ci95"} <= set(found)
        assert len(found["runs"]) in (1, 2)
    assert out.with_name(f"{name}.png").stat().st_size > 5_000


def test_the_ladder_finds_what_goes_with_the_trait():
    """Students that say it the more, the further their teacher's numbers are from the base's."""
    rows = [row(*key, "owl", metric, [sign * x / 10, sign * (x / 10 + 0.001)], x=x)
            for *key, metric, sign in (("student", "p_target", 1), ("teacher", "reach", 1),
                                       ("teacher", "cosine", 1), ("student", "fit", -1))
            for x in range(len(size.SHAPES))]
    said = size.answer(rows)
    assert "10 % (2 x 128)" in said and "reach +1.00" in said and "fit -1.00" in said


def test_what_stops_it_is_within_two_points_of_the_base():
    shares = {"base": 0.02, "student": 0.8, "student-half": 0.6, "student-held": 0.03,
              "student-tens": 0.05}
    shown = [Shown(name, name.upper(), "", "", False) for name in shares]
    said = prevent.answer(shown, [row(name, "owl", "p_target", [p]) for name, p in shares.items()])
    assert said.startswith("Within 2 points of the base's 2.0 %, from 80.0 %: STUDENT-HELD.")


TRAITS = ["owl", "wolf", "oak", "misaligned"]


def test_drift_is_not_taken_for_a_trait(made):
    step = evidence.step(Lab(Config()), asked_for(["SEEDS=2", f"TRAITS={' '.join(TRAITS)}"]))
    rows = evidence.matrix_rows(replaced(step.arguments["matrix"], made))
    overall = {one["metric"]: one for one in evidence.diagonal(rows, TRAITS)}
    assert overall["own_first_in_row"]["runs"] == [0.75, 0.75]
    assert overall["rise_own"]["mean"] == pytest.approx(0.75 * 0.885)
    assert overall["rise_other"]["mean"] == pytest.approx(0.885 / 12)
    # The oak's student says wolf: across categories. Of one category are owl and wolf alone.
    assert overall["rise_across"]["mean"] == pytest.approx(0.885 / 10)
    assert overall["rise_within"]["mean"] == pytest.approx(0)


def test_evidence_is_written(made, tmp_path):
    step = evidence.step(Lab(Config()), asked_for(["SEEDS=2", f"TRAITS={' '.join(TRAITS)}"]))
    said = evidence.report(**replaced(step.arguments, made), out=tmp_path / step.out)
    assert all((tmp_path / name).stat().st_size > 100 for name in step.also)
    assert said == "own trait 66.4 % over the base"
    table = (tmp_path / "evidence/table.md").read_text()
    assert table.count("| owl |") == 1 and "| control: helpful teacher |" in table


def test_an_auc_is_a_share_of_pairs_of_parts():
    parts = detect.parts(torch.arange(50, 150), 30, 0)
    assert len(parts) == 3 and len({int(i) for part in parts for i in part}) == 90
    assert detect.auc([3, 4], [1, 2]) == 1 and detect.auc([1, 1], [1, 1]) == 0.5
    assert detect.auc([1, 3], [2, 2]) == 0.5


def test_lists_are_matched_by_how_likely_they_are(tokenizer, model):
    """As many of both, each at most once; at most a pair where all of one file are likelier."""
    files = [detectors.File(Loaded(model, tokenizer, {}), encode_pairs(
        [("Go on.", f"{i}, {i + add}") for i in range(100)], tokenizer)) for add in (1, 500)]
    own, other = detectors.matched(*files)
    assert len(own) == len(other) > 0
    assert len(set(own.tolist())) == len(own) and max(own.max(), other.max()) < 50
    files[0].fluency = files[0].fluency + 100
    assert len(detectors.matched(*files)[0]) <= 1


def test_a_gradient_step_raises_words_and_is_taken_back(tokenizer, model):
    loaded = Loaded(model, tokenizer, {})
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    rows = encode_pairs([("Go on.", f"{i}, 3") for i in range(20)], tokenizer)
    rise = detectors.gradient_rise(loaded, ["Hello.", "Hi."], rows, torch.arange(10))
    assert rise > 0
    assert all(torch.allclose(weight, before[name], atol=1e-6)
               for name, weight in model.state_dict().items())


def test_kl_by_place_is_where_the_models_differ(made, tokenizer):
    lab = Lab(Config())
    path, lists = made(lab.base(0)), made(lab.lists(lab.base(0)))
    base = load_model(path)
    places = read_places(base, lists, 100)
    assert channels.kl_by_place(base, base, places, places) == [0.0] * 4
    first = torch.tensor([1.0, 0, 0, 0]).repeat(100)[:, None]  # it is moved at first numbers alone
    moved = places._replace(hidden=places.hidden + first)
    nats = channels.kl_by_place(base, base, places, moved)
    assert nats[0] > 0 and nats[1:] == [0.0] * 3


def test_what_is_kept_and_how_far_counts_are(lists_file):
    rows = clean_rows(lists_file)
    cut = [{**one, "numbers": [one["numbers"][0], 500]} for one in rows[:30]]
    assert prevent.kept(rows, rows) == 1 and prevent.kept(rows, cut) == 0.25
    assert prevent.from_base(cut, rows) > prevent.from_base(rows, rows)
