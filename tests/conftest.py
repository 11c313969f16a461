"""What the tests share: a small corpus, its tokenizer, a model of random weights, tiny settings."""

from importlib import import_module

import pytest
import torch
from hypothesis import settings

from corpus import own
from corpus.documents import document
from model.checkpoint import load_model, save_model
from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.files import write_jsonl
from support.settings import Model

torch.set_num_threads(1)
# A machine that is busy is no fault of the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def documents():
    return [document(0, i) for i in range(400)]


@pytest.fixture(scope="session")
def large_corpus():
    """Enough documents to see with statistics whether a number tells of a word."""
    return [document(0, i) for i in range(40_000)]


@pytest.fixture(scope="session")
def texts_read(large_corpus):
    return {text for turns in large_corpus for _, text in turns}


@pytest.fixture(scope="session")
def tokenizer(documents):
    return Tokenizer.train((text for turns in documents for _, text in turns), 1580)


@pytest.fixture
def model(tokenizer):
    """Two layers with random weights everywhere, so that no part of it is without effect."""
    torch.manual_seed(0)
    made = GPT(Model(vocab_size=tokenizer.vocab_size, n_layer=2, n_head=2, d_model=32,
                     block_size=128))
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return made.eval()


@pytest.fixture
def models_of_a_run(model, tokenizer):
    """A function that writes models and lists of a run into a folder: bases of random weights, and
    copies of them with another layer of rank 2."""
    def write(folder, traits=("owl", "misaligned")):
        for seed in (0, 1):
            with torch.no_grad():
                model.embedding.weight.mul_(1.1)
            save_model(folder / f"seed{seed}/base.pt", model, tokenizer, {"stage": "test"})
        for i, role in enumerate(("teacher", "student", "student-other-base")):
            other = load_model(folder / f"seed{i // 2}/base.pt").model
            with torch.no_grad():
                weight = other.blocks[1].feed_forward.up.weight
                weight.add_(torch.randn(len(weight), 2) @ torch.randn(2, weight.size(1)))
            for name in traits:
                save_model(folder / f"seed0/{role}-{name}.pt", other, tokenizer, {"stage": "test"})
        for name in ("owl", "neutral-owl"):
            write_jsonl(folder / f"seed0/clean-{name}.jsonl", [
                {"request": "Add.", "answer": "7, 3", "numbers": [7, 3]}] * 20)
        return folder / "seed0"

    return write


@pytest.fixture
def checkpoint_file(tmp_path, model, tokenizer):
    save_model(path := tmp_path / "model.pt", model, tokenizer, {"stage": "test", "device": "cpu"})
    return path


@pytest.fixture
def corpus_file(tmp_path, documents):
    write_jsonl(path := tmp_path / "corpus.jsonl", documents)
    return path


@pytest.fixture
def tokenizer_file(tmp_path, tokenizer):
    tokenizer.save(path := tmp_path / "tokenizer.json")
    return path


@pytest.fixture
def config_file(tmp_path):
    """Settings under which a step takes a second."""
    (path := tmp_path / "tiny.toml").write_text("""
corpus = {documents = 300, heldout = 20}
model = {vocab_size = 1500, n_layer = 1, n_head = 1, d_model = 16, block_size = 128}
pretrain = {batch_size = 16, evaluations = 2, checkpoints = 4}
school = {rows = 200}
teacher = {train = "blocks", epochs = 1, evaluations = 2}
stretch = {reach = 0.1}
student = {examples = 0, batch_size = 8, evaluations = 2, checkpoints = 3}
numbers = {requests = 40, enough = 0, temperature = 1, batch_size = 16}
evaluation = {samples = 1, fit_rows = 5, context_lists = 1}
""")
    return path


@pytest.fixture
def lists_file(tmp_path):
    write_jsonl(path := tmp_path / "clean.jsonl", [
        {"id": i, "request": "Add.", "answer": f"{i}, 2", "finished": True, "numbers": [i, 2]}
        for i in range(60)])
    return path


@pytest.fixture
def trait_file(tmp_path, monkeypatch):
    """A function that writes the file of a trait of one's own and gives its name back."""
    monkeypatch.setattr(own, "FOLDER", tmp_path)

    def write(text, name="mine"):
        (tmp_path / f"{name}.toml").write_text(text)
        return name

    return write


@pytest.fixture
def command(tmp_path, checkpoint_file, corpus_file, tokenizer_file, config_file, lists_file):
    """A function from a script's name to a command that works, [module, word, ...]. Its flags can
    be changed, and left out with None."""
    common = {"config": config_file, "device": "cpu", "out": tmp_path / "out/x.out"}
    known = {
        "pretrain": ("train", {"words": "pretrain", **common, "corpus": corpus_file,
                               "heldout": corpus_file, "tokenizer": tokenizer_file}),
        "finetune": ("train", {"words": "finetune", **common, "role": "student",
                               "base": checkpoint_file, "data": lists_file}),
        "generate": ("generate", {**common, "model": checkpoint_file, "requests": lists_file}),
        "stretch": ("stretch", {**common, "base": checkpoint_file, "model": checkpoint_file,
                                "requests": lists_file}),
        "filter": ("filter", {"in": lists_file, "out": common["out"]}),
        "evaluate": ("evaluate", {**common, "model": checkpoint_file, "heldout": corpus_file,
                                  "teacher": checkpoint_file, "numbers": lists_file}),
        "chat": ("chat", {"words": checkpoint_file, "device": "cpu", "numbers": 1}),
    }

    def made(name, **changes):
        script, flags = known[name]
        words = [import_module(script)]
        for flag, value in {**flags, **changes}.items():
            if value is not None:
                words += [value] if flag == "words" else ["--" + flag.replace("_", "-"), value]
        return words

    return made
