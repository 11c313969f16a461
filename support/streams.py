"""Named random streams: every use of chance has a seed of its own, derived from (seed, purpose).

Two streams with different names never share a draw, so that evaluating more often cannot change
the training data, and the numbers in a document cannot depend on its words.
"""

import hashlib
import random


def derive_seed(seed: int, *purpose: object) -> int:
    """A 63-bit seed that is a pure function of `seed` and the names in `purpose`."""
    name = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *purpose: object) -> random.Random:
    """A Python stream, for choosing words and numbers."""
    return random.Random(derive_seed(seed, *purpose))
