#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Seconds and peak memory of every phase of `nir reconstruct` on scans of different sizes.

  bench/reconstruct_phases.py --nir build/release/bin/nir [--record FILE.json] [--repeat 3] SCAN...

The fastest of the repetitions counts. bench/readme_table.py makes the table of the README from the record.
"""
import argparse
import json
import os
import platform
import subprocess
import tempfile
import time

if __name__ == "__main__":
    a = argparse.ArgumentParser()
    a.add_argument("--nir", required=True)
    a.add_argument("--record")
    a.add_argument("--repeat", type=int, default=3)
    a.add_argument("scans", nargs="+")
    a = a.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for scan in a.scans:
            runs = []
            for _ in range(a.repeat):
                done = subprocess.run([a.nir, "reconstruct", scan, "-o", f"{folder}/mesh.ply", "--json", "-q"],
                                      check=True, capture_output=True, text=True)
                runs.append(json.loads(done.stdout))
            best = min(runs, key=lambda r: r["seconds"]["total"])
            rows.append({"scan": os.path.basename(scan), **{k: best[k] for k in
                         ("points", "seconds", "peak_memory_bytes", "vertices", "faces", "watertight", "residual")}})
            print(rows[-1], flush=True)
    if a.record:
        with open(a.record, "w") as f:
            json.dump({"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(),
                       "date": time.strftime("%Y-%m-%d"), "rows": rows}, f, indent=1)
