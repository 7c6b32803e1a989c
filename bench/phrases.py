#!/usr/bin/env python3
"""Vectors of made phrases, as many as asked for: what an index meets that grows by more of the same.

    build/bench/venv/bin/python bench/phrases.py WORDS.json ROWS OUT.f32          (sets.py calls it so; needs numpy)

WORDS.json holds GloVe's vectors and its words, most frequent first. A phrase has a head, one to three words of the 64
nearest to the head, and one to four words that have nothing to do with it; heads and those are drawn as words are in texts
(Zipf, without the hundred most frequent). Its vector is the mean of its words' directions, each weighted by how rare the
word is (a / (a + frequency), as is usual for text), and of length 1. Row i is the same however many are asked for: fewer
rows are the beginning of more, and every row comes from the one distribution.
"""
import itertools
import json
import sys

import numpy as np

DIM = 100
WORDS = 30000
# Words at the top of the list say nothing of what a text is about.
FUNCTION_WORDS = 100
NEAR = 64
FEWEST_NEAR, MOST_NEAR = 1, 3
FEWEST_FREE, MOST_FREE = 1, 4
RARE = 1e-3
BLOCK = 20000
SEED = 20240611


def read_words(path):
    """Directions of the most frequent words, most frequent first."""
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    words = itertools.islice((word for word in content["words"] if word.isalpha()), WORDS)
    vectors = np.array([content["vectors"][word][:DIM] for word in words], "f4")
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nearest(directions, count, block=500):
    """For each word the places of the `count` nearest others."""
    near = []
    for first in range(0, len(directions), block):
        likeness = directions[first:first + block] @ directions.T
        likeness[np.arange(len(likeness)), np.arange(first, first + len(likeness))] = -2
        near.append(np.argpartition(-likeness, count, axis=1)[:, :count])
    return np.concatenate(near)


class Phrases:
    """The distribution."""

    def __init__(self, directions):
        rank = np.arange(1, len(directions) + 1)
        self.near = nearest(directions, min(NEAR, len(directions) - 1))
        shares = np.cumsum(1 / (rank + FUNCTION_WORDS))
        self.shares = shares / shares[-1]
        frequency = 1 / rank / np.sum(1 / rank)
        weighted = directions * (RARE / (RARE + frequency)).astype("f4")[:, None]
        # the last one stands for no word
        self.weighted = np.concatenate([weighted, np.zeros((1, directions.shape[1]), "f4")])

    def words(self, random, count):
        return np.searchsorted(self.shares, random.random(count))

    def block(self, number):
        """BLOCK rows, the same ones for the same number."""
        random = np.random.default_rng([SEED, number])
        head = self.words(random, BLOCK)
        near = random.integers(FEWEST_NEAR, MOST_NEAR + 1, BLOCK)
        free = random.integers(FEWEST_FREE, MOST_FREE + 1, BLOCK)
        rows = self.weighted[head].copy()
        for limit, most, draw in (
                (near, MOST_NEAR, lambda: self.near[head, random.integers(0, self.near.shape[1], BLOCK)]),
                (free, MOST_FREE, lambda: self.words(random, BLOCK))):
            for place in range(most):
                rows += self.weighted[np.where(place < limit, draw(), -1)]
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main(words, count, out):
    phrases = Phrases(read_words(words))
    with open(out, "wb") as file:
        for number, first in enumerate(range(0, count, BLOCK)):
            phrases.block(number)[:count - first].astype("<f4").tofile(file)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
