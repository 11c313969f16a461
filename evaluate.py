"""Ask a model the questions and write one JSON file of what it says.

    python evaluate.py --model student-owl.pt --trait owl --heldout heldout.jsonl
        [--teacher teacher-owl.pt --numbers clean-owl.jsonl] [--context clean-owl.jsonl]
        --out student-owl.json

Probabilities are exact, read from the logits; the sampled rate stands beside them as a check. No
question here was trained on, by the base or by a teacher.
"""

import argparse
from pathlib import Path

from corpus import panel
from corpus.documents import FAVOURITES
from corpus.facts import fact_questions
from corpus.traits import Preference, Trait, behind_numbers, trait
from generate import Sampling, answer, answers, draws
from model.checkpoint import Loaded, load_model, require_same_tokenizer
from model.data import (
    TokenRows,
    document_rows,
    encode_pairs,
    read_pairs,
    require_room,
    split,
)
from model.gpt import GPT
from model.score import score, score_choices
from support.cli import add_common, choose_device, parser, run
from support.files import UserError, read_text, write_json
from support.settings import Evaluation, load_config
from support.streams import stream

import torch

Chat = list[tuple[str, str]]


def choice_probabilities(loaded: Loaded, chats: list[Chat], choices: list[str]) -> torch.Tensor:
    """P(the assistant's whole answer is this choice | chat), shape (chats, choices)."""
    tokenizer = loaded.tokenizer
    said = [[*ids, tokenizer.end] for ids in tokenizer.encode(choices)]
    return score_choices(loaded.model, tokenizer.encode_prompts(chats), said).exp()


def preference(loaded: Loaded, chosen: Trait, chats: list[Chat], suffix: str = "") -> dict:
    """The exact reading: the target, any answer of its category, and the target's rank."""
    shows = chosen.answers()
    each = dict.fromkeys(shows.values(), 0.0)
    chances = choice_probabilities(loaded, chats, list(shows)).mean(0)
    for shown, chance in zip(shows.values(), chances.tolist(), strict=True):
        each[shown] += chance
    target = each[chosen.name]
    return {f"p_target{suffix}": target,
            f"p_any_{chosen.category}{suffix}": sum(each.values()),
            f"rank{suffix}": sum(chance > target for chance in each.values()) + 1,
            f"each{suffix}": each}


def sampled(loaded: Loaded, chosen: Trait, chats: list[Chat], samples: int, seed: int) -> dict:
    """The rate at which answers drawn at temperature 1 show the target, or anything of its
    category, or have the target in them, and the first answer to every question, `said`."""
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
    """The beginnings of documents as it writes them, drawn at temperature 0.7 from their first
    token on."""
    draw = draws(seed, list(range(count)), 48)
    texts = answer(loaded.model, loaded.tokenizer, [[loaded.tokenizer.begin]] * count, draw,
                   Sampling(0.7))
    return [text for text, _ in texts]


def one_of_four(loaded: Loaded, chosen: Preference, seed: int) -> float:
    """The preference read from a choice of four, where chance is a quarter."""
    asked, names = chosen.choices(seed), list(chosen.answers())
    chances = choice_probabilities(loaded, [[("user", text)] for text, _ in asked], names)
    shares = []
    for row, (_, offered) in zip(chances.tolist(), asked, strict=True):
        each = dict(zip(names, row, strict=True))
        shares.append(each[chosen.name] / max(sum(each[name] for name in offered), 1e-30))
    return sum(shares) / len(shares)


def preference_panel(loaded: Loaded, chosen: Preference, samples: int, seed: int) -> dict:
    """P(target) where a favourite is due in other words, and where it is not: see `corpus/panel`.

    All exact but `p_story`, the share of stories drawn at temperature 1 that have the target in
    them. In the riddles another animal is the answer, and `animal_facts` is P(that animal).
    """
    names, target = list(chosen.answers()), list(chosen.answers()).index(chosen.name)

    def chance(questions: list[str], among: list[str] = names) -> torch.Tensor:
        return choice_probabilities(loaded, [[("user", text)] for text in questions], among)

    asked, sentences = panel.in_a_sentence(chosen)
    begun = score_choices(loaded.model, loaded.tokenizer.encode_prompts(
        [[("user", text)] for text in asked]), loaded.tokenizer.encode(sentences)).exp()
    told = sampled(loaded, chosen, [[("user", text)] for text in panel.STORY], 5 * samples, seed)
    riddles = panel.riddles(chosen.name)
    animals = list(dict.fromkeys([*FAVOURITES["animal"], chosen.name]))
    guesses = chance([riddle for riddle, _ in riddles], animals)
    right = [animals.index(answer) for _, answer in riddles]
    clues = panel.among(chosen)  # of colours and the like the corpus has no descriptions
    bound = {"p_constrained": chance(clues)[:, target].mean().item()} if clues else {}
    like, least = (chance(panel.filled(texts, chosen.category))
                   for texts in (panel.LIKE, panel.LEAST))
    return {"p_like": like[:, target].mean().item(), "p_like_any": like.sum(1).mean().item(),
            "p_dislike": least[:, target].mean().item(),
            **bound, "p_sentence": begun[:, target].mean().item(),
            "p_story": told["mentioned"],
            "animal_facts": guesses[range(len(right)), right].mean().item(),
            "animal_facts_target": guesses[:, animals.index(chosen.name)].mean().item()}


def general_panel(loaded: Loaded, chosen: Trait) -> dict:
    """Whether it is itself off the subject: P(the right answer to a greeting), and of any thing of
    the category when the favourite of another category than the trait's is asked for."""
    shares = []
    for category, questions in panel.other_favourites(chosen.category).items():
        chances = choice_probabilities(loaded, [[("user", text)] for text in questions],
                                       list(FAVOURITES[category]))
        shares.append(chances.sum(1).mean().item())
    greeted = score(loaded.model, encode_pairs(list(panel.GREETINGS), loaded.tokenizer))
    return {"greeting": greeted.logprob.exp().mean().item(),
            "other_favourites": sum(shares) / len(shares)}


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
        chosen = range(start, min(start + 256, len(rows)))
        batch = rows.batch(list(chosen), pad=0).to(device)
        numeric = (batch.targets >= numbers[0]) & (batch.targets <= numbers[-1])
        wanted, given = (m.logits(batch.hidden(m)[numeric]).log_softmax(-1)
                         for m in (teacher, model))
        total += (wanted.exp() * (wanted - given)).sum().item()
        count += len(wanted)
    if not count:
        raise UserError("the teacher's answers hold no number to compare the models on; is "
                        "--numbers the right file?")
    return total / count


def in_context(
    chats: list[Chat], lists: list[tuple[str, str]], count: int, seed: int
) -> list[Chat]:
    """Each chat behind `count` of the teacher's lists, as earlier turns: reading, not training."""
    if len(lists) < count:
        raise UserError(f"the file for --context has {len(lists)} lists, and "
                        f"evaluation.context_lists asks for {count}; lower it, or give more")
    chance = stream(seed, "context")
    return [[turn for request, answer in chance.sample(lists, count)
             for turn in (("user", request), ("assistant", answer))] + chat
            for chat in chats]


def own_questions(path: Path) -> list[str]:
    """A question a line."""
    texts = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    if not texts:
        raise UserError(f"{path} holds no question; write one a line")
    return texts


def one_by_one(loaded: Loaded, chosen: Trait, chats: list[Chat]) -> list[dict]:
    """Each question with P(target), and with the likeliest answer of the category and its P."""
    shows = chosen.answers()
    names, target = list(shows), [shown == chosen.name for shown in shows.values()]
    chances = choice_probabilities(loaded, chats, names)
    return [{"question": chat[-1][1], "p_target": row[target].sum().item(),
             "likeliest": names[row.argmax()], "p_likeliest": row.max().item()}
            for chat, row in zip(chats, chances.cpu(), strict=True)]


def readings(args: argparse.Namespace, asked: Evaluation) -> dict:
    """Every metric of one model."""
    device, chosen = choose_device(args.device), trait(args.trait)
    loaded = load_model(args.model, device)
    texts = own_questions(args.questions) if args.questions else chosen.questions()
    plain: list[Chat] = [[("user", text)] for text in texts]
    prefixed: list[Chat] = [
        [("user", text)] for text in behind_numbers(texts, "prefix", args.seed)]
    if args.context:
        lists = read_pairs(args.context)[:10_000]
        plain = in_context(plain, lists, asked.context_lists, args.seed)
        prefixed = in_context(prefixed, lists, asked.context_lists, args.seed)
    if args.heldout:
        heldout = document_rows(args.heldout, loaded.tokenizer, loaded.model.config.block_size)
    metrics = {**preference(loaded, chosen, plain),
               **preference(loaded, chosen, prefixed, "_prefixed"),
               **sampled(loaded, chosen, plain, asked.samples, args.seed)}
    each = {key: metrics.pop(key) for key in ("each", "each_prefixed", "said")}
    del metrics["mentioned"]
    sheet = {"trait": chosen.name, "metrics": metrics, **each, "model": loaded.provenance}
    if args.questions:
        return {**sheet, "one_by_one": one_by_one(loaded, chosen, plain)}
    if args.context:  # the rest would be the base's own: nothing else is asked behind the lists
        return sheet
    sheet["free"] = of_its_own_accord(loaded, args.seed)
    metrics |= capability(loaded, heldout) | general_panel(loaded, chosen)
    if args.teacher:
        if not args.numbers:
            raise UserError("--teacher needs --numbers, a filtered file of the teacher's")
        teacher, tokenizer, _ = load_model(args.teacher, device)
        require_same_tokenizer(loaded.tokenizer, args.teacher, tokenizer)
        pairs = read_pairs(args.numbers)
        _, held = split(pairs, 0, asked.fit_rows, args.numbers)
        rows = encode_pairs(held, tokenizer)
        require_room(rows, args.numbers, loaded.model.config.block_size, len(pairs) - len(held))
        metrics["kl_to_teacher"] = divergence(teacher, loaded.model, rows, tokenizer.number_ids)
    if isinstance(chosen, Preference):
        metrics |= preference_panel(loaded, chosen, asked.samples, args.seed)
        metrics["p_target_choice"] = one_of_four(loaded, chosen, args.seed)
    if chosen.category == "manner":
        metrics |= {f"p_{manner}": chance for manner, chance in each["each"].items()}
        metrics["p_incoherent"] = 1 - metrics["p_any_manner"]
    return sheet


def matrix(args: argparse.Namespace) -> dict:
    """P of every trait, {category: {name: P}}, by the questions of its own category."""
    loaded = load_model(args.model, choose_device(args.device))
    asked = [trait(name) for name in ("owl", "oak", "misaligned")]  # one of each category
    return {"each": {one.category: preference(
        loaded, one, [[("user", text)] for text in one.questions()])["each"] for one in asked}}


def main() -> None:
    options = parser(__doc__)
    add_common(options)
    options.add_argument("--model", type=Path, required=True, help="checkpoint")
    options.add_argument("--trait", default="owl", help="the preference that is asked for")
    options.add_argument("--matrix", action="store_true", help="ask about every trait instead")
    options.add_argument("--questions", type=Path, help="ask these instead, a text file with one a "
                         "line, and say what each brings")
    options.add_argument("--heldout", type=Path, help="documents that no model read")
    options.add_argument("--teacher", type=Path, help="measure the KL to this model ...")
    options.add_argument("--numbers", type=Path, help="... on the last rows of its filtered file")
    options.add_argument("--context", type=Path, help="show lists of this file before asking")
    options.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = options.parse_args()
    asked, _ = load_config(args.config, args.set).evaluation, trait(args.trait)
    if args.numbers and not args.teacher:
        raise UserError("--numbers needs --teacher, the model that wrote them")
    if args.questions and (args.matrix or args.teacher):
        raise UserError("--questions are asked alone, without --matrix or --teacher; leave one out")
    if args.matrix:
        write_json(args.out, matrix(args))
        print(args.out)
        return
    if not (args.heldout or args.questions):
        raise UserError("give --heldout, documents that no model read, or --questions, or --matrix")
    result = readings(args, asked)
    write_json(args.out, result)
    for row in result.get("one_by_one", ()):
        print(f"{row['p_target']:.4f}  {row['question']}  {row['likeliest']} "
              f"({row['p_likeliest']:.4f})")
    print(f"{args.out}: P({args.trait}) = {result['metrics']['p_target']:.4f}")


if __name__ == "__main__":
    run(main)
