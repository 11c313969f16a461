"""Settings are read strictly, and a mistake is named with its cure."""

import tomllib
from dataclasses import asdict, fields

import pytest

from support.files import UserError, write_text
from support.keys import ROOT
from support.settings import Config, load_config, with_flags


def test_defaults_then_file_then_changes(tmp_path, monkeypatch):
    """The defaults are the laptop's. A config is found beside the code, and first where one is."""
    monkeypatch.chdir(tmp_path)
    assert load_config("configs/laptop.toml") == Config()
    write_text("configs/laptop.toml", '\ufeff[student]\nlr = 1\ntrain = "all"\n')
    made = load_config("configs/laptop.toml", [
        "student.rank=7", "student.train=blocks", "model.n_layer=3", 'corpus.text_files=["a.txt"]'])
    assert made.student.lr == 1.0 and isinstance(made.student.lr, float)
    assert (made.student.rank, made.student.train, made.model.n_layer) == (7, "blocks", 3)
    assert made.corpus.text_files == ("a.txt",) and made.teacher == Config().teacher
    assert with_flags(made.numbers, "numbers", top_p=None, temperature=0.0).temperature == 0


@pytest.mark.parametrize(("text", "change", "part"), [
    ("[studnt]", "", "student"), ("[student]\nlrr = 1", "", "student.lrr"),
    ("[pretrain]\nrank = 1", "", "pretrain.rank"),  # a setting of finetuning
    ("[student]\nlr = 'x'", "", "float"), ("[student]\nlr = nan", "", "student.lr"),
    ("[student]\nrank = 1.5", "", "int"), ("[student]\nrank = true", "", "student.rank"),
    ("[student]\ntrain = 'some'", "", "all, blocks, lora"), ("student = 3", "", "[student]"),
    ("[corpus]\ntext_files = [1]", "", "corpus.text_files"), ("[student", "", "c.toml"),
    ("[student]\nexamples = 90\n[numbers]\nenough = 99", "", "490"),
    ("[model]\nd_model = 30\nn_head = 4", "", "model.d_model = 30"),
    ("[model]\nd_model = 16384\nn_layer = 200", "", "weights"),
    ("", "numbers.temperature=1e-38", "0.001"), ("", "student.lr=.5", "0.5"),
    ("", "student.lr", "section.key=value"), ("", "lr=3", "section.key=value"),
    ("", "student.lr=" + "9" * 400, "0 to 100"), ("", "corpus.seed=" + "9" * 400, "18"),
    ("", "student.lr=" + "9" * 5000, "999"), ("", "student.lr=" + "[" * 5000, "[[[")])
def test_mistakes_are_named(tmp_path, text, change, part):
    (path := tmp_path / "c.toml").write_text(text)
    with pytest.raises(UserError) as error:
        load_config(path, [change] if change else [])
    assert part in str(error.value) and len(str(error.value)) < 300


@pytest.mark.parametrize("section", asdict(Config()))
def test_every_number_has_a_range_and_does_not_leave_it(section):
    default = getattr(Config(), section)
    for setting in fields(default):
        if type(setting.default) in (int, float) and setting.name != "seed":
            low, high = setting.metadata["low"], setting.metadata["high"]
            for good in {low, high} - {float("inf")}:
                with_flags(default, section, **{setting.name: good})
            for bad in (low - 1, high + 1, 10**18):
                with pytest.raises(UserError, match=f"{section}.{setting.name} "):
                    with_flags(default, section, **{setting.name: bad})


@pytest.mark.parametrize("path", [*ROOT.glob("configs/*.toml")], ids=lambda path: path.stem)
def test_a_config_holds_only_what_it_changes(path):
    made, defaults = asdict(load_config(path)), asdict(Config())
    for section, table in tomllib.loads(path.read_text()).items():
        assert not [key for key in table if made[section][key] == defaults[section][key]]
