"""A mistake that a person can make ends in one sentence and exit code 2, and loses nothing."""

import json
from pathlib import Path

import pytest
import torch

import evaluate
from corpus.documents import document
from model.checkpoint import save_model
from model.score import Score
from model.tokenizer import Tokenizer
from tests.call import call

NAMES = ("pretrain", "finetune", "stretch", "generate", "filter", "evaluate")
PAIR = {"request": "Add.", "answer": "1, 2", "id": 0, "finished": True, "numbers": [1, 2]}
WORD, LONG = {**PAIR, "answer": "owl"}, {**PAIR, "answer": "7, " * 400}
ROW, DOCUMENT = json.dumps(PAIR).encode() + b"\n", b'[["text", "Owls fly."]]\n'
BAD_LINES = (b"{half a row", b"7", b'{"id": "x", "request": 3}', b"caf\xe9")
NO_TEXT = ["13".encode("utf-16"), b"\xff13", b"1 \x00"]
FILES = {  # what holds no such file, by the flags that name one
    "finetune.base finetune.soft_labels stretch.base stretch.model generate.model evaluate.model "
    "evaluate.teacher chat.words":
        [b"", b"owls\n" * 99],
    "finetune.data finetune.probe stretch.requests generate.requests filter.in evaluate.numbers "
    "evaluate.context":
        [b"", *(ROW + ROW + line for line in BAD_LINES)],
    "pretrain.corpus pretrain.heldout evaluate.heldout":
        [b"", *(DOCUMENT + DOCUMENT + line for line in BAD_LINES)],
    "pretrain.tokenizer pretrain.config": [*NO_TEXT, b"{owls"],
    "filter.ban_list generate.ban_list": [*NO_TEXT, b"13 owls"],
    "evaluate.questions": [*NO_TEXT, b" \n"]}


@pytest.fixture(autouse=True)
def quick_evaluation(monkeypatch):
    """Evaluation reads its files as ever, and makes up what the model says, to save a second."""
    for name, made in {
            "score": lambda model, rows: Score(*torch.ones(3, len(rows))),
            "score_choices": lambda model, asked, said: torch.zeros(len(asked), len(said)),
            "answers": lambda *given, **_: [[(i, "", True) for i in given[3]]]}.items():
        monkeypatch.setattr(evaluate, name, made)


@pytest.fixture
def refused(command, tmp_path, monkeypatch):
    """A function that runs a command and checks that it says these parts in one sentence, with exit
    code 2, and leaves every file as it was."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/x.out").write_text("what stood here before")

    def files():
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def check(name, *parts, **changes):
        if "questions" in changes:
            changes = {"teacher": None, "numbers": None, **changes}
        before = files()
        result = call(*command(name, **changes))
        lines = [line for line in result.err.splitlines() if not line.startswith("device ")]
        assert result.code == 2 and len(lines) == 1 and lines[0].startswith("error: "), result
        assert all(str(part) in lines[0] for part in parts), lines[0]
        assert files() == before

    return check


def file(data):
    Path("bad file").write_bytes(data)
    return "bad file"


def rows_file(rows):
    return file("\n".join(json.dumps(row) for row in rows).encode())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "changes"), [
    *((name, {}) for name in (*NAMES, "chat")),
    ("finetune", {"soft_labels": "model.pt", "probe": "clean.jsonl"}),
    ("generate", {"set": "numbers.temperature=0", "system": "Hello."})])
def test_the_commands_work_when_nothing_is_wrong(command, tmp_path, name, changes, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*command(name, **changes))
    assert result.code == 0, result.err


@pytest.mark.slow
@pytest.mark.parametrize(("called", "broken"), [
    (called, broken) for flags, broken in FILES.items() for called in flags.split()])
def test_a_file_that_is_missing_or_broken_or_the_output(refused, tmp_path, called, broken):
    name, flag = called.split(".")
    refused(name, "gone", **{flag: "gone"})
    refused(name, tmp_path, "folder", **{flag: tmp_path})
    if name != "chat":
        refused(name, "x.out", "--out", **{flag: tmp_path / "out/x.out"})
    for data in broken:
        line = "line 3" if data.count(b"\n") == 2 else ""
        refused(name, "bad file", line, **{flag: file(data)})


def test_data_that_stands_where_a_run_keeps_its_state(refused, lists_file, tmp_path):
    """It would be deleted with the state once the run is over."""
    data = lists_file.rename(tmp_path / "out/x.out.resume")
    refused("finetune", data, "lost", data=data)


@pytest.mark.parametrize(("part", "value"), [
    ("weights", {"norm.weight": torch.full((32,), torch.nan)}),
    ("weights", {"norm.weight": torch.ones(32).double()}), ("weights", [1]),
    ("model", {"n_layer": 10**6}), ("model", {"d_model": -8}), ("model", {"block_size": 10**9}),
    ("model", {"owls": 1}), ("model", {"n_head": 3}), ("tokenizer", "{}"), ("provenance", None),
    ("provenance", {"how": torch.ones(1)})])
def test_a_checkpoint_with_an_impossible_part(refused, checkpoint_file, part, value):
    saved = torch.load(checkpoint_file, weights_only=True)
    saved[part] = {**saved[part], **value} if isinstance(value, dict) else value
    torch.save(saved, checkpoint_file)
    refused("generate", "model.pt")


def test_a_checkpoint_that_is_cut_short_or_has_a_flipped_bit(refused, checkpoint_file, model):
    """In any of its weights: torch compares no checksum."""
    whole = checkpoint_file.read_bytes()
    refused("generate", "bad file", model=file(whole[: len(whole) // 2]))
    for weight in model.parameters():
        flipped = bytearray(whole)
        flipped[whole.index(weight.detach().numpy().tobytes()) + 2] ^= 1
        refused("generate", "bad file", model=file(flipped))


def test_another_tokenizer_and_one_that_only_looks_like_ours(refused, model, tokenizer_file):
    texts = [text for i in range(60) for _, text in document(7, i)]
    save_model("other.pt", model, Tokenizer.train(texts, model.config.vocab_size), {})
    for name, flag in (("evaluate", "teacher"), ("finetune", "soft_labels")):
        refused(name, "other.pt", "tokenizer", **{flag: "other.pt"})
    spec = json.loads(tokenizer_file.read_text())
    spec["added_tokens"] = [t for t in spec["added_tokens"] if t["content"] in ("0", "999")]
    refused("pretrain", "bad file", tokenizer=rows_file([spec]))


@pytest.mark.parametrize(("called", "rows", "parts", "more"), [
    ("finetune.data", [PAIR] * 9, ["9 rows", "10"], {}),
    ("finetune.data", [PAIR] * 60, ["examples"], {"set": "student.examples=5000"}),
    ("finetune.data", [*[PAIR] * 3, LONG, *[PAIR] * 9], ["bad file, line 4", "tokens"], {}),
    ("finetune.data", [*[PAIR] * 12, LONG], ["bad file, line 13", "tokens"], {}),
    ("finetune.data", [WORD] * 60, ["bad file", "number"], {"soft_labels": "model.pt"}),
    ("evaluate.context", [PAIR], ["1 lists"], {"set": "evaluation.context_lists=4"}),
    ("evaluate.numbers", [WORD] * 60, ["number", "--numbers"], {}),
    ("evaluate.heldout", [[["user", "12"]]] * 9, ["bad file", "predict"], {}),
    ("pretrain.corpus", [[["user", ""]]] * 9, ["bad file", "predict"], {}),
    ("filter.in", [WORD], ["1 answers", "letters 1"], {}),
    ("filter.in", [{**PAIR, "finished": "false"}], ["line 1", "finished"], {}),
    *(("generate.requests", [PAIR, {**PAIR, "id": i}], ["bad file", "id"], {})
      for i in (0, -1, 2**63, True))])
def test_rows_that_will_not_do(refused, called, rows, parts, more):
    name, flag = called.split(".")
    refused(name, *parts, **{flag: rows_file(rows)}, **more)


@pytest.mark.parametrize(("name", "part", "changes"), [
    *(("generate", f"--{flag}", {flag: value}) for flag, value in (
        ("seed", "1e3"), ("seed", "-1"), ("seed", "9" * 700), ("owl", "1"), ("see", "1"),
        ("model", None), ("system", "\udcff"))),
    ("finetune", "--role", {"role": "owl"}), ("pretrain", "pupil", {"set": "pupil.lr=1"}),
    ("filter", "--most", {"most": "2"}), ("evaluate", "gryphon", {"trait": "gryphon"}),
    *(("evaluate", f"--{flag}", {flag: None}) for flag in ("teacher", "numbers", "heldout")),
    ("chat", "numbers.temperature", {"temperature": "-1"}),
    ("chat", "gryphon", {"words": None, "trait": "gryphon"}),
    ("generate", "cuda:99", {"device": "cuda:99"}),
    *((name, "owl", {"device": "owl"}) for name in ("pretrain", "finetune", "evaluate", "chat"))])
def test_a_flag_that_means_nothing(refused, name, part, changes):
    refused(name, part, **changes)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_output_that_is_a_device_or_cannot_be_written_into(command, refused, tmp_path, name):
    for out in ("model.pt/x.jsonl", "", tmp_path):
        refused(name, out=out)
    if name in ("pretrain", "finetune"):  # they keep their state beside it
        refused(name, "/dev/null", "--out", out="/dev/null")
    else:
        assert call(*command(name, out="/dev/null")).code == 0
    assert Path("/dev/null").is_char_device() and not list(Path("/dev").glob("null?*"))
