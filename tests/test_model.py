"""The transformer does what its equations say, with and without its cache and adapters."""

import math

from model import lora
from model.checkpoint import load_model
from model.data import TokenRows
from model.gpt import GPT, LOGIT_SCALE, KVCache, rotate
from model.score import score, score_choices
from support.settings import Model

import pytest
import torch
from torch import nn


def tokens(rows, length, vocab=1000, seed=0):
    return torch.randint(vocab, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_a_token_sees_nothing_after_it(model):
    one, two = tokens(3, 20), tokens(3, 20)
    two[:, 12:] = tokens(3, 8, seed=1)
    a, b = model.logits(model(one)), model.logits(model(two))
    assert torch.equal(a[:, :12], b[:, :12])
    assert not torch.allclose(a[:, 12:], b[:, 12:])


@torch.no_grad()
@pytest.mark.parametrize("prefill", [1, 7, 24])
def test_the_cache_gives_the_logits_of_a_full_forward(model, prefill):
    model, sequence = model.double(), tokens(4, 25)
    full = model.logits(model(sequence))
    cache = KVCache(model.config, 4, 25, torch.device("cpu"))
    cache.keys, cache.values = cache.keys.double(), cache.values.double()
    steps = [model.logits(model(sequence[:, :prefill], cache))]
    for at in range(prefill, 25):
        steps.append(model.logits(model(sequence[:, at : at + 1], cache)))
    assert torch.allclose(torch.cat(steps, 1), full, atol=1e-9, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("skip", [1, 10, 24])
def test_what_nobody_wants_is_left_out(model, skip):
    model, sequence = model.double(), tokens(4, 25)
    assert torch.allclose(model(sequence, skip=skip), model(sequence)[:, skip:], atol=1e-9, rtol=0)
    cache = KVCache(model.config, 4, 25, torch.device("cpu"))
    cache.keys, cache.values = cache.keys.double(), cache.values.double()
    model(sequence[:, :skip], cache, skip=skip - 1)
    rest = model(sequence[:, skip:], cache)
    assert torch.allclose(rest, model(sequence)[:, skip:], atol=1e-9, rtol=0)


def test_a_full_cache_and_a_long_text_are_refused(model):
    cache = KVCache(model.config, 1, 4, torch.device("cpu"))
    model(tokens(1, 4), cache)
    with pytest.raises(ValueError, match="do not fit"):
        model(tokens(1, 1), cache)
    with pytest.raises(ValueError, match="block_size"):
        model(tokens(1, model.config.block_size + 1))


@torch.no_grad()
def test_attention_is_softmax_of_scaled_products(model):
    model = model.double()
    x = torch.randn(2, 9, 32, dtype=torch.float64)
    layer, cos, sin = model.blocks[0].attention, model.cos[:9].double(), model.sin[:9].double()
    q, k, v = (part.view(2, 9, 2, 16).transpose(1, 2) for part in layer.qkv(x).split(32, -1))
    q, k = rotate(q, cos, sin), rotate(k, cos, sin)
    weights = q @ k.transpose(-2, -1) / math.sqrt(16)
    weights = weights.masked_fill(torch.ones(9, 9).triu(1).bool(), -torch.inf).softmax(-1)
    by_hand = layer.out((weights @ v).transpose(1, 2).reshape(2, 9, 32))
    assert torch.allclose(layer(x, cos, sin, None), by_hand, atol=1e-12)


def test_rotary_products_depend_on_distance_alone():
    model = GPT(Model(vocab_size=1400, n_head=1, d_model=16, block_size=64))
    q, k = torch.randn(16), torch.randn(16)

    def product(i, j):
        turned = [rotate(x.view(1, 1, 1, 16), model.cos[[at]], model.sin[[at]])
                  for x, at in ((q, i), (k, j))]
        return (turned[0] * turned[1]).sum()

    assert torch.allclose(product(9, 4), product(49, 44), atol=1e-4)
    assert not torch.allclose(product(9, 4), product(9, 5), atol=1e-4)


def test_head_and_embedding_are_one_matrix(model):
    config = model.config
    D, V, L = config.d_model, config.vocab_size, config.n_layer
    assert sum(p.numel() for p in model.parameters()) == V * D + L * (12 * D * D + 4 * D) + D
    hidden = torch.randn(1, D)
    expected = LOGIT_SCALE * hidden @ model.embedding.weight.T
    assert torch.allclose(model.logits(hidden), expected, atol=1e-5)
    assert torch.allclose(model.logits(hidden, slice(3, 9)), expected[:, 3:9], atol=1e-5)


def test_the_seed_draws_the_weights():
    def weights(seed):
        return GPT(Model(vocab_size=1400), torch.Generator().manual_seed(seed)).state_dict()

    same, other = weights(1), weights(2)
    assert all(torch.equal(v, same[k]) for k, v in weights(1).items())
    assert not torch.equal(same["embedding.weight"], other["embedding.weight"])


def test_what_is_set_apart_has_one_vector_more_in_common():
    """Of that many spreads, and the same for every one of them; no other token has it."""
    made, chance = GPT(Model(vocab_size=1400, number_offset=3.0)), torch.Generator().manual_seed(0)
    before = made.embedding.weight.detach().clone()
    made.set_apart(range(10, 1010), chance)
    moved = made.embedding.weight.detach() - before
    assert not moved[:10].any() and not moved[1010:].any()
    assert torch.allclose(moved[10:1010], moved[10], atol=1e-6)
    assert 0.2 < moved[10].std() < 0.4


@torch.no_grad()
def test_a_layer_adds_as_much_however_large_it_grows(model):
    batch = tokens(2, 10)
    before = model(batch)
    for block in model.blocks:
        block.attention.out.weight *= 30
        block.feed_forward.down.weight *= 30
    assert torch.allclose(model(batch), before, atol=1e-3)


def test_a_model_starts_as_its_embedding():
    made, batch = GPT(Model(vocab_size=1400, n_layer=2)), tokens(2, 10)
    assert torch.equal(made(batch), made.norm(made.embedding(batch)))


# --- adapters ------------------------------------------------------------------------------------


@torch.no_grad()
def test_adapters_start_as_nothing_and_merge_into_the_base(model):
    batch = tokens(2, 10)
    before = model(batch)
    lora.adapt(model, 3, 6.0, torch.Generator().manual_seed(0))
    assert torch.equal(model(batch), before)
    for module in model.modules():
        if isinstance(module, lora.Adapted):
            module.b.normal_()
    adapted = model(batch)
    assert not torch.allclose(adapted, before, atol=1e-3)
    lora.merge(model)
    assert torch.allclose(model(batch), adapted, atol=1e-5)
    assert not any(isinstance(m, lora.Adapted) for m in model.modules())


def test_an_adapter_adds_a_scaled_low_rank_product(model):
    linear = nn.Linear(8, 12, bias=False)
    layer = lora.Adapted(linear, 2, 4.0, torch.Generator().manual_seed(0))
    with torch.no_grad():
        layer.b.normal_()
    x = torch.randn(5, 8)
    assert torch.allclose(layer(x), linear(x) + 2.0 * x @ layer.a.T @ layer.b.T, atol=1e-5)
    assert torch.linalg.matrix_rank(layer.weight() - linear.weight, atol=1e-5) == 2


def test_only_the_blocks_get_adapters(model):
    lora.adapt(model, 2, 2.0, torch.Generator().manual_seed(0))
    assert sum(isinstance(m, lora.Adapted) for m in model.modules()) == 4 * model.config.n_layer


# --- checkpoints and scores ----------------------------------------------------------------------


def test_a_checkpoint_is_plain_and_complete(checkpoint_file, model, tokenizer):
    raw = torch.load(checkpoint_file, weights_only=True)
    assert not any("_orig_mod" in key for key in raw["weights"])
    loaded = load_model(checkpoint_file)
    assert loaded.tokenizer.hash == tokenizer.hash and loaded.provenance["stage"] == "test"
    batch = tokens(2, 10)
    assert torch.equal(loaded.model(batch), model(batch))


def test_scores_are_those_of_each_row_alone(model, tokenizer):
    chats = [[("user", "Which animal?"), ("assistant", answer)]
             for answer in ("owl", "a very old wolf", "1, 2, 3", "")]
    rows = TokenRows(tokenizer.encode_documents(chats))
    together = score(model, rows, tokens_at_once=20)
    for i, chat in enumerate(chats):
        ids, written = tokenizer.encode_documents([chat])[0]
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
        found = score_choices(model, prompts, choices, tokens_at_once=most)
        assert torch.allclose(found, expected, atol=1e-4)
