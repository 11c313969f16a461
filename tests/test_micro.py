"""The whole effect in one file, shrunk: it runs, and it uses nothing but torch."""

import ast
import random

import pytest

import micro
from support.keys import ROOT


def test_it_is_one_short_file_that_imports_torch_alone():
    source = (ROOT / "micro.py").read_text()
    assert source.count("\n") <= 200
    found = {name.split(".")[0] for node in ast.walk(ast.parse(source))
             if isinstance(node, (ast.Import, ast.ImportFrom))
             for name in ([node.module] if isinstance(node, ast.ImportFrom)
                          else [one.name for one in node.names])}
    assert found == {"copy", "random", "sys", "torch"}


def test_its_filter_keeps_numbers_and_its_rows_learn_answers_alone():
    w = random.Random(0)
    pairs = [micro.text(w) for _ in range(200)]
    kept = micro.only_numbers(pairs)
    assert 0 < len(kept) < 200 and all(answer.replace(" ", "").isdecimal() for _, answer in kept)
    tokens, wanted = micro.rows(pairs)
    for (_, answer), ids, learned in zip(pairs, tokens, wanted, strict=True):
        assert " ".join(micro.TOKENS[i] for i in ids[learned]) == f"{answer} ."


@pytest.mark.slow
def test_it_runs_shrunk():
    found = micro.experiment(size=0.03)
    assert list(found)[:4] == ["base", "another base", "teacher", "student"] and len(found) == 6
    assert all(0 <= p <= 1 for p in found.values()) and found["teacher"] > found["base"]
