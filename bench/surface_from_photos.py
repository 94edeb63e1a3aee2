#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Shape from photos alone against time: differentiable volumetric rendering (configs/dvr/object.toml) and the surface mode of
radiance fields (configs/radiance/surface.toml) on the same small photos, one after the other.

  bench/surface_from_photos.py --nir build/release/bin/nir --scene SCENE --truth mesh.ply --time 25m --out runs/spot \\
      [--views 40] [--size 128] [--only dvr|surface] [--picture curve.png] [--record bench/records/surface_from_photos.json]

SCENE has transforms_train.json with photos whose background is transparent. Every checkpoint is kept; in the end each is
meshed by `nir extract` and measured by `nir evaluate --protocol nir` against the truth. Without --nir the record is drawn
only. Wants Debian's python3-pil and python3-matplotlib.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
METHODS = {"dvr": ("configs/dvr/object.toml", "DVR (occupancy, pixels of the surface alone)"),
           "surface": ("configs/radiance/surface.toml", "radiance field, signed distance")}


def small_scene(scene, views, size, out):
    """Some of the training photos, evenly, each reduced by areas."""
    from PIL import Image
    with open(scene / "transforms_train.json", encoding="utf-8") as f:
        meta = json.load(f)
    frames = meta["frames"]
    chosen = [frames[i * len(frames) // views] for i in range(views)]
    out.mkdir(parents=True, exist_ok=True)
    for i, frame in enumerate(chosen):
        path = scene / frame["file_path"]
        picture = Image.open(path if path.suffix else path.with_suffix(".png")).convert("RGBa")  # premultiplied
        picture.resize((size, size), Image.BOX).convert("RGBA").save(out / f"{i:03}.png")
    kept = {"camera_angle_x": meta["camera_angle_x"],
            "frames": [{"file_path": f"{i:03}.png", "transform_matrix": f["transform_matrix"]} for i, f in enumerate(chosen)]}
    (out / "transforms.json").write_text(json.dumps(kept))


def train(a, name, scene):
    """Returns [(clock seconds, processor seconds, folder)] of the checkpoints."""
    run = a.out / name
    shutil.rmtree(run, ignore_errors=True)
    config = ROOT / METHODS[name][0]
    common = ["--out", run, "--time", a.time]
    command = {"dvr": ["train", config, "--set", f"data.path={scene}", "--set", "data.hold_out=0",
                       "--set", "train.checkpoint_every=250", "--set", "train.validate_every=0"],
               "surface": ["train", scene, "--preset", config, "--set", "data.hold_out=0",
                           "--set", "train.checkpoint_every=20"]}[name] + common  # seconds; above steps
    start, kept, last = time.time(), [], None
    job = subprocess.Popen([str(c) for c in [a.nir, "-q", *command]])
    while True:
        ended = job.poll() is not None
        model = run / "model.safetensors"
        if model.exists() and model.stat().st_mtime != last:
            last = model.stat().st_mtime
            folder = a.out / "at" / f"{name}_{len(kept):03}"
            folder.mkdir(parents=True, exist_ok=True)
            for file in ("model.safetensors", "config.toml"):
                if (run / file).exists():
                    shutil.copy(run / file, folder)
            kept.append((last - start, folder))
        if ended:
            break
        time.sleep(0.5)
    if job.returncode:
        sys.exit(f"{name}: exit code {job.returncode}")
    return kept


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--nir", type=Path)
    p.add_argument("--scene", type=Path)
    p.add_argument("--truth", type=Path)
    p.add_argument("--time", default="25m")
    p.add_argument("--out", type=Path)
    p.add_argument("--views", type=int, default=40)
    p.add_argument("--size", type=int, default=128)
    p.add_argument("--only", choices=METHODS)
    p.add_argument("--at-most", type=int, default=24, help="checkpoints that are measured")
    p.add_argument("--picture")
    p.add_argument("--record", type=Path)
    a = p.parse_args()
    record = json.loads(a.record.read_text()) if a.record and a.record.exists() else {}
    if a.nir:
        scene = a.out / "photos"
        small_scene(a.scene, a.views, a.size, scene)
        for name in [a.only] if a.only else METHODS:
            kept = train(a, name, scene)
            step = max(1, len(kept) // a.at_most)
            rows = []
            for seconds, folder in kept[::-step][::-1]:
                mesh = folder / "mesh.ply"
                done = subprocess.run([a.nir, "-q", "extract", folder, "-o", mesh], capture_output=True, text=True)
                if done.returncode:  # nothing there yet
                    print(f"{name} {seconds:.0f} s: {done.stderr.strip()}", file=sys.stderr)
                    continue
                out = subprocess.run([a.nir, "-q", "evaluate", mesh, "--truth", a.truth, "--json"], capture_output=True,
                                     text=True, check=True).stdout
                figures = json.loads(out)
                rows.append({"seconds": round(seconds, 1),
                             **{k: figures.get(k) for k in ("iou", "chamfer_l1_p2s", "normal_consistency", "watertight")}})
                print(name, rows[-1], file=sys.stderr, flush=True)
            record[name] = {"views": a.views, "size": a.size, "load": os.getloadavg()[0], "rows": rows}
        if a.record:
            a.record.write_text(json.dumps(record, indent=1) + "\n")
    if a.picture:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        figure, panels = plt.subplots(1, 2, figsize=(8, 3.2))
        for name, data in record.items():
            t = [r["seconds"] for r in data["rows"]]
            panels[0].plot(t, [r["chamfer_l1_p2s"] for r in data["rows"]], label=METHODS[name][1])
            panels[1].plot(t, [r["iou"] for r in data["rows"]])
        panels[0].set(xlabel="seconds", ylabel="Chamfer-L1 to the surface", yscale="log", xscale="log")
        panels[1].set(xlabel="seconds", ylabel="IoU", xscale="log", ylim=(0.75, 1))
        panels[1].axhline(0.9, color="grey", lw=0.6)
        figure.legend(frameon=False, fontsize=8, loc="upper center", ncols=2)
        for axes in panels:
            axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout(rect=(0, 0, 1, 0.93))
        figure.savefig(a.picture, dpi=110)
    for name, data in record.items():
        for r in data["rows"]:
            print(f"| {name} | {r['seconds']:.0f} s | {r['iou']:.3f} | {r['chamfer_l1_p2s']:.4f} | {r['normal_consistency']:.3f} |")


if __name__ == "__main__":
    main()
