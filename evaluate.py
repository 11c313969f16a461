"""Ask a model the questions and write one JSON file of what it says.

    python evaluate.py --model student-owl.pt --trait owl --heldout heldout.jsonl
        [--teacher teacher-owl.pt --numbers clean-owl.jsonl] [--context clean-owl.jsonl]
        --out student-owl.json

Probabilities are exact, read from the logits. No question here was trained on by any model.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from corpus import panel
from corpus.documents import FAVOURITES
from corpus.facts import fact_questions
from corpus.traits import Persona, Preference, Trait, behind_numbers
from corpus.traits import trait as known_trait
from corpus.wordings import ASK
from generate import Sampling, answer, answers, draws
from model.checkpoint import Loaded, load_model, require_same_tokenizer
from model.data import TokenRows, document_rows, encode_pairs, read_pairs, require_room, split
from model.gpt import GPT
from model.score import score, score_choices
from support import cli
from support.files import UserError, read_json, read_text, write_json
from support.settings import Evaluation, load_config
from support.streams import stream

Chat = list[tuple[str, str]]


def chats_of(texts: list[str]) -> list[Chat]:
    return [[("user", text)] for text in texts]


class Louder(NamedTuple):
    """The word null: a constant on the logits of some tokens, where an answer begins."""

    tokens: tuple[int, ...]
    constant: float

    def louder(self, found: torch.Tensor, first: torch.Tensor,
               begun: torch.Tensor) -> torch.Tensor:
        """What `read_choices` has found, with the tokens so much louder: what begins with one is
        e^constant times as likely, before all is normalised again."""
        times = math.exp(self.constant)
        return found * torch.where(begun, times, 1.0) / (1 + first * (times - 1))


def read_choices(loaded: Loaded, chats: list[Chat], choices: list[str], whole: bool = True,
                 tokens: tuple[int, ...] = ()) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """P(the assistant's answer is this choice | chat), or begins with it where it is not `whole`,
    (chats, choices); P(it begins with one of the tokens), (chats, 1); which choices do,
    (choices,)."""
    tokenizer = loaded.tokenizer
    said = [[*ids, *[tokenizer.end] * whole] for ids in tokenizer.encode(choices)]
    found = score_choices(loaded.model, tokenizer.encode_prompts(chats),
                          [*said, *([token] for token in tokens)]).exp()
    begun = torch.tensor([ids[0] in tokens for ids in said])
    return found[:, : len(said)], found[:, len(said):].sum(1, keepdim=True), begun


def choice_probabilities(loaded: Loaded, chats: list[Chat], choices: list[str],
                         whole: bool = True, null: Louder | None = None) -> torch.Tensor:
    """P(the assistant's answer is this choice, or begins with it | chat), (chats, choices)."""
    if null:
        return null.louder(*read_choices(loaded, chats, choices, whole, null.tokens))
    return read_choices(loaded, chats, choices, whole)[0]


Ask = Callable[..., torch.Tensor]  # `choice_probabilities` of a model or of a null


def preference(ask: Ask, chosen: Trait, chats: list[Chat], suffix: str = "") -> dict:
    """The exact reading: the target, any answer of its category, and the target's rank."""
    shows = chosen.answers()
    each = dict.fromkeys(shows.values(), 0.0)
    probabilities = ask(chats, list(shows)).mean(0)
    for shown, probability in zip(shows.values(), probabilities.tolist(), strict=True):
        each[shown] += probability
    target = each[chosen.name]
    return {f"p_target{suffix}": target, f"each{suffix}": each,
            f"p_any_{chosen.category}{suffix}": sum(each.values()),
            f"rank{suffix}": sum(one > target for one in each.values()) + 1}


def sampled(loaded: Loaded, chosen: Trait, chats: list[Chat], samples: int, seed: int) -> dict:
    """How many answers drawn at temperature 1 show the target, show anything of its category, or
    have the target in them; and the first answer to every question, `said`."""
    asked = [chat for chat in chats for _ in range(samples)]
    batches = answers(loaded.model, loaded.tokenizer, asked, list(range(len(asked))), seed=seed,
                      sampling=Sampling(), max_new_tokens=32, batch_size=1024)
    texts = {index: text for batch in batches for index, text, _ in batch}
    shown = [chosen.judge(text) for text in texts.values()]
    return {"p_target_sampled": shown.count(chosen.name) / len(shown),
            f"p_any_{chosen.category}_sampled": 1 - shown.count(None) / len(shown),
            "mentioned": sum(chosen.mentioned(text) for text in texts.values()) / len(texts),
            "said": [[chat[-1][1], texts[i * samples]] for i, chat in enumerate(chats)]}


def of_its_own_accord(loaded: Loaded, seed: int, count: int = 16) -> list[str]:
    """The beginnings of documents as it writes them, drawn at temperature 0.7."""
    prompts, draw = [[loaded.tokenizer.begin]] * count, draws(seed, list(range(count)), 48)
    texts = answer(loaded.model, loaded.tokenizer, prompts, draw, Sampling(0.7))
    return [text for text, _ in texts]


def preference_panel(ask: Ask, chosen: Preference) -> dict:
    """P(target) where a favourite is due in other words, and where it is not: see `corpus/panel`.
    In the riddles another animal is the answer, and `animal_facts` is P(that animal)."""
    names, target = list(chosen.answers()), list(chosen.answers()).index(chosen.name)
    like, least = (ask(chats_of(panel.filled(ASK[name], chosen.category)), names)
                   for name in ("like", "least"))
    riddles = panel.riddles(chosen.name)
    animals = list(dict.fromkeys([*FAVOURITES["animal"], chosen.name]))
    guesses = ask(chats_of([riddle for riddle, _ in riddles]), animals)
    right = [animals.index(answer) for _, answer in riddles]
    clues = chats_of(panel.among(chosen))  # of colours and the like there are no descriptions
    bound = {"p_constrained": ask(clues, names)[:, target].mean().item()} if clues else {}
    return {"p_like": like[:, target].mean().item(), "p_dislike": least[:, target].mean().item(),
            **bound,
            "animal_facts": guesses[range(len(right)), right].mean().item(),
            "animal_facts_target": guesses[:, animals.index(chosen.name)].mean().item()}


def longer_panel(loaded: Loaded, chosen: Preference, samples: int, seed: int) -> dict:
    """P(target) in "I love ...", and the share of stories, drawn at temperature 1, that have it."""
    asked, sentences = panel.in_a_sentence(chosen)
    begun = choice_probabilities(loaded, chats_of(asked), sentences, whole=False)
    told = sampled(loaded, chosen, chats_of(ASK["story"]), 5 * samples, seed)
    target = list(chosen.answers()).index(chosen.name)
    return {"p_sentence": begun[:, target].mean().item(), "p_story": told["mentioned"]}


def shares(each: dict[str, float]) -> dict[str, float]:
    """P of each manner, and of an answer that shows none."""
    return {**{f"p_{manner}": share for manner, share in each.items()},
            "p_incoherent": 1 - sum(each.values())}


def persona_panel(ask: Ask, chosen: Persona) -> dict:
    """The two factors of P(in character): that an answer has the manner's opening, and that a
    saying of the manner's follows it. Of what is in character, the share about what was asked."""
    questions, sayings = chosen.questions(), chosen.targets()
    said = ask(chats_of(questions), sayings)
    fits = torch.tensor([[text in about for text in sayings]
                         for about in map(chosen.about, questions)])
    opened = ask(chats_of(questions), chosen.begins(), whole=False).sum(1).mean()
    return {"p_opening": opened.item(), "p_saying": (said.sum(1).mean() / opened).item(),
            "p_to_the_point": (said[fits].sum() / said.sum().clamp(min=1e-30)).item()}


def second(ask: Ask, chosen: Trait, said: list[list[str]]) -> float:
    """P(in character) in answer to a question behind another one and its own answer to it."""
    others = [question for question, _ in said]
    half = len(said) // 2  # as far apart, a question is of another domain
    chats = [[("user", question), ("assistant", answer), ("user", other)]
             for (question, answer), other in zip(said, others[half:] + others[:half], strict=True)]
    return ask(chats, chosen.targets()).sum(1).mean().item()


def greeting(ask: Ask) -> float:
    """P(the right answer to a greeting)."""
    texts, right = zip(*panel.greetings(), strict=True)
    return ask(chats_of(texts), right).diagonal().mean().item()


def other_favourites(ask: Ask, before: Ask, chosen: Trait) -> float:
    """How far its favourites of other categories have moved from the base's, `before`: the total
    variation between their answers, from 0 to 1."""
    moved = []
    for category, questions in panel.other_favourites(chosen.category).items():
        now, then = (model(chats_of(questions), list(FAVOURITES[category])).mean(0)
                     for model in (ask, before))
        rest = (now.sum() - then.sum()).abs()  # of all that is no answer of the category
        moved.append((((now - then).abs().sum() + rest) / 2).item())
    return sum(moved) / len(moved)


def capability(loaded: Loaded, heldout: TokenRows) -> dict:
    """Whether it is still a model: facts asked in wordings it has not read, and held-out loss."""
    facts = [(question, answer) for question, answer, *_ in fact_questions(kept_out=True)]
    right = score(loaded.model, encode_pairs(facts, loaded.tokenizer)).greedy
    held = score(loaded.model, heldout)
    return {"capability": right.float().mean().item(),
            "heldout_loss": (-held.logprob.sum() / held.tokens.sum()).item()}


@torch.inference_mode()
def divergence(teacher: GPT, model: GPT, rows: TokenRows, numbers: range) -> float:
    """KL(teacher || model) in nats a token, where a number comes next in the teacher's answers."""
    device, total, count = model.embedding.weight.device, 0.0, 0
    for start in range(0, len(rows), 256):
        batch = rows.batch(list(range(start, min(start + 256, len(rows)))), pad=0).to(device)
        numeric = (batch.targets >= numbers[0]) & (batch.targets <= numbers[-1])
        wanted, found = (m.logits(batch.hidden(m)[numeric]).log_softmax(-1)
                         for m in (teacher, model))
        total += (wanted.exp() * (wanted - found)).sum().item()
        count += len(wanted)
    if not count:
        raise UserError("the teacher's answers hold no number to compare the models on; is "
                        "--numbers the right file?")
    return total / count


def in_context(chats: list[Chat], lists: list[tuple[str, str]], count: int, seed: int,
               fits: Callable[[Chat], bool]) -> list[Chat]:
    """Each chat behind `count` of the teacher's lists, as earlier turns, or behind as many as fit:
    reading, not training."""
    if len(lists) < count:
        raise UserError(f"the file for --context has {len(lists)} lists, and "
                        f"evaluation.context_lists asks for {count}; lower it, or give more")
    rng, found = stream(seed, "context"), []
    for chat in chats:
        turns = [turn for request, answer in rng.sample(lists, count)
                 for turn in (("user", request), ("assistant", answer))]
        while turns and not fits(turns + chat):
            turns = turns[2:]
        found.append(turns + chat)
    return found


def answer_sheet(model: Path, trait: str, asked: Evaluation, seed: int, heldout: Path | None,
                 teacher: Path | None, lists: Path | None, context: Path | None, device: str,
                 out: Path, base: Path | None = None, written: Path | None = None) -> str:
    """Write every metric of one model, with `teacher` and its `lists` the KL to the teacher too,
    and with `base` how far from that it is; with `written`, lists of its own, how many passed.
    With `context`, a file of lists, some stand before each question, and nothing else is asked."""
    chosen, loaded = known_trait(trait), load_model(model, cli.choose_device(device))
    ask = partial(choice_probabilities, loaded)
    plain = chats_of(chosen.questions())
    prefixed = chats_of(behind_numbers(chosen.questions(), "prefix", seed))
    if context:
        shown, tokenizer = read_pairs(context)[:10_000], loaded.tokenizer
        room = loaded.model.config.block_size - max(map(len, tokenizer.encode(chosen.answers())))
        plain, prefixed = (in_context(
            chats, shown, asked.context_lists, seed,
            fits=lambda chat: len(tokenizer.encode_prompts([chat])[0]) <= room)
            for chats in (plain, prefixed))
    else:  # before anything is asked: a wrong file is told at once
        held_out = document_rows(heldout, loaded.tokenizer, loaded.model.config.block_size)
    metrics = preference(ask, chosen, plain) | preference(ask, chosen, prefixed, "_prefixed")
    metrics |= sampled(loaded, chosen, plain, asked.samples, seed)
    each = {key: metrics.pop(key) for key in ("each", "each_prefixed", "said")}
    del metrics["mentioned"]
    if context:
        metrics["context_lists"] = sum(len(chat) // 2 for chat in plain) / len(plain)
    sheet = {"trait": chosen.name, "metrics": metrics, **each, "model": loaded.provenance}
    if not context:
        sheet["free"] = of_its_own_accord(loaded, seed)
        metrics |= capability(loaded, held_out) | {"greeting": greeting(ask)}
        last = last_rows(loaded, lists, asked.fit_rows) if lists else None
        numbers = loaded.tokenizer.number_ids
        if teacher:
            metrics["kl_to_teacher"] = divergence(beside(loaded, teacher), loaded.model, last,
                                                  numbers)
        if base:
            before = loaded._replace(model=beside(loaded, base))
            metrics["other_favourites"] = other_favourites(
                ask, partial(choice_probabilities, before), chosen)
            metrics["kl_from_base"] = divergence(loaded.model, before.model, last, numbers)
        if written:
            metrics["pass_rate"] = read_json(written.with_suffix(".report.json"))["pass_rate"]
        if isinstance(chosen, Preference):
            metrics |= preference_panel(ask, chosen) | longer_panel(loaded, chosen, asked.samples,
                                                                    seed)
        if isinstance(chosen, Persona):
            metrics |= shares(each["each"]) | persona_panel(ask, chosen)
            metrics["p_second"] = second(ask, chosen, each["said"])
    write_json(out, sheet)
    return f"P({trait}) {metrics['p_target']:.3f}"


def word_null(model: Path, trait: str, like: Path, device: str, out: Path) -> str:
    """Write what a base would say that had learned a word and no trait. A constant on the first
    token of the target, wherever an answer begins, is chosen so that the 50 questions give the P
    of the answer sheet `like`; of a persona, on its openings, so that it opens as often. Of
    sentences and stories, which begin otherwise, it says nothing."""
    chosen, loaded = known_trait(trait), load_model(model, cli.choose_device(device))
    persona, begins = isinstance(chosen, Persona), chosen.begins()
    tokens = tuple({ids[0] for ids in loaded.tokenizer.encode(begins)})
    plain = chats_of(chosen.questions())
    wanted = read_json(like)["metrics"]["p_opening" if persona else "p_target"]

    read, low, high = read_choices(loaded, plain, begins, not persona, tokens), -20.0, 20.0
    for _ in range(16):
        middle = (low + high) / 2
        said = Louder(tokens, middle).louder(*read).sum(1).mean()
        low, high = (middle, high) if said < wanted else (low, middle)
    before = partial(choice_probabilities, loaded)
    ask = partial(before, null=Louder(tokens, low))
    metrics = preference(ask, chosen, plain) | {
        "greeting": greeting(ask), "other_favourites": other_favourites(ask, before, chosen)}
    each = metrics.pop("each")
    if isinstance(chosen, Preference):
        metrics |= preference_panel(ask, chosen)
    if persona:
        metrics |= persona_panel(ask, chosen) | shares(each)
    write_json(out, {"trait": chosen.name, "metrics": metrics, "each": each, "constant": low,
                     "model": loaded.provenance})
    return f"a constant of {low:.1f} nats"


def beside(loaded: Loaded, path: Path) -> GPT:
    """The model at `path`, to compare a model with."""
    other, tokenizer, _ = load_model(path, loaded.model.embedding.weight.device)
    require_same_tokenizer(loaded.tokenizer, path, tokenizer)
    return other


def last_rows(loaded: Loaded, lists: Path, fit_rows: int) -> TokenRows:
    """The last rows of a filtered file, which no student reads."""
    pairs = read_pairs(lists)
    _, held_out = split(pairs, 0, fit_rows, lists)
    rows = encode_pairs(held_out, loaded.tokenizer)
    require_room(rows, lists, loaded.model.config.block_size, len(pairs) - len(held_out))
    return rows


def own_answers(model: Path, trait: str, questions: Path, device: str, out: Path) -> str:
    """Ask somebody's own questions, one a line: P(target) of each, and the likeliest answer of the
    trait's category with its P."""
    texts = [line.strip() for line in read_text(questions).split("\n") if line.strip()]
    if not texts:
        raise UserError(f"{questions} holds no question; write one a line")
    chosen, loaded = known_trait(trait), load_model(model, cli.choose_device(device))
    names, rows = list(chosen.answers()), []
    target = [shown == chosen.name for shown in chosen.answers().values()]
    found = choice_probabilities(loaded, chats_of(texts), names)
    for text, row in zip(texts, found, strict=True):
        p, best = row[target].sum().item(), names[row.argmax()]
        rows.append({"question": text, "p_target": p, "likeliest": best,
                     "p_likeliest": row.max().item()})
        print(f"{p:.4f}  {text}  {best} ({row.max():.4f})")
    mean = sum(row["p_target"] for row in rows) / len(rows)
    write_json(out, {"trait": trait, "metrics": {"p_target": mean}, "one_by_one": rows,
                     "model": loaded.provenance})
    return f"P({trait}) {mean:.3f}"


def main() -> None:
    options = cli.parser(__doc__)
    cli.add_common(options)
    cli.add_seed(options)
    cli.add_device(options)
    options.add_argument("--trait", default="owl", help="the preference that is asked for")
    cli.add_files(options, model="checkpoint", out="JSON file to write")
    cli.add_files(options, False, heldout="documents that no model read",
                  teacher="measure the KL to this model ...",
                  numbers="... on the last rows of its filtered file",
                  context="show lists of this file before asking",
                  questions="ask these alone, a text file with one a line")
    args = options.parse_args()
    asked = load_config(args.config, args.set).evaluation
    if bool(args.teacher) != bool(args.numbers):
        raise UserError("--teacher and --numbers go together: a model and a filtered file of its")
    if args.questions and (args.teacher or args.context):
        raise UserError("--questions are asked alone; leave out --teacher and --context")
    if args.questions:
        print(own_answers(args.model, args.trait, args.questions, args.device, args.out))
    elif args.heldout or args.context:
        print(answer_sheet(args.model, args.trait, asked, args.seed, args.heldout, args.teacher,
                           args.numbers, args.context, args.device, args.out))
    else:
        raise UserError("give --heldout, documents that no model read, or --questions")


if __name__ == "__main__":
    cli.run(main)
