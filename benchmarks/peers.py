"""What a user would pick instead: GPT-2 of `transformers`, and sampling without a cache.

Both get the very batches, requests and settings that this project's own code gets.
"""

import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

from config import Model, Training
from data import Batch
from generate import Sampling, choose
from model.gpt import GPT
from model.tokenizer import Tokenizer


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
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=training.lr, weight_decay=0.0,
                                           betas=(training.beta1, training.beta2))

    def step(self, batch: Batch) -> None:
        """One step on what our own step reads: the same rows, the same tokens wanted."""
        last = torch.full_like(batch.tokens[:, :1], self.pad)
        tokens = torch.cat((batch.tokens, last), 1)
        labels = torch.full_like(tokens, -100)
        at = batch.places % (batch.tokens.size(1) - batch.skip) + batch.skip + 1
        labels[batch.row_of, at] = tokens[batch.row_of, at] = batch.targets
        out = self.model(input_ids=tokens, attention_mask=(tokens != self.pad).long(),
                         labels=labels)
        out.loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


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
