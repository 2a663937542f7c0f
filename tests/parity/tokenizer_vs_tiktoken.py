"""Compares the tokenizer "gpt2" with tiktoken's: ids on text and on random bytes, then speed, alternating in one run.

    pip install tiktoken
    python tests/parity/tokenizer_vs_tiktoken.py BUILD DATA    # DATA holds gpt2_bpe/ and, anywhere below, text

Nothing is downloaded: tiktoken gets its vocabulary from DATA/gpt2_bpe.
"""
import json
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import time

import tiktoken
import tiktoken_ext.openai_public

RANDOM_STRINGS = 100_000
ROUNDS = 15


def peer_encoding(folder):
    """tiktoken's gpt2, from encoder.json: its tokens are written in GPT-2's characters for bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    byte_of = {chr(b): b for b in plain}
    for n, b in enumerate(b for b in range(256) if b not in plain):
        byte_of[chr(256 + n)] = b
    tokens = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    special = {"<|endoftext|>": tokens.pop("<|endoftext|>")}
    ranks = {bytes(byte_of[c] for c in token): rank for token, rank in tokens.items()}
    return tiktoken.Encoding("gpt2", pat_str=tiktoken_ext.openai_public.r50k_pat_str, mergeable_ranks=ranks, special_tokens=special)


class Ours:
    def __init__(self, build, folder):
        program = [build / "bin/tokenizer_peer", build / "lib/gptcore/plugins/gpt2.so", folder]
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def encode(self, data, threads=1):
        """The ids and the seconds of encoding alone."""
        self.process.stdin.write(b"%d %d\n" % (threads, len(data)) + data)
        self.process.stdin.flush()
        count, seconds = self.process.stdout.readline().split()
        return list(struct.unpack(f"<{int(count)}i", self.process.stdout.read(4 * int(count)))), float(seconds)


def random_string(rng):
    """Bytes of several kinds: any, UTF-8 of any code points, English with blanks, and mixtures broken anywhere."""
    kind = rng.randrange(5)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 60))
    if kind == 1:
        points = [rng.randrange(0x110000) for _ in range(rng.randrange(1, 30))]
        return "".join(chr(p) for p in points if not 0xD800 <= p < 0xE000).encode()
    if kind == 2:
        return "".join(rng.choices(" \n\t\r\u00a0\u180e\u3000'sdtmabcABC019.,!-_é中🙂́", k=rng.randrange(1, 80))).encode()
    words = ["the ", "don't", " I'LL", "hello", "  world", "\n\n", " 2024", "naïve", "日本", "'s", "    ", "<|endoftext|>", "a" * 70]
    text = "".join(rng.choices(words, k=rng.randrange(1, 40))).encode()
    if kind == 3:
        return text
    cut = rng.randrange(len(text) + 1)
    return text[:cut] + rng.randbytes(rng.randrange(1, 4)) + text[cut : cut + rng.randrange(40)]


def same_ids(ours, peer, name, data):
    found, _ = ours.encode(data)
    expected = peer._encode_bytes(data)
    if found != expected:
        at = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), min(len(found), len(expected)))
        sys.exit(f"{name}: ids differ from number {at} on: {found[at : at + 8]}, tiktoken {expected[at : at + 8]}; {data[:200]!r}")
    return len(found)


def compare(ours, peer, folder):
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.suffix != ".safetensors")
    tokens = sum(same_ids(ours, peer, f, f.read_bytes()) for f in files)
    print(f"{len(files)} files, {sum(f.stat().st_size for f in files):,} bytes: {tokens:,} ids, all equal")

    points = [chr(p) for p in range(0x110000) if not 0xD800 <= p < 0xE000]
    for around in ("{}", "a{}", " {}a", "1{}", "!{}", "\t{}", "a {}"):
        text = "\n".join(around.format(p) for p in points)
        same_ids(ours, peer, f"every code point as {around!r}", text.encode())
    print(f"{len(points):,} code points in 7 surroundings: all equal")

    rng = random.Random(1337)
    strings = [random_string(rng) for _ in range(RANDOM_STRINGS)]
    invalid = 0
    for i, data in enumerate(strings):
        same_ids(ours, peer, f"random string {i}", data)
        invalid += data.decode(errors="ignore").encode() != data
    print(f"{len(strings):,} random byte strings, {invalid:,} of them not UTF-8: all equal")


def seconds_of_peer(peer, text):
    """Of encode_to_numpy, which spares tiktoken the Python list: its fastest way to ids."""
    start = time.perf_counter()
    peer._core_bpe.encode_to_tiktoken_buffer(text, set())
    return time.perf_counter() - start


def race(ours, peer, name, data):
    text = data.decode()
    pairs = []
    for _ in range(ROUNDS):
        pairs.append((ours.encode(data)[1], seconds_of_peer(peer, text)))
    mine, theirs = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"{name}: {len(data) / mine / 1e6:.1f} MB/s, tiktoken {len(data) / theirs / 1e6:.1f} MB/s, ratio {ratio:.2f} (one thread)")
    two = statistics.median(2 * ours.encode(data)[1] / ours.encode(data, threads=2)[1] for _ in range(ROUNDS))
    print(f"{name}: two threads do {two:.2f} times as much as one")


def main():
    build, folder = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    peer, ours = peer_encoding(folder / "gpt2_bpe"), Ours(build, folder / "gpt2_bpe")
    compare(ours, peer, folder)
    for name in ("tinyshakespeare/input.txt", "hellaswag/hellaswag_val_full.txt"):
        race(ours, peer, name, (folder / name).read_bytes())


if __name__ == "__main__":
    main()
