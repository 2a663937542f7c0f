"""Writes reference/<variant>.safetensors: a tiny GPT's weights, inputs, logits, loss and gradients, computed by PyTorch.

    python tests/parity/make_reference.py          # needs torch; the dumps are in the repository

Everything is computed in float64 and stored as float32, so the files hold the right answer and not PyTorch's rounding.
"""
import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F

LAYERS, HEADS, WIDTH, CONTEXT, VOCAB, BATCH = 2, 2, 16, 8, 23, 3
LORA_RANK, LORA_ALPHA = 3, 6
VARIANTS = {
    "bias": dict(bias=True, rotary=False, gelu="none"),
    "no_bias": dict(bias=False, rotary=False, gelu="none"),
    "rotary": dict(bias=True, rotary=True, gelu="none"),
    "tanh": dict(bias=True, rotary=False, gelu="tanh"),
}


def weights(bias, rotary):
    generator = torch.Generator().manual_seed(20)
    w = {}

    def add(name, *shape, std, mean=0.0):
        w[name] = mean + std * torch.randn(*shape, generator=generator, dtype=torch.float64)

    def norm(name):
        add(name + ".weight", WIDTH, std=0.1, mean=1.0)
        if bias:
            add(name + ".bias", WIDTH, std=0.1)

    def linear(name, out, inn):
        add(name + ".weight", out, inn, std=0.2)
        if bias:
            add(name + ".bias", out, std=0.1)

    add("wte.weight", VOCAB, WIDTH, std=0.3)
    if not rotary:
        add("wpe.weight", CONTEXT, WIDTH, std=0.3)
    for i in range(LAYERS):
        p = f"blocks.{i}"
        norm(p + ".ln_1")
        linear(p + ".attn.qkv", 3 * WIDTH, WIDTH)
        linear(p + ".attn.proj", WIDTH, WIDTH)
        norm(p + ".ln_2")
        linear(p + ".mlp.fc", 4 * WIDTH, WIDTH)
        linear(p + ".mlp.proj", WIDTH, 4 * WIDTH)
    norm("ln_f")
    return {k: v.float().double().requires_grad_() for k, v in w.items()}


def rotated(x):
    """x (B, H, T, D): position t turns the pair (x[d], x[d + D/2]) by t / 10000^(2 d / D)."""
    half = x.shape[-1] // 2
    angle = torch.arange(x.shape[-2], dtype=torch.float64)[:, None] * 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    turned = torch.view_as_complex(torch.stack([x[..., :half], x[..., half:]], -1)) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([turned.real, turned.imag], -1)


def lora_weights():
    generator = torch.Generator().manual_seed(21)
    layers = {"wte": (VOCAB, WIDTH)} | {f"blocks.{i}.attn.qkv": (WIDTH, 3 * WIDTH) for i in range(LAYERS)}
    w = {}
    for layer, (rows, columns) in layers.items():
        a = 0.3 * torch.randn(rows, LORA_RANK, generator=generator, dtype=torch.float64)
        b = 0.3 * torch.randn(LORA_RANK, columns, generator=generator, dtype=torch.float64)
        w[layer + ".lora.a"], w[layer + ".lora.b"] = (a, b) if layer == "wte" else (a.T.contiguous(), b.T.contiguous())
    return {k: v.float().double().requires_grad_() for k, v in w.items()}


def forward(w, ids, rotary, gelu):
    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), w[name + ".weight"], w.get(name + ".bias"), 1e-5)

    def linear(x, name):
        y = F.linear(x, w[name + ".weight"], w.get(name + ".bias"))
        if name + ".lora.a" in w:
            y = y + LORA_ALPHA / LORA_RANK * (x @ w[name + ".lora.a"].T @ w[name + ".lora.b"].T)
        return y

    B, T = ids.shape
    x = w["wte.weight"][ids]
    if "wte.lora.a" in w:
        x = x + LORA_ALPHA / LORA_RANK * (w["wte.lora.a"] @ w["wte.lora.b"])[ids]
    if not rotary:
        x = x + w["wpe.weight"][:T]
    causal = torch.full((T, T), -math.inf, dtype=torch.float64).triu(1)
    for i in range(LAYERS):
        p = f"blocks.{i}"
        q, k, v = linear(norm(x, p + ".ln_1"), p + ".attn.qkv").view(B, T, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        if rotary:
            q, k = rotated(q), rotated(k)
        scores = q @ k.transpose(-1, -2) / math.sqrt(WIDTH // HEADS) + causal
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, WIDTH)
        x = x + linear(mixed, p + ".attn.proj")
        x = x + linear(F.gelu(linear(norm(x, p + ".ln_2"), p + ".mlp.fc"), approximate=gelu), p + ".mlp.proj")
    return F.linear(norm(x, "ln_f"), w["wte.weight"])


def save(path, tensors):
    header, blob = {}, b""
    for name in sorted(tensors):
        t = tensors[name].detach().contiguous()
        t = t.to(torch.int64) if t.dtype == torch.int64 else t.float()
        data = t.numpy().tobytes()
        header[name] = {"dtype": "I64" if t.dtype == torch.int64 else "F32", "shape": list(t.shape),
                        "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)


def main():
    folder = pathlib.Path(__file__).parent / "reference"
    folder.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(7)
    ids = torch.randint(VOCAB, (BATCH, CONTEXT), generator=generator)
    targets = torch.randint(VOCAB, (BATCH, CONTEXT), generator=generator)
    targets[1, 5:] = -1  # nothing to predict there
    for name, o in VARIANTS.items():
        w = weights(o["bias"], o["rotary"])
        logits = forward(w, ids, o["rotary"], o["gelu"])
        loss = F.cross_entropy(logits.view(-1, VOCAB), targets.view(-1), ignore_index=-1)
        loss.backward()
        dump = {"ids": ids, "targets": targets, "logits": logits, "loss": loss}
        dump |= {"weight." + k: v for k, v in w.items()} | {"grad." + k: v.grad for k, v in w.items()}
        save(folder / f"{name}.safetensors", dump)

    # LoRA on a frozen base, and one update of it by AdamW.
    base, lora = weights(bias=True, rotary=False), lora_weights()
    logits = forward(base | lora, ids, rotary=False, gelu="none")
    loss = F.cross_entropy(logits.view(-1, VOCAB), targets.view(-1), ignore_index=-1)
    dump = {"ids": ids, "targets": targets, "logits": logits, "loss": loss}
    dump |= {"weight." + k: v.detach().clone() for k, v in (base | lora).items()}
    grads = torch.autograd.grad(loss, list(lora.values()))
    for v, grad in zip(lora.values(), grads):
        v.grad = grad
    dump |= {"grad." + k: v.grad for k, v in lora.items()}
    torch.optim.AdamW(lora.values(), lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1).step()
    dump |= {"after." + k: v for k, v in lora.items()}
    save(folder / "lora.safetensors", dump)


main()
