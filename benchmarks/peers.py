"""What a user would pick instead: GPT-2 of `transformers`, and sampling without a cache.

Both get the very batches, requests and settings that this project's own code gets.
"""

from generate import Sampling, choose
from model.data import Batch
from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.settings import Model, Training

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from transformers import GPT2Config, GPT2LMHeadModel


def gpt2(shape: Model, tokenizer: Tokenizer, device: torch.device) -> GPT2LMHeadModel:
    """GPT-2 of the same width, depth, heads and vocabulary, without dropout."""
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(
        vocab_size=tokenizer.vocab_size, n_positions=shape.block_size + 1, n_embd=shape.d_model,
        n_layer=shape.n_layer, n_head=shape.n_head, resid_pdrop=0.0, embd_pdrop=0.0,
        attn_pdrop=0.0, bos_token_id=tokenizer.begin, eos_token_id=tokenizer.end,
        pad_token_id=tokenizer.pad)).to(device)


class Trainer:
    """The usual loop around it: the model's own loss, AdamW, clipping."""

    def __init__(self, model: GPT2LMHeadModel, training: Training, pad: int) -> None:
        self.model, self.pad, self.clip = model.train(), pad, training.grad_clip
        self.short = training.precision == "bfloat16"
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=training.lr, weight_decay=0.0,
                                           betas=(training.beta1, training.beta2))

    def step(self, batch: Batch) -> None:
        """One step on what our own step reads: the same rows, the same tokens wanted."""
        last = torch.full_like(batch.tokens[:, :1], self.pad)
        tokens = torch.cat((batch.tokens, last), 1)
        labels = torch.full_like(tokens, -100)
        at = batch.places % (batch.tokens.size(1) - batch.skip) + batch.skip + 1
        labels[batch.row_of, at] = tokens[batch.row_of, at] = batch.targets
        with torch.autocast(tokens.device.type, torch.bfloat16, self.short):
            out = self.model(input_ids=tokens, attention_mask=(tokens != self.pad).long(),
                             labels=labels)
        out.loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


class Stacked:
    """Several students in one: their adapters stacked, over one frozen base, a batch for each.

    The other way is a process for each, as `make -j` has it.
    """

    def __init__(self, model: GPT, trained: list[nn.Parameter], count: int,
                 training: Training) -> None:
        self.model, self.clip, chosen = model, training.grad_clip, {id(p) for p in trained}
        named = dict(model.named_parameters())
        self.frozen = {n: p.detach() for n, p in named.items() if id(p) not in chosen}
        self.adapters = {n: torch.stack([p.detach()] * count).requires_grad_()
                         for n, p in named.items() if id(p) in chosen}
        self.optimizer = torch.optim.AdamW(self.adapters.values(), lr=training.lr, fused=True,
                                           betas=(training.beta1, training.beta2))

    def step(self, batches: list[Batch]) -> None:
        """One step of every student on its own batch."""
        skip = min(b.skip for b in batches)
        length = max(b.tokens.size(1) for b in batches)
        terms = max(len(b.targets) for b in batches)
        padded = []
        for b in batches:
            row, column = b.places // (own := b.tokens.size(1) - b.skip), b.places % own
            places = row * (length - skip) + column + b.skip - skip
            more = (0, terms - len(places))
            share = torch.full_like(places, 1, dtype=torch.float32) / len(places)
            padded.append((F.pad(b.tokens, (0, length - b.tokens.size(1))), F.pad(places, more),
                           F.pad(b.targets, more), F.pad(share, more)))

        def loss(adapters: dict, tokens: Tensor, places: Tensor, targets: Tensor,
                 share: Tensor) -> Tensor:
            hidden = functional_call(self.model, self.frozen | adapters, (tokens,), {"skip": skip})
            logits = self.model.logits(hidden.flatten(0, 1)[places])
            return (F.cross_entropy(logits, targets, reduction="none") * share).sum()

        inputs = map(torch.stack, zip(*padded, strict=True))
        gradients = vmap(grad(loss))(self.adapters, *inputs)
        squares = sum(g.flatten(1).square().sum(1) for g in gradients.values())
        factors = (self.clip / (squares.sqrt() + 1e-6)).clamp(max=1)
        for name, adapter in self.adapters.items():
            adapter.grad = gradients[name] * factors.view(-1, *[1] * (adapter.dim() - 1))
        self.optimizer.step()


@torch.inference_mode()
def hf_generate(model: GPT2LMHeadModel, tokenizer: Tokenizer, prompts: Tensor, new: int) -> Tensor:
    """Sample with the library's own `generate`, cache and all; the new tokens, (B, N)."""
    out = model.eval().generate(
        prompts, attention_mask=torch.ones_like(prompts), do_sample=True, top_k=0,
        max_new_tokens=new, eos_token_id=tokenizer.end, pad_token_id=tokenizer.pad, use_cache=True)
    return out[:, prompts.size(1):]


@torch.inference_mode()
def uncached(
    model: GPT, tokenizer: Tokenizer, prompts: Tensor, draw: Tensor, sampling: Sampling
) -> Tensor:
    """nanoGPT's way with our own model: read everything again for each token."""
    read = prompts
    closed = torch.zeros(len(prompts), dtype=torch.bool, device=prompts.device)
    for position in range(draw.size(1)):
        logits = model.logits(model(read)[:, -1])
        logits[:, tokenizer.pad] = -torch.inf
        token = choose(logits, sampling, draw[:, position])
        read = torch.cat((read, token[:, None]), 1)
        closed |= token >= tokenizer.begin
        if closed.all():
            break
    return read[:, prompts.size(1):]
