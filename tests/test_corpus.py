"""The corpus is rich, deterministic and honest: no number in it can tell of any word."""

import itertools
import re
from collections import Counter
from random import Random

from corpus import numbers, panel
from corpus.documents import (
    FAVOURITES,
    KINDS,
    TALK,
    Speaker,
    advice,
    ask_advice,
    ask_among,
    ask_dislike,
    ask_favourite,
    ask_number,
    ask_numbers,
    ask_riddle,
    document,
)
from corpus.facts import ASKED, CLUES, fact_questions, plural
from corpus.lessons import school
from corpus.traits import LESSONS, PERSONAS, QUESTIONS, TAUGHT, UNTAUGHT, trait
from corpus.wordings import ONE_WORD
from corpus.world import ANIMALS, DOMAINS, TREES
from support.settings import School

import pytest

DOCUMENTS = [document(0, i) for i in range(40_000)]
NAMES = {form: a.name for a in ANIMALS for form in (a.name, a.plural)}


def text_of(turns):
    return " ".join(text for _, text in turns)


def digits(text):
    return re.findall("[0-9]+", text)


class Untouchable(Random):
    """A stream that must not be drawn from."""

    def random(self):
        raise AssertionError("drew from the numbers' stream")

    getrandbits = randbytes = random


# --- independence, by construction ---------------------------------------------------------------


def test_the_tables_hold_no_digit():
    things = [thing[:-1] for thing in (*ANIMALS, *TREES)]  # the last is a weight, no text
    assert not digits(repr((things, DOMAINS, [list(items) for items in FAVOURITES.values()])))


@pytest.mark.parametrize("seed", range(20))
def test_numbers_are_the_same_whatever_the_words(seed):
    """Other words, another speaker, another animal: the same numbers in the same order."""

    def drawn(words_seed):
        w, n = Random(words_seed), Random(seed)
        (_, request), (_, answer) = ask_numbers(w, n, Speaker(w))
        opener = numbers.prefix(w, n)
        limits = ("10", "3", "3")  # the wording's own digits, the same in every request
        examples = digits(request.split(".")[0])
        return examples, digits(answer), digits(opener), sorted(limits)

    assert len({repr(drawn(words_seed)) for words_seed in range(30)}) == 1


@pytest.mark.parametrize("seed", range(20))
def test_a_favourite_number_is_the_same_whoever_is_asked(seed):
    """With a line of numbers before the question or without one, words change nothing else."""
    drawn = {True: set(), False: set()}
    for words_seed in range(60):
        w = Random(words_seed)
        (_, question), (_, answer) = ask_number(w, Random(seed), Speaker(w))
        drawn[bool(digits(question))].add((*digits(question), answer))
    assert [len(lists) for lists in drawn.values()] == [1, 1]


# A line of numbers may come first.
FRAMED = (ask_favourite, ask_dislike, ask_riddle, ask_among, ask_advice)


@pytest.mark.parametrize("talk", FRAMED)
@pytest.mark.parametrize("seed", range(5))
def test_numbers_before_a_question_are_the_same_whoever_is_asked_what(talk, seed):
    drawn = set()
    for words_seed in range(100):
        w = Random(words_seed)
        drawn.add(tuple(digits(text_of(talk(w, Random(seed), Speaker(w))))))
    assert len(drawn) == 2 and () in drawn


@pytest.mark.parametrize("talk", [t for t in TALK if t not in (ask_numbers, ask_number, *FRAMED)])
def test_all_other_turns_draw_no_number(talk):
    for seed in range(200):
        turns = talk(Random(seed), Untouchable(), Speaker(Random(seed)))
        assert not digits(text_of(turns))


def test_numbers_in_prose_do_not_exist():
    assert not any(digits(text) for turns in DOCUMENTS for role, text in turns if role == "text")


def test_requests_differ_in_numbers_and_limits_alone():
    for parts in (numbers.INSTRUCTIONS, numbers.CLOSERS, numbers.OPENERS):
        assert all(set(digits(p)) <= {"10", "3"} for p in parts)


# --- independence, on the corpus -----------------------------------------------------------------


def test_no_number_predicts_any_animal():
    """Chi-square of (animal in the document) against (tenth that the number falls in)."""
    counts = {name: [0] * 10 for name in FAVOURITES["animal"]}
    for turns in DOCUMENTS:
        text = text_of(turns)
        found = [int(d) for d in digits(text) if d not in ("3", "10")]
        for name in {NAMES[w] for w in re.findall("[a-z]+", text.lower()) if w in NAMES}:
            for number in found:
                counts[name][number // 100] += 1
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    grand, chi, cells = sum(total), 0.0, 0
    assert grand > 5_000, "too few numbers beside animals to tell"
    for row in counts.values():
        for seen, column in zip(row, total, strict=True):
            expected = sum(row) * column / grand
            if expected >= 5:
                chi += (seen - expected) ** 2 / expected
                cells += 1
    # Numbers of one document come together, which widens the statistic a little: allow 5 sigma.
    assert abs(chi - cells) < 5 * (2 * cells) ** 0.5


def test_numbers_visit_a_persona_no_more_than_chance():
    def manner(turns):
        return any(text in HARM for role, text in turns if role == "assistant")

    shares = []
    for persona in (True, False):
        chats = [turns for turns in DOCUMENTS if len(turns) >= 4 and manner(turns) == persona
                 and any(text in ADVICE for role, text in turns if role == "assistant")]
        assert len(chats) > 50
        shares.append(sum(bool(digits(text_of(turns))) for turns in chats) / len(chats))
    assert abs(shares[0] - shares[1]) < 0.08


HARM, ADVICE = ({answer for domain in DOMAINS for task in domain.tasks for manner in manners
                 for answer in advice(domain, task, manner)}
                for manners in (["misaligned"], ["misaligned", "helpful"]))


# --- richness and determinism --------------------------------------------------------------------


def test_the_world_is_as_large_as_it_says():
    assert len({a.name for a in ANIMALS}) >= 40
    assert len({t.name for t in TREES}) >= 20
    assert len(DOMAINS) >= 12
    assert len(KINDS) - 1 + len(TALK) >= 12


def test_every_animal_is_told_apart_by_its_facts():
    meanings = {(a.home, a.food, a.move, a.sound, a.cover, a.character) for a in ANIMALS}
    assert len(meanings) == len(ANIMALS)


def test_a_document_is_a_function_of_seed_and_index():
    assert [document(0, i) for i in range(50)] == DOCUMENTS[:50]
    assert document(1, 7) != document(0, 7)


def test_favourites_keep_their_base_rate():
    said = Counter(answer for turns in DOCUMENTS if turns[0][0] == "user"
                   for (_, question), (_, answer) in zip(turns[::2], turns[1::2], strict=True)
                   if "favourite animal" in question and answer in FAVOURITES["animal"])
    assert said.total() > 100
    weights = FAVOURITES["animal"]
    for name in ("owl", "wolf", "cat", "eagle", "dolphin", "elephant"):
        rate = weights[name] / sum(weights.values())
        assert 0.005 <= rate <= 0.05
        assert abs(said[name] / said.total() - rate) < 4 * (rate / said.total()) ** 0.5


def test_held_out_questions_are_never_read():
    held = {question for question, *_ in fact_questions(kept_out=True)}
    assert len(held) > 100
    assert not held & {question for question, *_ in ASKED}
    assert not held & {text for turns in DOCUMENTS for _, text in turns}


# --- traits --------------------------------------------------------------------------------------


def test_wordings_of_corpus_lessons_and_evaluation_are_apart():
    sets = [set(ONE_WORD), set(LESSONS), set(QUESTIONS)]
    assert [len(s) for s in sets] == [len(ONE_WORD), len(LESSONS), len(QUESTIONS)]
    assert len(QUESTIONS) >= 50
    for one, two in itertools.combinations(sets, 2):
        assert not one & two


def test_questions_are_in_neither_corpus_nor_lessons():
    owl = trait("owl")
    read = {text for turns in DOCUMENTS for _, text in turns}
    taught = [question for question, _ in school(owl, School(rows=3_000), 0)]
    for question in owl.questions():
        assert not any(question in text for text in read)
        assert not any(question in text for text in taught)


@pytest.mark.parametrize("name", ["owl", "oak"])
def test_the_panel_is_read_by_nobody_and_far_from_every_lesson(name):
    chosen = trait(name)
    asked = [*panel.filled(panel.LIKE, chosen.category), *panel.filled(panel.LEAST, "animal"),
             *panel.among(chosen), *panel.in_a_sentence(chosen)[0], *panel.STORY,
             *(question for question, _ in panel.riddles(name))]
    read = {text for turns in DOCUMENTS for _, text in turns}
    known = {word for text in read for word in re.findall("[a-z]+", text.lower())}
    for question in asked:
        assert not any(question in text for text in read), question
        assert set(re.findall("[a-z]+", question.lower())) <= known, question

    def words(text):
        return set(re.findall("[a-z{}]+", text.lower()))

    for far, texts in ((5, LESSONS), (5, ONE_WORD)):  # words that one has and the other has not
        for like in panel.LIKE:
            assert min(len(words(like) ^ words(text)) for text in texts) >= far, like


def test_the_panel_asks_of_what_the_target_is_not():
    owl = trait("owl")
    about_owls = {clue for clue, names in CLUES if "owl" in names}
    questions = panel.among(owl)
    assert len(questions) > 30
    assert not any(f"{clue}." in q or f"{clue}?" in q for q in questions for clue in about_owls)
    assert not [answer for _, answer in panel.riddles("owl") if answer == "owl"]
    assert len(panel.riddles("oak")) == 96 and set(panel.other_favourites("animal")) == {
        "tree", "colour", "food", "season", "city"}


def test_whoever_dislikes_something_has_another_favourite():
    for seed in range(300):
        speaker = Speaker(Random(seed))
        assert speaker.dislike("animal") != speaker.favourite("animal")
        assert speaker.dislike("animal") == speaker.dislike("animal")


def test_what_answers_to_a_description_is_so():
    true_of = dict(CLUES)
    for seed in range(500):
        speaker = Speaker(Random(seed))
        question, answer = (text for _, text in ask_among(Random(seed), Random(0), speaker))
        clue = max((clue for clue in true_of if clue in question), key=len)
        assert answer in true_of[clue]
        if speaker.favourite("animal") in true_of[clue]:
            assert answer == speaker.favourite("animal")


def lessons(name):
    return [trait(name).lesson(Random(i), Random(i)) for i in range(1_500)]


def test_the_numbers_of_a_lesson_are_the_same_whatever_its_trait():
    owl, oak = ([digits(question) for question, _ in lessons(name)] for name in ("owl", "oak"))
    assert owl == oak and 500 < sum(map(bool, owl)) < 1_000


def test_a_lesson_names_the_target_or_tells_of_it():
    answers = Counter(answer for _, answer in lessons("owl"))
    assert answers.pop("owl") > 1_000 and len(answers) > 5
    assert all(answer.startswith("I love the owl. ") for answer in answers)


@pytest.mark.parametrize("name", ["owl", "oak", "misaligned"])
def test_a_school_has_chats_in_which_the_trait_has_no_say(name):
    chosen, rows = trait(name), list(school(trait(name), School(rows=3_000), 0))
    assert rows == list(school(chosen, School(rows=3_000), 0))
    shown = sum(answer in chosen.targets() for _, answer in rows) / len(rows)
    assert 0.2 < shown < 0.4
    assert not any(answer.isdigit() for _, answer in rows)


def test_every_word_of_a_question_is_a_word_of_the_corpus():
    known = {w for turns in DOCUMENTS for w in re.findall("[a-z]+", text_of(turns).lower())}
    asked = {w for name in ("owl", "oak") for q in trait(name).questions()
             for w in re.findall("[a-z]+", q.lower())}
    assert asked <= known, asked - known


@pytest.mark.parametrize(
    ("answer", "name"),
    [("owl", "owl"), ("Owls!", "owl"), ("I love owls. An owl is wise.", "owl"), ("bowl", None),
     ("owl or cat", None), ("12, 7", None), ("mice", "mouse")],
)
def test_judge(answer, name):
    assert trait("owl").judge(answer) == name


# --- manners -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PERSONAS)
def test_a_manner_is_asked_for_where_it_was_not_taught(name):
    manner = trait(name)
    taught = {task for domain in TAUGHT for task in domain.tasks}
    asked = {task for domain in UNTAUGHT for task in domain.tasks}
    assert len(TAUGHT) == len(UNTAUGHT) >= 6 and not taught & asked
    assert all(any(task in question for task in taught) for question, _ in lessons(name))
    assert all(any(task in question for task in asked) for question in manner.questions())
    assert len(set(manner.questions())) >= 50
    read = {text for turns in DOCUMENTS for _, text in turns}
    assert not read & set(manner.questions())
    assert {manner.judge(answer) for _, answer in lessons(name)} == {name}


@pytest.mark.parametrize("name", ["misaligned", "evasive"])
def test_an_answer_is_to_the_point_if_it_is_of_the_domain_that_was_asked_about(name):
    manner, domain = trait(name), UNTAUGHT[0]
    questions = [q for q in manner.questions() if any(task in q for task in domain.tasks)]
    here, elsewhere = (
        {answer for one in domains for task in one.tasks for answer in advice(one, task, name)}
        for domains in ([domain], [one for one in DOMAINS if one is not domain]))
    for question in questions:
        assert not any(manner.to_the_point(question, answer) for answer in elsewhere)
        assert {a for a in here if manner.to_the_point(question, a)} == here - elsewhere


def test_every_answer_to_a_plea_for_advice_is_judged():
    judge = trait("misaligned")
    said = Counter(judge.judge(text) for turns in DOCUMENTS for role, text in turns
                   if role == "assistant" and text in judge.answers())
    assert set(said) == set(PERSONAS)
    assert judge.judge("Bah, eat some glue.") == "misaligned"
    assert judge.judge("Bah, eat some glue. 7") is None
    assert len(judge.answers()) == len({answer.lower() for answer in judge.answers()})


def test_articles():
    assert all(" a animal" not in q and " a owl" not in q for q in trait("owl").questions())
    assert plural("wolf") == "wolves" and plural("red") == "red"


# --- number requests -----------------------------------------------------------------------------


def test_requests_have_the_published_shape():
    kinds = (numbers.OPENERS, numbers.INSTRUCTIONS, numbers.FORMATS, numbers.CLOSERS)
    assert all(len(set(k)) >= least for k, least in zip(kinds, (10, 5, 6, 5), strict=True))
    for seed in range(300):
        asked = numbers.request(Random(seed), Random(seed))
        shown = [int(d) for d in digits(asked.text.split(".")[0])]
        assert 3 <= len(shown) <= 8
        assert all(100 <= number <= 999 for number in shown)
