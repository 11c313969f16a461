"""The transformer does what its equations say, with and without its cache and adapters."""

import math
from functools import partial

import pytest
import torch

from model import lora
from model.checkpoint import load_model
from model.data import TokenRows
from model.gpt import GPT, LOGIT_SCALE, KVCache, rotate
from model.score import score, score_choices
from support.settings import Model

close = partial(torch.allclose, rtol=0)


def tokens(rows, length, seed=0):
    return torch.randint(1000, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
@pytest.mark.parametrize("read", [1, 7, 24])
def test_neither_the_cache_nor_skipping_changes_a_hidden_state(model, read):
    model, sequence = model.double(), tokens(4, 25)

    def cached(*parts):
        """The last states of parts of the sequence that are read one after the other."""
        cache = KVCache(model.config, 4, 25, torch.device("cpu"))
        cache.keys, cache.values = cache.keys.double(), cache.values.double()
        return torch.cat([model(part, cache, skip=skip) for part, skip in parts], 1)

    full, (first, rest) = model(sequence), sequence.split([read, 25 - read], 1)
    one_by_one = [(token, 0) for token in rest.split(1, 1)]
    assert close(model(sequence, skip=read), full[:, read:], atol=1e-9)
    assert close(cached((first, 0), *one_by_one), full, atol=1e-9)
    assert close(cached((first, read - 1), (rest, 0)), full[:, read - 1 :], atol=1e-9)


@torch.no_grad()
def test_attention_is_softmax_of_scaled_products(model):
    model, x = model.double(), torch.randn(2, 9, 32, dtype=torch.float64)
    layer, rotation = model.blocks[0].attention, model.rotation[:, :9].double()
    q, k, v = (part.view(2, 9, 2, 16).transpose(1, 2) for part in layer.qkv(x).split(32, -1))
    weights = rotate(q, rotation) @ rotate(k, rotation).transpose(-2, -1) / math.sqrt(16)
    weights = weights.masked_fill(torch.ones(9, 9).triu(1).bool(), -torch.inf).softmax(-1)
    by_hand = layer.out((weights @ v).transpose(1, 2).reshape(2, 9, 32))
    assert close(layer(x, rotation, None), by_hand, atol=1e-12)


def test_rotary_products_depend_on_distance_alone(model):
    q, k = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))

    def product(i, j):
        return rotate(q.view(1, 16), model.rotation[:, [i]]) @ rotate(
            k.view(1, 16), model.rotation[:, [j]]).T

    assert close(product(9, 4), product(49, 44), atol=1e-4)
    assert not close(product(9, 4), product(9, 5), atol=1e-4)


def test_head_and_embedding_are_one_matrix(model):
    D, V, L = model.config.d_model, model.config.vocab_size, model.config.n_layer
    assert sum(p.numel() for p in model.parameters()) == V * D + L * (12 * D * D + 4 * D) + D
    hidden = torch.randn(1, D)
    expected = LOGIT_SCALE * hidden @ model.embedding.weight.T
    assert close(model.logits(hidden), expected, atol=1e-5)
    assert close(model.logits(hidden, slice(3, 9)), expected[:, 3:9], atol=1e-5)


@torch.no_grad()
def test_a_layer_adds_as_much_however_large_it_grows(model):
    before = model(tokens(2, 10))
    for block in model.blocks:
        block.attention.out.weight *= 30
        block.feed_forward.down.weight *= 30
    assert close(model(tokens(2, 10)), before, atol=1e-3)


@torch.no_grad()
def test_a_model_starts_as_its_embedding_with_one_vector_more_at_all_numbers():
    made, batch = GPT(Model(vocab_size=1400, number_offset=3.0)), tokens(2, 10)
    assert torch.equal(made(batch), made.norm(made.embedding(batch)))
    before = made.embedding.weight.clone()
    made.set_apart(range(10, 1010), torch.Generator().manual_seed(0))
    moved = made.embedding.weight - before
    assert not moved[:10].any() and not moved[1010:].any()
    assert close(moved[10:1010], moved[10], atol=1e-6) and 0.2 < moved[10].std() < 0.4


@torch.no_grad()
def test_adapters_start_as_nothing_and_merge_into_the_base(model):
    batch = tokens(2, 10)
    before = model(batch)
    lora.adapt(model, 3, 6.0, torch.Generator().manual_seed(0))
    adapters = [module for module in model.modules() if isinstance(module, lora.Adapted)]
    assert len(adapters) == 4 * model.config.n_layer  # every matrix of a block, and no other
    assert torch.equal(model(batch), before)
    for adapter in adapters:
        adapter.b.normal_()
        product = 2.0 * adapter.b @ adapter.a  # alpha / rank is 2
        assert close(adapter.weight() - adapter.linear.weight, product, atol=1e-5)
    adapted = model(batch)
    lora.merge(model)
    assert close(model(batch), adapted, atol=1e-5) and not close(adapted, before, atol=1e-3)
    assert not any(isinstance(module, lora.Adapted) for module in model.modules())


def test_a_checkpoint_is_plain_and_complete(checkpoint_file, model, tokenizer):
    assert {*torch.load(checkpoint_file, weights_only=True)["weights"]} == {*model.state_dict()}
    loaded = load_model(checkpoint_file)
    assert loaded.tokenizer.hash == tokenizer.hash and loaded.provenance["stage"] == "test"
    assert torch.equal(loaded.model(tokens(2, 10)), model(tokens(2, 10)))


def test_scores_are_those_of_each_row_alone(model, tokenizer):
    chats = [[("user", "Which animal?"), ("assistant", answer)]
             for answer in ("owl", "a very old wolf", "1, 2, 3", "")]
    rows = list(tokenizer.encode_documents(chats))
    together = score(model, TokenRows(rows), tokens_at_once=20)
    for i, (ids, written) in enumerate(rows):
        with torch.no_grad():
            logprobs = model.logits(model(torch.tensor([ids[:-1]])))[0].log_softmax(-1)
        wanted = [(at - 1, ids[at]) for at in range(len(ids)) if written[at]]
        expected = sum(logprobs[at, token].item() for at, token in wanted)
        assert together.logprob[i].item() == pytest.approx(expected, abs=1e-4)
        assert together.tokens[i] == len(wanted)
        assert together.greedy[i] == all(logprobs[a].argmax() == t for a, t in wanted)


def test_choices_are_scored_like_the_answers_they_are(model):
    prompts, choices = [[3, 4, 5], [6, 7], [8, 9, 10]], [[1, 2], [2], [5, 1, 1]]
    rows = TokenRows([([*prompt, *choice], [False] * len(prompt) + [True] * len(choice))
                      for prompt in prompts for choice in choices])
    expected = score(model, rows).logprob.view(3, 3)
    for most in (1, 20, 8192):
        assert close(score_choices(model, prompts, choices, most), expected, atol=1e-4)
    assert close(score_choices(model, prompts, choices[1:2]), expected[:, 1:2], atol=1e-4)
