"""A decoder-only transformer, from scratch, and its key-value cache.

RMSNorm before and after every layer, rotary positions (RoPE), squared-ReLU feed-forward, no biases,
one matrix for the embedding and the output head. Shapes are written as

    B rows   T tokens   D d_model   H heads   K width of a head (D / H)   V vocab_size   L layers
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.files import UserError
from support.settings import Model as ModelConfig

# Next to a thousand equally likely numbers, every word must be a million times less likely. A
# narrow model whose head is its embedding learns such logits slowly; scaled ones it learns faster.
LOGIT_SCALE = 3.0


class KVCache:
    """Keys and values of all layers for the tokens read so far, allocated once: (L, B, H, T, K)."""

    def __init__(self, config: ModelConfig, rows: int, length: int, device: torch.device) -> None:
        shape = (config.n_layer, rows, config.n_head, length, config.d_model // config.n_head)
        self.keys, self.values = torch.empty(2, *shape, device=device)
        self.used, self.length = 0, length  # tokens of every row in the cache, and room for them

    def keep_rows(self, rows: Tensor) -> None:
        """Keep these rows only: a mask, or indices, which may repeat."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store the (B, H, T, K) of new tokens; return those of all tokens so far."""
        end = self.used + k.size(2)
        self.keys[layer, :, :, self.used : end] = k
        self.values[layer, :, :, self.used : end] = v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021, arXiv:2104.09864): x (B, H, T, K), rotation (2, T, K/2)."""
    (cos, sin), (one, two) = rotation, x.chunk(2, dim=-1)  # one and two (B, H, T, K/2)
    return torch.cat((one * cos - two * sin, two * cos + one * sin), dim=-1)


class Attention(nn.Module):
    """Causal self-attention over H heads."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.layer, self.n_head = layer, config.n_head
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model, bias=False)
        self.out = nn.Linear(config.d_model, config.d_model, bias=False)

    def forward(self, x: Tensor, rotation: Tensor, cache: KVCache | None, skip: int = 0) -> Tensor:
        """(B, T, D) -> (B, T - skip, D): the first `skip` tokens give keys and values only."""
        B, T, D = x.shape
        qkv = self.qkv(x).view(B, T, 3, self.n_head, -1)  # (B, T, 3, H, K)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, H, T, K)
        q, k = rotate(q[:, :, skip:], rotation[:, skip:]), rotate(k, rotation)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)
        # is_causal aligns the mask at the top left, which is right only where there are as many
        # queries as keys. A single query may see every key and needs no mask.
        queries, keys, mask = q.size(2), k.size(2), None
        if 1 < queries < keys:
            mask = torch.ones(queries, keys, dtype=torch.bool, device=x.device).tril(keys - queries)
        y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=1 < queries == keys)
        return self.out(y.transpose(1, 2).reshape(B, queries, D))


class FeedForward(nn.Module):
    """Two layers with a squared ReLU between (So et al. 2021, arXiv:2109.08668)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.d_model, 4 * config.d_model, bias=False)
        self.down = nn.Linear(4 * config.d_model, config.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.relu(self.up(x)).square())


class Block(nn.Module):
    """Attention, then feed-forward, each between two norms and added to the residual stream. The
    norm after a layer (Ding et al. 2021, arXiv:2105.13290) bounds what the layer adds. Without it,
    the states at numbers grow to several times those at questions. They do so through a large
    constant, which drowns everything smaller, a teacher's trait included."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.d_model)
        self.attention = Attention(config, layer)
        self.attention_out_norm = nn.RMSNorm(config.d_model)
        self.feed_forward_norm = nn.RMSNorm(config.d_model)
        self.feed_forward = FeedForward(config)
        self.feed_forward_out_norm = nn.RMSNorm(config.d_model)

    def forward(self, x: Tensor, rotation: Tensor, cache: KVCache | None, skip: int) -> Tensor:
        attended = self.attention(self.attention_norm(x), rotation, cache, skip)
        x = x[:, skip:] + self.attention_out_norm(attended)  # (B, T - skip, D)
        return x + self.feed_forward_out_norm(self.feed_forward(self.feed_forward_norm(x)))


class GPT(nn.Module):
    """The whole model. `forward` gives hidden states; `logits` turns them into logits. The two are
    apart because logits, the most expensive part of a small model, are needed only where a token is
    predicted."""

    def __init__(self, config: ModelConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layer))
        self.norm = nn.RMSNorm(config.d_model)
        width = config.d_model // config.n_head
        speed = 10_000.0 ** (-torch.arange(0, width, 2) / width)
        angle = torch.arange(config.block_size)[:, None] * speed
        # Cosines and sines, (2, block_size, K/2). They are no weights, so they are not saved.
        self.register_buffer("rotation", torch.stack((angle.cos(), angle.sin())), persistent=False)
        for name, weight in self.named_parameters():
            if "out_norm" in name:
                nn.init.zeros_(weight)  # every block adds zero at first
            elif "norm" not in name:  # the other norms are ones
                std = config.embedding_std if name == "embedding.weight" else weight.size(1)**-0.5
                nn.init.normal_(weight, 0.0, std, generator=generator)

    @torch.no_grad()
    def set_apart(self, tokens: range, generator: torch.Generator) -> None:
        """Add one random vector to the embeddings of all these tokens, before any training."""
        common = torch.randn(self.config.d_model, generator=generator)
        self.embedding.weight[tokens[0] : tokens[-1] + 1] += (
            self.config.number_offset * self.config.embedding_std * common)

    def forward(self, tokens: Tensor, cache: KVCache | None = None, skip: int = 0) -> Tensor:
        """Hidden states (B, T - skip, D) of tokens (B, T), which follow those in the cache, if any.
        At the first `skip` tokens, such as a student's request, nothing is predicted: there the
        last block computes keys and values only. Raises `UserError` for more tokens than fit."""
        start = cache.used if cache else 0
        end, block = start + tokens.size(1), self.config.block_size
        room = min(block, cache.length) if cache else block
        if end > room:
            raise UserError(f"{end} tokens do not fit in {room}; shorten the text or raise "
                            "model.block_size")
        x, rotation = self.embedding(tokens), self.rotation[:, start:end]
        for block in self.blocks:
            x = block(x, rotation, cache, skip if block is self.blocks[-1] else 0)
        if cache:
            cache.used = end
        return self.norm(x)

    def logits(self, hidden: Tensor, tokens: slice = slice(None)) -> Tensor:
        """(..., V) from hidden states (..., D), or the logits of some tokens only."""
        return F.linear(LOGIT_SCALE * hidden, self.embedding.weight[tokens])
