"""Settings are read strictly, and a mistake is met with its cure."""

import json
from pathlib import Path

from support import settings
from support.settings import load_config
from tests.call import call

import pytest


def write(tmp_path, text):
    path = tmp_path / "c.toml"
    path.write_text(text)
    return path


def test_defaults_then_file_then_changes(tmp_path):
    path = write(tmp_path, '[student]\nlr = 1\ntrain = "lora"\n')
    made = load_config(path, ["student.rank=7", "student.train=blocks", "model.n_layer=3"])
    assert made.student.lr == 1.0 and isinstance(made.student.lr, float)
    assert (made.student.rank, made.student.train, made.model.n_layer) == (7, "blocks", 3)
    assert made.teacher == settings.Training()


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("[studnt]\n", [], "unknown section studnt; did you mean student"),
        ("[student]\nlrr = 1\n", [], "unknown key student.lrr; did you mean student.lr"),
        ("[student]\nlr = 'x'\n", [], "student.lr must be of type float"),
        ("", ["student.lr=.5"], "TOML writes 0.5"),
        ("[student]\nrank = 1.5\n", [], "student.rank must be of type int"),
        ("[student]\nrank = true\n", [], "student.rank must be of type int"),
        ("[student]\nrank = 0\n", [], "student.rank must be from 1 to 16384"),
        ("[student]\nwarmup = 2\n", [], "student.warmup must be from 0 to 1"),
        ("[student]\nlr = nan\n", [], "student.lr must be"),
        ("[student]\ntrain = 'some'\n", [], "student.train must be one of all, blocks, lora"),
        ("[pretrain]\ntrain = 'lora'\n", [], "nothing to freeze"),
        ("[student]\nexamples = 90\n[numbers]\nenough = 99\n", [], "numbers.enough = 99 is less"),
        ("[model]\nd_model = 30\nn_head = 4\n", [], "must be a multiple"),
        ("student = 3\n", [], "student must be a section"),
        ("[student\n", [], "not valid TOML"),
        ("", ["student.lr"], "write section.key=value"),
        ("", ["lr=3"], "write section.key=value"),
        ("", ["student.nothing=3"], "unknown key student.nothing"),
        ("\ufeff[student]\nlr = -1\n", [], "student.lr must be from 0"),  # the mark is passed over
        ("", ["student.beta1=1"], "student.beta1 must be from 0 to 0.999999"),
        ("", ["model.d_model=1000000"], "model.d_model must be from 8"),
        ("", ["model.d_model=16384", "model.n_layer=200"], "does not fit here"),
        ("", ["numbers.temperature=1e-38"], "0, or at least 0.001"),
        ("", ["numbers.temperature=inf"], "numbers.temperature must be from 0"),
        ("", ["student.batch_size=" + "9" * 400], "student.batch_size must be at least 1"),
        ("", ["student.lr=" + "9" * 400], "student.lr must be from 0"),
        ("", ["corpus.seed=" + "9" * 400], "at most 18 digits"),
        ("", ["student.lr=" + "9" * 5000], "too long"),
        ("", ["student.lr=" + "[" * 5000], "student.lr must be of type|too long"),
    ],
)
def test_mistakes_are_named(tmp_path, text, changes, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        load_config(write(tmp_path, text), changes)


@pytest.mark.parametrize("name", sorted(p.name for p in Path("configs").glob("*.toml")))
def test_every_config_of_the_project_is_valid(name):
    load_config(f"configs/{name}")


def test_a_config_is_found_from_any_folder(tmp_path, monkeypatch):
    """And one of that name in the folder itself comes first."""
    ours = load_config("configs/laptop.toml")
    monkeypatch.chdir(tmp_path)
    assert load_config("configs/laptop.toml") == ours
    Path("configs").mkdir()
    Path("configs/laptop.toml").write_text("[student]\nlr = 1\n")
    assert load_config("configs/laptop.toml").student.lr == 1


def test_settings_are_printed_whole_or_a_section(tmp_path):
    path, out = write(tmp_path, "[student]\nlr = 1\n"), tmp_path / "student.json"
    assert json.loads(call(settings, "--config", path).out)["student"]["lr"] == 1.0
    flags = ["--config", path, "--set", "student.lr=2", "--section", "student", "--out", out]
    assert call(settings, *flags).code == 0
    assert json.loads(out.read_text())["lr"] == 2.0
