"""snippets.py BUILD: `gptcore config check` accepts every ```toml block of the documents.

A block need not be a whole pipeline: tables that it lacks are taken from BASE. Data (GC300) and models (GC500) that it names may be missing.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BASE = {
    "tokenizer": '[tokenizer]\nuse = "byte"\n',
    "dataset": '[dataset]\nuse = "text"\nfiles = ["a.txt"]\n',
    "model": "[model]\nn_layer = 4\nn_head = 2\nn_embd = 32\nblock_size = 32\n",
    "stage": '[[stage]]\nkind = "train"\nmax_iters = 5000\neval_interval = 100\n',
}
MISSING_FILE = re.compile(r"error\[GC(300|500)\].*(does not exist|is missing|no such file|matches no file)", re.I)


def blocks(page):
    """Yields (line, text) of each ```toml block that is no part of a named file."""
    inside, start, text = False, 0, []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if inside and line.startswith("```"):
            yield start, "\n".join(text) + "\n"
            inside, text = False, []
        elif inside:
            text.append(line)
        elif line.strip() == "```toml":
            inside, start = True, number + 1


def pipeline(snippet):
    """The snippet with the tables that it lacks; its own [[stage.*]] tables belong to BASE's stage."""
    given = set(re.findall(r"^\s*\[+(\w+)\]", snippet, re.M))
    return "".join(text for table, text in BASE.items() if table not in given) + snippet


def refusals(program, folder, text):
    (folder / "pipeline.toml").write_text(text)
    done = subprocess.run([program, "--safe-mode", "config", "check", "pipeline.toml"], cwd=folder, text=True, capture_output=True)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "error[" in line and not MISSING_FILE.search(line)]
    crashed = done.returncode not in (0, 2, 4, 5)
    return lines or ([f"exit code {done.returncode}"] if crashed else [])


def main():
    build, source = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).resolve().parents[2]
    parquet = (build / "lib/gptcore/plugins/parquet.so").exists()
    pages = [source / "README.md", source / "configs/README.md", *sorted(source.glob("docs/**/*.md")), *sorted(source.glob("plugins/**/*.md"))]
    tried = wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "a.txt").write_text("To be, or not to be.\n" * 100)
        os.environ.pop("GPTCORE_PLUGIN_PATH", None)
        for page in pages:
            for line, snippet in blocks(page):
                if 'use = "parquet' in snippet and not parquet:
                    print(f"skipped: {page.relative_to(source)}:{line}: the parquet plugin is not built")
                    continue
                tried += 1
                for refusal in refusals(build / "bin/gptcore", folder, pipeline(snippet)):
                    wrong += 1
                    print(f"{page.relative_to(source)}:{line}: {refusal}")
    print(f"{tried} TOML blocks, {wrong} errors")
    sys.exit(wrong > 0 or tried < 10)


main()
