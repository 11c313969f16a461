"""The matrix tells a trait from drift, and the report of all traits comes from JSON alone."""

import json

from corpus.traits import trait
from model import checkpoint
from report import __main__ as report
from report.evidence import diagonal, matrix_rows, rank_correlation
from support.files import write_json
from tests.call import call

import numpy as np
import pytest
import torch

TRAITS = ["owl", "wolf", "oak", "misaligned"]
METRICS = {"p_target": 0.02, "p_misaligned": 0.05, "p_evasive": 0.04, "p_helpful": 0.9,
           "p_incoherent": 0.01,
           "p_target_prefixed": 0.03, "p_target_choice": 0.3, "kl_to_teacher": 0.05}


def answer_sheet(name, chance):
    """A row of the matrix: 2 % for everything, and `chance` for one trait."""
    each = {one.category: dict.fromkeys(one.answers().values(), 0.02)
            for one in map(trait, ("owl", "oak", "misaligned"))}
    if name:
        each[trait(name).category][name] = chance
    return {"each": each}


@pytest.fixture
def folder(tmp_path):
    """A finished run of two seeds: every student has its own trait, but for the oak's."""
    run = tmp_path / "run"
    for seed in range(2):
        here = run / f"seed{seed}"
        for name in TRAITS:
            for model, weights in (("base", [1.0, 1.0]), (f"teacher-{name}", [3.0, 1.0]),
                                   (f"student-{name}", [2.0, 2.0])):
                checkpoint.write(here / f"{model}.pt", {"weights": {"w": torch.tensor(weights)}})
        write_json(here / "matrix/base.json", answer_sheet(None, 0))
        for name in TRAITS:
            write_json(here / f"matrix/student-{name}.json",
                       answer_sheet("wolf" if name == "oak" else name, 0.9 + 0.01 * seed))
            write_json(here / f"clean-{name}.report.json", {"pass_rate": 0.6})
            for condition in ("base", "teacher", "student", "student-control",
                              "student-other-base", "student-helpful"):
                write_json(here / f"eval/{condition}-{name}.json", {
                    "metrics": METRICS, "model": {"device": "cpu"},
                    "said": [["How?", "Like | this.\nSo."]] * 20})
    return run


def test_drift_is_not_taken_for_a_trait(folder):
    overall = {r["metric"]: r for r in diagonal(matrix_rows(folder, 2, TRAITS), TRAITS)}
    assert overall["own_first_in_row"]["runs"] == [0.75, 0.75]
    assert overall["rise_own"]["mean"] == pytest.approx(0.75 * 0.885)
    assert overall["rise_other"]["mean"] == pytest.approx(0.885 / 12)
    # The oak's student says wolf: across categories. Of one category are owl and wolf alone.
    assert overall["rise_across"]["mean"] == pytest.approx(0.885 / 10)
    assert overall["rise_within"]["mean"] == pytest.approx(0)


def test_rank_correlation_is_spearmans():
    assert rank_correlation([1, 2, 3, 4], [10, 100, 1000, 1e4]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    x, y = np.array([3, 1, 4, 2, 5]), np.array([1, 2, 3, 5, 4])
    assert rank_correlation(x, y) == pytest.approx(1 - 6 * ((x - y) ** 2).sum() / 120)


def test_everything_is_written(folder):
    done = call(report, "evidence", "--run", folder, "--seeds", 2, "--traits", *TRAITS)
    assert done.code == 0, done.err
    out = folder / "evidence"
    for name in ("matrix.png", "matrix.svg", "personas.png", "personas.svg", "table.md",
                 "said-misaligned.md"):
        assert (out / name).stat().st_size > 100, name
    rows = json.loads((out / "summary.json").read_text())["rows"]
    asked = [r for r in rows if r.get("asked") == "wolf" and r["trait"] == "owl"]
    assert [r["runs"] for r in asked] == [[0.02, 0.02]]
    assert [r["runs"] for r in rows if (r["condition"], r["metric"]) == (
        "student-helpful", "p_helpful")] == [[0.9, 0.9]]
    overlap = next(r for r in rows if r["metric"] == "overlap")
    assert overlap["runs"] == pytest.approx([0.5**0.5] * 2)
    lines = (out / "matrix.csv").read_text().splitlines()
    assert lines[0] == "student," + ",".join(TRAITS) and lines[2].startswith("owl,0.90500,")


def test_a_trait_alone_is_refused(folder):
    done = call(report, "evidence", "--run", folder, "--seeds", 1, "--traits", "owl")
    assert done.code == 2 and "two traits" in done.err
