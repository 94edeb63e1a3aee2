#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Trains models of different representations on the same data and budget, measures what they make of held-out shapes,
and the memory of voxels against their resolution. Needs nothing but nir and Python.

  compare_representations.py --nir build/release/bin/nir --shapes DIR --out runs/representations --cpu 30m
  compare_representations.py --nir build/release/bin/nir --memory-only

DIR holds NAME.ply (the true mesh, box centred at 0 with longest side 1) and inputs/NAME.K.ply (points; --input K).
Every model is trained by `nir train` on the same stream of generated shapes, or on the same prepared set (--dataset; same
seed: the same observations), then asked by `nir extract` and judged by `nir evaluate --protocol onet`. Their budget is the same number of steps (--steps),
the same wall time (--time), or the same CPU time (--cpu): for that, a few steps of each model are timed first, and it
gets as many as fit; a machine that does other work meanwhile does not change that. A run folder that is there already
is resumed. Prints Markdown; OUT/record.json holds every figure.
"""
import argparse
import concurrent.futures
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time

# Models of about one size: the same PointNet in front of every decoder, except the planes of conv_onet.
ENCODER = '[model.encoder]\nname = "pointnet_resnet"\nhidden_dim = {width}\n'
MODELS = {
    "onet": ("implicit, one code", '[model]\nname = "onet"\nc_dim = {width}\n' + ENCODER),
    "conv_onet": ("implicit, three planes", '[model]\nname = "conv_onet"\n[model.encoder]\nname = "pointnet_local"\n'),
    "r2n2": ("voxels 32³", '[model]\nname = "r2n2"\nc_dim = {width}\nresolution = 32\n' + ENCODER),
    "psgn": ("1024 points", '[model]\nname = "psgn"\nc_dim = {width}\nn_points = 1024\n' + ENCODER),
    "atlasnet": ("mesh of 25 patches", '[model]\nname = "atlasnet"\nc_dim = {width}\nn_patches = 25\nn_points = 2500\n'
                 "hidden = {width}\n" + ENCODER),
}
COMMON = """
[data]
{data}
points = {points}
noise = 0.005
queries = 2048
surface = 1024
[train]
batch_size = {batch}
lr = {lr}
schedule = "cosine"
lr_end = 0.1
steps = {steps}
time = {time}
validate_every = {validate_every}
checkpoint_every = 500
preview_every = 0
preview_scans = 0
workers = 1
seed = {seed}
"""
FIGURES = ("iou", "chamfer_l1", "normal_consistency", "watertight")


def run(command, may_fail=False):
    """Result of a program with wall and CPU seconds and the largest memory that it took, in bytes."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.time()
        child = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.time() - start
        out.seek(0), err.seek(0)
        text, problem = out.read().decode(), err.read().decode()
    if child.returncode and not may_fail:
        raise SystemExit(f"{' '.join(command)}\n{problem.strip()}")
    return {"code": child.returncode, "out": text, "err": problem, "seconds": seconds,
            "cpu_seconds": usage.ru_utime + usage.ru_stime, "bytes": usage.ru_maxrss * 1024}


def seconds_of(text):
    units = {"s": 1, "m": 60, "h": 3600}
    return float(text[:-1]) * units[text[-1]] if text[-1] in units else float(text)


def write_config(a, name, path, **budget):
    values = {"steps": 0, "time": 0, "validate_every": a.validate_every, **budget}
    with open(path, "w", encoding="utf-8") as f:
        f.write(MODELS[name][1].format(width=a.width))
        data = f'name = "dataset"\npath = "{os.path.abspath(a.dataset)}"' if a.dataset else 'name = "generated"'
        f.write(COMMON.format(data=data, points=a.points, batch=a.batch, lr=a.lr, seed=a.seed, **values))


def steps_for(a, name, cpu_seconds):
    """As many steps as take that much CPU time, by the difference of a run of 10 and one of 50."""
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        for steps in (10, 50):
            config = os.path.join(folder, f"{steps}.toml")
            write_config(a, name, config, steps=steps, validate_every=steps + 1)
            with open(config, "a", encoding="utf-8") as f:
                f.write("validation_batches = 0\nvalidation_scans = 0\n")
            command = [a.nir, "train", config, "--out", os.path.join(folder, str(steps)), "-q", "--threads",
                       str(a.threads)]
            taken.append(run(command)["cpu_seconds"])
    return max(1, round(cpu_seconds / ((taken[1] - taken[0]) / 40)))


def train(a, name):
    folder = os.path.join(a.out, name)
    os.makedirs(a.out, exist_ok=True)
    config = os.path.join(a.out, name + ".toml")
    resumed = os.path.exists(os.path.join(folder, "optimizer.safetensors"))
    if a.cpu:
        if not resumed:  # a resumed run keeps its number of steps
            write_config(a, name, config, steps=steps_for(a, name, seconds_of(a.cpu)))
    else:
        write_config(a, name, config, steps=a.steps, time=seconds_of(a.time))
    command = [a.nir, "train", config, "--out", folder, "--json", "-q", "--threads", str(a.threads)]
    done = run(command + (["--resume"] if resumed else []))
    report = json.loads(done["out"])
    return {"steps": report["steps"], "loss": report["loss"], "train_seconds": report["training_seconds"],
            "train_cpu_seconds": done["cpu_seconds"], "train_bytes": done["bytes"], "resumed": resumed,
            "model_bytes": os.path.getsize(os.path.join(folder, "model.safetensors"))}


def measure(a, name, row):
    """Figures of every shape; one that fails counts as an empty prediction."""
    names = sorted(f[:-4] for f in os.listdir(a.shapes) if f.endswith(".ply"))
    if a.names:
        names = a.names.split(",")
    names = [n for n in names if n not in a.without.split(",")]
    row["shapes"] = []
    for shape in names:
        folder = os.path.join(a.out, name)
        made = os.path.join(folder, f"{shape}.{a.input}.ply")
        done = run([a.nir, "extract", folder, "--input", f"{a.shapes}/inputs/{shape}.{a.input}.ply", "-o", made,
                    "--json", "-q", "--threads", str(a.threads)], may_fail=True)
        figures = {"name": shape, "seconds": done["seconds"], "cpu_seconds": done["cpu_seconds"],
                   "bytes": done["bytes"]}
        if done["code"] == 0:
            judged = run([a.nir, "evaluate", made, "--truth", f"{a.shapes}/{shape}.ply", "--protocol", "onet", "--json",
                          "-q"])
            figures.update({k: json.loads(judged["out"]).get(k) for k in FIGURES})
        else:
            print(f"{name} {shape}: {done['err'].strip()}", file=sys.stderr)
            figures.update({"iou": 0.0, "chamfer_l1": 3 ** 0.5, "normal_consistency": -1.0, "watertight": False})
        row["shapes"].append(figures)


def voxel_memory(a):
    """One training step of one shape, and one reconstruction, at growing resolutions."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        points = os.path.join(folder, "points.xyz")
        with open(points, "w", encoding="utf-8") as f:
            for i in range(300):  # a spiral on a sphere
                y = 1 - 2 * (i + 0.5) / 300
                r, phi = 0.45 * (1 - y * y) ** 0.5, 2.399963 * i
                f.write(f"{r * math.cos(phi)} {0.45 * y} {r * math.sin(phi)}\n")
        for resolution in a.resolutions:
            config = os.path.join(folder, f"r{resolution}.toml")
            with open(config, "w", encoding="utf-8") as f:
                f.write(f'[model]\nname = "r2n2"\nc_dim = 64\nresolution = {resolution}\n[model.encoder]\n'
                        'name = "pointnet_resnet"\nhidden_dim = 64\n[data]\npoints = 300\n[train]\nbatch_size = 1\n'
                        "steps = 1\nworkers = 0\nvalidation_batches = 0\nvalidation_scans = 0\npreview_scans = 0\n")
            out = os.path.join(folder, f"run{resolution}")
            step = run([a.nir, "train", config, "--out", out, "-q"])
            made = run([a.nir, "extract", out, "--input", points, "-o", os.path.join(folder, "cells.npy"), "-q"])
            rows.append({"resolution": resolution, "step_bytes": step["bytes"], "infer_bytes": made["bytes"],
                         "step_seconds": step["seconds"], "infer_seconds": made["seconds"]})
            print(f"voxels {resolution}³: {step['bytes'] / 2**20:.0f} MB", file=sys.stderr, flush=True)
    return rows


def mean(row, key):
    values = [s[key] for s in row["shapes"]]
    if any(v is None for v in values):
        return None
    return sum(float(v) for v in values) / len(values)


def cell(value, pattern="{:.3f}"):
    return "–" if value is None else pattern.format(value)


def print_tables(record):
    if record["models"]:
        print("| model | output | steps | CPU minutes of training | IoU | Chamfer-L1 × 10 | normal consistency | "
              "watertight | CPU seconds a shape | memory of training | model file |")
        print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name, row in record["models"].items():
        chamfer = mean(row, "chamfer_l1")
        print(f"| {name} | {MODELS[name][0]} | {row['steps']:,} | {row['train_cpu_seconds'] / 60:.1f} | "
              f"{cell(mean(row, 'iou'))} | {cell(None if chamfer is None else 10 * chamfer)} | "
              f"{cell(mean(row, 'normal_consistency'))} | {cell(mean(row, 'watertight'), '{:.0%}')} | "
              f"{mean(row, 'cpu_seconds'):.2f} | {row['train_bytes'] / 2**20:,.0f} MB | "
              f"{row['model_bytes'] / 2**20:.1f} MB |")
    if record["voxels"]:
        print("\n| voxels | memory of one training step of one shape | of one reconstruction | growth of the step over "
              "the smallest |\n|---|---|---|---|")
        first = record["voxels"][0]["step_bytes"]
        for v in record["voxels"]:
            print(f"| {v['resolution']}³ | {v['step_bytes'] / 2**20:,.0f} MB | {v['infer_bytes'] / 2**20:,.0f} MB | "
                  f"+ {(v['step_bytes'] - first) / 2**20:,.0f} MB |")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--nir", required=True, help="the program")
    p.add_argument("--shapes", help="folder of true meshes and inputs/")
    p.add_argument("--input", default="a", help="which inputs [a]")
    p.add_argument("--names", help="only these shapes, with commas")
    p.add_argument("--without", default="", help="shapes left out, with commas")
    p.add_argument("--out", default="runs/representations")
    p.add_argument("--models", default=",".join(MODELS), help="with commas")
    p.add_argument("--steps", type=int, default=0, help="of each model; 0: until the time is over")
    p.add_argument("--time", default="30m", help="of each model: 90s, 30m, 2h; 0: all steps")
    p.add_argument("--cpu", help="CPU time of each model instead: 90s, 30m, 2h")
    p.add_argument("--threads", type=int, default=1, help="of each program")
    p.add_argument("--jobs", type=int, default=1, help="models at a time")
    p.add_argument("--dataset", help="train on a set of nir prepare (with voxels) instead of the endless stream")
    p.add_argument("--points", type=int, default=3000, help="of the observations")
    p.add_argument("--width", type=int, default=256, help="of codes and hidden layers")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=1e-4)
    p.add_argument("--validate-every", type=int, default=1000)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--resolutions", type=lambda s: [int(v) for v in s.split(",")], default=[32, 64, 128])
    p.add_argument("--memory-only", action="store_true", help="no training; the memory of voxels")
    p.add_argument("--no-memory", action="store_true")
    a = p.parse_args()
    if not a.memory_only and not a.shapes:
        p.error("--shapes is needed to measure the models")
    if not a.memory_only and not a.cpu and a.steps == 0 and seconds_of(a.time) == 0:
        p.error("one of --steps, --time and --cpu must be above 0")
    record = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(),
              "date": time.strftime("%Y-%m-%d"),
              "arguments": {k: v for k, v in vars(a).items() if k not in ("nir", "shapes", "out")},
              "models": {}, "voxels": []}
    os.makedirs(a.out, exist_ok=True)
    names = [] if a.memory_only else a.models.split(",")
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for name, row in zip(names, pool.map(lambda name: train(a, name), names)):
            measure(a, name, row)
            record["models"][name] = row
            print(f"{name}: {row['steps']} steps, loss {row['loss']:.4g}", file=sys.stderr, flush=True)
    if not a.no_memory:
        record["voxels"] = voxel_memory(a)
    with open(os.path.join(a.out, "record.json"), "w", encoding="utf-8") as f:
        json.dump(record, f, indent=1)
    print_tables(record)


if __name__ == "__main__":
    main()
