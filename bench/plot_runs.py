#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Draws one figure of several training runs against steps and against seconds, side by side.

  plot_runs.py RUN... -o plot.png [--key validation_iou] [--names "ONet,ConvONet"]

RUN is a run folder of `nir train` (metrics.jsonl). Prints a Markdown table as well: the best value of each run and where
it was. Wants Debian's python3-matplotlib.
"""
import argparse
import json
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def series(run, key):
    """Rows (step, seconds, value) of the lines that hold the key."""
    with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as f:
        lines = [json.loads(line) for line in f if line.strip()]
    rows = [(d["step"], d["seconds"], d[key]) for d in lines if d.get(key) is not None]
    if not rows:
        sys.exit(f"{run}: metrics.jsonl holds no {key}")
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("runs", nargs="+")
    p.add_argument("-o", "--output", required=True)
    p.add_argument("--key", default="validation_iou")
    p.add_argument("--names", help="with commas; else the names of the folders")
    a = p.parse_args()
    names = a.names.split(",") if a.names else [os.path.basename(os.path.normpath(r)) for r in a.runs]
    if len(names) != len(a.runs):
        p.error(f"{len(names)} names for {len(a.runs)} runs")
    figure, (by_step, by_time) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
    print(f"| run | best {a.key} | at step | after |\n|---|---|---|---|")
    for name, run in zip(names, a.runs):
        rows = series(run, a.key)
        steps, seconds, values = zip(*rows)
        by_step.plot(steps, values, marker="o", markersize=3, label=name)
        by_time.plot([s / 60 for s in seconds], values, marker="o", markersize=3, label=name)
        best = (min if "chamfer" in a.key or "loss" in a.key else max)(rows, key=lambda r: r[2])
        print(f"| {name} | {best[2]:.3f} | {best[0]:,} | {best[1] / 60:.1f} min |")
    by_step.set(xlabel="steps", ylabel=a.key.replace("_", " "))
    by_time.set(xlabel="minutes")
    for axes in (by_step, by_time):
        axes.grid(alpha=0.3)
    by_step.legend()
    figure.tight_layout()
    figure.savefig(a.output, dpi=110)


if __name__ == "__main__":
    main()
