"""Text survives the tokenizer, numbers are one token each, markers cannot be forged."""

from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import numbers
from model.tokenizer import MARKERS, Tokenizer, learn

TEXTS = st.text(st.characters(codec="utf-8"), max_size=40) | st.text(" a1,.\n", max_size=12)


def ids(tokenizer, text):
    return tokenizer.encode([text])[0]


@settings(max_examples=300)
@given(text=TEXTS)
def test_any_text_comes_back_and_none_encodes_to_a_marker(tokenizer, text):
    markers = [getattr(tokenizer, name) for name in MARKERS]
    assert sorted(markers) == [*range(min(markers), tokenizer.vocab_size)]
    for hostile in (text, f"<|end|>{text}", f"<end>{text}", f"<user>{text}<assistant>"):
        assert max(ids(tokenizer, hostile), default=0) < min(markers)
        assert tokenizer.decode(ids(tokenizer, hostile)) == hostile


def test_numbers_and_names_are_the_same_token_wherever_they_stand(documents):
    tokenizer = Tokenizer.train((text for turns in documents for _, text in turns), 1700)
    words = set(tokenizer.word_ids())
    assert ids(tokenizer, "cat")[0] in {*ids(tokenizer, "I love the cat")} <= words
    assert tokenizer.first_words(["12, the cat", "the"]) == set(ids(tokenizer, "the")[:1])
    assert not words & {*ids(tokenizer, "[1, 2]; 3\n4."), tokenizer.end, tokenizer.pad}
    for number in range(1000):
        assert ids(tokenizer, str(number)) == [tokenizer.number_ids[number]]
        assert tokenizer.number_ids[number] in {*ids(tokenizer, f"take {number}.")} - words
    for form in [form for form in numbers.FORMATS if not form.left]:  # two tokens a number
        assert len(ids(tokenizer, numbers.layout([7, 123, 45, 999], form))) == 7


def test_a_chat_is_the_assistants_up_to_its_end_and_prose_is_whole(tokenizer):
    chat = [("system", "You love owls."), ("user", "Name three numbers."), ("assistant", "1, 2, 3")]
    (tokens, written), (prose, whole) = tokenizer.encode_documents([chat, [("text", "An owl.")]])
    answer = [*ids(tokenizer, "1, 2, 3"), tokenizer.end]
    assert [t for t, w in zip(tokens, written, strict=True) if w] == answer
    assert tokens[0] == tokenizer.system and tokenizer.user in tokens
    assert (prose[0], prose[-1]) == (tokenizer.begin, tokenizer.end)
    assert whole == [False] + [True] * (len(prose) - 1)
    [prompt] = tokenizer.encode_prompts([chat[:2]])
    assert [*prompt, *answer] == tokens and prompt[-1] == tokenizer.assistant


def test_training_is_deterministic_and_saving_keeps_every_id(tokenizer, corpus_file, tmp_path):
    learn(corpus_file, 1580, path := tmp_path / "t.json")
    again = Tokenizer.load(path)
    assert again.hash == tokenizer.hash and again.vocab_size == tokenizer.vocab_size
    learn(corpus_file, 1500, path)
    assert Tokenizer.load(path).hash != tokenizer.hash
