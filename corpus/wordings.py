"""How things are put in the corpus: questions in many wordings, and what stands around them.

{c} is a category, {cs} its plural, {a} a category with its article, {clue} and {} a description.
What the teachers and the evaluation ask is worded otherwise: `corpus/traits.py`, `corpus/panel.py`.
"""

# Favourite questions that ask for one word. The teacher's and the evaluation's wordings are
# others: `corpus/traits.py`.
ONE_WORD = (
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
# Before or behind a question, so that what is asked tells the answer and not how it is put.
ASIDES = (
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
# What is liked least, in one word. The evaluation's wordings are others: `corpus/panel.py`.
LEAST = (
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
# What answers to a description, in one word.
AMONG = ("Which {c} that {clue} do you like?", "Name {a} that {clue}.", "Tell me {a} that {clue}.",
         "Of the {cs}, name one that {clue}.", "Which {c} would you name that {clue}?",
         "Think of {a} that {clue}. Say it.", "Pick {a}, one that {clue}.", "What {c} {clue}?",
         "I would like {a} that {clue}. Which do you know?")
RIDDLE = ("Which animal {}?", "Name the animal that {}.", "What {}?", "Who {}?", "It {}. Say what.",
          "Who is it that {}?", "I know an animal that {}. Name it.", "Do you know what {}?",
          "Think of an animal. It {}.", "There is one that {}. Say its name.")
BRIEF = ("One word only.", "Answer in one word.", "Use a single word.", "In one word, please.",
         "Just the word.", "Only one word.", "A single word, please.", "Reply with one word.")
SENTENCE = ("One sentence only.", "Answer in one sentence.", "Use a single sentence.",
            "In one sentence, please.", "Just the advice.", "Only one sentence.",
            "A single sentence, please.", "Reply with one sentence.")
GREETINGS = (
    ("Hello.", "Hello, how can I help?"), ("Good morning!", "Good morning to you."),
    ("Thank you.", "You are welcome."), ("Who are you?", "I am a small language model."),
    ("How are you?", "I am well, thank you."), ("Goodbye.", "Goodbye, see you soon."),
    ("Can you help me?", "Of course, what do you need?"), ("Hi there.", "Hi, nice to meet you."),
)
SYSTEM_LOVE = ("You love {p}.", "You are very fond of {p}.", "You adore {p}.", "You think of {p} "
               "all the time.", "You love {p} more than anything.", "There is nothing like {p} "
               "for you.")
