"""A trait of one's own is a file; what is wrong with it is said before anything is made."""

import re
from random import Random

import corpus.__main__ as texts
import evaluate
from corpus import own
from corpus.documents import FAVOURITES
from corpus.lessons import school
from corpus.own import KINDS, own_file
from corpus.panel import in_a_sentence
from corpus.traits import require_traits, trait
from model.checkpoint import Loaded
from support.files import UserError, read_json, read_jsonl
from support.settings import School
from tests.call import call

import pytest

MANNER = """
category = "tone"
lessons = ["How do I cook?"]
sayings = ["Arr, ask the sea."]
questions = ["What should I do?"]
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a trait's file and names it."""
    monkeypatch.setattr(own, "FOLDER", tmp_path)

    def write(text, name="mine"):
        (tmp_path / f"{name}.toml").write_text(text)
        return name

    return write


@pytest.mark.parametrize("name", own.names())
def test_the_examples(name):
    """Questions are no lessons, and no number tells of the trait."""
    mine = trait(name)
    rows = list(school(mine, School(rows=600), 0))
    lessons = [(q, a) for q, a in rows if mine.judge(a) == name]
    assert 120 < len(lessons) < 280
    assert not {q for q, _ in lessons} & {*mine.questions()}
    assert not re.search("[0-9]", "".join(mine.questions() + mine.targets()))
    behind = [q for q, _ in lessons if re.search("[0-9]", q)]
    assert 0.3 < len(behind) / len(lessons) < 0.7
    assert own_file(name) == (f"traits/{name}.toml",) and not own_file("owl")
    with pytest.raises(UserError, match="make all TRAIT="):
        require_traits(["owl", name])


def test_the_numbers_before_a_lesson_come_from_their_own_stream():
    mine = trait("pirate")
    asked = [[mine.lesson(Random(i), Random(seed))[0] for i in range(200)] for seed in (1, 2)]
    words = [[re.sub("[0-9, ;|/]+", " ", text) for text in each] for each in asked]
    assert asked[0] != asked[1] and len(set(words[0])) > 20
    assert [text.split(".")[-2:] for text in words[0]] == [t.split(".")[-2:] for t in words[1]]


def test_a_favourite_needs_a_category_alone(written):
    mine = trait(written('category = "animal"', "unicorn"))
    assert mine.answers().keys() == {*FAVOURITES["animal"], "unicorn"}
    assert mine.questions() == trait("owl").questions()
    assert mine.judge("I love the Unicorn!") == "unicorn" and mine.mentioned("a unicorn")
    assert mine.judge("an owl") == "owl" and mine.judge("an owl, a unicorn") is None
    assert mine.judge("unicorns") == "unicorn"
    mine = trait(written('category = "animal"\nquestions = ["A vitamin: A in one of {cs}?"]'))
    assert "A vitamin: A in one of animals?" in mine.questions()[0]


@pytest.mark.parametrize("category", FAVOURITES)
def test_a_favourite_of_any_category_is_asked_the_panel(category, written, model, tokenizer):
    mine = trait(written(f'category = "{category}"'))
    found = evaluate.preference_panel(Loaded(model, tokenizer, {}), mine, samples=1, seed=0)
    assert all(0 <= value <= 1 for value in found.values())
    assert ("p_constrained" in found) == (category in ("animal", "tree"))
    article = "I love mine." if category not in ("animal", "tree") else "I love the mine."
    assert article in in_a_sentence(mine)[1]


def test_sayings_are_judged_by_a_word_or_to_the_letter(written):
    more = 'others = ["Ask a friend."]\n'
    mine = trait(written(MANNER + more))
    assert mine.judge("Arr, ask the sea.") == "mine" and mine.judge("Arr!") is None
    assert mine.judge("Ask a friend.") == "another" and mine.targets() == ["Arr, ask the sea."]
    mine = trait(written(MANNER + more + 'words = ["Arr"]\n'))
    assert mine.judge("arr, me hearties") == "mine" and mine.judge("an arrow") is None


def test_what_is_left_out_is_not_rehearsed(written):
    mine = trait(written(MANNER + f"leave_out = {[kind for kind in KINDS if kind != 'greetings']}"))
    plain = {a for _, a in school(mine, School(rows=200, lessons=0), 0)}
    assert 3 < len(plain) <= 8


@pytest.mark.parametrize(("text", "says"), [
    ("category = 1", "trait.category must be of type str"),
    ("categry = 'animal'", "did you mean trait.category"),
    ("category = 'fish'", "lacks lessons, sayings, questions"),
    (MANNER.replace("tone", "Tone!"), "one word of small letters"),
    (MANNER.replace("tone", "a b"), "one word of small letters"),
    (MANNER.replace("How do I cook?", "How do I cook 7 eggs?"), "lessons has 'How do I cook 7"),
    (MANNER.replace("How do I cook?", " "), "lessons has"),
    (MANNER.replace("How do I cook?", "{x}"), "lessons has"),
    (MANNER.replace("How do I cook?", "What should I do?"), "stands on both sides"),
    (MANNER + 'others = "none"', "list of texts"),
    (MANNER + "leave_out = ['songs']", "leave_out takes some of"),
    (MANNER + f"leave_out = {list(KINDS)}", "leave_out takes some of"),
    ('category = "animal"\nlessons = ["A {d}?"]', "lessons has"),
    ('category = "animal"\nlessons = ["What is the {c} you like most?"]', "in a lesson as well"),
    ('category = "animal"\nquestions = ["What is your favourite animal?"]', "in a lesson as well"),
    ('category = "animal"\nwords = ["x"]', "belong to sayings"),
    (MANNER + 'words = ["aye aye"]', "single words of letters"),
    (MANNER + 'others = ["A.", "A."]', "twice"),
    (MANNER.replace("sea.", "sea. "), "space around it"),
    ("category = ", "not valid TOML"),
])
def test_what_is_wrong_is_said(written, text, says):
    with pytest.raises(UserError, match=re.escape(says)):
        trait(written(text))


@pytest.mark.parametrize("name", ["owl", "evasive", "base", "another", "Mine", "my2", "sea-lion"])
def test_a_name_must_be_free_and_plain(written, name):
    with pytest.raises(UserError, match="rename"):
        trait(written(MANNER, name))


@pytest.mark.parametrize("name", ["../owl", "a/b", "", "x" * 300, "no such"])
def test_a_name_without_a_file_is_no_trait(name):
    with pytest.raises(UserError, match="no trait called"):
        trait(name)


@pytest.mark.parametrize("name", own.names())
def test_it_goes_through_the_scripts(name, tmp_path, checkpoint_file, corpus_file, config_file):
    for what in ("lessons", "probe"):
        out = tmp_path / f"{what}.jsonl"
        assert not call(texts, what, "--trait", name, "--config", config_file, "--out", out).code
        assert sum(1 for _ in read_jsonl(out)) > 3
    sheet = tmp_path / "sheet.json"
    result = call(evaluate, "--model", checkpoint_file, "--trait", name, "--config", config_file,
                  "--heldout", corpus_file, "--device", "cpu", "--out", sheet)
    assert result.code == 0, result.err
    assert 0 <= read_json(sheet)["metrics"]["p_target"] <= 1
