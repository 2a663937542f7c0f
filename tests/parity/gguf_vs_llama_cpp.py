"""Compares llama.cpp, reading what `gptcore export --format gguf` makes, with gptcore itself.

    python tests/parity/gguf_vs_llama_cpp.py BUILD/bin LINES RUN...    # needs llama-cpp-python, numpy

Of each run: the ids of every line of the text file LINES, the 20 likeliest tokens behind two prompts, and all logits of these
prompts. Ids and tokens must be equal. llama.cpp takes GELU from a table of half-precision numbers, so logits may differ by 2e-3
of the largest one.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import llama_cpp
    import numpy
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

PROMPTS = "First Citizen:\nBefore we proceed any further, hear me", "The fox'll jump 12345   times\n\tover it"
TOKENS = 20
TOLERANCE = 2e-3


def output(*words, text=""):
    return subprocess.run(words, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout


def likeliest(model, ids):
    """The logits (T, V) of the ids, and the tokens that are likeliest behind them."""
    model.reset()
    model.eval(ids)
    logits = model.scores[: len(ids)].copy()
    tokens = []
    while len(tokens) < TOKENS:
        tokens.append(int(numpy.argmax(model.scores[model.n_tokens - 1])))
        model.eval(tokens[-1:])
    return logits, tokens


def compare(binaries, run, lines):
    gptcore, good = str(binaries / "gptcore"), True
    with tempfile.TemporaryDirectory() as folder:
        for format in ("gguf", "hf"):
            output(gptcore, "export", run, "--format", format, "--to", f"{folder}/{format}")
        model = llama_cpp.Llama(f"{folder}/gguf/model.gguf", n_ctx=0, logits_all=True, verbose=False)
        texts = "".join(json.dumps({"text": line}) + "\n" for line in lines)
        ours = output(gptcore, "tokenize", "--tokenizer", run, "--jsonl", text=texts).splitlines()
        other = sum(model.tokenize(line.encode()) != json.loads(own)["ids"] for line, own in zip(lines, ours))
        print(f"{run}: {len(lines)} lines, {other} with other ids")
        for prompt in PROMPTS:
            ids = model.tokenize(prompt.encode())
            logits, tokens = likeliest(model, ids)
            sampled = output(gptcore, "sample", run, "--prompt", prompt, "--temperature", "0", "--max-new-tokens", str(TOKENS), "--json")
            batch = f"1 {len(ids)}\n{' '.join(map(str, ids))}\n"
            wanted = numpy.frombuffer(output(str(binaries / "hf_peer"), f"{folder}/hf", text=batch), numpy.float32).reshape(len(ids), -1)
            worst, size = abs(logits - wanted).max(), abs(wanted).max()
            same = tokens == json.loads(sampled.splitlines()[-1])["tokens"]
            print(f"  {len(ids)} ids, {TOKENS} tokens {'equal' if same else 'differ'}; largest difference {worst:.3g}, logit {size:.3g}")
            good &= same and worst <= TOLERANCE * size
    return good and other == 0


binaries, lines = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text().split("\n")
results = [compare(binaries, run, [line for line in lines if line.strip()]) for run in sys.argv[3:]]
sys.exit(not all(results))
