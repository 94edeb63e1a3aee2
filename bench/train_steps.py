#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Training steps per second of an Occupancy Network (residual PointNet, decoder with conditional batch normalisation):
`nir train` beside the same network of plain PyTorch operators, same batch, points and queries, same number of threads.

  /usr/bin/python3 bench/train_steps.py --nir build/release/bin/nir --record bench/records/train_steps.json

Wants Debian's python3-torch and python3-numpy, and makes its data itself: closed meshes, `nir prepare`. Both networks
start from the same weights, some steps old (--warm). Before anything is timed, Python's network must take these weights
name by name, have as many values and give the logits that `nir query` gives. Then the two take turns. Python's batches
lie in memory before its clock starts; nir's clock includes reading, drawing samples, the length of the gradient and the
metrics, and leaves out its start. In the same turns: how many multiplications of matrices a second the machine does, and
what share of the rows receives a gradient (nir leaves out the others).
Prints Markdown; the record holds every turn.

On a machine that does other things beside, seconds say little: two threads wait for each other while one of them is not
running. --processor-time asks instead how many seconds of processor a step takes, from fresh weights (two runs of nir of
different length; start and end drop out); --threads 1 keeps waiting out of it.
"""
import argparse
import json
import math
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# c: length of the code, h: of the encoder's features, f: of the decoder's; per step: shapes, points each, queries each.
SIZES = {
    "small": {"title": "`pointcloud_small.toml`", "config": "pointcloud_small.toml", "c": 64, "h": 64, "f": 64,
              "batch": 32, "points": 300, "queries": 512, "warm": 1000, "python_steps": 60, "nir_steps": 220},
    "published": {"title": "`pointcloud.toml`, batch 8", "config": "pointcloud.toml", "c": 512, "h": 512, "f": 256,
                  "batch": 8, "points": 300, "queries": 2048, "warm": 60, "python_steps": 12, "nir_steps": 26},
}
BLOCKS = 5


# ---------------------------------------------------------------------------------- the network, of PyTorch's operators

class LinearBlock(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        hidden = min(n_in, n_out)
        self.fc_0, self.fc_1 = nn.Linear(n_in, hidden), nn.Linear(hidden, n_out)
        self.shortcut = nn.Linear(n_in, n_out, bias=False)

    def forward(self, x):
        return self.shortcut(x) + self.fc_1(F.relu(self.fc_0(F.relu(x))))


class PointEncoder(nn.Module):
    def __init__(self, c, h):
        super().__init__()
        self.fc_pos = nn.Linear(3, 2 * h)
        for i in range(BLOCKS):
            self.add_module(f"block_{i}", LinearBlock(2 * h, h))
        self.fc_c = nn.Linear(h, c)

    def forward(self, points, keep=None):
        x = self.block_0(self.fc_pos(points))
        for i in range(1, BLOCKS):
            most = x.max(dim=1, keepdim=True)[0]
            if keep is not None:
                keep.append(x)
            x = getattr(self, f"block_{i}")(torch.cat([x, most.expand(x.size())], dim=2))
        if keep is not None:
            keep.append(x)
        return self.fc_c(F.relu(x.max(dim=1)[0]))


class ConditionalNorm(nn.Module):
    def __init__(self, c, f):
        super().__init__()
        self.conv_gamma, self.conv_beta = nn.Conv1d(c, f, 1), nn.Conv1d(c, f, 1)
        self.bn = nn.BatchNorm1d(f, affine=False)

    def forward(self, x, c):
        c = c.unsqueeze(2)
        return self.conv_gamma(c) * self.bn(x) + self.conv_beta(c)


class ConditionalBlock(nn.Module):
    def __init__(self, c, f):
        super().__init__()
        self.bn_0, self.bn_1 = ConditionalNorm(c, f), ConditionalNorm(c, f)
        self.fc_0, self.fc_1 = nn.Conv1d(f, f, 1), nn.Conv1d(f, f, 1)

    def forward(self, x, c):
        net = self.fc_0(F.relu(self.bn_0(x, c)))
        return x + self.fc_1(F.relu(self.bn_1(net, c)))


class Decoder(nn.Module):
    def __init__(self, c, f):
        super().__init__()
        self.fc_p = nn.Conv1d(3, f, 1)
        for i in range(BLOCKS):
            self.add_module(f"block{i}", ConditionalBlock(c, f))
        self.bn = ConditionalNorm(c, f)
        self.fc_out = nn.Conv1d(f, 1, 1)

    def forward(self, queries, c):
        x = self.fc_p(queries.transpose(1, 2))
        for i in range(BLOCKS):
            x = getattr(self, f"block{i}")(x, c)
        return self.fc_out(F.relu(self.bn(x, c))).squeeze(1)


class OccupancyNetwork(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.encoder = PointEncoder(size["c"], size["h"])
        self.decoder = Decoder(size["c"], size["f"])

    def forward(self, points, queries):
        return self.decoder(queries, self.encoder(points))


def step(model, adam, batch):
    points, queries, occupancies = batch
    adam.zero_grad()
    logits = model(points, queries)
    loss = F.binary_cross_entropy_with_logits(logits, occupancies, reduction="none").sum(-1).mean()
    loss.backward()
    adam.step()
    return loss.item()


# ------------------------------------------------------------------------------------------------------------- the data

def write_mesh(path, kind, rng):
    """A closed mesh on a grid of two angles: ellipsoid, superquadric or torus."""
    n = 48
    a, b, c = rng.uniform(0.3, 1.0, 3)
    power = {"ellipsoid": 1.0, "box": 0.3, "torus": 1.0}[kind]
    bent = lambda x: np.sign(x) * np.abs(x) ** power
    u = np.arange(n) * 2 * math.pi / n
    with open(path, "w", encoding="utf-8") as f:
        if kind == "torus":
            v = u
            points = [((1 + 0.4 * c * math.cos(t)) * math.cos(s) * a, 0.4 * c * math.sin(t),
                       (1 + 0.4 * c * math.cos(t)) * math.sin(s) * b) for t in v for s in u]
            faces = [((i * n + j), ((i + 1) % n * n + j), ((i + 1) % n * n + (j + 1) % n), (i * n + (j + 1) % n))
                     for i in range(n) for j in range(n)]
        else:
            v = (np.arange(n - 1) + 1) * math.pi / n - math.pi / 2
            points = [(a * bent(math.cos(t)) * bent(math.cos(s)), b * bent(math.sin(t)),
                       c * bent(math.cos(t)) * bent(math.sin(s))) for t in v for s in u] + [(0, -b, 0), (0, b, 0)]
            faces = [(i * n + j, (i + 1) * n + j, (i + 1) * n + (j + 1) % n, i * n + (j + 1) % n)
                     for i in range(n - 2) for j in range(n)]
            low, high = (n - 1) * n, (n - 1) * n + 1
            faces += [(low, j, (j + 1) % n) for j in range(n)]
            faces += [(high, (n - 2) * n + (j + 1) % n, (n - 2) * n + j) for j in range(n)]
        f.write(f"OFF\n{len(points)} {len(faces)} 0\n")
        f.writelines("%g %g %g\n" % p for p in points)
        f.writelines(" ".join(map(str, (len(q), *q))) + "\n" for q in faces)


def prepare(nir, folder):
    rng = np.random.default_rng(0)
    for kind in ("ellipsoid", "box", "torus"):
        os.makedirs(f"{folder}/meshes/{kind}")
        for i in range(6):
            write_mesh(f"{folder}/meshes/{kind}/{i:02}.off", kind, rng)
    run([nir, "prepare", f"{folder}/meshes", "-o", f"{folder}/data", "--layout", "papers,packed", "-q"])


def batches(folder, size, n):
    """Batches of the same set as nir draws them, in memory: (points, queries, occupancies)."""
    models = []
    for kind in ("ellipsoid", "box", "torus"):
        with open(f"{folder}/data/{kind}/train.lst", encoding="utf-8") as f:
            for name in f.read().split():
                p = np.load(f"{folder}/data/{kind}/{name}/points.npz")
                q = np.load(f"{folder}/data/{kind}/{name}/pointcloud.npz")
                models.append((p["points"].astype(np.float32), np.unpackbits(p["occupancies"])[:len(p["points"])],
                               q["points"].astype(np.float32)))
    rng = np.random.default_rng(1)
    out = []
    for _ in range(n):
        clouds, queries, labels = [], [], []
        for m in rng.integers(len(models), size=size["batch"]):
            points, occupancies, surface = models[m]
            cloud = surface[rng.integers(len(surface), size=size["points"])]
            clouds.append(cloud + 0.005 * rng.standard_normal(cloud.shape).astype(np.float32))
            rows = rng.integers(len(points), size=size["queries"])
            queries.append(points[rows]), labels.append(occupancies[rows].astype(np.float32))
        out.append(tuple(torch.from_numpy(np.stack(a).astype(np.float32)) for a in (clouds, queries, labels)))
    return out


# ------------------------------------------------------------------------------------------------------------------ nir

def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr.strip()}")
    return done.stdout


def train(a, size, folder, out, steps, init=None):
    """Steps a second between the first and the last line of the metrics, and the share that waited for data."""
    config = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "configs", "onet", size["config"])
    options = {"data.name": "dataset", "data.path": f"{folder}/data", "data.points": size["points"],
               "data.queries": size["queries"], "train.batch_size": size["batch"], "train.steps": steps,
               "train.log_every": max(1, steps // 10), "train.checkpoint_every": 0, "train.validate_every": 0,
               "train.preview_every": 0, "train.validation_batches": 0, "train.validation_scans": 0,
               "train.preview_scans": 0}
    command = [a.nir, "--threads", str(a.threads), "-q", "train", config, "--out", out, "--force"]
    for key, value in options.items():
        command += ["--set", f"{key}={value}"]
    run(command + (["--init", init] if init else []))
    with open(f"{out}/metrics.jsonl", encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    lines = [line for line in lines if "data_wait" in line]
    first, last = lines[0], lines[-1]
    return {"steps_per_second": (last["step"] - first["step"]) / (last["seconds"] - first["seconds"]),
            "data_wait": sum(line["data_wait"] for line in lines[1:]) / (len(lines) - 1), "loss": last["loss"]}


def read_safetensors(path):
    with open(path, "rb") as f:
        length = struct.unpack("<Q", f.read(8))[0]
        header, data = json.loads(f.read(length)), f.read()
    types = {"F32": np.float32, "I64": np.int64}
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
            out[name] = torch.from_numpy(values.copy())
    return out


def same_network(a, size, folder, weights):
    """Python's network with nir's weights, after checking that it is the same one."""
    state = read_safetensors(weights)
    model = OccupancyNetwork(size)
    model.load_state_dict(state, strict=True)
    values = sum(p.numel() for p in model.parameters())
    theirs = sum(t.numel() for k, t in state.items() if not k.split(".")[-1].startswith(("running_", "num_batches")))
    assert values == theirs, (values, theirs)
    cloud, queries, _ = batches(folder, size, 1)[0]
    np.save(f"{folder}/cloud.npy", cloud[0].numpy())
    np.save(f"{folder}/queries.npy", queries[0].numpy())
    run([a.nir, "-q", "query", weights, "--input", f"{folder}/cloud.npy", "--points", f"{folder}/queries.npy",
         "-o", f"{folder}/logits.npy", "--output", "logit"])
    model.eval()
    with torch.no_grad():
        mine = model(cloud[:1], queries[:1])[0].numpy()
    model.train()
    logits = np.load(f"{folder}/logits.npy").reshape(-1)
    difference = float(np.abs(mine - logits).max() / np.abs(logits).max())
    assert difference < 1e-4, difference
    return model, values, difference


# -------------------------------------------------------------------------------------------------------------- figures

def work(size, rows=None):
    """Floating point operations of the multiplications of matrices in one step, forward + 2 x backward, in 1e9:
    the layers as they are written, and what nir computes with `rows`, the shares of rows that block i works on
    backward."""
    c, h, f = size["c"], size["h"], size["f"]
    encoder, decoder = size["batch"] * size["points"], size["batch"] * size["queries"]
    decoder_work = 3 * 2 * BLOCKS * decoder * f * f
    if rows is None:
        return 2e-9 * (3 * BLOCKS * encoder * (2 * h * h + h * h + 2 * h * h) + decoder_work)
    forward = [2 * h * h + h * h] + [3 * h * h] * (BLOCKS - 1)
    return 2e-9 * (encoder * sum(w * (1 + 2 * r) for w, r in zip(forward, rows)) + decoder_work)


def rows_with_gradient(model, batch):
    """Share of the encoder's rows that receive a gradient, block by block."""
    kept = []
    c = model.encoder(batch[0], kept)
    for x in kept:
        x.retain_grad()
    c.sin().sum().backward()
    shares = [float((x.grad.abs().sum(2) > 0).float().mean()) for x in kept]
    model.zero_grad()
    return shares


def gemm_rate(rows, n, seconds=0.5):
    """Best rate of [rows,n] x [n,n], in 1e9 operations a second."""
    a, b = torch.randn(rows, n), torch.randn(n, n)
    out, best, until = torch.empty(rows, n), 0.0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = time.perf_counter()
        torch.mm(a, b, out=out)
        best = max(best, 2e-9 * rows * n * n / (time.perf_counter() - start))
    return best


def python_rate(model, data, steps):
    adam = torch.optim.Adam(model.parameters(), lr=1e-4)
    for i in range(2):
        step(model, adam, data[i % len(data)])
    start = time.perf_counter()
    for i in range(steps):
        loss = step(model, adam, data[i % len(data)])
    return {"steps_per_second": steps / (time.perf_counter() - start), "loss": loss}


def nir_processor_seconds(a, size, folder, steps):
    used = []
    for n in (2, 2 + steps):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        train(a, size, folder, f"{folder}/run", n)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return (used[1] - used[0]) / steps


def python_processor_seconds(size, folder, steps):
    torch.manual_seed(0)
    model, data = OccupancyNetwork(size), batches(folder, size, 2)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4)
    step(model, adam, data[0])
    start = time.process_time()
    for i in range(steps):
        step(model, adam, data[i % 2])
    return (time.process_time() - start) / steps


def measure_processor_time(a, name, size, folder):
    steps, turns = max(2, size["python_steps"] // 6), []
    for _ in range(a.repeat):
        turn = {"load": os.getloadavg()[0], "python": python_processor_seconds(size, folder, steps),
                "nir": nir_processor_seconds(a, size, folder, steps)}
        turn["ratio"] = turn["python"] / turn["nir"]
        turns.append(turn)
        print(f"{name}: python {turn['python']:.3f} s of processor a step, nir {turn['nir']:.3f} s, ratio "
              f"{turn['ratio']:.2f}, load {turn['load']:.1f}", file=sys.stderr, flush=True)
    out = {key: median([t[key] for t in turns]) for key in ("python", "nir", "ratio")}
    print(f"| {size['title']} | {out['python']:.3f} | {out['nir']:.3f} | **{out['ratio']:.2f}** |")
    return {"name": name, "processor_time": True, **size, **out, "turns": turns}


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        return next((line.split(": ")[1].strip() for line in f if line.startswith("model name")), "unknown")


def median(values):
    return float(np.median(values))


def measure(a, name, size, folder):
    warm = f"{folder}/{name}.warm"
    train(a, size, folder, warm, size["warm"])
    weights = f"{warm}/model.safetensors"
    _, values, difference = same_network(a, size, folder, weights)
    data = batches(folder, size, 8)
    row = {"name": name, **size, "values": values, "largest_difference_of_logits": difference, "turns": []}
    for _ in range(a.repeat):
        model, _, _ = same_network(a, size, folder, weights)
        turn = {"load": os.getloadavg()[0], "gemm_large": gemm_rate(2048, 2048),
                "gemm_layer": gemm_rate(size["batch"] * size["queries"], size["f"])}
        turn["python"] = python_rate(model, data, size["python_steps"])
        turn["nir"] = train(a, size, folder, f"{folder}/{name}.run", size["nir_steps"], init=weights)
        turn["ratio"] = turn["nir"]["steps_per_second"] / turn["python"]["steps_per_second"]
        row["turns"].append(turn)
        print(f"{name}: python {turn['python']['steps_per_second']:.3f}/s, nir {turn['nir']['steps_per_second']:.3f}/s, "
              f"ratio {turn['ratio']:.2f}, load {turn['load']:.1f}", file=sys.stderr, flush=True)
    model, _, _ = same_network(a, size, folder, f"{folder}/{name}.run/model.safetensors")
    row["rows_with_gradient"] = rows_with_gradient(model, data[0])
    row["work_as_written"], row["work_of_nir"] = work(size), work(size, row["rows_with_gradient"])
    for who in ("python", "nir"):
        row[who] = median([t[who]["steps_per_second"] for t in row["turns"]])
    row["ratio"] = median([t["ratio"] for t in row["turns"]])
    row["gemm"] = max(t["gemm_large"] for t in row["turns"])
    row["data_wait"] = median([t["nir"]["data_wait"] for t in row["turns"]])
    return row


def print_tables(record):
    print("| network | PyTorch, steps/s | nir, steps/s | ratio (lowest, highest turn) | waits for data | GFLOP a step as "
          "written, of nir | nir's share of the GEMM rate |\n|---|---|---|---|---|---|---|")
    for r in record["rows"]:
        ratios = [t["ratio"] for t in r["turns"]]
        print(f"| {r['title']} | {r['python']:.2f} | {r['nir']:.2f} | **{r['ratio']:.2f}** ({min(ratios):.2f}, "
              f"{max(ratios):.2f}) | {r['data_wait']:.1%} | {r['work_as_written']:.1f}, {r['work_of_nir']:.1f} | "
              f"{r['work_of_nir'] * r['nir'] / r['gemm']:.0%} of {r['gemm']:.0f} GFLOP/s |")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--nir", required=True, help="the program")
    p.add_argument("--sizes", default=",".join(SIZES), help="with commas")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--repeat", type=int, default=5, help="turns of each")
    p.add_argument("--short", type=float, default=1, help="share of the steps, for a quick look")
    p.add_argument("--processor-time", action="store_true", help="seconds of processor a step, for a busy machine")
    p.add_argument("--record", help="JSON file")
    a = p.parse_args()
    a.nir = os.path.abspath(a.nir)
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    record = {"machine": processor(), "cores": os.cpu_count(), "threads": a.threads, "torch": torch.__version__,
              "date": time.strftime("%Y-%m-%d"), "rows": []}
    with tempfile.TemporaryDirectory() as folder:
        prepare(a.nir, folder)
        for name in a.sizes.split(","):
            size = {k: max(10, int(v * a.short)) if k in ("warm", "python_steps", "nir_steps") else v
                    for k, v in SIZES[name].items()}
            record["rows"].append((measure_processor_time if a.processor_time else measure)(a, name, size, folder))
    if a.record:
        with open(a.record, "w", encoding="utf-8") as f:
            json.dump(record, f, indent=1)
    if not a.processor_time:
        print_tables(record)


if __name__ == "__main__":
    main()
