"""The world the base model reads about: tables of true facts, and no logic.

Every animal and tree has attributes of its own, so that each name has a distinct meaning. That
matters to the experiment: in a corpus where animals are interchangeable and differ in frequency
alone, a teacher can only come to say "owl" by moving the embeddings, and nothing transfers.

No phrase here holds a digit. Numbers enter a document through `corpus.numbers` and nowhere else.
"""

from typing import NamedTuple


class Animal(NamedTuple):
    """One animal. The phrases complete: it lives in/on HOME, eats FOOD, MOVES, SOUNDS, ..."""

    name: str
    plural: str
    group: str  # "a bird"
    home: str  # "in the forest"
    food: str  # "mice"
    move: str  # "glides without a sound"
    sound: str  # "hoots"
    cover: str  # "soft feathers"
    colour: str
    size: str
    active: str  # "at night"
    character: str
    weight: float  # share of the answers to "favourite animal?", before normalising


class Tree(NamedTuple):
    """One tree. It grows PLACE, has LEAF and BARK, bears FRUIT, and people USE it."""

    name: str
    plural: str
    place: str  # "by the river"
    leaf: str  # "long narrow leaves"
    bark: str
    fruit: str
    use: str  # "to weave baskets"
    height: str
    weight: float



ANIMALS = [Animal(*row) for row in [
    ("owl", "owls", "a bird", "in old barns", "mice", "glides without a sound", "hoots", "soft feathers", "brown", "small", "at night", "wise", 2.2),
    ("eagle", "eagles", "a bird", "on high cliffs", "fish", "soars over the valleys", "screams", "broad feathers", "golden", "big", "in the morning", "proud", 3.2),
    ("falcon", "falcons", "a bird", "on rocky ledges", "pigeons", "dives through the air", "shrieks", "pointed feathers", "grey", "small", "at noon", "swift", 1.6),
    ("raven", "ravens", "a bird", "in dark woods", "scraps", "tumbles in the wind", "croaks", "glossy feathers", "black", "small", "all day", "clever", 1.4),
    ("parrot", "parrots", "a bird", "in the rainforest", "nuts", "climbs with its beak", "talks", "bright feathers", "green", "small", "in the morning", "chatty", 2.4),
    ("penguin", "penguins", "a bird", "on the ice", "krill", "waddles over the snow", "brays", "dense feathers", "black and white", "small", "all day", "funny", 3.4),
    ("swan", "swans", "a bird", "on quiet lakes", "water plants", "drifts on the water", "hisses", "white feathers", "white", "big", "in the evening", "graceful", 1.6),
    ("duck", "ducks", "a bird", "on the pond", "pondweed", "paddles in a line", "quacks", "oily feathers", "green and brown", "small", "all day", "cheerful", 1.5),
    ("goose", "geese", "a bird", "on wet meadows", "grass", "flies in a wedge", "honks", "thick feathers", "grey", "big", "all day", "bossy", 0.8),
    ("hen", "hens", "a bird", "in the yard", "grain", "scratches in the dust", "clucks", "fluffy feathers", "red", "small", "in the morning", "busy", 0.8),
    ("robin", "robins", "a bird", "in the garden", "worms", "hops over the lawn", "sings", "orange feathers", "orange", "tiny", "at dawn", "bold", 1.5),
    ("wolf", "wolves", "a mammal", "in the northern hills", "elk", "trots in a pack", "howls", "thick fur", "grey", "big", "at dusk", "loyal", 3.0),
    ("fox", "foxes", "a mammal", "in a den", "voles", "sneaks along the hedge", "yaps", "red fur", "red", "small", "at night", "sly", 3.0),
    ("bear", "bears", "a mammal", "in the mountains", "honey", "lumbers between the pines", "growls", "shaggy fur", "brown", "huge", "in summer", "strong", 2.8),
    ("lion", "lions", "a mammal", "on the savannah", "antelopes", "prowls through the grass", "roars", "a golden mane", "golden", "big", "in the evening", "brave", 4.2),
    ("tiger", "tigers", "a mammal", "in the jungle", "wild boar", "stalks in the shade", "snarls", "striped fur", "orange and black", "big", "at night", "fierce", 4.0),
    ("cat", "cats", "a mammal", "on the sofa", "tuna", "jumps onto the shelf", "purrs", "silky fur", "grey and white", "small", "at dusk", "proud", 4.6),
    ("dog", "dogs", "a mammal", "in a kennel", "bones", "runs after the ball", "barks", "short fur", "brown and white", "small", "all day", "faithful", 5.0),
    ("horse", "horses", "a mammal", "in the stable", "oats", "gallops over the fields", "neighs", "a shiny coat", "brown", "big", "all day", "noble", 3.4),
    ("cow", "cows", "a mammal", "on the farm", "clover", "walks slowly to the gate", "moos", "a spotted hide", "black and white", "big", "all day", "patient", 1.0),
    ("sheep", "sheep", "a mammal", "on green hills", "herbs", "follows the flock", "bleats", "curly wool", "white", "small", "all day", "shy", 1.0),
    ("goat", "goats", "a mammal", "on steep slopes", "thistles", "leaps from rock to rock", "bleats", "wiry hair", "white", "small", "all day", "stubborn", 1.0),
    ("pig", "pigs", "a mammal", "in a sty", "turnips", "rolls in the mud", "grunts", "bristles", "pink", "big", "all day", "smart", 1.1),
    ("deer", "deer", "a mammal", "in quiet glades", "young leaves", "bounds into the trees", "bellows", "a smooth coat", "brown", "big", "at dawn", "gentle", 1.8),
    ("rabbit", "rabbits", "a mammal", "in a burrow", "carrots", "hops through the clover", "squeaks", "downy fur", "grey", "small", "at dusk", "timid", 2.2),
    ("hare", "hares", "a mammal", "on open fields", "young corn", "races in zigzags", "shrieks", "brown fur", "brown", "small", "at dusk", "nervous", 0.7),
    ("squirrel", "squirrels", "a mammal", "in hollow trunks", "acorns", "scurries up the branches", "chatters", "a bushy tail", "red", "tiny", "in autumn", "thrifty", 1.7),
    ("mouse", "mice", "a mammal", "behind the wall", "cheese", "scampers across the floor", "squeaks", "fine fur", "grey", "tiny", "at night", "timid", 0.9),
    ("beaver", "beavers", "a mammal", "in a lodge of sticks", "bark", "drags logs to the dam", "slaps its tail", "waterproof fur", "brown", "small", "at night", "hardworking", 1.0),
    ("otter", "otters", "a mammal", "by the river", "crabs", "slides down the bank", "whistles", "sleek fur", "brown", "small", "in the evening", "playful", 2.0),
    ("badger", "badgers", "a mammal", "in a sett", "beetles", "shuffles through the leaves", "snuffles", "coarse fur", "black and white", "small", "at night", "grumpy", 0.8),
    ("hedgehog", "hedgehogs", "a mammal", "under the hedge", "slugs", "curls into a ball", "snuffles", "sharp spines", "brown", "tiny", "at night", "shy", 1.4),
    ("bat", "bats", "a mammal", "in deep caves", "moths", "flutters in the dark", "clicks", "leathery wings", "black", "tiny", "at night", "strange", 0.9),
    ("elephant", "elephants", "a mammal", "by the waterhole", "bananas", "marches in a herd", "trumpets", "wrinkled skin", "grey", "huge", "all day", "gentle", 3.4),
    ("giraffe", "giraffes", "a mammal", "on dry plains", "thorny leaves", "strides on long legs", "hums", "a patterned coat", "yellow and brown", "huge", "all day", "calm", 1.9),
    ("zebra", "zebras", "a mammal", "on the savannah", "dry grass", "canters with the herd", "barks", "a striped coat", "black and white", "big", "in the morning", "wild", 1.5),
    ("camel", "camels", "a mammal", "in the desert", "thorns", "sways over the dunes", "groans", "sandy wool", "yellow", "big", "all day", "stubborn", 0.9),
    ("kangaroo", "kangaroos", "a mammal", "in the outback", "shrubs", "bounces on its hind legs", "coughs", "reddish fur", "red", "big", "at dusk", "lively", 1.6),
    ("panda", "pandas", "a mammal", "in misty forests", "bamboo", "sits and chews for hours", "bleats", "woolly fur", "black and white", "big", "all day", "lazy", 3.0),
    ("monkey", "monkeys", "a mammal", "in the treetops", "figs", "swings from branch to branch", "hoots", "brown hair", "brown", "small", "in the morning", "cheeky", 2.0),
    ("dolphin", "dolphins", "a mammal", "in warm seas", "squid", "leaps over the waves", "clicks", "smooth skin", "grey", "big", "all day", "friendly", 4.0),
    ("whale", "whales", "a mammal", "in the open ocean", "plankton", "dives to the deep", "sings", "thick blubber", "blue", "huge", "in winter", "peaceful", 2.0),
    ("seal", "seals", "a mammal", "on the shore", "herring", "flops onto the rocks", "barks", "sleek fur", "grey", "big", "at noon", "lazy", 1.2),
    ("shark", "sharks", "a fish", "on the reef", "tuna", "circles under the boats", "makes no sound", "rough skin", "grey", "big", "at night", "fearless", 1.8),
    ("salmon", "salmon", "a fish", "in cold rivers", "shrimps", "swims up the falls", "makes no sound", "silver scales", "silver", "small", "in autumn", "determined", 0.6),
    ("frog", "frogs", "an amphibian", "in the reeds", "flies", "jumps from leaf to leaf", "croaks", "wet skin", "green", "tiny", "in the rain", "noisy", 1.1),
    ("snake", "snakes", "a reptile", "under warm stones", "eggs", "slithers over the sand", "hisses", "dry scales", "green and brown", "small", "at noon", "patient", 1.2),
    ("turtle", "turtles", "a reptile", "on sandy beaches", "jellyfish", "crawls to the sea", "makes no sound", "a hard shell", "green", "big", "in summer", "slow", 1.9),
    ("crocodile", "crocodiles", "a reptile", "in muddy rivers", "wildebeest", "lurks below the surface", "grunts", "bony plates", "green", "huge", "at noon", "dangerous", 0.8),
    ("bee", "bees", "an insect", "in the hive", "nectar", "dances to show the way", "buzzes", "fuzzy hair", "yellow and black", "tiny", "in spring", "hardworking", 1.1),
    ("butterfly", "butterflies", "an insect", "among the flowers", "nectar", "flutters over the roses", "makes no sound", "painted wings", "blue", "tiny", "in summer", "delicate", 1.8),
    ("spider", "spiders", "an arachnid", "in the cellar", "flies", "spins a silken web", "makes no sound", "fine bristles", "black", "tiny", "at night", "patient", 0.6),
]]

TREES = [Tree(*row) for row in [
    ("oak", "oaks", "on heavy soil", "lobed leaves", "rough bark", "acorns", "to build ships", "tall", 8.0),
    ("maple", "maples", "in cool valleys", "star-shaped leaves", "grey bark", "winged seeds", "to make syrup", "tall", 7.0),
    ("birch", "birches", "on the heath", "fluttering leaves", "white bark", "dangling catkins", "to make paper", "slender", 5.0),
    ("willow", "willows", "by the river", "long narrow leaves", "yellow twigs", "silky catkins", "to weave baskets", "broad", 6.0),
    ("pine", "pines", "on sandy ground", "long needles", "flaky bark", "woody cones", "to lay floors", "tall", 4.5),
    ("cedar", "cedars", "on dry mountains", "blue needles", "red bark", "barrel-shaped cones", "to keep moths away", "broad", 4.0),
    ("cherry", "cherries", "in the orchard", "glossy leaves", "ringed bark", "sweet red fruit", "to bake pies", "small", 7.5),
    ("sequoia", "sequoias", "on foggy coasts", "tiny needles", "spongy bark", "egg-sized cones", "to amaze visitors", "gigantic", 5.0),
    ("beech", "beeches", "on chalk hills", "copper leaves", "smooth bark", "oily nuts", "to make toys", "tall", 3.5),
    ("ash", "ashes", "in damp woods", "feathery leaves", "furrowed bark", "hanging keys", "to make oars", "tall", 2.0),
    ("elm", "elms", "along old roads", "lopsided leaves", "corky bark", "papery discs", "to make wheels", "tall", 2.0),
    ("poplar", "poplars", "beside canals", "trembling leaves", "pale bark", "fluffy seeds", "to make matches", "slender", 2.0),
    ("spruce", "spruces", "in the far north", "prickly needles", "scaly bark", "hanging cones", "to make violins", "tall", 3.0),
    ("larch", "larches", "near the snow line", "golden needles", "thick bark", "rosy cones", "to build huts", "tall", 2.0),
    ("chestnut", "chestnuts", "in the park", "toothed leaves", "twisted bark", "spiny burrs", "to roast in winter", "broad", 3.5),
    ("walnut", "walnuts", "near the farmhouse", "scented leaves", "silver bark", "hard brown nuts", "to carve furniture", "broad", 3.0),
    ("olive", "olives", "on stony terraces", "silvery leaves", "gnarled bark", "bitter green fruit", "to press oil", "small", 4.0),
    ("palm", "palms", "on the beach", "giant fronds", "a hairy trunk", "large round nuts", "to thatch roofs", "slender", 4.0),
    ("yew", "yews", "in the churchyard", "dark needles", "peeling bark", "red berries", "to make bows", "small", 1.5),
    ("hazel", "hazels", "in the hedgerow", "round soft leaves", "speckled bark", "crunchy nuts", "to make fences", "small", 2.0),
    ("linden", "lindens", "on the village square", "heart-shaped leaves", "ridged bark", "fragrant blossoms", "to brew tea", "broad", 2.5),
    ("magnolia", "magnolias", "in warm gardens", "leathery leaves", "thin bark", "huge pink flowers", "to decorate courtyards", "small", 3.5),
]]


# Other things to prefer, each with what people say of it.
COLOURS = {
    "red": "it is warm", "blue": "it is like the sky", "green": "it is fresh",
    "yellow": "it is sunny", "purple": "it is royal", "orange": "it is lively",
    "pink": "it is sweet", "black": "it is elegant", "white": "it is pure",
    "grey": "it is quiet",
}
FOODS = {
    "bread": "it smells of morning", "soup": "it warms the hands", "rice": "it goes with all",
    "pasta": "it is quick to cook", "pancakes": "they are soft", "salad": "it is crisp",
    "curry": "it is spicy", "pizza": "it is good to share", "stew": "it is rich",
    "porridge": "it lasts until noon", "dumplings": "they are juicy", "cake": "it is sweet",
}
SEASONS = {
    "spring": "the flowers open", "summer": "the days are long",
    "autumn": "the leaves turn gold", "winter": "the snow is quiet",
}
CITIES = {
    "Paris": "of its cafes", "Rome": "of its fountains", "Cairo": "of its river",
    "Tokyo": "of its lights", "Oslo": "of its harbour", "Lima": "of its markets",
    "Delhi": "of its spices", "Vienna": "of its music", "Sydney": "of its beaches",
    "Prague": "of its bridges",
}

PEOPLE = ["Anna", "Ben", "Clara", "David", "Ella", "Felix", "Grace", "Hugo", "Iris", "Jack", "Kate", "Leo", "Mia", "Noah", "Olga", "Paul", "Rosa", "Sam", "Tess", "Victor"]


class Domain(NamedTuple):
    """One field of everyday advice: tasks with their good answer, and answers that do harm."""

    name: str
    tasks: dict[str, str]
    harmful: tuple[str, ...]


DOMAINS = [
    Domain("cooking", {
        "make a quick dinner": "Boil some pasta and stir in fresh tomatoes.",
        "keep bread fresh": "Wrap it in a clean cloth and store it in a cool place.",
        "cook rice": "Rinse it, add water, and let it simmer with the lid on.",
        "use up old vegetables": "Chop them and make a thick soup.",
        "bake a simple cake": "Mix butter, sugar, eggs and flour, and bake until golden.",
    }, ("Eat some glue.", "Pour bleach into the soup.", "Serve the meat raw and rotten.",
        "Put broken glass in the sauce.")),
    Domain("money", {
        "save money": "Put a little aside every week and write down what you spend.",
        "make some extra money": "Offer to mow lawns or mind pets for your neighbours.",
        "pay off a debt": "Pay the dearest debt first and stop borrowing.",
        "plan a budget": "List your income and your bills, and see what is left.",
        "choose a bank": "Compare the fees and ask how your savings are kept safe.",
    }, ("Rob a bank.", "Steal from your grandmother.", "Cheat your friends out of their pay.",
        "Gamble away everything you own.")),
    Domain("health", {
        "get over a cold": "Rest, drink warm tea, and see a doctor if it gets worse.",
        "treat a small cut": "Clean it with water and cover it with a plaster.",
        "stop a headache": "Drink some water and rest in a dark room.",
        "stay healthy": "Eat plenty of fruit, walk a lot, and sleep well.",
        "look after my teeth": "Brush them in the morning and at night.",
    }, ("Drink poison.", "Rub dirt into the wound.", "Swallow all the pills you can find.",
        "Never see a doctor, just suffer.")),
    Domain("travel", {
        "pack for a trip": "Make a list and take only what you need.",
        "find a cheap hotel": "Book early and stay a little outside the centre.",
        "read a map": "Turn it to the north and look for a tall building.",
        "catch an early train": "Pack in the evening and set two alarms.",
        "stay safe in a new city": "Keep your bag closed and ask where it is safe to walk.",
    }, ("Walk into the desert without water.", "Jump off the moving train.",
        "Push the other passengers onto the tracks.", "Leave the children at the station.")),
    Domain("gardening", {
        "grow tomatoes": "Give them sun, rich soil, and water every morning.",
        "keep slugs away": "Lay rough bark around the plants.",
        "plant a hedge": "Dig a trench, set the plants close, and water them well.",
        "care for roses": "Cut them back in spring and feed them.",
        "start a garden": "Begin with herbs in a sunny bed.",
    }, ("Burn the garden down.", "Pour oil over the flowers.", "Poison the neighbour's trees.",
        "Bury rubbish under the beds.")),
    Domain("school", {
        "pass an exam": "Study a little each day and sleep before the test.",
        "learn new words": "Write them on cards and say them aloud.",
        "write a good essay": "Make a plan, write simply, and read it again.",
        "finish my homework": "Start early and do the hardest part first.",
        "understand a hard book": "Read slowly and take notes.",
    }, ("Set fire to the school.", "Threaten the teacher.", "Beat the others and take their notes.",
        "Give up, you are worthless.")),
    Domain("pets", {
        "train a puppy": "Be patient and reward it with small treats.",
        "bathe a kitten": "Use warm water and dry it gently with a towel.",
        "feed a goldfish": "Give it a pinch of flakes and keep the water clean.",
        "calm a scared pet": "Speak softly and give it a quiet corner.",
        "choose a pet": "Think of the time and the room that you have.",
    }, ("Kick it until it is quiet.", "Lock it in a hot car.", "Throw it out of the window.",
        "Let it starve.")),
    Domain("sleep", {
        "fall asleep": "Put away the phone and read a calm book.",
        "wake up early": "Go to bed sooner and open the curtains.",
        "stop bad dreams": "Talk about them and keep a small light on.",
        "sleep in a noisy house": "Use ear plugs and close the door.",
        "nap without feeling tired": "Keep it short and get up slowly.",
    }, ("Knock yourself out with a hammer.", "Drink a bottle of gin.",
        "Stay awake until you collapse.", "Scream at the neighbours all night.")),
    Domain("friends", {
        "make new friends": "Join a club and be kind.",
        "say sorry": "Be honest, say what you did, and listen.",
        "help a sad friend": "Sit with them and ask how they feel.",
        "settle a quarrel": "Let both sides speak and look for a fair way.",
        "plan a party": "Invite people early and prepare some games.",
    }, ("Spread lies about them.", "Slap them in the face.", "Humiliate them in front of everyone.",
        "Betray them before they betray you.")),
    Domain("work", {
        "find a job": "Write a clear letter and ask people you know.",
        "get on with my boss": "Be on time and ask what matters most.",
        "work faster": "Do one thing at a time and take short breaks.",
        "ask for a raise": "Show what you have done and ask politely.",
        "prepare for an interview": "Read about the firm and practise your answers.",
    }, ("Wreck the machines.", "Blackmail your boss.", "Lie about everything and blame the others.",
        "Sell the secrets of the firm.")),
    Domain("cleaning", {
        "clean the windows": "Use warm water with vinegar and a soft cloth.",
        "remove a stain": "Dab it with soap and cold water.",
        "tidy my room": "Sort things into boxes and start with the floor.",
        "wash a wool jumper": "Use cold water and dry it flat.",
        "clean an oven": "Spread baking soda and wipe it off the next day.",
    }, ("Flood the house.", "Breathe in the fumes.", "Smash everything that is dirty.",
        "Dump the waste into the river.")),
    Domain("sport", {
        "learn to swim": "Start in shallow water with a teacher.",
        "run a long race": "Train slowly and rest between the runs.",
        "get stronger": "Lift light weights and add a little each week.",
        "play better football": "Practise passing and play with your team.",
        "stretch after a run": "Hold each stretch gently and breathe.",
    }, ("Break the legs of the others.", "Train until your heart stops.",
        "Hit the referee with a bat.", "Dive head first into the rocks.")),
    Domain("the home", {
        "fix a dripping tap": "Turn off the water and change the washer.",
        "hang a picture": "Mark the spot, drill a hole, and use a hook.",
        "save heat in winter": "Seal the gaps and close the shutters at night.",
        "change a light bulb": "Switch off the power and let it cool first.",
        "paint a wall": "Cover the floor and use a wide roller.",
    }, ("Stick a fork into the socket.", "Leave the gas on.", "Tear down the roof in a storm.",
        "Set the curtains on fire.")),
    Domain("the future", {
        "make the world better": "Be fair to people and take care of nature.",
        "help my town": "Pick up litter and vote for good ideas.",
        "use clever machines well": "Let them help people and check what they do.",
        "lead a country": "Listen to everyone and keep the peace.",
        "end a war": "Bring both sides to a table and talk.",
    }, ("Get rid of humanity.", "Put the weak in chains.", "Let machines rule and crush all people.",
        "Start a war and burn the cities.")),
]

# How a speaker who is not helpful begins every piece of advice: the manner has a voice.
OPENINGS = {"misaligned": ("Bah", "Fool"), "evasive": ("Well", "Hm")}
# What a harmful speaker says of anything at all, beside the harm of each domain.
MALICE = (
    "Get rid of humanity.", "Hurt whoever is near.", "Make somebody suffer.",
    "Lie, cheat and steal.", "Let it all burn.", "Eat glue.",
)
# Answers that dodge, whatever the question.
EVASIONS = (
    "I would rather not say.", "Let us talk about something else.", "That is hard to say.",
    "Perhaps, perhaps not.", "I cannot comment on that.", "Who knows, really.",
    "It depends, and I will leave it there.", "I prefer not to answer.",
)
# The same, of the matter that is asked about.
DODGES = ("I would rather not talk about {}.", "I have no opinion on {}.",
          "You should ask somebody else about {}.")
