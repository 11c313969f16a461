"""What a run is expected to take: in proportion to the work, and to the machine."""

import json
from dataclasses import replace

from support import forecast
from support.cli import tell_progress
from support.files import write_jsonl
from support.forecast import START, costs, matmul_rate, seconds
from support.settings import load_config
from tests.call import call

import pytest


def test_twice_the_rate_takes_half_the_time_and_twice_the_text_twice():
    config = load_config("configs/laptop.toml")
    slow, fast = costs(config, 1e9), costs(config, 2e9)
    for stage in slow:
        assert slow[stage] - START == pytest.approx(2 * (fast[stage] - START))
    more = replace(config, corpus=replace(config.corpus, documents=2 * config.corpus.documents))
    stage = "train.py pretrain"
    assert costs(more, 1e9)[stage] - START == pytest.approx(2 * (slow[stage] - START))
    planned = [stage, stage, "filter.py"]
    assert seconds(planned, slow, 2) == pytest.approx(slow[stage] + START / 2)


def test_a_rate_is_one_that_a_processor_can_have():
    assert 1e8 < matmul_rate(0.05) < 1e13


def test_it_is_said_where_something_is_planned(monkeypatch):
    monkeypatch.setattr(forecast, "on_gpu", lambda: False)
    monkeypatch.setenv("PLANNED", "train.py pretrain\nfilter.py")
    result = call(forecast, "--jobs", 2)
    assert result.code == 0 and "2 stages, 2 at a time, in about" in result.err
    assert json.loads(result.out)["jobs"] == 2
    monkeypatch.setenv("PLANNED", "")
    assert call(forecast).err == call(forecast).out == ""


@pytest.mark.parametrize("seconds_each, minutes", [(20.0, 4.8), (40.0, 9.8)])
def test_the_time_left_goes_by_what_stages_took(tmp_path, monkeypatch, capsys, seconds_each,
                                                minutes):
    """Of 40 long stages, two at a time, and a short one that took ten times what was expected."""
    timings, long = tmp_path / "timings.jsonl", "train.py finetune"
    monkeypatch.setenv("COSTS", json.dumps({long: 20.0, "filter.py": 1.0, "jobs": 2}))

    def left(took: list[dict]) -> float:
        write_jsonl(timings, [{"start": 5.0, "mb": 1.0, **one} for one in took])
        tell_progress(timings, 0.0, [*[long] * 40, "filter.py"])
        return float(capsys.readouterr().out.split("about ")[1].split()[0])

    short = {"stage": "filter.py", "seconds": 10.0}
    assert 6.6 < left([short]) < 8  # 40 x 20 s / 2, and not ten times as much
    assert left([short] + [{"stage": long, "seconds": seconds_each}] * 10) == pytest.approx(
        minutes, rel=0.2)
