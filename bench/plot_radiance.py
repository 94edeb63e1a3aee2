#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Draws PSNR of held-out views against processor seconds, one line a scene, and prints the table.

  plot_radiance.py bench/records/train_radiance.jsonl RUN... -o docs/images/radiance_psnr.png

Takes records (JSON lines with scene, cpu_s, psnr, shape where it is no density, and "views": 1 where only one view was
asked) and run folders of `nir train SCENE` (metrics.jsonl, cpu_seconds and validation_psnr). Lines of single views, which
take turns, are means of seven.
Wants Debian's python3-matplotlib.
"""
import argparse
import json
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


SINGLE = " (nir train)"


def rows_of(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def read(path):
    """Lines by name: (seconds, dB)."""
    out = {}
    if os.path.isdir(path):
        for row in rows_of(os.path.join(path, "metrics.jsonl")):
            if row.get("validation_psnr") is not None and "cpu_seconds" in row:
                name = os.path.basename(os.path.normpath(path)) + SINGLE
                out.setdefault(name, []).append((row["cpu_seconds"], row["validation_psnr"]))
        return out
    for row in rows_of(path):
        if "psnr" in row:
            shape = row.get("shape", "density")
            name = row["scene"] + ("" if shape == "density" else f", {shape}") + (SINGLE if row.get("views") == 1 else "")
            out.setdefault(name, []).append((row["cpu_s"], row["psnr"]))
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("inputs", nargs="+")
    p.add_argument("-o", "--output", required=True)
    a = p.parse_args()
    figure, axes = plt.subplots(figsize=(6.4, 3.8))
    print("| scene | processor seconds: dB |\n|---|---|")
    for path in a.inputs:
        for name, points in read(path).items():
            points.sort()
            single = name.endswith(SINGLE)
            if single:  # means of the last seven, of fewer at the start
                points = [(points[i][0], sum(d for _, d in points[max(0, i - 6):i + 1]) / min(i + 1, 7)) for i in range(len(points))]
            axes.plot(*zip(*points), label=name, marker=None if single else "o", markersize=3, linewidth=1.2,
                      linestyle="--" if "," in name else "-")
            print(f"| {name} | {', '.join(f'{s:.0f}: {d:.1f}' for s, d in points)} |")
    axes.set(xlabel="processor seconds (two quiet cores give two a second)", ylabel="PSNR of held-out views (dB)")
    axes.grid(alpha=0.3)
    axes.set_ylim(bottom=5)
    axes.legend(fontsize=8, ncol=2, loc="lower right")
    figure.tight_layout()
    figure.savefig(a.output, dpi=110)


if __name__ == "__main__":
    main()
