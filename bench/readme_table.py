#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Writes the tables of recorded runs into README.md, between <!-- table: NAME --> and <!-- end of table -->.

  bench/readme_table.py            rewrites README.md
  bench/readme_table.py --check    exit code 1 if README.md is not what the records say

NAME is a record of bench/records: evaluate_scans (bench/evaluate_scans.py) or reconstruct_phases
(bench/reconstruct_phases.py).
"""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INPUTS = {"a": "3,000 points, noise 0.5 %", "b": "10,000 points, noise 0.5 %", "c": "3,000 points, no noise",
          "d": "six depth scans, about 20,000 points, holes"}
METHODS = {"nir": "**nir**", "poisson": "Screened Poisson"}


def mean(rows, key):
    return sum(float(r[key] or 0) for r in rows) / len(rows)


def evaluate_scans(record):
    yield ("| scan | method | Chamfer-L1 ×100 | normal consistency | F-score 1 % | F-score 0.5 % | IoU | watertight | "
           "seconds |")
    yield "|---|---|---|---|---|---|---|---|---|"
    for k, text in INPUTS.items():
        for method, name in METHODS.items():
            rows = [r for r in record["rows"] if r["input"] == k and r["method"] == method]
            if not rows:
                continue
            if any(r["chamfer_l1_p2s"] is None for r in rows):
                sys.exit(f"{method} gave an empty mesh for input {k}: the table has no rule for that")
            yield (f"| {text} | {name} | {100 * mean(rows, 'chamfer_l1_p2s'):.3f} | "
                   f"{mean(rows, 'normal_consistency'):.3f} | {mean(rows, 'f1_010'):.3f} | "
                   f"{mean(rows, 'f1_005_p2s'):.3f} | {mean(rows, 'iou'):.3f} | "
                   f"{sum(bool(r['watertight']) for r in rows)} of {len(rows)} | {mean(rows, 'seconds'):.1f} |")


def reconstruct_phases(record):
    phases = ("read", "normalize", "encode", "query", "extract", "refine", "write", "total")
    yield "| points | " + " | ".join(phases) + " | memory | faces |"
    yield "|---|" + "---|" * (len(phases) + 2)
    for row in record["rows"]:
        seconds = " | ".join(f"{row['seconds'].get(p, 0):.2f}" for p in phases)
        yield f"| {row['points']:,} | {seconds} | {row['peak_memory_bytes'] / 1e9:.2f} GB | {row['faces']:,} |"


MAKERS = {"evaluate_scans": evaluate_scans, "reconstruct_phases": reconstruct_phases}


def fill(text):
    def table(match):
        name = match[1]
        record = json.loads((ROOT / "bench/records" / f"{name}.json").read_text())
        return "\n".join([f"<!-- table: {name} -->", *MAKERS[name](record), "<!-- end of table -->"])

    return re.sub(r"<!-- table: (\w+) -->.*?<!-- end of table -->", table, text, flags=re.S)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    before = readme.read_text()
    after = fill(before)
    if "--check" in sys.argv:
        if before != after:
            sys.exit("README.md: a table differs from its record in bench/records; run bench/readme_table.py")
    else:
        readme.write_text(after)
