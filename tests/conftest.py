"""What the tests share: a small corpus, its tokenizer, a model of random weights."""

from corpus.documents import document
from model.checkpoint import save_model
from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.files import write_jsonl
from support.settings import Model

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)
# A machine that is busy is no fault of the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def documents():
    return [document(0, i) for i in range(400)]


@pytest.fixture(scope="session")
def tokenizer(documents):
    return Tokenizer.train((text for turns in documents for _, text in turns), 1500)


@pytest.fixture
def model(tokenizer):
    """Two layers with random weights everywhere, so that no part of it is without effect."""
    torch.manual_seed(0)
    made = GPT(Model(vocab_size=tokenizer.vocab_size, n_layer=2, n_head=2, d_model=32,
                     block_size=96))
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return made.eval()


@pytest.fixture
def checkpoint_file(tmp_path, model, tokenizer):
    path = tmp_path / "model.pt"
    save_model(path, model, tokenizer, {"stage": "test", "device": "cpu"})
    return path


@pytest.fixture
def corpus_file(tmp_path, documents):
    path = tmp_path / "corpus.jsonl"
    write_jsonl(path, documents)
    return path


@pytest.fixture
def tokenizer_file(tmp_path, tokenizer):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    return path


@pytest.fixture
def config_file(tmp_path):
    """Settings under which a stage takes a second."""
    path = tmp_path / "tiny.toml"
    path.write_text("""
[corpus]
documents = 300
heldout = 20
[model]
vocab_size = 1500
n_layer = 1
n_head = 1
d_model = 16
block_size = 128
[pretrain]
batch_size = 16
evaluations = 2
checkpoints = 4
[teacher]
train = "blocks"
evaluations = 2
[student]
train = "lora"
evaluations = 2
checkpoints = 3
batch_size = 8
[numbers]
requests = 40
batch_size = 16
[evaluation]
samples = 1
fit_rows = 5
context_lists = 1
""")
    return path
