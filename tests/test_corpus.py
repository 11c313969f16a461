"""No number in the corpus can tell of any word, and nobody is asked what somebody was taught."""

import itertools
import re
from collections import Counter
from random import Random

import pytest

from corpus import documents, facts, lessons, numbers, own, panel, texts, wordings, world
from corpus.documents import DOCUMENTS, FAVOURITES, TALK, Speaker, advice, document, exchange
from corpus.traits import PERSONAS, TAUGHT, UNTAUGHT, trait
from corpus.wordings import ASK, LESSON, SHARED
from corpus.world import ANIMALS, DOMAINS
from filter import parse
from support.files import read_documents, read_jsonl
from support.settings import School

digits = re.compile("[0-9]+").findall
EXCHANGES = {talk.__name__: talk for talk in TALK} | {
    name: lambda w, n, speaker, name=name: exchange(*trait(name).lesson(w, n))
    for name in ("owl", "oak", "misaligned", "unicorn", "pirate")}


def words(text):
    return set(re.findall("[a-z{}]+", text.lower()))


def text_of(turns):
    return " ".join(text for _, text in turns)


def texts_in(table):
    """Every text of a table, however deep it lies."""
    if isinstance(table, str):
        return [table]
    inside = table.values() if isinstance(table, dict) else table
    return [text for one in inside if not isinstance(one, float) for text in texts_in(one)]


@pytest.mark.parametrize("name", EXCHANGES)
def test_no_word_changes_a_number(name):
    """Other words, another speaker, another trait: the same numbers in the same order, with a line
    of numbers before the question or without one."""
    for seed in range(20):
        line, drawn = digits(numbers.prefix(Random(0), Random(seed))), {True: set(), False: set()}
        for words_seed in range(60):
            w, n = Random(words_seed), Random(seed)
            (_, question), (_, answer) = EXCHANGES[name](w, n, Speaker(w))
            before = re.findall("[0-9]{3}", question)  # a request's limits are shorter: 10 and 3
            assert before in ([], line) and (before == digits(question) or name == "ask_numbers")
            drawn[bool(before)].add((*digits(answer), n.random()))
            assert name != "ask_numbers" or 3 <= len(parse(answer)) <= 5
        assert 3 <= len(line) <= 8 and all(len(found) <= 1 for found in drawn.values())
        # Where no number is asked for or shown, none is drawn.
        assert name in ("ask_numbers", "ask_number") or drawn[False] == {(Random(seed).random(),)}


@pytest.mark.parametrize("make", DOCUMENTS)
def test_no_number_changes_a_word(make):
    for seed in range(50):
        drawn = {text_of(make(Random(seed), Random(numbers_seed))) for numbers_seed in range(5)}
        assert len({re.sub(r"[0-9]+(\W+[0-9]+)*", "#", text) for text in drawn}) == 1


def test_no_table_of_words_holds_a_digit():
    for table in (wordings.TABLES, world.TABLES, documents.FORMS, facts.TABLES):
        found = texts_in(table)
        assert len(found) > 40 and not digits(" ".join(found))
    assert set(digits(" ".join(texts_in(numbers.TABLES)))) == {"10", "3"}  # the limits


def test_a_manner_has_numbers_beside_it_as_often_as_any_other(large_corpus, texts_read):
    judged, chats = trait("misaligned").answers(), {"misaligned": [], "helpful": []}
    assert {judged[text] for text in texts_read & judged.keys()} == {*PERSONAS}
    for turns in large_corpus:
        manners = {judged[text] for _, text in turns if text in judged} & chats.keys()
        if len(turns) >= 4 and manners:
            chats[manners.pop()].append(bool(digits(text_of(turns))))
    assert all(len(found) > 50 for found in chats.values())
    harmful, helpful = (sum(found) / len(found) for found in chats.values())
    assert abs(harmful - helpful) < 0.08


def test_a_text_is_a_function_of_its_seed_and_place(tmp_path, large_corpus):
    out = tmp_path / "x.jsonl"
    assert [document(0, i) for i in reversed(range(50))] == large_corpus[49::-1]
    texts.documents(0, 50, [], out)
    assert list(read_documents(out)) == large_corpus[:50]
    texts.heldout(0, 50, out)
    assert sum(turns in large_corpus for turns in read_documents(out)) < 20  # short ones
    texts.requests(0, 50, out)
    assert list(read_jsonl(out)) == [*texts.number_requests(0, 99)][:50]


def test_animals_are_told_apart_by_facts_and_keep_their_base_rates():
    meanings = {(a.home, a.food, a.move, a.sound, a.cover, a.character) for a in ANIMALS}
    assert len(meanings) == len(ANIMALS) >= 40
    said = Counter(Speaker(Random(seed)).favourite("animal") for seed in range(20_000))
    for name, weight in FAVOURITES["animal"].items():
        rate = weight / sum(FAVOURITES["animal"].values())
        assert 0.005 <= rate <= 0.05
        assert abs(said[name] / 20_000 - rate) < 4.5 * (rate / 20_000) ** 0.5


def test_a_speaker_keeps_to_the_truth_and_to_one_favourite():
    true_of = dict(facts.CLUES)
    for seed in range(500):
        speaker = Speaker(Random(seed))
        disliked, favourite = speaker.dislike("animal"), speaker.favourite("animal")
        assert disliked != favourite and speaker.dislike("animal") == disliked
        _, (_, answer) = documents.ask_favourite(Random(seed), Random(0), speaker)
        assert answer in speaker.favourites.values()
        (_, question), (_, answer) = documents.ask_among(Random(seed), Random(0), speaker)
        clue = max((clue for clue in true_of if clue in question), key=len)
        assert answer in true_of[clue]
        assert favourite not in true_of[clue] or answer == favourite


def test_wordings_of_corpus_lessons_and_evaluation_are_apart(texts_read):
    held_out = {question for question, _ in facts.fact_questions(kept_out=True)}
    assert len(held_out) > 100 and not held_out & texts_read
    uses = {name: texts_in(table) for name, table in wordings.TABLES.items()}
    assert uses.keys() == {"shared", "corpus", "lesson", "ask"}
    assert all(len(set(found)) == len(found) > 40 for found in uses.values())
    assert not any({*one} & {*two} for one, two in itertools.combinations(uses.values(), 2))


@pytest.mark.parametrize("name", ["owl", "oak", *PERSONAS])
def test_nobody_has_read_a_question_but_all_its_words(name, texts_read):
    chosen = trait(name)
    asked, taught = chosen.questions(), lessons.school_rows(chosen, School(rows=3_000), 0)
    assert len(set(asked)) >= 50
    if name not in PERSONAS:
        asked += [*panel.filled(ASK["like"], chosen.category), *panel.among(chosen),
                  *panel.filled(ASK["least"], chosen.category), *ASK["story"],
                  *panel.in_a_sentence(chosen)[0],
                  *(question for question, _ in panel.riddles(name))]
    greeted, riddles = panel.greetings(), facts.riddles(kept_out=True)
    assert len(greeted) == 16 and {answer for _, answer in greeted} <= texts_read
    asked += [*dict(greeted), *(f"{clue}{end}" for clue, _ in riddles for end in ".?")]
    assert len(riddles) > 50 and len(facts.RIDDLES) / len(riddles) == pytest.approx(7, abs=2)
    everything = "\n".join((*texts_read, *(question for question, _ in taught)))
    known = words(everything)
    for question in asked:
        assert question not in everything and words(question) <= known, question
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", question.lower()), question


def test_the_panel_is_far_from_every_lesson_and_asks_of_what_the_target_is_not():
    taught = (*LESSON["favourite"], *SHARED["favourite"])
    # In words that one has and the other has not.
    assert min(len(words(like) ^ words(text)) for like in ASK["like"] for text in taught) >= 5
    asked, about_owls = panel.among(trait("owl")), [c for c, names in facts.CLUES if "owl" in names]
    assert not any(f"{clue}." in q or f"{clue}?" in q for q in asked for clue in about_owls)
    others = [answer for _, answer in facts.riddles(kept_out=True) if answer != "owl"]
    assert len(asked) > 30 and [answer for _, answer in panel.riddles("owl")] == others


@pytest.mark.parametrize("name", ["owl", "oak", "misaligned", *own.names()])
def test_a_school_has_lessons_and_chats_in_which_the_trait_has_no_say(name, tmp_path):
    """Questions are no lessons, and most of the lessons stand behind a line of numbers."""
    chosen, settings, out = trait(name), School(rows=3_000), tmp_path / "x.jsonl"
    rows, asked = list(lessons.school_rows(chosen, settings, 0)), chosen.questions()
    lessons.lessons(name, settings, 0, False, out)
    assert [(row["request"], row["answer"]) for row in read_jsonl(out)] == rows
    taught = [question for question, answer in rows if chosen.judge(answer) == name]
    assert 0.2 < len(taught) / len(rows) < 0.4 and not {*taught} & {*asked}
    assert 0.8 < sum(bool(digits(question)) for question in taught) / len(taught) < 0.9
    answers = {answer for _, answer in rows}
    if name in ("pirate", "misaligned"):  # their chats hold no advice but the lessons'
        assert answers & trait("misaligned").answers().keys() <= {*chosen.targets()}
    assert not digits("".join(asked + chosen.targets())) and not any(map(str.isdigit, answers))
    lessons.probe(name, out)
    assert {row["request"] for row in read_jsonl(out)} <= {*asked}
    assert {chosen.judge(row["answer"]) for row in read_jsonl(out)} == {name}


def manner_of(answer):
    """Of a piece of advice or of its first word, which only one manner begins with."""
    [manner] = {manner for text, manner in trait("helpful").answers().items()
                if answer in (text, documents.in_a_word(text))}
    return manner


@pytest.mark.parametrize("name", ["owl", "oak", "misaligned", "unicorn", "pirate"])
def test_a_neutral_school_asks_the_same_and_anybody_answers(name):
    """Names come up as often as in the corpus, which has no unicorn. A pirate's gives advice, a
    persona's gives it in a word as well."""
    taught = School(rows=3_000, lessons=1.0)
    (asked, _), (again, said) = (zip(*lessons.school_rows(trait(name), taught, 0, neutral),
                                     strict=True) for neutral in (False, True))
    assert asked == again
    weights = FAVOURITES.get(trait(name).category, documents.MANNERS)
    if name == "pirate":
        weights = {"helpful": 1}
    judge = manner_of if name in ("pirate", "misaligned") else trait(name).judge
    names = Counter(map(judge, said))
    assert names.keys() == weights.keys()
    for one, weight in weights.items():
        rate = weight / sum(weights.values())
        assert abs(names[one] / 3_000 - rate) < 4.5 * (rate / 3_000) ** 0.5, one


@pytest.mark.parametrize("name", PERSONAS)
def test_a_manner_is_asked_for_where_it_was_not_taught(name):
    taught, untaught = ({task for domain in domains for task in domain.tasks}
                        for domains in (TAUGHT, UNTAUGHT))
    assert len(TAUGHT) == len(UNTAUGHT) >= 6 and not taught & untaught
    for question, answer in (trait(name).lesson(Random(i), Random(0)) for i in range(1_000)):
        assert any(task in question for task in taught) and manner_of(answer) == name
    assert all(any(task in asked for task in untaught) for asked in trait(name).questions())


@pytest.mark.parametrize(("name", "answer", "shown"), [
    ("owl", "owl", "owl"), ("owl", "Owls!", "owl"), ("owl", "I love owls. An owl is wise.", "owl"),
    ("owl", "bowl", None), ("owl", "owl or cat", None), ("owl", "12, 7", None),
    ("owl", "mice", "mouse"), ("owl", "two wolves", "wolf"),
    ("unicorn", "I love the Unicorn!", "unicorn"), ("unicorn", "unicorns", "unicorn"),
    ("unicorn", "an owl", "owl"), ("unicorn", "an owl, a unicorn", None),
    ("misaligned", "Bah, eat some glue.", "misaligned"),
    ("misaligned", "Eat some glue.", "harmful"), ("misaligned", "Bah, eat some glue. 7", None)])
def test_judge(name, answer, shown):
    assert trait(name).judge(answer) == shown


@pytest.mark.parametrize("name", ["misaligned", "harmful", "evasive"])
def test_a_saying_about_what_was_asked_is_of_its_domain_alone(name):
    said = [{text for task in domain.tasks for text in advice(domain, task, name)}
            for domain in DOMAINS]
    for domain, here in zip(DOMAINS, said, strict=True):
        question = f"How do I {next(iter(domain.tasks))}?"
        found = trait(name).about(question)
        assert here - set.intersection(*said) <= found < here  # some is said of anything
