#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Processor seconds of a training step of differentiable volumetric rendering: `nir train` (configs/dvr/object.toml)
beside the same step of plain PyTorch operators: same pictures, same decoder and first weights, same number of pictures,
rays and samples along a ray.

  /usr/bin/python3 bench/dvr_steps.py --nir build/release/bin/nir --record bench/records/dvr_steps.json

Wants Debian's python3-torch, python3-numpy and python3-pil. The scene is made here: a ball with coloured normals, with
its silhouettes, seen from all sides. Before anything is timed, Python's decoder must take nir's weights name by name. Time is
that of the process, of two runs of different length, so that start and end drop out; the two take turns. Where Debian's
OpenBLAS does not know the processor (OPENBLAS_VERBOSE=2 says "Core: Prescott"), set OPENBLAS_CORETYPE for Python, as nir
does for itself; otherwise Python's matrices are multiplied at a fifth of the speed.
"""
import argparse
import json
import math
import os
import resource
import statistics
import sys
import tempfile
import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from train_steps import processor, read_safetensors, run  # noqa: E402

PICTURES, PIXELS, STEPS, SECANT, PADDING = 4, 256, 64, 8, 0.1
SIZE, VIEWS, RADIUS, DISTANCE, FOCAL = 128, 24, 1.0, 4.0, 1.6 * 128


def cameras():
    """Camera to world, OpenGL's axes, on a spiral around the ball."""
    out = []
    for i in range(VIEWS):
        z = 0.9 * (2 * (i + 0.5) / VIEWS - 1)
        a = i * math.pi * (3 - math.sqrt(5))
        back = np.array([math.sqrt(1 - z * z) * math.cos(a), math.sqrt(1 - z * z) * math.sin(a), z])
        right = np.cross([0, 0, 1.0], back)
        right /= np.linalg.norm(right)
        m = np.eye(4)
        m[:3, 0], m[:3, 1], m[:3, 2], m[:3, 3] = right, np.cross(back, right), back, DISTANCE * back
        out.append(m)
    return out


def rays_of(camera):
    c = (np.arange(SIZE) + 0.5 - SIZE / 2) / FOCAL
    x, y = np.meshgrid(c, -c)
    d = np.stack([x, y, -np.ones_like(x)], -1) @ camera[:3, :3].T
    return np.broadcast_to(camera[:3, 3], d.shape), d


def picture(camera):
    """[H,W,4]: colour and silhouette of the ball."""
    o, d = rays_of(camera)
    a, b, c = (d * d).sum(-1), (o * d).sum(-1), (o * o).sum(-1) - RADIUS ** 2
    root = b * b - a * c
    t = (-b - np.sqrt(np.maximum(root, 0))) / a
    rgb = 0.5 + 0.5 * (o + t[..., None] * d) / RADIUS
    seen = root > 0
    return np.concatenate([np.where(seen[..., None], rgb, 0), seen[..., None]], -1)


def write_scene(folder):
    frames = []
    for i, m in enumerate(cameras()):
        Image.fromarray((255 * picture(m) + 0.5).astype(np.uint8)).save(f"{folder}/{i:03}.png")
        frames.append({"file_path": f"{i:03}.png", "transform_matrix": m.tolist()})
    with open(f"{folder}/transforms.json", "w", encoding="utf-8") as f:
        json.dump({"w": SIZE, "h": SIZE, "fl_x": FOCAL, "fl_y": FOCAL, "cx": SIZE / 2, "cy": SIZE / 2, "frames": frames}, f)


# ---------------------------------------------------------------------------- the method, of PyTorch's operators

class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.fc_0, self.fc_1 = nn.Linear(n, n), nn.Linear(n, n)

    def forward(self, x):
        return x + self.fc_1(F.relu(self.fc_0(F.relu(x))))


class Decoder(nn.Module):
    def __init__(self, hidden, blocks=5):
        super().__init__()
        self.fc_p, self.fc_out = nn.Linear(3, hidden), nn.Linear(hidden, 4)
        self.blocks = nn.ModuleList([Block(hidden) for _ in range(blocks)])

    def forward(self, p):
        x = self.fc_p(p)
        for block in self.blocks:
            x = block(x)
        return self.fc_out(F.relu(x))

    def logit(self, p):
        return self(p)[..., 0]


def slope_at(decoder, p, graph=False):
    with torch.enable_grad():
        p = p if p.requires_grad else p.clone().requires_grad_()
        return torch.autograd.grad(decoder.logit(p).sum(), p, create_graph=graph)[0]


def first_surface(decoder, o, d):
    """Parameter of the first change from outside to inside along each ray; infinite: none."""
    with torch.no_grad():
        half = 0.5 + PADDING / 2
        a, b = (-half - o) / d, (half - o) / d
        near = torch.minimum(a, b).amax(-1).clamp_min(0)
        far = torch.maximum(a, b).amin(-1)
        crosses = far > near
        t = near[..., None] + (far - near)[..., None] * torch.linspace(0, 1, STEPS)
        t = torch.where(crosses[..., None], t, torch.zeros_like(t))
        values = torch.cat([decoder.logit(part) for part in
                            torch.split((o[..., None, :] + t[..., None] * d[..., None, :]).reshape(-1, 3), 65536)])
        values = values.view(t.shape)
        changes = (values[..., :-1] < 0) & (values[..., 1:] >= 0)
        hit = changes.any(-1) & crosses & (values[..., 0] < 0)
        k = changes.float().argmax(-1)
        low, high = t.gather(-1, k[..., None])[..., 0][hit], t.gather(-1, k[..., None] + 1)[..., 0][hit]
        f_low, f_high = (values.gather(-1, (k + i)[..., None])[..., 0][hit] for i in (0, 1))
        origin, direction = o[hit], d[hit]
        at = low - f_low * (high - low) / (f_high - f_low)
        for _ in range(SECANT):
            f = decoder.logit(origin + at[:, None] * direction)
            below = f < 0
            low, f_low = torch.where(below, at, low), torch.where(below, f, f_low)
            high, f_high = torch.where(below, high, at), torch.where(below, f_high, f)
            at = low - f_low * (high - low) / (f_high - f_low)
        out = torch.full(o.shape[:-1], math.inf)
        out[hit] = at
        return out, t


def step(decoder, adam, batch):
    o, d, rgb, mask = batch
    adam.zero_grad()
    first, t = first_surface(decoder, o, d)
    seen = torch.isfinite(first)
    at = o[seen] + first[seen][:, None] * d[seen]
    # Implicit differentiation: d depth = - d f / (grad f . ray)
    along = (slope_at(decoder, at) * d[seen]).sum(-1)
    along = torch.where(along.abs() < 1e-3, torch.full_like(along, 1e-3), along)
    f = decoder.logit(at)
    depth = first[seen] - (f - f.detach()) / along
    points = torch.zeros_like(o).index_put((seen,), o[seen] + depth[:, None] * d[seen])
    both, empty, filled = seen & mask, ~mask, ~seen & mask
    loss = (decoder(points[both])[:, 1:].sigmoid() - rgb[both]).abs().sum()
    p = points[seen].detach()
    normals = [F.normalize(slope_at(decoder, q, graph=True), dim=-1)
               for q in (p, p + (torch.rand_like(p) - 0.5) * 1e-3)]
    loss = loss + 0.05 * (normals[0] - normals[1]).norm(dim=-1).sum()
    drawn = t.gather(-1, torch.randint(STEPS, t.shape[:-1] + (1,)))
    places = torch.where(seen[..., None], points.detach(), o + drawn * d)
    loss = loss + F.softplus(decoder.logit(places[empty])).sum()
    loss = loss + F.softplus(-decoder.logit((o + drawn * d)[filled])).sum()
    (loss / PICTURES).backward()
    adam.step()
    return int(seen.sum())


def batches(scale, n):
    rng = np.random.default_rng(0)
    views = [(rays_of(m), picture(m)) for m in cameras()]
    out = []
    for _ in range(n):
        parts = []
        for v in rng.integers(VIEWS, size=PICTURES):
            (o, d), image = views[v]
            at = rng.integers(SIZE * SIZE, size=PIXELS)
            flat = image.reshape(-1, 4)[at]
            parts.append((o.reshape(-1, 3)[at] * scale, d.reshape(-1, 3)[at] * scale, flat[:, :3], flat[:, 3]))
        o, d, rgb, mask = (np.stack(x).astype(np.float32) for x in zip(*parts))
        out.append((torch.from_numpy(o), torch.from_numpy(d), torch.from_numpy(rgb), torch.from_numpy(mask) > 0.5))
    return out


# ------------------------------------------------------------------------------------------------------------- figures

def train(a, folder, steps):
    config = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "configs", "dvr", "object.toml")
    values = {"data.path": f"{folder}/scene", "train.steps": steps, "train.time": 0, "train.checkpoint_every": 0,
              "train.validate_every": 0, "train.preview_every": 0, "train.validation_batches": 0, "train.log_every": steps}
    command = [a.nir, "--threads", str(a.threads), "-q", "train", config, "--out", f"{folder}/run", "--force"]
    for key, value in values.items():
        command += ["--set", f"{key}={value}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fresh_decoder(folder):
    state = {k.removeprefix("decoder."): v for k, v in read_safetensors(f"{folder}/run/model.safetensors").items()
             if k.startswith("decoder.")}
    decoder = Decoder(state["fc_p.weight"].shape[0])
    decoder.load_state_dict(state, strict=True)
    return decoder


def python_seconds(folder, steps):
    decoder = fresh_decoder(folder)
    adam = torch.optim.Adam(decoder.parameters(), lr=1e-3)
    data = batches(1 / (2 * 1.1 * RADIUS), 8)
    step(decoder, adam, data[0])
    hits, start = 0, time.process_time()
    for i in range(steps):
        hits += step(decoder, adam, data[i % len(data)])
    return (time.process_time() - start) / steps, hits / (steps * PICTURES * PIXELS)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--nir", required=True)
    p.add_argument("--record")
    p.add_argument("--repeat", type=int, default=3)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    turns = []
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/scene")
        write_scene(f"{folder}/scene")
        for _ in range(a.repeat):
            base = train(a, folder, 5)
            seconds, hits = python_seconds(folder, 10)  # from weights that are five steps old
            turn = {"load": os.getloadavg()[0], "python": seconds, "nir": (train(a, folder, 45) - base) / 40,
                    "share_of_rays_that_hit": hits}
            turn["ratio"] = turn["python"] / turn["nir"]
            turns.append(turn)
            print(f"PyTorch {turn['python']:.3f} s of processor a step, nir {turn['nir']:.3f} s, ratio {turn['ratio']:.2f}, "
                  f"{hits:.0%} of the rays hit, load {turn['load']:.1f}", file=sys.stderr, flush=True)
    out = {k: statistics.median(t[k] for t in turns) for k in ("python", "nir", "ratio")}
    print("| step | PyTorch operators, s | nir, s | ratio |\n|---|---|---|---|")
    print(f"| {PICTURES} pictures × {PIXELS} rays, {STEPS} samples, 128 wide | {out['python']:.3f} | {out['nir']:.3f} | "
          f"**{out['ratio']:.1f}** |")
    if a.record:
        record = {"processor": processor(), "threads": a.threads, "torch": torch.__version__,
                  "openblas_coretype": os.environ.get("OPENBLAS_CORETYPE", ""), **out, "turns": turns}
        with open(a.record, "w", encoding="utf-8") as f:
            json.dump(record, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
