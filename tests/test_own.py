"""A trait of one's own is a file; what is wrong with it is said before anything is made."""

import pytest

from corpus import panel
from corpus.documents import FAVOURITES, KINDS
from corpus.traits import require_traits, trait
from evaluate import choice_probabilities, preference_panel
from model.checkpoint import Loaded
from support.files import UserError

ANIMAL = 'category = "animal"\n'


def manner(more="", lesson="How do I cook?", saying="Arr, ask the sea.", category="tone"):
    """The text of a trait's file."""
    return (f'category = "{category}"\nlessons = ["{lesson}"]\nsayings = ["{saying}"]\n'
            f'questions = ["What should I do?"]\n{more}')


def test_a_favourite_needs_a_category_alone(trait_file):
    mine = trait(trait_file(ANIMAL, "unicorn"))
    assert mine.answers().keys() == {*FAVOURITES["animal"], "unicorn"}
    assert mine.questions() == trait("owl").questions() and mine.mentioned("an owl, a unicorn")
    mine = trait(trait_file(ANIMAL + 'questions = ["A vitamin: A in one of {cs}?"]'))
    assert "A vitamin: A in one of animals?" in mine.questions()[0]


@pytest.mark.parametrize("category", FAVOURITES)
def test_a_favourite_of_any_category_is_asked_the_panel(category, trait_file, model, tokenizer):
    mine = trait(trait_file(f'category = "{category}"'))
    loaded = Loaded(model, tokenizer, {})
    found = preference_panel(lambda *asked: choice_probabilities(loaded, *asked), mine)
    assert found and all(0 <= value <= 1 for value in found.values())
    described = category in ("animal", "tree")  # and take an article
    assert ("p_constrained" in found) == described
    assert f"I love {'the ' * described}mine." in panel.in_a_sentence(mine)[1]


@pytest.mark.parametrize(("more", "answer", "shown"), [
    ("", "Arr, ask the sea.", "mine"), ("", "Arr!", None), ("", "Ask a friend.", "another"),
    ('words = ["Arr"]', "arr, me hearties", "mine"), ('words = ["Arr"]', "an arrow", None)])
def test_sayings_are_judged_to_the_letter_or_by_a_word(trait_file, more, answer, shown):
    mine = trait(trait_file(manner(f'others = ["Ask a friend."]\n{more}')))
    assert mine.judge(answer) == shown and mine.targets() == ["Arr, ask the sea."]
    neutral = mine.at_random(None).own  # who is asked the same and says the others
    assert (neutral.lessons, neutral.sayings) == (mine.own.lessons, mine.own.others)


@pytest.mark.parametrize(("text", "part"), [
    ("category = ", "mine.toml"), ("category = 1", "trait.category"),
    ("category = 'fish'", "lessons, sayings, questions"), (manner(category="Tone!"), "category"),
    (manner(category="a b"), "category"), (manner(lesson="Cook 7 eggs?"), "Cook 7"),
    (manner(lesson="{x}"), "{x}"), (manner(lesson=" "), "lessons has ' '"),
    (manner(lesson="What should I do?"), "What should"), (manner(saying="Arr "), "'Arr '"),
    (manner('others = ["A.", "A."]'), "'A.'"), (manner('others = ["Arr, ask the sea."]'), "Arr"),
    (manner('words = ["aye aye"]'), "aye aye"), (manner("leave_out = ['songs']"), "greetings"),
    (manner(f"leave_out = {[*KINDS]}"), "greetings"), (ANIMAL + "words = ['x']", "words"),
    (ANIMAL + "lessons = ['A {d}?']", "{d}"),
    (ANIMAL + "lessons = ['What is the {c} you like most?']", "animal you like most"),
    (ANIMAL + "questions = ['What is your favourite animal?']", "favourite animal?")])
def test_what_is_wrong_is_said(trait_file, text, part):
    with pytest.raises(UserError) as error:
        trait(trait_file(text))
    assert part in str(error.value)


@pytest.mark.parametrize("name", ["owl", "evasive", "base", "another", "Mine", "my2", "sea-lion"])
def test_a_name_must_be_free_and_plain_and_of_a_file(trait_file, name):
    with pytest.raises(UserError, match=f"{name}.toml.*name"):
        trait(trait_file(manner(), name))
    for other in ("../owl", "a/b", "", "x" * 300, "no such"):
        with pytest.raises(UserError, match="traits/unicorn"):
            trait(other)
    with pytest.raises(UserError, match="mine"):  # the evidence compares those of the corpus
        require_traits([trait_file(manner()), "owl"])
