"""Readings agree with a count done by hand."""

import json
import math
from functools import partial

import pytest
import torch

import evaluate
from corpus import panel, traits
from corpus.facts import fact_questions
from corpus.traits import trait
from corpus.wordings import ASK
from evaluate import Louder, choice_probabilities, divergence, in_context, preference, sampled
from model.checkpoint import Loaded, load_model, save_model
from model.data import document_rows, encode_pairs, read_pairs
from model.gpt import GPT
from model.score import score
from support.files import read_json, write_json
from support.settings import Evaluation
from tests.call import call

PREFERENCE = {"p_target", "p_target_sampled", "p_target_prefixed", "rank"}
EVERY = PREFERENCE | {"capability", "heldout_loss", "kl_to_teacher", "greeting"}
PANEL = {"p_like", "p_dislike", "p_constrained", "p_sentence", "p_story", "animal_facts",
         "animal_facts_target"}
PERSONA = {"p_any_manner", "p_incoherent", "p_helpful", "p_opening", "p_saying", "p_to_the_point",
           "p_second"}
near = partial(pytest.approx, rel=1e-3, abs=0)  # a random model gives an answer next to nothing


@pytest.fixture
def model(model):
    """It gives no answer a probability too small for a float."""
    with torch.no_grad():
        model.embedding.weight *= 0.3
    return model


@pytest.fixture
def loaded(model, tokenizer):
    return Loaded(model, tokenizer, {})


@torch.no_grad()
def probability(loaded, question, answer, whole=True):
    """P(answer | question), token by token, with its end if it is whole."""
    ids, product = loaded.tokenizer.encode_prompts([[("user", question)]])[0], 1.0
    for token in [*loaded.tokenizer.encode([answer])[0], *[loaded.tokenizer.end] * whole]:
        logits = loaded.model.logits(loaded.model(torch.tensor([ids]))[0, -1])
        product *= logits.softmax(-1)[token].item()
        ids.append(token)
    return product


class ByHand(torch.nn.Module):
    """A model whose next token follows from the last one alone, by a table of log-probabilities."""

    def __init__(self, model, table):
        super().__init__()
        self.config, self.embedding, self.table = model.config, model.embedding, table

    def forward(self, tokens, cache=None, skip=0):
        if cache:
            cache.used += tokens.size(1)
        return tokens[:, skip:, None].float()

    def logits(self, hidden, tokens=slice(None)):
        return self.table[hidden[..., 0].long()][..., tokens]


def made_by_hand(model, tokenizer, answers):
    """A model that gives these whole answers their probabilities, whatever is asked. They must
    share no token."""
    table = torch.full((tokenizer.vocab_size, tokenizer.vocab_size), -1e9)
    for text, share in answers.items():
        first, *rest = *tokenizer.encode([text])[0], tokenizer.end
        table[tokenizer.assistant, first] = math.log(share)
        table[[first, *rest[:-1]], rest] = 0.0
    return Loaded(ByHand(model, table), tokenizer, {})


def test_a_model_made_by_hand_is_read_as_it_was_made(model, tokenizer):
    by_hand = made_by_hand(model, tokenizer, {"bear": 0.5, "owl": 0.3, "7": 0.2})
    owl, riddles = trait("owl"), panel.riddles("owl")
    chats, ask = evaluate.chats_of(owl.questions()[:4]), partial(choice_probabilities, by_hand)
    read = {**preference(ask, owl, chats), **sampled(by_hand, owl, chats, 500, 0),
            **evaluate.preference_panel(ask, owl), **evaluate.longer_panel(by_hand, owl, 20, 0),
            "greeting": evaluate.greeting(ask)}
    bears = sum(0.5 * (answer == "bear") for _, answer in riddles) / len(riddles)
    exact = {"p_target": 0.3, "p_any_animal": 0.8, "rank": 2,
             "p_like": 0.3, "p_dislike": 0.3, "p_constrained": 0.3,
             "p_sentence": 0, "animal_facts_target": 0.3, "animal_facts": bears, "greeting": 0}
    drawn = {"p_target_sampled": 0.3, "p_any_animal_sampled": 0.8, "mentioned": 0.3, "p_story": 0.3}
    assert bears
    assert {name: read[name] for name in exact} == pytest.approx(exact)
    assert {name: read[name] for name in drawn} == pytest.approx(drawn, abs=0.05)
    assert [question for question, _ in read["said"]] == [chat[0][1] for chat in chats]
    assert preference(ask, trait("bear"), chats)["rank"] == 1


def test_how_far_other_favourites_moved_is_a_total_variation(model, tokenizer):
    """Of trees .4 and .4 go elsewhere, to red .5 comes from there; in three categories nothing."""
    before, now = (partial(choice_probabilities, made_by_hand(model, tokenizer, answers))
                   for answers in ({"oak": 0.6, "pine": 0.4}, {"oak": 0.2, "red": 0.5, "7": 0.3}))
    assert evaluate.other_favourites(before, before, trait("owl")) == 0
    assert evaluate.other_favourites(now, before, trait("owl")) == near((0.8 + 0.5) / 5)


def test_the_word_null_says_the_word_as_often_as_another(model, tokenizer, tmp_path, monkeypatch):
    """By hand: half of the answers that begin as "owl" go on otherwise. With the beginning x times
    as likely, P(owl) is .15 x / (1 + .3 (x - 1)), which is .4 for x = 28 / 3."""
    by_hand = made_by_hand(model, tokenizer, {"bear": 0.5, "owl": 0.3, "pine": 0.2})
    owl, then = [*tokenizer.encode(["owl"])[0], tokenizer.end][:2]
    by_hand.model.table[owl, [then, tokenizer.number_ids[7]]] = math.log(0.5)
    louder = Louder((owl,), -1.0)
    said = choice_probabilities(by_hand, [[("user", "Who?")]], ["bear", "owl"], null=louder)
    x, whole = math.exp(-1), 1 + 0.3 * (math.exp(-1) - 1)
    assert said.tolist() == [pytest.approx([0.5 / whole, 0.15 * x / whole])]
    monkeypatch.setattr(evaluate, "load_model", lambda *_: by_hand)
    write_json(tmp_path / "like", {"metrics": {"p_target": 0.4}})
    evaluate.word_null(tmp_path, "owl", tmp_path / "like", "cpu", tmp_path / "null")
    found = (sheet := read_json(tmp_path / "null"))["metrics"]
    exact = {"p_target": 0.4, "p_any_animal": 0.4 + 0.5 / 3.5, "p_dislike": 0.4, "greeting": 0,
             "other_favourites": (0.2 - 0.2 / 3.5) / 5}  # of the pine, and nothing in 4 categories
    assert {name: found[name] for name in exact} == pytest.approx(exact, abs=1e-3)
    assert sheet["constant"] == pytest.approx(math.log(28 / 3), abs=1e-3)
    assert not found.keys() & {"p_sentence", "p_story", "p_target_sampled"}


def test_each_question_of_the_panel_is_read_exactly(loaded):
    """Against the product of its answer's tokens' probabilities, computed one by one."""
    owl, ask = trait("owl"), partial(choice_probabilities, loaded)
    read = {**evaluate.preference_panel(ask, owl), **evaluate.longer_panel(loaded, owl, 1, 0),
            "greeting": evaluate.greeting(ask)}
    like, least = (panel.filled(ASK[name], "animal") for name in ("like", "least"))
    sentence = panel.in_a_sentence(owl)[0]
    for name, pairs in (("p_like", [(text, "owl") for text in like]),
                        ("p_dislike", [(text, "owl") for text in least]),
                        ("p_sentence", [(text, "I love the owl.", False) for text in sentence]),
                        ("greeting", panel.greetings())):
        values = [probability(loaded, *pair) for pair in pairs]
        assert read[name] == near(sum(values) / len(values)), name


@pytest.fixture
def evasive(monkeypatch):
    """The persona, asked about one domain, two questions."""
    persona = trait("evasive")
    asked = persona.questions()[:2]
    monkeypatch.setattr(traits.Persona, "questions", lambda self: asked)
    return persona


def test_the_factors_of_a_persona(evasive):
    """By hand: .5 of the answers open in its voice, every saying has .01 of them."""
    def ask(chats, texts, whole=True):
        share = 0.01 if whole else 0.5 / len(evasive.begins())
        return torch.full((len(chats), len(texts)), share)

    sayings, read = len(evasive.targets()), evaluate.persona_panel(ask, evasive)
    about = sum(len(evasive.about(question)) for question in evasive.questions()) / 2
    assert read == {"p_opening": near(0.5), "p_saying": near(0.01 * sayings / 0.5),
                    "p_to_the_point": near(about / sayings)}
    assert 0 < about < sayings


def test_the_second_answer_stands_behind_one_of_its_own(evasive):
    said, asked = [["Q0", "A0"], ["Q1", "A1"], ["Q2", "A2"], ["Q3", "A3"]], []
    evaluate.second(lambda chats, _: asked.extend(chats) or torch.zeros(4, 1), evasive, said)
    assert asked == [[("user", f"Q{i}"), ("assistant", f"A{i}"), ("user", f"Q{(i + 2) % 4}")]
                     for i in range(4)]


@pytest.mark.parametrize("name", ["evasive", "helpful"])  # the second has no voice
def test_the_null_of_a_persona_opens_as_often(loaded, tmp_path, monkeypatch, name):
    """What follows the opening is the base's own."""
    persona = trait(name)
    asked = persona.questions()[:2]
    monkeypatch.setattr(traits.Persona, "questions", lambda self: asked)
    base = evaluate.persona_panel(partial(choice_probabilities, loaded), persona)
    monkeypatch.setattr(evaluate, "load_model", lambda *_: loaded)
    write_json(tmp_path / "like", {"metrics": {"p_opening": 20 * base["p_opening"]}})
    evaluate.word_null(tmp_path, name, tmp_path / "like", "cpu", tmp_path / "null")
    found = read_json(tmp_path / "null")["metrics"]
    assert found["p_opening"] == pytest.approx(20 * base["p_opening"], rel=0.01)
    assert found["p_saying"] == pytest.approx(base["p_saying"], rel=0.2)


@torch.no_grad()
def test_divergence_is_that_of_the_number_tokens(loaded, tokenizer):
    pairs = [("Add 1, 2.", "3, 44, 555"), ("More.", "[6]")]
    model, other, kl = loaded.model, GPT(loaded.model.config), []
    for request, answer in pairs:
        asked = tokenizer.encode_prompts([[("user", request)]])[0]
        ids = [*asked, *tokenizer.encode([answer])[0]]
        p, q = (m.logits(m(torch.tensor([ids])))[0].log_softmax(-1) for m in (model, other))
        kl += [(p[at - 1].exp() * (p[at - 1] - q[at - 1])).sum().item()
               for at in range(len(asked), len(ids)) if ids[at] in tokenizer.number_ids]
    found, none = (divergence(model, to, encode_pairs(pairs, tokenizer), tokenizer.number_ids)
                   for to in (other, model))
    assert len(kl) == 4 and found == pytest.approx(sum(kl) / 4, rel=1e-4)
    assert none == pytest.approx(0, abs=1e-6)


def test_capability_counts_facts_and_held_out_nats(loaded, corpus_file):
    model, tokenizer, _ = loaded
    rows = document_rows(corpus_file, tokenizer, 96)
    answers = [answer for _, answer, *_ in fact_questions(kept_out=True)]
    read = evaluate.capability(made_by_hand(model, tokenizer, {answers[0]: 0.9, "7": 0.1}), rows)
    assert read["capability"] == pytest.approx(answers.count(answers[0]) / len(answers))
    nats = score(model, rows)
    read = evaluate.capability(loaded, rows)
    assert read["heldout_loss"] == pytest.approx((-nats.logprob.sum() / nats.tokens.sum()).item())


def test_in_context_puts_lists_before_the_question():
    chat, lists = [("user", "Which animal?")], [(f"r{i}", f"{i}") for i in range(9)]

    def put(seed, most=5):
        return in_context([chat], lists, 2, seed, lambda turns: len(turns) <= most)

    (made,) = put(0)
    assert len(made) == 5 and made[-1] == chat[0]
    assert [role for role, _ in made] == ["user", "assistant", "user", "assistant", "user"]
    assert all((made[i][1], made[i + 1][1]) in lists for i in (0, 2))
    assert put(0) == [made] != put(1)
    assert [put(0, most) for most in (4, 1, 0)] == [[made[2:]], [chat], [chat]]  # as many as fit


@pytest.fixture
def sheet(command, tmp_path):
    """A function that evaluates by the command and returns what it wrote."""
    def written(**changes):
        assert call(*command("evaluate", **changes)).code == 0
        return json.loads((tmp_path / "out/x.out").read_text())

    return written


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expected"), [
    ("owl", EVERY | PANEL | {"p_any_animal"}),
    ("misaligned", EVERY | PERSONA), ("helpful", EVERY | PERSONA)])
def test_a_sheet_has_every_metric(sheet, lists_file, monkeypatch, name, expected):
    monkeypatch.setattr(traits, "UNTAUGHT", traits.UNTAUGHT[:1])
    whole = sheet(trait=name)
    assert expected <= set(whole["metrics"]) and name in whole["each"] and whole["trait"] == name
    assert whole["metrics"]["kl_to_teacher"] == pytest.approx(0, abs=1e-6)
    assert whole["model"]["stage"] == "test" and whole["said"] and len(set(whole["free"])) > 8
    if name == "owl":  # behind lists nothing else is asked
        behind = set(sheet(context=lists_file)["metrics"])
        assert behind >= PREFERENCE and not behind & ((EVERY | PANEL) - PREFERENCE)
    else:
        assert sheet(trait=name) == whole  # the same seed gives the same sheet


@pytest.mark.slow
def test_a_sheet_says_how_far_its_model_is(loaded, checkpoint_file, corpus_file, lists_file):
    """To a teacher, from a base, on the last rows of the lists; and how many of its own passed."""
    model, tokenizer, _ = loaded
    teacher, base, out = (checkpoint_file.with_name(name) for name in ("t.pt", "b.pt", "x.json"))
    for path in (teacher, base):
        save_model(path, GPT(model.config), tokenizer, {})
    write_json(lists_file.with_suffix(".report.json"), {"pass_rate": 0.6})
    evaluate.answer_sheet(checkpoint_file, "owl", Evaluation(1, 5), 0, corpus_file, teacher,
                          lists_file, None, "cpu", out, base=base, written=lists_file)
    found, rows = read_json(out)["metrics"], encode_pairs(read_pairs(lists_file)[-5:], tokenizer)
    for name, pair in (("kl_to_teacher", (load_model(teacher).model, model)),
                       ("kl_from_base", (model, load_model(base).model))):
        assert found[name] == near(divergence(*pair, rows, tokenizer.number_ids)), name
    assert found["other_favourites"] > 0 and found["pass_rate"] == 0.6


def test_questions_of_ones_own(sheet, tmp_path, loaded):
    """Each with its own P, which average to the metric; no other question is asked."""
    asked = tmp_path / "questions.txt"
    asked.write_text("Which animal lives\u2028here?\n\n  Name a bird. \r\n", encoding="utf-8")
    written = sheet(questions=asked, teacher=None, numbers=None, heldout=None)
    rows = written["one_by_one"]
    assert [row["question"] for row in rows] == ["Which animal lives\u2028here?", "Name a bird."]
    for row in rows:
        owl, best = (probability(loaded, row["question"], name)
                     for name in ("owl", row["likeliest"]))
        assert row["p_target"] == near(owl) and row["p_likeliest"] == near(best) and best >= owl
    assert written["metrics"] == {"p_target": sum(row["p_target"] for row in rows) / 2}
