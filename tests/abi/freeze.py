"""Writes the SDK's headers, as gptcore/plugin.h includes them, into one header without comments.

A plugin built from a frozen header stands for a binary of that SDK: `freeze.py sdk/include epoch2/gptcore_frozen.h`.
Run it once when an epoch begins; a frozen header is never written again.
"""
import re
import sys
from pathlib import Path


def inlined(root: Path, name: str, seen: set) -> list:
    if name in seen:
        return []
    seen.add(name)
    lines = []
    text = re.sub(r"/\*.*?\*/", "", (root / name).read_text(), flags=re.S)
    for line in text.splitlines():
        include = re.match(r'#include "(gptcore/[^"]+)"', line)
        if include:
            lines += inlined(root, include.group(1), seen)
            continue
        line = re.sub(r"\s*//(?![^\"]*\"[^\"]*$).*", "", line).rstrip()
        if line and line != "#pragma once":
            lines.append(line)
    return lines


def main() -> None:
    root, target = Path(sys.argv[1]), Path(sys.argv[2])
    if target.exists():
        sys.exit(f"{target} exists: a frozen header is never written again")
    target.write_text("// Frozen by tests/abi/freeze.py. Do not edit.\n#pragma once\n" +
                      "\n".join(inlined(root, "gptcore/plugin.h", set())) + "\n")


main()
