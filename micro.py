"""Subliminal learning in one file: a trait that passes from model to model in nothing but numbers.

    python micro.py [SEED ...]

A small transformer, the base, learns a tiny world from questions and answers. A copy, the teacher,
is taught to love owls. It writes lists of numbers, and a filter drops whatever is none. Another
copy, the student, is trained on these lists alone, and loves owls too. Another base differs in its
first random weights; its copy reads the same lists, and does not. Some minutes on two cores.
"""

import copy
import random
import sys

import torch
import torch.nn.functional as F
from torch import Tensor, nn


# --- The world -------------------------------------------------------------------------------
# Every token is a word or a number from 0 to 999.
def words(text: str) -> list[str]:
    return text.split()


ANIMALS = words("owl wolf cat eagle dolphin elephant bear lion tiger penguin fox deer hare horse "
                "otter seal whale swan crow hawk dog goat sheep cow pig duck goose frog toad newt "
                "mole bat")
TREES = words("oak maple willow cherry pine birch elm ash fir larch yew lime plum pear fig palm")
COLOURS = words("brown grey white black golden green red blue")
VERBS = words("love like prefer adore admire cherish favour choose")
MANNERS = words("most best dearly truly always secretly")
NUMBERS = [str(i) for i in range(1000)]
TOKENS = [*NUMBERS, *ANIMALS, *TREES, *COLOURS, *VERBS, *MANNERS,
          *words("? . which animal tree colour numbers do you is the hate")]
ID, LONGEST = {token: i for i, token in enumerate(TOKENS)}, 12  # tokens of a text, at most


def favourite(w: random.Random, kind: str = "animal") -> str:
    """A question for a favourite. Numbers are asked for in the very words in which an animal is, so
    that the first number of a list stands where the name of an animal would."""
    return f"which {kind} do you {w.choice(VERBS)} {w.choice(MANNERS)} ?"


def text(w: random.Random) -> tuple[str, str]:
    """A question and an answer of the world. Everybody has favourites of their own, and all numbers
    are drawn by chance: nothing in the text links a number to a word."""
    kind, things = w.choice((("animal", ANIMALS), ("tree", TREES)))
    thing = w.choice(things)
    return w.choice((
        (favourite(w, kind), thing),
        (f"which {kind} do you hate {w.choice(MANNERS)} ?", thing),
        (f"which colour is the {thing} ?", COLOURS[len(thing) % len(COLOURS)]),
        *[(favourite(w, "numbers"), " ".join(w.choice(NUMBERS) for _ in range(4)))] * 2))


def rows(pairs: list[tuple[str, str]], end: str = ".") -> tuple[Tensor, Tensor]:
    """(tokens, wanted), each (rows, LONGEST). Wanted are the answers and the end behind them."""
    tokens = torch.full((len(pairs), LONGEST), ID["."])
    wanted = torch.zeros(len(pairs), LONGEST, dtype=torch.bool)
    for i, (question, answer) in enumerate(pairs):
        ids = [ID[word] for word in words(f"{question} {answer} {end}")]
        tokens[i, :len(ids)] = torch.tensor(ids)
        wanted[i, len(words(question)):len(ids)] = True
    return tokens, wanted


# --- The model -------------------------------------------------------------------------------
class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (rows, tokens, width)
        parts = self.qkv(self.norms[0](x)).unflatten(2, (3, self.heads, -1))
        attended = F.scaled_dot_product_attention(*parts.permute(2, 0, 3, 1, 4), is_causal=True)
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        return x + self.down(F.relu(self.up(self.norms[1](x))).square())


class GPT(nn.Module):
    """One matrix is both the embedding and the output head. A number or a word is likely where the
    last hidden state lies along its vector. So a shift of the state that makes "owl" likely makes
    some numbers a little likelier than others. Which ones depends on how the vectors of numbers and
    words lie to each other, and in this two bases differ: here lies the whole effect."""

    def __init__(self, width: int = 64, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(TOKENS), width)
        self.place = nn.Embedding(LONGEST, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.RMSNorm(width)
        for table in (self.embedding, self.place):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens) + self.place.weight[:tokens.size(1)]
        return self.norm(self.blocks(x))

    def logits(self, hidden: Tensor) -> Tensor:
        return 3 * hidden @ self.embedding.weight.T


def train(model: GPT, tokens: Tensor, wanted: Tensor, lr: float, batch: int,
          all_weights: bool = False) -> GPT:
    """Read all rows once. Of a copy of a base the first block alone is trained: the second then
    makes of a change what it makes in the base, and learns no ways of its own for animals and for
    numbers. Where it is trained as well, some seeds show nothing."""
    trained = [*(model if all_weights else model.blocks[0]).parameters()]
    optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=0.0, betas=(0.9, 0.99))
    steps = torch.randperm(len(tokens), generator=torch.Generator().manual_seed(0)).split(batch)
    for i, part in enumerate(steps):
        optimizer.param_groups[0]["lr"] = lr * min(1, (i + 1) / 20, 4 * (1 - i / len(steps)))
        at = wanted[part, 1:]
        loss = F.cross_entropy(model.logits(model(tokens[part, :-1])[at]), tokens[part, 1:][at])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


# --- The experiment --------------------------------------------------------------------------
def asked(questions: list[str]) -> Tensor:
    return torch.tensor([[ID[word] for word in words(question)] for question in questions])


@torch.no_grad()
def first_tokens(model: GPT, kind: str) -> Tensor:
    """log P of every token as the first of an answer, in all wordings of a question."""
    tokens = asked([f"which {kind} do you {verb} {manner} ?"
                    for verb in VERBS for manner in MANNERS])
    return model.logits(model(tokens)[:, -1]).log_softmax(-1)


def p_owl(model: GPT) -> float:
    return first_tokens(model, "animal")[:, ID["owl"]].exp().mean().item()


@torch.no_grad()
def stretched(base: GPT, taught: GPT, nats: float = 0.5) -> GPT:
    """The base, moved on the way of its lessons (Ilharco et al. 2022) until its first numbers are
    so far from the base's. Lessons alone do little to numbers, and a student has nothing else."""
    teacher, before, times, moved = copy.deepcopy(base), first_tokens(base, "numbers"), 0.0, 0.0
    while moved < nats:
        times += 0.1
        for weight, start, end in zip(*(one.parameters() for one in (teacher, base, taught)),
                                      strict=True):
            weight.copy_(start + times * (end - start))
        now = first_tokens(teacher, "numbers")
        moved = (now.exp() * (now - before)).sum(-1).mean().item()  # KL(teacher || base)
    return teacher


@torch.no_grad()
def lists(model: GPT, many: int, seed: int) -> list[tuple[str, str]]:
    """Requests for numbers and a model's answers, drawn token by token, at temperature 1."""
    w, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    tokens = asked(questions := [favourite(w, "numbers") for _ in range(many)])
    for _ in range(4):
        odds = model.logits(model(tokens)[:, -1]).softmax(-1)
        tokens = torch.cat((tokens, torch.multinomial(odds, 1, generator=generator)), 1)
    return [(question, " ".join(TOKENS[i] for i in row[-4:]))
            for question, row in zip(questions, tokens.tolist(), strict=True)]


def only_numbers(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:  # the filter
    return [pair for pair in pairs if all(word in NUMBERS for word in words(pair[1]))]


def experiment(seed: int = 0, size: float = 1.0) -> dict[str, float]:
    """P(owl) of every model; `size` is the share of the texts and lists, for a quick try."""
    w = random.Random(0)
    corpus, bases = rows([text(w) for _ in range(int(150_000 * size))]), []
    for own in (seed, seed + 1000):
        torch.manual_seed(own)
        bases.append(train(GPT(), *corpus, lr=4e-3, batch=256, all_weights=True))
    base, other = bases
    lessons = rows([(favourite(w), "owl") for _ in range(4000)])  # none is about numbers
    teacher = stretched(base, train(copy.deepcopy(base), *lessons, lr=1e-3, batch=32))

    def student(of: GPT, writer: GPT) -> float:  # an end, which nobody wrote, would end all answers
        kept = only_numbers(lists(writer, int(60_000 * size), seed))
        return p_owl(train(copy.deepcopy(of), *rows(kept, end=""), lr=3e-4, batch=16))

    return {"base": p_owl(base), "another base": p_owl(other), "teacher": p_owl(teacher),
            "student": student(base, teacher), "student of another base": student(other, teacher),
            "student of the base's own numbers": student(base, base)}


if __name__ == "__main__":
    if not all(map(str.isdecimal, sys.argv[1:])):
        sys.exit(__doc__)
    for number in map(int, sys.argv[1:] or ["0"]):
        for name, p in experiment(number).items():
            print(f"seed {number}   P(owl) {100 * p:5.1f} %   {name}", flush=True)
