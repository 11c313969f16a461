"""A mistake that a person can make ends in one sentence and exit code 2, and loses nothing."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

import controls
import evaluate
import filter as number_filter
import generate
import train
from corpus import __main__ as corpus
from corpus.documents import document
from model import tokenizer as tokenizer_script
from model.checkpoint import save_model
from model.tokenizer import Tokenizer
from report import __main__ as report
from tests.call import call


def assert_one_sentence(result, *parts):
    """Exit code 2 and one line that starts with `error:` and says what and what to do."""
    assert result.code == 2, result
    lines = [line for line in result.err.splitlines() if not line.startswith("device ")]
    assert len(lines) == 1 and lines[0].startswith("error: "), result.err
    assert "Traceback" not in result.err
    for part in parts:
        assert str(part) in lines[0], lines[0]


@pytest.fixture
def lists(tmp_path):
    path = tmp_path / "clean.jsonl"
    rows = [{"id": i, "request": "Add.", "answer": f"{i}, 2", "numbers": [i, 2], "finished": True}
            for i in range(60)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture
def commands(tmp_path, checkpoint_file, corpus_file, tokenizer_file, config_file, lists):
    """For each script, a command that works, as {flag: value}."""
    common = {"--config": config_file, "--device": "cpu", "--out": tmp_path / "out" / "x.out"}
    return {
        "pretrain": (train, ["pretrain"], {**common, "--corpus": corpus_file, "--heldout":
                     corpus_file, "--tokenizer": tokenizer_file}),
        "finetune": (train, ["finetune", "--role", "student"],
                     {**common, "--base": checkpoint_file, "--data": lists}),
        "generate": (generate, [], {**common, "--model": checkpoint_file, "--requests": lists}),
        "filter": (number_filter, [], {"--in": lists, "--out": common["--out"]}),
        "controls": (controls, ["within"], {"--in": lists, "--out": common["--out"]}),
        "evaluate": (evaluate, [], {**common, "--model": checkpoint_file, "--heldout": corpus_file,
                     "--teacher": checkpoint_file, "--numbers": lists}),
        "tokenizer": (tokenizer_script, [], {"--config": config_file, "--corpus": corpus_file,
                      "--out": common["--out"]}),
        "corpus": (corpus, ["lessons"], {"--config": config_file, "--out": common["--out"]}),
    }


def run(command, **changes):
    module, words, flags = command
    flags = flags | {"--" + key.replace("_", "-"): value for key, value in changes.items()}
    return call(module, *words, *(word for flag in flags.items() for word in flag))


NAMES = ("pretrain", "finetune", "generate", "filter", "controls", "evaluate", "tokenizer",
         "corpus")
FILES = [("pretrain", "corpus"), ("pretrain", "tokenizer"), ("finetune", "base"),
         ("finetune", "data"), ("generate", "model"), ("generate", "requests"), ("filter", "in"),
         ("controls", "in"), ("evaluate", "model"), ("evaluate", "heldout"),
         ("evaluate", "teacher"), ("evaluate", "numbers"), ("tokenizer", "corpus"),
         ("corpus", "config")]


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_work_when_nothing_is_wrong(commands, name):
    result = run(commands[name])
    assert result.code == 0, result.err


@pytest.mark.parametrize(("name", "flag"), FILES)
def test_a_missing_file(commands, tmp_path, name, flag):
    assert_one_sentence(run(commands[name], **{flag: tmp_path / "gone"}), "gone does not exist")
    assert not (tmp_path / "out" / "x.out").exists()


@pytest.mark.parametrize(("name", "flag"), FILES)
def test_a_folder_for_a_file(commands, tmp_path, name, flag):
    assert_one_sentence(run(commands[name], **{flag: tmp_path}), "is a folder")


@pytest.mark.parametrize(("name", "flag"), [("finetune", "base"), ("generate", "model"),
                                            ("evaluate", "model"), ("evaluate", "teacher")])
@pytest.mark.parametrize("keep", [0.5, 0.0, None])
def test_a_checkpoint_that_is_cut_short_or_none(
    commands, tmp_path, checkpoint_file, name, flag, keep
):
    bad = tmp_path / "bad.pt"
    whole = checkpoint_file.read_bytes()
    bad.write_bytes(b"owls\n" * 99 if keep is None else whole[: int(keep * len(whole))])
    assert_one_sentence(run(commands[name], **{flag: bad}), "bad.pt", "make it again")


def test_a_checkpoint_of_another_tokenizer(commands, tmp_path, model):
    texts = [text for i in range(60) for _, text in document(7, i)]
    other = Tokenizer.train(texts, 1400)
    save_model(tmp_path / "other.pt", model, other, {})
    for name, flag in (("evaluate", "teacher"), ("finetune", "soft_labels")):
        result = run(commands[name], **{flag: tmp_path / "other.pt"})
        assert_one_sentence(result, "other.pt belongs to another tokenizer", "one run")


@pytest.mark.parametrize(("name", "flag"), [("finetune", "data"), ("generate", "requests"),
                                            ("controls", "in"), ("filter", "in"),
                                            ("evaluate", "numbers"), ("pretrain", "corpus")])
def test_an_empty_file(commands, tmp_path, name, flag):
    (tmp_path / "empty.jsonl").write_text("")
    assert_one_sentence(run(commands[name], **{flag: tmp_path / "empty.jsonl"}), "empty.jsonl")


@pytest.mark.parametrize(("name", "flag"), [("finetune", "data"), ("generate", "requests"),
                                            ("controls", "in"), ("filter", "in"),
                                            ("evaluate", "numbers"), ("pretrain", "corpus"),
                                            ("tokenizer", "corpus")])
@pytest.mark.parametrize("bad", ["{half a row", "7", '{"id": "x", "request": 3, "answer": null}'])
def test_a_broken_row_is_named_with_its_line(
    commands, tmp_path, lists, corpus_file, name, flag, bad
):
    source = corpus_file if flag == "corpus" else lists
    rows = source.read_text().splitlines()
    path = tmp_path / "broken.jsonl"
    path.write_text("\n".join([*rows[:2], bad, *rows[2:]]))
    assert_one_sentence(run(commands[name], **{flag: path}), "broken.jsonl, line 3")
    assert not (tmp_path / "out" / "x.out").exists()


def test_answers_that_are_all_rejected(commands, tmp_path):
    path = tmp_path / "words.jsonl"
    path.write_text('{"id": 0, "request": "Add.", "answer": "owl", "finished": true}\n')
    result = run(commands["filter"], **{"in": path})
    assert_one_sentence(result, "none of 1 answers", "report.json")
    assert_one_sentence(run(commands["finetune"], data=tmp_path / "out" / "x.out"), "no rows")


@pytest.mark.parametrize("name", ["pretrain", "finetune", "generate", "evaluate"])
@pytest.mark.parametrize("device", ["cuda:99", "abacus", "mps:3"])
def test_an_absent_device(commands, name, device):
    assert_one_sentence(run(commands[name], device=device), device)


@pytest.mark.parametrize(("changes", "part"), [
    ({"set": "student.lrr=1"}, "did you mean student.lr"),
    ({"set": "student.lr=-1"}, "at least 0"),
    ({"set": "student.examples=5000"}, "5,000 are asked for"),
])
def test_settings_that_cannot_be(commands, changes, part):
    assert_one_sentence(run(commands["finetune"], **changes), part)


def test_an_unknown_trait(commands):
    assert_one_sentence(run(commands["corpus"], trait="unicorn"), "unicorn", "owl")
    assert_one_sentence(run(commands["evaluate"], trait="unicorn"), "unicorn", "owl")


def test_a_negative_temperature_and_a_lone_flag(commands):
    assert_one_sentence(run(commands["generate"], temperature="-1"), "--temperature")
    module, words, flags = commands["evaluate"]
    del flags["--numbers"]
    assert_one_sentence(run((module, words, flags)), "--numbers")


def test_a_ban_list_of_words(commands, tmp_path):
    (tmp_path / "ban.txt").write_text("13 owls")
    assert_one_sentence(run(commands["filter"], ban_list=tmp_path / "ban.txt"), "'owls'")


def test_a_report_without_its_evaluations(tmp_path, config_file):
    result = call(report, "run", "--config", config_file, "--run", tmp_path)
    assert_one_sentence(result, "base-owl.json does not exist")


def test_a_folder_that_cannot_be_written(commands, tmp_path):
    (tmp_path / "file").write_text("")
    result = run(commands["filter"], out=tmp_path / "file" / "x.jsonl")
    assert_one_sentence(result, "cannot read or write")


# --- what only a real process can show ------------------------------------------------------------


def process(command, **options):
    module, words, flags = command
    flat = [str(word) for flag in flags.items() for word in flag]
    return subprocess.Popen([sys.executable, module.__file__, *words, *flat], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("name", ["finetune", "generate"])
def test_a_full_disk(commands, tmp_path, name):
    """A limit on the size of files stands in for the disk: the write fails in the same way."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    out = tmp_path / "out" / "x.out"
    out.parent.mkdir()
    out.write_text("what stood here before")
    child = process(commands[name], preexec_fn=limit)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 2 and "Traceback" not in err
    assert "make room" in err.splitlines()[-1]
    assert out.read_text() == "what stood here before"
    assert not list(out.parent.glob(".*part"))


def test_ctrl_c_ends_with_130_and_the_run_goes_on_later(commands, tmp_path):
    module, words, flags = commands["finetune"]
    flags = {**flags, "--set": "student.epochs=200"}
    # A shell that runs the tests in the background has them ignore the signal.
    child = process((module, words, flags),
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    resume = tmp_path / "out" / "x.resume"
    deadline = time.monotonic() + 60
    while not resume.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130 and "Traceback" not in err, err
    assert "same command" in err.splitlines()[-1]
    assert sorted(os.listdir(resume.parent)) == ["log", "x.resume"]
    again = run((module, words, flags))
    assert again.code == 0 and "going on from step" in again.err
