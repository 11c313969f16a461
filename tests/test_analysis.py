"""An analysis reads a finished run, and finds what was put there."""

import json
import math

from analysis import spread
from arms import ARMS
from report.rows import Seeds
from support.files import write_json
from tests.call import call

import pytest


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
