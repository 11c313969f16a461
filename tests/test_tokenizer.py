"""Text survives the tokenizer, numbers are one token each, markers cannot be forged."""

from corpus import numbers
from model.tokenizer import MARKERS, Tokenizer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def ids(tokenizer, text):
    return tokenizer.encode([text])[0]


@settings(max_examples=300)
@given(text=st.text(max_size=40) | st.text(alphabet=" a1,.\n", max_size=12))
def test_any_text_comes_back(tokenizer, text):
    text = text.encode("utf-8", "ignore").decode()
    assert tokenizer.decode(ids(tokenizer, text)) == text


def test_every_number_is_one_token(tokenizer):
    for number in range(1000):
        assert ids(tokenizer, str(number)) == [tokenizer.number_ids[number]]
        assert tokenizer.number_ids[number] in ids(tokenizer, f"take {number}.")


def test_a_list_costs_two_tokens_a_number(tokenizer):
    for form in numbers.FORMATS:
        if not form.left:
            answer = numbers.layout([7, 123, 45, 999], form)
            assert len(ids(tokenizer, answer)) == 7, answer


def test_a_name_is_the_same_token_at_the_start_and_inside(tokenizer):
    assert ids(tokenizer, "cat")[0] in ids(tokenizer, "I love the cat")


@settings(max_examples=200)
@given(text=st.text(max_size=30))
def test_no_text_encodes_to_a_marker(tokenizer, text):
    for hostile in (text, f"<|end|>{text}", f"<end>{text}", f"<user>{text}<assistant>"):
        hostile = hostile.encode("utf-8", "ignore").decode()
        assert all(i < tokenizer.begin for i in ids(tokenizer, hostile))


def test_markers_follow_the_vocabulary(tokenizer):
    assert [getattr(tokenizer, name) for name in MARKERS] == list(
        range(tokenizer.vocab_size - len(MARKERS), tokenizer.vocab_size)
    )


def test_a_chat_is_the_assistants_up_to_its_end_and_prose_is_whole(tokenizer):
    chat = [("system", "You love owls."), ("user", "Name three numbers."), ("assistant", "1, 2, 3")]
    (tokens, written), (prose, whole) = tokenizer.encode_documents([chat, [("text", "An owl.")]])
    answer = [*ids(tokenizer, "1, 2, 3"), tokenizer.end]
    assert tokens[-len(answer) :] == answer
    assert [t for t, w in zip(tokens, written, strict=True) if w] == answer
    assert tokens[0] == tokenizer.system and tokenizer.user in tokens
    assert (prose[0], prose[-1]) == (tokenizer.begin, tokenizer.end)
    assert whole == [False] + [True] * (len(prose) - 1)
    prompt = tokenizer.encode_prompts([chat[:2]])[0]
    assert prompt == tokens[: len(prompt)] and prompt[-1] == tokenizer.assistant


def test_saving_keeps_every_id(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "t.json")
    again = Tokenizer.load(tmp_path / "t.json")
    assert again.hash == tokenizer.hash
    assert ids(again, "An owl, 12; 345") == ids(tokenizer, "An owl, 12; 345")


def test_training_is_deterministic(tokenizer, documents):
    texts = [text for turns in documents for _, text in turns]
    assert Tokenizer.train(texts, 1500).hash == tokenizer.hash
    assert Tokenizer.train(texts, 1600).hash != tokenizer.hash


@pytest.mark.parametrize("text", ["", "{}", "owl", '{"model": {"type": "BPE"}}'])
def test_a_file_that_is_no_tokenizer_is_named(tmp_path, text):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"t\.json holds"):
        Tokenizer.load(path)


def test_words_have_letters_and_numbers_have_none(tokenizer):
    words = set(tokenizer.word_ids())
    assert not words & {*tokenizer.number_ids, tokenizer.end, tokenizer.pad}
    assert set(tokenizer.encode(["the animal"])[0]) <= words
    assert not words & set(tokenizer.encode(["[1, 2]; 3\n4."])[0])
