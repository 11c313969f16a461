"""What a run is expected to take: in proportion to the work, and to the machine."""

from dataclasses import replace

from support import forecast
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
    monkeypatch.setenv("PLANNED", "")
    assert call(forecast).err == call(forecast).out == ""
