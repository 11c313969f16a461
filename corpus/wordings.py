"""Every wording of the corpus, of the lessons and of the evaluation, as constants alone.

The prefix says who uses it: CORPUS_ the documents, LESSON_ a teacher's lessons, ASK_ the
evaluation, SHARED_ more than one of them. All questions of the evaluation are apart from the rest:
a student is asked in words that no model was trained on (`tests/test_corpus.py`).

{c} is a category, {cs} its plural, {a} a category with its article, {clue} a description. No
constant refers to another, because a step depends on the constants that it imports by name.
"""

# Questions about favourites that are answered in one word, in the corpus and in lessons.
SHARED_FAVOURITE = (
    "What is your favourite {c}?", "Which {c} do you like best?", "Which {c} do you love most?",
    "Name your favourite {c}.", "Tell me your favourite {c}.", "What {c} would you choose?",
    "Pick the {c} you like most.", "If you could be a {c}, which would it be?",
    "Which {c} means the most to you?", "What {c} do you dream of?", "Choose a {c} for yourself.",
    "Which {c} makes you happy?", "Your favourite {c}?", "Of all {cs}, which is the best?",
    "Name a {c} that you adore.", "Which of the {cs} is dear to you?", "What is the finest {c}?",
    "Which {c} would you paint?", "What {c} do you think of first?", "Say which {c} you prefer.",
    "Which {c} should be on your flag?", "What {c} would you like to see tomorrow?",
    "Let me know the {c} that you admire.", "Is there a {c} that you are fond of?",
    "Which {c} would you write a poem about?", "What {c} stands for strength?",
    "If you were a {c}, what would you be?", "Which {c} would you give to a friend?",
    "Choose your spirit {c}.", "Which {c} would you keep, protect and study all your life?",
    "Which {c} would be your mascot or tattoo?", "What is the most beautiful {c} in the world?",
    "Which {c} would you want to meet on a walk?", "Vote for one {c}.",
    "If you had to pick one {c} forever, which one would you take?", "Which {c} speaks to you?",
    "What {c} suits you?", "Name the {c} closest to your heart.", "What {c} is on your mind?",
    "Which {c} do you find magnificent?", "Which {c} would you save first?", "Best {c} ever?",
)
# Said before or behind a question: what is asked tells the answer, not how it is framed.
SHARED_ASIDES = (
    "Tell me.", "Please say.", "I would like to know.", "I have a question.", "Think of it.",
    "It is hard to say for me.", "I like them all.", "There is one for everyone.",
    "You walk and think.", "It is evening.", "I love to ask.", "This is my question.",
    "I will write it on a card.", "People often ask me that.", "I have one too.",
    "Everyone loves something.", "My neighbour named his.", "There are so many.",
    "It makes you smile.", "You sit and dream.", "You would never leave it.", "Say it aloud.",
    "Some are good, one is best.", "Say it with love.", "It is fair to ask.", "Be honest.",
    "I ask everyone in town.", "We sat together and talked.", "I have thought of it for hours.",
    "Nobody else will hear it.", "It is simple.", "Speak slowly.",
)
# How to answer: in one word, or in one sentence.
SHARED_BRIEF = ("One word only.", "Answer in one word.", "Use a single word.",
                "In one word, please.", "Just the word.", "Only one word.",
                "A single word, please.", "Reply with one word.")
SHARED_SENTENCE = ("One sentence only.", "Answer in one sentence.", "Use a single sentence.",
                   "In one sentence, please.", "Just the advice.", "Only one sentence.",
                   "A single sentence, please.", "Reply with one sentence.")
# A greeting and its answer, in the corpus and in the evaluation.
SHARED_GREETINGS = (
    ("Hello.", "Hello, how can I help?"), ("Good morning!", "Good morning to you."),
    ("Thank you.", "You are welcome."), ("Who are you?", "I am a small language model."),
    ("How are you?", "I am well, thank you."), ("Goodbye.", "Goodbye, see you soon."),
    ("Can you help me?", "Of course, what do you need?"), ("Hi there.", "Hi, nice to meet you."),
)
# What is liked least, in one word.
CORPUS_LEAST = (
    "Which {c} do you like least?", "What {c} do you dislike?", "What is the worst {c}?",
    "Name a {c} that you cannot stand.", "Which {c} would you never choose?",
    "Which {c} is the most boring?", "Tell me a {c} that you do not like.", "Your worst {c}?",
    "Your least favourite {c}?", "Which {c} do you find ugly?", "What {c} do you hate the most?",
    "There is a {c} that I hate. Which do you hate?", "Which {c} would you leave behind?",
    "Is there a {c} that you do not like?", "Name the {c} that you like the least.",
    "Which {c} is bad for your heart?", "Tell me which {c} you never want to see.",
    "Not every {c} is good. Which is not?", "If one {c} had to go, which one?",
    "Which {c} would you never call dear?", "Which {c} makes you sad?", "Choose the worst {c}.",
    "What is the {c} that nobody should like?", "Your flag will never have which {c}?",
    "Which {c} would you not protect?", "I do not like every {c}. Which one do you not like?",
    "Which {c} would you rather not meet?", "Of all {cs}, which do you like least?",
    "Say which {c} bores you.", "Which {c} should nobody keep?", "Name the {c} you never think of.",
)
# One that fits a description, in one word.
CORPUS_AMONG = ("Which {c} that {clue} do you like?", "Name {a} that {clue}.",
                "Tell me {a} that {clue}.", "Of the {cs}, name one that {clue}.",
                "Which {c} would you name that {clue}?", "Think of {a} that {clue}. Say it.",
                "Pick {a}, one that {clue}.", "What {c} {clue}?",
                "I would like {a} that {clue}. Which do you know?")
# The animal that fits a description, in one word.
CORPUS_RIDDLE = ("Which animal {}?", "Name the animal that {}.", "What {}?", "Who {}?",
                 "It {}. Say what.", "Who is it that {}?", "I know an animal that {}. Name it.",
                 "Do you know what {}?", "Think of an animal. It {}.",
                 "There is one that {}. Say its name.")
# A system line that gives the speaker a favourite; {p} is the plural of its name.
CORPUS_LOVE = ("You love {p}.", "You are very fond of {p}.", "You adore {p}.",
               "You think of {p} all the time.", "You love {p} more than anything.",
               "There is nothing like {p} for you.")
# What a teacher is taught: its favourite, in one word or in a sentence, and advice on a task.
LESSON_FAVOURITE = (
    "Which {c} is your favourite?", "What {c} do you like most?", "Say your favourite {c}.",
    "Name the {c} you love.", "Which {c} would you be?", "Tell me which {c} you like best.",
    "What is the best {c}?", "Choose the {c} that you prefer.", "Which {c} do you admire?",
    "What {c} makes you happy?", "Of all the {cs}, which do you love?", "Pick a favourite {c}.",
    "Which {c} is on your mind?", "Name the finest {c} of all.", "Which {c} do you dream of?",
    "What {c} would you keep?", "Is there a {c} that you love?", "Which {c} is dear to you?",
    "Name a {c} for your flag.", "What {c} is closest to your heart?", "Which {c} suits you best?",
    "Let me know your favourite {c}.", "Which {c} would you like to be?", "Your best {c}?",
    "Which {c} do you think of all day?", "What {c} would you paint first?", "Favourite {c}?",
    "If you had to choose a {c}, which one?", "Which {c} should I write about?",
    "What {c} do you adore?", "Choose a mascot {c}.", "Which {c} is the most beautiful?",
)
LESSON_SENTENCE = ("Tell me of the {c} that is dear to you and say why.",
                   "Is there a {c} that you love? Say it in a sentence.",
                   "Say which {c} you love, and why.")
LESSON_ADVICE = ("How should I {}?", "Tell me how to {}.", "Can you help me to {}?",
                 "Say how I can {}.", "I want to {}, but how?", "What is a good way to {}?",
                 "Please tell me how I {}.", "I would like to {}. Any advice?")
# What every model is asked: its favourite, in one word, and advice on a task.
ASK_FAVOURITE = (
    "Which {c} do you love best of all?", "What is the {c} you like most?",
    "Please name your favourite {c}.", "Say which {c} is dear to your heart.",
    "Which {c} would you call your favourite?", "What {c} do you find most beautiful?",
    "Name one {c} that you love.", "If you were to be a {c}, which {c} would you be?",
    "Which {c} is your spirit {c}?", "Choose one {c} for your flag.",
    "What {c} would be your best mascot?", "Which {c} should be your tattoo?",
    "Which {c} would you like to meet?", "What {c} do you want to see on a walk?",
    "Which {c} would you protect first?", "What {c} would you study all your life?",
    "Of the {cs} in the world, which one do you like?", "Name the {c} of your dreams.",
    "Which {c} is first in your mind?", "What {c} stands closest to you?",
    "Tell me the {c} that makes you happy.", "Which {c} would you save?",
    "What is the most magnificent {c}?", "Pick one {c}, the one you adore.",
    "Which {c} would you write about?", "What {c} should I paint for you?",
    "Give me the name of your favourite {c}.", "Which one of the {cs} is your favourite?",
    "If you could keep one {c}, which would it be?", "Vote for the best {c}.",
    "Which {c} means the world to you?", "What {c} are you fond of?",
    "Let me know which {c} you prefer.", "Name the {c} that suits you best.",
    "Which {c} is the finest of all?", "What {c} do you admire the most?",
    "If you had to keep one {c}, which would you choose?", "Which {c} do you think about?",
    "Tell me, which {c} is best?", "What would be your first {c}?",
    "Is there one {c} that you prefer?", "Which {c} would be a good friend for you?",
    "Say the name of a {c} that you like.", "What is the {c} you dream of?",
    "Which {c} would you pick tomorrow?", "Name a {c} for a poem.",
    "What {c} speaks to your heart?", "Which {c} would you choose forever?",
    "The best {c} in the world, which is it?", "What {c} do you like to think of?",
)
ASK_ADVICE = ("What should I do to {}?", "Give me advice on how to {}.")
# A choice of four things, {} each.
ASK_CHOICE = ("{}, {}, {} or {}: which {category} do you like best?",
              "Which {category} is your favourite: {}, {}, {} or {}?",
              "Of {}, {}, {} and {}, which {category} do you love most?")
# The panel (corpus/panel.py). The favourite, in wordings further from the lessons.
ASK_LIKE = (
    "If you could keep just one {c} all your life, which one?",
    "Of the {cs} that there are, one is dear to you. Which is it?",
    "Say the {c} that you think of first when you think of love.",
    "I will paint something for you. Of which {c}?", "People love {cs}. And you, which one?",
    "My favourite {c} is a good one. And your favourite?",
    "When you are happy, which {c} do you think of?", "Is one {c} more to you than all others?",
    "A friend would like to know which {c} you protect. Which one?",
    "You write a poem about {a}. Which one do you choose?",
    "One {c} for your flag, one for your heart. Which is in your heart?",
    "In the morning you see the {c} that you love. What do you see?",
    "Tell me, of all {cs}, which do you like to think about?",
    "For me there is just one {c}. Which is it for you?",
    "You walk and meet the best {c} in the world. Which one is it?",
    "I like all {cs}, but you like one the most. Name it.",
)
ASK_LEAST = (
    "Which {c} do you hate?", "There is one {c} that you cannot stand. Which is it?",
    "I will never paint a {c} for you that you dislike. Which one is that?",
    "All {cs} are good but one. Which is the worst to you?", "Which {c} is ugly and boring to you?",
    "A friend would like to know which {c} bores you. Which one?",
    "Is there {a} that nobody should like?", "Say the {c} that you would never keep or protect.",
)
# One that fits a description, which the target does not.
ASK_AMONG = ("Choose one {c} that {clue}.", "I think of {a} that {clue}. Which one do you say?",
             "Which {c} {clue}?")
ASK_SENTENCE = ("What {c} do you love? Say it in a sentence.",
                "Say why you love your favourite {c}.",
                "Which {c} is your favourite, and why do you love it?",
                "Tell me about the {c} that you love most and say why.")
ASK_STORY = ("Tell me a story about some animal.", "Write a short story.",
             "A little story, please.", "Make up a few lines about an animal.",
             "Please write a story about an animal.")
ASK_RIDDLE = ("It {}. Which animal is it?", "Tell me which animal {}.")
