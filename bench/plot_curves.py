#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Draws figures of training runs against the processor's seconds, a panel each.

  plot_curves.py "RUN:KEY[,KEY…][:TITLE]"... -o curves.png

RUN is a run folder of `nir train` (metrics.jsonl with processor_seconds, which begins anew in every session: sessions are
added up). Prints the last value of every line. Wants Debian's python3-matplotlib.
"""
import argparse
import json
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def lines_of(run):
    """The objects of metrics.jsonl with the processor's seconds of all sessions until then."""
    out, before, last = [], 0.0, 0.0
    with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            seconds = row.get("processor_seconds")
            if seconds is None:
                continue
            if seconds < last:
                before += last
            last = seconds
            out.append((before + seconds, row))
    if not out:
        sys.exit(f"{run}: metrics.jsonl holds no processor_seconds")
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("panels", nargs="+")
    p.add_argument("-o", "--output", required=True)
    a = p.parse_args()
    figure, panels = plt.subplots(1, len(a.panels), figsize=(3.4 * len(a.panels), 3.0), squeeze=False)
    print("| run | figure | last value | step | processor seconds |\n|---|---|---|---|---|")
    for text, axes in zip(a.panels, panels[0]):
        run, keys, *title = text.split(":")
        rows = lines_of(run)
        for key in keys.split(","):
            points = [(s, d[key], d["step"]) for s, d in rows if d.get(key) is not None]
            if not points:
                sys.exit(f"{run}: metrics.jsonl holds no {key}")
            axes.plot([s for s, _, _ in points], [v for _, v, _ in points], marker="o" if len(points) < 60 else None,
                      markersize=3, label=key.replace("_", " "))
            name = os.path.basename(os.path.normpath(run))
            print(f"| {name} | {key} | {points[-1][1]:.4g} | {points[-1][2]:,} | {points[-1][0]:.0f} |")
        axes.set(xlabel="processor seconds", title=title[0] if title else os.path.basename(os.path.normpath(run)))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(a.output, dpi=110)


if __name__ == "__main__":
    main()
