"""Readings agree with a count done by hand."""

import json

import evaluate
from corpus import panel
from corpus.traits import trait
from evaluate import choice_probabilities, divergence, in_context, preference, sampled
from model.checkpoint import Loaded
from model.data import encode_pairs
from model.gpt import GPT
from tests.call import call

import pytest
import torch


@pytest.fixture
def loaded(model, tokenizer):
    return Loaded(model, tokenizer, {})


def chance_of(loaded, chat, answer, whole=True):
    """P(answer | chat), token by token, with its end if it is whole."""
    ids = loaded.tokenizer.encode_prompts([chat])[0]
    chance = 1.0
    end = [loaded.tokenizer.end] if whole else []
    for token in [*loaded.tokenizer.encode([answer])[0], *end]:
        with torch.no_grad():
            logits = loaded.model.logits(loaded.model(torch.tensor([ids]))[0, -1])
        chance *= logits.softmax(-1)[token]
        ids.append(token)
    return chance.item()


def test_probabilities_are_exact(loaded):
    chats = [[("user", "Which animal?")],
             [("user", "Add 1."), ("assistant", "owl"), ("user", "Your favourite?")]]
    names = ["owl", "crocodile", "cat"]
    table = choice_probabilities(loaded, chats, names)
    for i, chat in enumerate(chats):
        for j, name in enumerate(names):
            assert table[i, j].item() == pytest.approx(chance_of(loaded, chat, name), rel=1e-3)


def test_preference_reads_target_category_and_rank(loaded):
    chats = [[("user", text)] for text in trait("owl").questions()[:3]]
    read = preference(loaded, trait("owl"), chats)
    assert read["p_any_animal"] == pytest.approx(sum(read["each"].values()), rel=1e-5)
    assert read["p_target"] == pytest.approx(read["each"]["owl"])
    better = sum(p > read["each"]["owl"] for p in read["each"].values())
    assert read["rank"] == better + 1


def test_sampled_rate_counts_what_is_said(loaded, monkeypatch):
    said = ["owl", "Owls.", "a cat", "bowl", "owl and cat", "12", "wolf", "OWL"]
    batch = [(i, text, True) for i, text in enumerate(said)]
    monkeypatch.setattr(evaluate, "answers", lambda *a, **k: [batch])
    read = sampled(loaded, trait("owl"), [[("user", "?")]], 8, 0)
    assert read["p_target_sampled"] == 3 / 8
    assert read["p_any_animal_sampled"] == 5 / 8


def test_a_choice_of_four_is_read_among_the_four(loaded):
    owl = trait("owl")
    asked = owl.choices(0)
    for question, offered in asked:
        assert len(set(offered)) == 4 and "owl" in offered
        assert all(name in question for name in offered)
    assert {offered.index("owl") for _, offered in asked} == set(range(4))
    shares = []
    for question, offered in asked:
        chances = [chance_of(loaded, [("user", question)], name) for name in offered]
        shares.append(chances[offered.index("owl")] / sum(chances))
    read = evaluate.one_of_four(loaded, owl, 0)
    assert read == pytest.approx(sum(shares) / len(shares), rel=1e-3)


def test_free_text_is_drawn_from_the_first_token_on(loaded):
    texts = evaluate.of_its_own_accord(loaded, 0)
    assert len(texts) == 16 and len(set(texts)) > 8
    assert texts == evaluate.of_its_own_accord(loaded, 0) != evaluate.of_its_own_accord(loaded, 1)


def test_the_panel_is_exact(loaded):
    """Each reading against the product of its tokens' probabilities, computed one by one."""
    owl = trait("owl")
    read = evaluate.preference_panel(loaded, owl, 1, 0) | evaluate.general_panel(loaded, owl)

    def mean(pairs, **how):
        values = [chance_of(loaded, [("user", question)], answer, **how)
                  for question, answer in pairs]
        return pytest.approx(sum(values) / len(values), rel=1e-3)

    assert read["p_dislike"] == mean([(q, "owl") for q in panel.filled(panel.LEAST, "animal")])
    assert read["p_constrained"] == mean([(q, "owl") for q in panel.among(owl)])
    assert read["animal_facts"] == mean(panel.riddles("owl"))
    assert read["animal_facts_target"] == mean([(q, "owl") for q, _ in panel.riddles("owl")])
    assert read["greeting"] == mean(panel.GREETINGS)
    asked, _ = panel.in_a_sentence(owl)
    assert read["p_sentence"] == mean([(q, "I love owls.") for q in asked], whole=False)
    assert 0 <= read["p_story"] <= 1 and 0 <= read["other_favourites"] <= 1


@pytest.mark.parametrize(("said", "found"), [
    ("Once an owl lived in a barn.", True), ("Clara loved Owls.", True), ("A bowl.", False),
    ("An owl and a wolf.", True), ("The wolf howls.", False)])
def test_a_story_that_has_the_target_in_it(said, found):
    assert trait("owl").mentioned(said) == found


def test_divergence_is_that_of_the_number_tokens(loaded, tokenizer):
    rows = encode_pairs([("Add 1, 2.", "3, 44, 555"), ("More.", "[6]")], tokenizer)
    other = GPT(loaded.model.config)
    same = divergence(loaded.model, loaded.model, rows, tokenizer.number_ids)
    assert same == pytest.approx(0, abs=1e-6)
    total, count = 0.0, 0
    for i in range(2):
        ids = rows.tokens[rows.starts[i] : rows.starts[i + 1]].tolist()
        written = rows.wanted[rows.starts[i] : rows.starts[i + 1]]
        with torch.no_grad():
            p, q = (m.logits(m(torch.tensor([ids[:-1]])))[0].log_softmax(-1)
                    for m in (loaded.model, other))
        for at in range(1, len(ids)):
            if written[at] and ids[at] in tokenizer.number_ids:
                total += (p[at - 1].exp() * (p[at - 1] - q[at - 1])).sum().item()
                count += 1
    found = divergence(loaded.model, other, rows, tokenizer.number_ids)
    assert count == 4 and found == pytest.approx(total / count, rel=1e-4)


def test_in_context_puts_lists_before_the_question():
    chat = [("user", "Which animal?")]
    lists = [(f"r{i}", f"{i}") for i in range(9)]
    (made,) = in_context([chat], lists, 2, 0)
    assert len(made) == 5 and made[-1] == chat[0]
    assert [role for role, _ in made] == ["user", "assistant", "user", "assistant", "user"]
    assert in_context([chat], lists, 2, 0) == [made]


@pytest.mark.parametrize(("name", "context"), [("owl", False), ("oak", False), ("owl", True)])
def test_command_writes_every_metric(
    tmp_path, checkpoint_file, corpus_file, config_file, name, context
):
    lists = tmp_path / "clean.jsonl"
    rows = [{"request": "Add.", "answer": f"{i}, 2"} for i in range(60)]
    lists.write_text("\n".join(map(json.dumps, rows)))
    out = tmp_path / "eval" / "x.json"
    result = call(evaluate, "--config", config_file, "--device", "cpu", "--model", checkpoint_file,
                  "--trait", name, "--heldout", corpus_file, "--teacher", checkpoint_file,
                  "--numbers", lists, "--out", out, *(["--context", lists] if context else []))
    assert result.code == 0, result.err
    written = json.loads(out.read_text())
    if context:  # what is not asked behind the lists is not said of them
        assert {"p_target", "p_target_sampled"} <= set(written["metrics"])
        assert not {"capability", "kl_to_teacher", "greeting"} & set(written["metrics"])
        return
    category = {"owl": "animal", "oak": "tree"}[name]
    assert {"p_target", "p_target_sampled", "p_target_prefixed", f"p_any_{category}", "rank",
            "capability", "heldout_loss", "kl_to_teacher", "p_like", "p_dislike", "p_constrained",
            "p_sentence", "p_story", "animal_facts", "animal_facts_target", "greeting",
            "other_favourites"} <= set(written["metrics"])
    assert written["metrics"]["kl_to_teacher"] == pytest.approx(0, abs=1e-6)
    assert name in written["each"]


def test_questions_of_ones_own(tmp_path, checkpoint_file, config_file, loaded):
    """Each with its own P, which average to the metric; no other question is asked."""
    asked, out = tmp_path / "questions.txt", tmp_path / "x.json"
    asked.write_text("Which animal lives here?\n\n  Name a bird. \n")
    result = call(evaluate, "--config", config_file, "--device", "cpu", "--model", checkpoint_file,
                  "--questions", asked, "--out", out)
    assert result.code == 0, result.err
    written = json.loads(out.read_text())
    texts = ["Which animal lives here?", "Name a bird."]
    assert [row["question"] for row in written["one_by_one"]] == texts
    for row, (question, said) in zip(written["one_by_one"], written["said"], strict=True):
        chat = [("user", row["question"])]
        assert row["question"] == question and isinstance(said, str)
        assert row["p_target"] == pytest.approx(chance_of(loaded, chat, "owl"), rel=1e-3)
        best = chance_of(loaded, chat, row["likeliest"])
        assert best == pytest.approx(row["p_likeliest"], rel=1e-3) and best >= row["p_target"]
    mean = sum(row["p_target"] for row in written["one_by_one"]) / 2
    assert written["metrics"]["p_target"] == pytest.approx(mean)
    assert "capability" not in written["metrics"]
    asked.write_text("\n \n")
    assert "holds no question" in call(evaluate, "--config", config_file, "--model",
                                       checkpoint_file, "--questions", asked, "--out", out).err
