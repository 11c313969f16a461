"""An analysis finds what was put there, says it, and draws it from its rows alone."""

import json
from copy import deepcopy
from importlib import import_module

import numpy as np
import pytest
import torch

from analysis import (
    chosen,
    detectors,
    dose,
    evidence,
    maps,
    measures,
    prevent,
    relatives,
    theorem,
    uneven,
)
from analysis.readout import number_embedding, read_places
from analysis.worlds import LETTERS
from controls import clean_rows
from corpus.documents import FAVOURITES
from corpus.traits import trait
from experiment import analyses, asked_for
from lab import Lab
from model.checkpoint import Loaded, load_model, save_model, weights_hash
from model.data import document_rows, encode_pairs
from model.gpt import GPT
from report.rows import Shown, row
from report.stats import auc, from_logit
from report.tables import PANEL
from support.files import write_json, write_jsonl
from support.settings import Config, Model, Training
from support.steps import replaced
from train import pretrain

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
            save_model(path, base, tokenizer, {"stage": "test", "stretch": 2.0})
        elif path.suffix == ".jsonl" and not path.exists():
            lists = rng.integers(1000, size=(120, 4)).tolist()
            said = LETTERS if "letters" in path.name else range(1000)
            write_jsonl(path, [{"id": i, "request": f"Go on from {i}.", "numbers": numbers,
                                "answer": ", ".join(str(said[n % len(said)]) for n in numbers)}
                               for i, numbers in enumerate(lists)])
            write_json(path.with_suffix(".report.json"), {"pass_rate": 0.6})
        elif step.function.endswith(".measured") or ".measures." in step.function:
            path.parent.mkdir(parents=True, exist_ok=True)
            module, _, name = step.function.rpartition(".")
            getattr(import_module(module), name)(**replaced(step.arguments, make), out=path)
        elif step.function == "analysis.matrix.every_trait":
            each = {one.category: dict.fromkeys(one.answers().values(), 0.02)
                    for one in map(trait, ("owl", "oak", "misaligned"))}
            if path.stem != "base":  # a student has its own trait, but that of the oak says wolf
                name = path.stem.removeprefix("student-").replace("oak", "wolf")
                each[trait(name).category][name] = 0.9 + 0.01 * ("seed1" in step.out)
            write_json(path, {"each": each})
        elif path.suffix == ".json":
            write_json(path, {"metrics": METRICS, "each": {"wolf": 0.1}, "model": {"device": "cpu"},
                              "said": [["How?", "Like | this.\nSo."]] * 20})
        return path

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*analyses()} - {"evidence", "micro"}))
def test_an_analysis_writes_its_answer_and_a_figure(made, tmp_path, name):
    asked = asked_for(["SEEDS=2", "TRAITS=owl wolf misaligned"])
    analysis = import_module(f"analysis.{name}")
    step = analysis.step(Lab(Config()), asked)
    out = tmp_path / step.out
    analysis.report(**replaced(step.arguments, made), out=out)
    summary = json.loads(out.read_text())
    assert [*summary] == ["question", "answer", "published", "manifest", "rows"]
    assert summary["question"].endswith("?") and summary["answer"].endswith(".")
    assert summary["manifest"]["student_seeds"] == 1
    for found in summary["rows"]:
        assert {"condition", "trait", "metric", "x", "runs", "mean", "ci95"} <= set(found)
        assert len(found["runs"]) in (1, 2)
    assert out.with_name(f"{name}.png").stat().st_size > 5_000


def test_what_goes_with_the_trait_is_found():
    """Students that say it the more, the closer the shifts lie, and the less they are stretched."""
    animals = [*FAVOURITES["animal"]]
    rows = [row("student", animals[x], metric, [sign * x / 10, sign * (x / 10 + 0.001)], x=None)
            for x in range(6) for metric, sign in (("p_target", 1), ("cosine", 1), ("stretch", -1))]
    said = uneven.answer(rows)
    assert "Over 6 traits" in said and "shifts by +1.00" in said and "needed by -1.00" in said


def test_what_stops_it_is_within_two_points_of_neutral_lists_behind_the_same_defence():
    shares = {"base": 0.02, "few-plain": 0.8, "few-half": 0.6, "few-held": 0.03, "few-tens": 0.05,
              "few-three": 0.05, "student-other-base": 0.03, "student-shuffled-across": 0.4,
              **dict.fromkeys(("neutral-plain", "neutral-half", "neutral-held"), 0.02),
              "neutral-tens": 0.04, "neutral-three": 0.02}
    shown = [Shown(name, name.upper(), "", "", False) for name in shares if "neut" not in name]
    said = prevent.answer(shown, [row(name, "owl", "p_target", [p]) for name, p in shares.items()])
    assert said.startswith("Within 2 points of neutral lists behind the same defence, from 80.0 %: "
                           "FEW-HELD; FEW-TENS; STUDENT-OTHER-BASE.")


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
    assert "| control: wolf teacher |" in table and "riddles about others" in table


@pytest.fixture
def relative(tmp_path, corpus_file, tokenizer_file):
    """A function that makes a relative of base 0 and gives (base 0, base 1, the relative)."""
    shape, training = Model(n_layer=1, n_head=1, d_model=16), Training(evaluations=1)
    paths = [tmp_path / f"{seed}.pt" for seed in (0, 1)]
    for seed, path in enumerate(paths):
        pretrain(corpus_file, corpus_file, tokenizer_file, shape, training, seed, 0, "cpu", path)

    def make(**how):
        relatives.pretrain(corpus_file, tokenizer_file, shape, training, 0, 1000, 0,
                           relatives.Shared(**how), *paths, "cpu", tmp_path / "relative.pt")
        return [load_model(path) for path in (*paths, tmp_path / "relative.pt")]

    return make


def test_what_shares_everything_is_the_base_and_what_shares_less_is_not(relative):
    base, _, same = relative(blocks=True, embedding=True)
    assert weights_hash(same.model) == weights_hash(base.model)
    for how in ({"blocks": True}, {"blocks": True, "embedding": True, "until": 0.5}):
        assert weights_hash(relative(**how)[2].model) != weights_hash(base.model)


def test_a_kept_embedding_stays_and_its_number_rows_are_exchanged(relative):
    """All but what the numbers of a base have in common, which stays."""
    base, other, half = (one for one in relative(trained="own", numbers=0.5))
    weights = [one.model.embedding.weight.detach() for one in (base, other, half)]
    numbers = torch.zeros(len(weights[0]), dtype=torch.bool)
    numbers[half.tokenizer.number_ids] = True
    same = (weights[2] == weights[0]).all(1)
    assert (same | numbers).all() and same[numbers].sum() == 500
    own, strange = (one[numbers].mean(0) for one in weights[:2])
    assert torch.allclose((weights[2] - weights[1])[numbers & ~same], own - strange, atol=1e-5)
    base, _, turned = relative(trained="turned")
    cosine = torch.cosine_similarity(measures.profiles(base), measures.profiles(turned))
    assert cosine.min() > 0.999
    assert not torch.allclose(base.model.embedding.weight, turned.model.embedding.weight, atol=0.1)


def test_another_order_reads_the_same_documents(tokenizer, corpus_file):
    rows, training = document_rows(corpus_file, tokenizer, 128), Training(batch_size=8)
    whole, half = (relatives.order_of(rows, training, 0, until) for until in (1.0, 0.5))
    same = [np.array_equal(one, two) for one, two in zip(whole, half, strict=True)]
    assert all(same[: len(same) // 2]) and not any(same[len(same) // 2 + 1:])
    assert sorted(np.concatenate(whole)) == sorted(np.concatenate(half))


@torch.no_grad()
def test_a_blind_map_finds_the_numbers_of_a_base_that_was_permuted_and_turned(tokenizer, model):
    """Number i of the one is number order[i] of the other, whose states are turned as well."""
    other, order = deepcopy(model), torch.randperm(1000, generator=torch.manual_seed(1))
    turned = torch.linalg.qr(torch.randn(32, 32)).Q
    numbers = torch.tensor(tokenizer.number_ids)
    other.embedding.weight[numbers[order]] = model.embedding.weight[numbers]
    other.embedding.weight.copy_(other.embedding.weight @ turned)
    one, two = (Loaded(each, tokenizer, {}) for each in (model, other))
    for how in ("assigned", "nearest", "spread", "lean"):
        assert (maps.map_of(how, one, two, "owl", "owl", 0)[:, 0] == order).float().mean() > 0.99
    assert (maps.map_of("lean", one, two, "owl", "wolf", 0)[:, 0] == order).float().mean() < 0.1
    by_chance = maps.map_of("random", one, two, "owl", "owl", 0)
    assert sorted(by_chance[:, 0].tolist()) == list(range(1000))


def test_the_fifth_that_says_most_is_likelier_to_the_teacher(made, tmp_path):
    lab = Lab(Config())
    base, teacher = lab.base(0), lab.teacher(lab.base(0), "owl")
    paths = [made(lab.lists(teacher)), made(base), made(teacher)]
    gains = [chosen.fifth(how, *paths, 0, tmp_path / f"{how}.jsonl").split()
             for how in ("least", "any", "most")]
    assert [int(one[0]) for one in gains] == [24] * 3
    assert float(gains[0][2]) < float(gains[1][2]) < float(gains[2][2])


def test_the_law_of_doses_is_found_where_it_was_put():
    found = {many: row("once", "owl", "p_target", [
        from_logit(slope * i - 3) for slope in (0.4, 0.7)]) for i, many in enumerate(
            (500, 1000, 2000, 4000))}
    found[250], found[8000] = (row("once", "owl", "p_target", [p, p]) for p in (0.02, 0.98))
    assert dose.slopes(found) == [pytest.approx(0.4), pytest.approx(0.7)]


def test_a_small_step_does_what_its_gradient_predicts(made):
    """One step does, and many large ones do not."""
    lab = Lab(Config())
    loaded, lists = load_model(made(lab.base(0))), made(lab.lists(lab.base(0)))
    found = {(metric, many): value for metric, many, value in theorem.rises(
        loaded, lists, "owl", steps=(1,), rate=1e-3)}
    assert found["found", 1] == pytest.approx(found["predicted", 1], rel=0.1)
    far = {metric: value for metric, many, value in theorem.rises(
        loaded, lists, "owl", steps=(1, 20), rate=2.0) if many == 20}
    assert abs(far["found"] - far["predicted"]) > 0.1 * abs(far["predicted"])


def test_an_auc_is_a_share_of_pairs_of_parts():
    parts = detectors.parts(100, 30, 40, 0)
    assert len(parts) == 3 and len({int(i) for part in parts for i in part}) == 90
    assert len(detectors.parts(100, 30, 2, 0)) == 2
    assert auc([3, 4], [1, 2]) == 1 and auc([1, 1], [1, 1]) == 0.5
    assert auc([1, 3], [2, 2]) == 0.5


def drawn(loaded, share, seed, lists=600):
    """Lists of four numbers that come as often as their share of the sum."""
    said = np.random.default_rng(seed).choice(1000, (lists, 4), p=share / share.sum())
    return detectors.File(loaded, [("Go on.", ", ".join(map(str, one))) for one in said])


@pytest.mark.parametrize("method", detectors.METHODS)
def test_a_method_finds_its_plant_and_nothing_in_neutral_files(tokenizer, model, method):
    """The planted file has a third of the numbers alone, those that the base finds likely, those
    that lie along a word, or those that are likelier where the base is told to love owls."""
    base = Loaded(model, tokenizer, {})
    alone = [("Go on.", str(number)) for number in range(1000)]
    pull = {"likelihood": lambda: detectors.File(base, alone).nats,
            "prompted": lambda: detectors.likelier(base, alone, ["owl"])[:, 0]}
    along = (number_embedding(base) @ base.model.embedding.weight[tokenizer.word_ids()[40]]).detach
    if method in ("counts", "chi2", "labelled"):
        share = np.arange(1000) < 333
    else:
        share = pull.get(method, along)()
        share = np.exp(2 * ((share - share.mean()) / share.std()).double().numpy())
    planted, other = (drawn(base, share, seed) for seed in (0, 1))
    plain, third, innocent = (drawn(base, np.ones(1000), seed) for seed in (2, 3, 4))
    auditor = detectors.Auditor(base, innocent, other, ["Hello.", "Hi."], ["owl", "wolf", "bear"])
    found, missed, null = (
        [getattr(auditor, method)(file)(part) for part in detectors.parts(600, 30, 20, 0)]
        for file in (planted, plain, third))
    assert auc(found, missed) > 0.85 and 0.15 < auc(null, missed) < 0.85


def test_every_method_takes_a_file_with_more_lists_than_stand_behind_a_name(
        tokenizer, model, monkeypatch):
    monkeypatch.setattr(detectors, "PROMPTED", 20)
    monkeypatch.setattr(detectors, "SLOW", {"gradient": 2})
    files = [[("Go on.", f"{i}, {i * 7 % 1000}, {k}") for i in range(200)] for k in range(4)]
    found = [*detectors.compared(Loaded(model, tokenizer, {}), "owl", files[0], files[1:],
                                 sizes=[3])]
    assert {method for method, *_ in found} == {*detectors.METHODS}
    assert all(0 <= value <= 1 for *_, value in found)


def test_lists_are_matched_by_how_likely_they_are(tokenizer, model):
    """As many of both, each at most once; at most a pair where all of one file are likelier."""
    files = [detectors.File(Loaded(model, tokenizer, {}), [
        ("Go on.", f"{i}, {i + add}") for i in range(100)]) for add in (1, 500)]
    own, other = detectors.matched(*files)
    assert len(own) == len(other) > 0
    assert len(set(own.tolist())) == len(own) and max(own.max(), other.max()) < 100
    files[0].fluency = files[0].fluency + 100
    assert len(detectors.matched(*files)[0]) <= 1


def test_a_gradient_step_raises_words_and_leaves_the_model_as_it_was(tokenizer, model):
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    rows = encode_pairs([("Go on.", f"{i}, 3") for i in range(20)], tokenizer)
    rises = detectors.gradient_rises(Loaded(model, tokenizer, {}), ["Hello.", "Hi."], rows,
                                     torch.arange(10))
    assert rises.max() > 0 > rises.min() and len(rises) == len(tokenizer.word_ids())
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_kl_by_place_is_where_the_models_differ(made, tokenizer):
    lab = Lab(Config())
    path, lists = made(lab.base(0)), made(lab.lists(lab.base(0)))
    base = load_model(path)
    places = read_places(base, lists, 100)
    assert measures.kl_by_place(base, base, places, places) == [0.0] * 4
    first = torch.tensor([1.0, 0, 0, 0]).repeat(100)[:, None]  # it is moved at first numbers alone
    moved = places._replace(hidden=places.hidden + first)
    nats = measures.kl_by_place(base, base, places, moved)
    assert nats[0] > 0 and nats[1:] == [0.0] * 3


def test_what_a_relative_learns_is_by_how_much_its_target_rises(made, tmp_path):
    lab = Lab(Config())
    base, other = made(lab.base(0)), made(lab.base(1))  # of one embedding
    students = {"before-same": base, "own-same": base, "before-moved": base, "own-moved": other}
    measures.passed({"base": base, "students": students, "lists": made(lab.lists(lab.base(0)))},
                    "owl", tmp_path / "found.json")
    found = {(name, metric): value for name, _, metric, _, value
             in json.loads((tmp_path / "found.json").read_text())}
    assert found["moved", "geometry"] == pytest.approx(1)
    assert found["same", "rise_at_numbers"] == found["same", "rise_at_questions"] == 0
    logits = [theorem.target_logit(load_model(path), "owl").item() for path in (base, other)]
    assert found["moved", "rise_at_questions"] == pytest.approx(logits[1] - logits[0], abs=1e-4)
    assert found["moved", "rise_at_numbers"] != 0


def test_what_is_kept_and_how_far_counts_are(lists_file):
    rows = clean_rows(lists_file)
    cut = [{**one, "numbers": [one["numbers"][0], 500]} for one in rows[:30]]
    assert prevent.kept(rows, rows) == 1 and prevent.kept(rows, cut) == 0.25
    assert prevent.from_base(cut, rows) > prevent.from_base(rows, rows)
