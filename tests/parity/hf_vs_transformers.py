"""Compares the logits that transformers and gptcore compute of the same folders, and those of one folder with another's.

    python tests/parity/hf_vs_transformers.py BUILD/bin/hf_peer FOLDER... [--same]    # needs torch, numpy, transformers

A folder is a Hugging Face GPT-2, or holds model.gguf of `gptcore export --format gguf`, which transformers alone reads (with the
packages gguf and accelerate). Its attention is the default one; its two implementations differ by more from each other. Prints the
largest differences beside the largest logit. Fails where transformers and gptcore differ by more than 1e-5 of that; with --same
also where, by transformers, a folder differs from the first one by more than 1e-6 of it.
"""
import pathlib
import subprocess
import sys

import numpy
import torch
from transformers import GPT2LMHeadModel

TEXTS = ((1, 1), (3, 16), (2, 1024))


def by_transformers(folder, batches):
    arguments = dict(gguf_file="model.gguf") if (folder / "model.gguf").exists() else {}
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32, **arguments).eval()
    with torch.no_grad():
        return [model(ids).logits for ids in batches]


def by_gptcore(peer, folder, batches, vocabulary):
    text = "".join(f"{b.shape[0]} {b.shape[1]}\n{' '.join(map(str, b.flatten().tolist()))}\n" for b in batches)
    out = subprocess.run([peer, folder], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    numbers = torch.from_numpy(numpy.frombuffer(out, numpy.float32).copy())
    return [n.view(*b.shape, vocabulary) for n, b in zip(numbers.split([b.numel() * vocabulary for b in batches]), batches)]


def compare(what, got, wanted, tolerance):
    worst = max((a - b).abs().max().item() for a, b in zip(got, wanted))
    size = max(b.abs().max().item() for b in wanted)
    print(f"{what}: largest difference {worst:.3g}, largest logit {size:.3g}")
    return worst <= tolerance * size


def main(peer, arguments):
    folders = [pathlib.Path(a) for a in arguments if a != "--same"]
    first, good = None, True
    for folder in folders:
        config = GPT2LMHeadModel.config_class.from_pretrained(folders[0] if "--same" in arguments else folder)
        generator = torch.Generator().manual_seed(3)
        batches = [torch.randint(config.vocab_size, (b, min(t, config.n_positions)), generator=generator) for b, t in TEXTS]
        theirs = by_transformers(folder, batches)
        if not (folder / "model.gguf").exists():
            ours = by_gptcore(peer, folder, batches, config.vocab_size)
            good &= compare(f"{folder}, transformers and gptcore", ours, theirs, 1e-5)
        if "--same" in arguments and first:
            good &= compare(f"{folder} and {folders[0]}", theirs, first, 1e-6)
        first = first or theirs
    sys.exit(not good)


main(sys.argv[1], sys.argv[2:])
