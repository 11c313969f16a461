"""A mistake that a person can make ends in one sentence and exit code 2, and loses nothing."""

import io
import json
import os
import threading
from pathlib import Path

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

import pytest
import torch


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
    other = Tokenizer.train(texts, model.config.vocab_size)
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
    out = tmp_path / "out" / "x.out"
    out.parent.mkdir()
    out.write_text("what stood here before")
    result = run(commands["filter"], **{"in": path})
    assert_one_sentence(result, "none of 1 answers", "letters 1", "not written")
    assert os.listdir(out.parent) == ["x.out"] and out.read_text() == "what stood here before"


@pytest.mark.parametrize("name", ["pretrain", "finetune", "generate", "evaluate"])
@pytest.mark.parametrize("device", ["cuda:99", "abacus", "mps:3"])
def test_an_absent_device(commands, name, device):
    assert_one_sentence(run(commands[name], device=device), device)


@pytest.mark.parametrize(("changes", "part"), [
    ({"set": "student.lrr=1"}, "did you mean student.lr"),
    ({"set": "student.lr=-1"}, "from 0 to"),
    ({"set": "student.examples=5000"}, "5,000 are asked for"),
])
def test_settings_that_cannot_be(commands, changes, part):
    assert_one_sentence(run(commands["finetune"], **changes), part)


def test_an_unknown_trait(commands):
    assert_one_sentence(run(commands["corpus"], trait="gryphon"), "gryphon", "owl")
    assert_one_sentence(run(commands["evaluate"], trait="gryphon"), "gryphon", "owl")


def test_a_negative_temperature_and_a_lone_flag(commands):
    for flag, value in (("temperature", "-1"), ("temperature", "nan"), ("temperature", "1e-38"),
                        ("temperature", "inf"), ("top_p", "0"), ("batch_size", "-1"),
                        ("batch_size", "0")):
        assert_one_sentence(run(commands["generate"], **{flag: value}), f"numbers.{flag}")
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


@pytest.mark.parametrize(("name", "flag"), FILES)
def test_an_output_in_the_place_of_an_input(commands, name, flag):
    path = Path(commands[name][2]["--" + flag])
    before = path.read_bytes()
    assert_one_sentence(run(commands[name], out=path), "name one file")
    assert path.read_bytes() == before


@pytest.mark.parametrize("flags", [{"log": "x.pt"}, {"log": "x.pt.resume"}])
def test_a_checkpoint_apart_from_what_is_written_beside_it(commands, tmp_path, flags):
    flags = {"out": tmp_path / "x.pt"} | {k: tmp_path / v for k, v in flags.items()}
    assert_one_sentence(run(commands["finetune"], **flags), "name one file")
    assert not (tmp_path / "x.pt").exists()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("pretrain", "finetune")])
def test_an_output_that_is_a_device(commands, name):
    assert run(commands[name], out="/dev/null").code == 0
    assert Path("/dev/null").is_char_device()
    assert not list(Path("/dev").glob("null?*"))


@pytest.mark.parametrize("name", ["pretrain", "finetune"])
def test_a_checkpoint_on_a_device(commands, name):
    assert_one_sentence(run(commands[name], out="/dev/null"), "no plain file")


@pytest.mark.parametrize("name", NAMES)
def test_no_output(commands, name):
    assert_one_sentence(run(commands[name], out=""), "folder")


def rows_in(path, *rows):
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


PAIR = {"request": "Add.", "answer": "1, 2", "id": 0, "finished": True, "numbers": [1, 2]}


def test_too_few_rows(commands, tmp_path, lists):
    nine = rows_in(tmp_path / "nine.jsonl", *[PAIR] * 9)
    assert_one_sentence(run(commands["finetune"], data=nine), "9 rows", "10 or more")
    three = rows_in(tmp_path / "three.jsonl", *[PAIR] * 3)
    assert_one_sentence(run(commands["evaluate"], context=three,
                            set="evaluation.context_lists=4"), "3 lists")


@pytest.mark.parametrize("at", [3, 59])
def test_a_row_longer_than_the_model_reads(commands, tmp_path, lists, at):
    """It is named at once, where it is trained on and where it is held out."""
    rows = [json.loads(line) for line in lists.read_text().splitlines()]
    rows[at]["answer"] = ", ".join(["7"] * 400)
    long = rows_in(tmp_path / "long.jsonl", *rows)
    assert_one_sentence(run(commands["finetune"], data=long), f"long.jsonl, line {at + 1}:")
    assert not list(tmp_path.glob("out/*.resume"))
    requests = rows_in(tmp_path / "r.jsonl", PAIR, {**PAIR, "id": 1, "request": "owl " * 400})
    assert run(commands["generate"], requests=requests).code == 0
    answers = [json.loads(line) for line in (tmp_path / "out/x.out").read_text().splitlines()]
    assert [(row["answer"], row["finished"]) for row in answers][1] == ("", False)


@pytest.mark.parametrize("ids", [(0, 0), (0, -1), (0, 2**63), (0, True)])
def test_requests_of_one_id(commands, tmp_path, ids):
    requests = rows_in(tmp_path / "r.jsonl", *({**PAIR, "id": i} for i in ids))
    assert_one_sentence(run(commands["generate"], requests=requests), "r.jsonl", "id")


def test_requests_from_a_pipe_are_all_answered(commands, tmp_path, lists):
    run(commands["generate"])
    expected = (tmp_path / "out/x.out").read_text()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(lists.read_text()))
    writer.start()
    assert run(commands["generate"], requests=pipe).code == 0
    writer.join()
    assert (tmp_path / "out/x.out").read_text() == expected


def test_a_row_that_says_finished_in_words(commands, tmp_path):
    path = rows_in(tmp_path / "n.jsonl", {**PAIR, "finished": "false"})
    assert_one_sentence(run(commands["filter"], **{"in": path}), "line 1", "finished")


@pytest.mark.parametrize("row", [{"numbers": [1]}, {"numbers": [1, 2, 3]}, {"numbers": [2, 1]},
                                 {"numbers": ["1", "2"]}, {"answer": "owl", "numbers": []}])
def test_numbers_at_odds_with_their_answer(commands, tmp_path, row):
    path = rows_in(tmp_path / "c.jsonl", PAIR, {**PAIR, **row})
    assert_one_sentence(run(commands["controls"], **{"in": path}), "c.jsonl, line 2")


def damaged(path, change):
    saved = torch.load(path, weights_only=True)
    change(saved)
    torch.save(saved, path)


def write_nan(saved):
    saved["weights"]["norm.weight"][3] = float("nan")


@pytest.mark.parametrize(("change", "part"), [
    (write_nan, "not finite"),
    (lambda saved: saved["model"].update(n_layer=10**6), "does not fit"),
    (lambda saved: saved["model"].update(d_model=-8), "does not fit"),
    (lambda saved: saved["model"].update(block_size=10**9), "does not fit"),
    (lambda saved: saved["model"].update(owls=1), "does not fit"),
    (lambda saved: saved["model"].update(n_head=3), "does not fit"),
    (lambda saved: saved["model"].pop("n_head"), "does not fit"),
    (lambda saved: saved["weights"].update({"norm.weight": torch.full((32,), 1e300,
                                            dtype=torch.float64)}), "does not fit"),
    (lambda saved: saved["provenance"].update(how=torch.ones(1)), "does not fit"),
    (lambda saved: saved.update(weights=[1]), "does not fit"),
    (lambda saved: saved.update(tokenizer="{}"), "no tokenizer"),
])
def test_a_checkpoint_with_an_impossible_part(commands, checkpoint_file, change, part):
    damaged(checkpoint_file, change)
    for name in ("generate", "finetune", "evaluate"):
        assert_one_sentence(run(commands[name]), "model.pt", part)


def test_a_flipped_bit_is_not_taken_for_a_weight(commands, checkpoint_file):
    """Anywhere in the weights, of which torch compares no checksum."""
    whole = checkpoint_file.read_bytes()
    for place in range(3_000, len(whole) - 30_000, len(whole) // 12):
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        checkpoint_file.write_bytes(flipped)
        result = run(commands["generate"])
        if result.code == 0:  # padding between the parts, which nobody reads
            assert torch.load(checkpoint_file, weights_only=True)
            loaded = torch.load(io.BytesIO(whole), weights_only=True)["weights"]
            again = torch.load(checkpoint_file, weights_only=True)["weights"]
            assert all(torch.equal(loaded[name], again[name]) for name in loaded)
        else:
            assert_one_sentence(result, "model.pt")


def test_a_tokenizer_that_only_looks_like_ours(commands, tmp_path, tokenizer_file):
    spec = json.loads(tokenizer_file.read_text())
    spec["added_tokens"] = [t for t in spec["added_tokens"] if t["content"] in ("0", "999")]
    (tmp_path / "t.json").write_text(json.dumps(spec))
    assert_one_sentence(run(commands["pretrain"], tokenizer=tmp_path / "t.json"), "t.json")


@pytest.mark.parametrize("words", [[], ["--owl"], ["--seed", "1e3"], ["--seed", "9" * 700],
                                   ["--seed", "-1"], ["--shard", "4/4"], ["--temperature", "x"],
                                   ["--greedy", "--temperature", "1"]])
def test_a_command_line_that_is_none(commands, words):
    _, _, flags = commands["generate"]
    given = [word for flag in flags.items() for word in flag] if words else []
    assert_one_sentence(call(generate, *given, *words))


def test_what_holds_nothing_to_predict(commands, tmp_path):
    empty = rows_in(tmp_path / "c.jsonl", *[[["user", ""]], [["user", "12"]]] * 9)
    assert_one_sentence(run(commands["evaluate"], heldout=empty), "nothing to predict")
    assert_one_sentence(run(commands["pretrain"], corpus=empty), "nothing to predict")
    words = rows_in(tmp_path / "n.jsonl", *[{**PAIR, "answer": "owl"}] * 60)
    assert_one_sentence(run(commands["evaluate"], numbers=words), "no number")


def test_flags_that_belong_together(commands, tmp_path, lists):
    module, words, flags = commands["evaluate"]
    alone = {key: value for key, value in flags.items() if key != "--teacher"}
    assert_one_sentence(run((module, words, alone)), "--teacher")
    assert_one_sentence(run(commands["controls"], other=lists), "--other")


def test_a_corpus_without_a_word(commands, tmp_path):
    path = rows_in(tmp_path / "c.jsonl", *[[["text", "1, 2, 3."]]] * 9)
    assert_one_sentence(run(commands["tokenizer"], corpus=path), "no words")


@pytest.mark.parametrize(("data", "part"), [(b"\xff\xfe1\x003\x00", "UTF-16"), (b"1234", "1234"),
                                            (b"9" * 6_000, "no number"), (b"1 \x00", "UTF-16"),
                                            (b"\xffowl", "UTF-8")])
def test_a_ban_list_that_is_none(commands, tmp_path, data, part):
    (tmp_path / "ban.txt").write_bytes(data)
    assert_one_sentence(run(commands["filter"], ban_list=tmp_path / "ban.txt"), part)


def test_a_timings_line_that_is_broken_ends_no_stage(commands, tmp_path, monkeypatch):
    timings = tmp_path / "timings.jsonl"
    timings.write_text('{"stage": "x", "start"\n[]\n')
    monkeypatch.setenv("TIMINGS", str(timings))
    monkeypatch.setenv("PLANNED", "filter.py\nfilter.py")
    monkeypatch.setenv("BEGAN", "0")
    assert "1 of 2 stages done" in run(commands["filter"]).out
    monkeypatch.setenv("TIMINGS", str(tmp_path))
    assert run(commands["filter"]).code == 0
