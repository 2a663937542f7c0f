"""Writes reference/hf_gpt2: a tiny random GPT-2 as transformers saves it, and its logits in logits.safetensors.

    python tests/parity/make_hf_reference.py          # needs torch and transformers; the files are in the repository

The logits are computed in float64 and stored as float32.
"""
import pathlib

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel


def main():
    folder = pathlib.Path(__file__).parent / "reference" / "hf_gpt2"
    torch.manual_seed(5)
    config = GPT2Config(vocab_size=61, n_positions=16, n_embd=24, n_layer=2, n_head=3, n_inner=40, bos_token_id=None,
                        eos_token_id=None)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.2 * torch.randn_like(p))  # biases and norms too
    model.save_pretrained(folder)
    ids = torch.randint(config.vocab_size, (3, config.n_positions))
    with torch.no_grad():
        logits = model.double()(ids).logits
    save_file({"ids": ids, "logits": logits.float().contiguous()}, folder / "logits.safetensors")
    (folder / "generation_config.json").unlink()


main()
