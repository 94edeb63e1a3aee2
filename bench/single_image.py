#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""What a model makes of one picture of each test shape, beside the truth. Wants Debian's python3-pil for --picture.

  bench/single_image.py --nir build/release/bin/nir --set data/shapes --run runs/img_small --out runs/img_small/test \\
      [--picture docs/images/single_image.png] [--record bench/records/single_image.json]

Every shape of the set's test lists: `nir extract RUN --input 000.png`, then `nir evaluate --protocol onet` against its
mesh.ply. A failure counts as IoU 0. As a control the same meshes are compared with the next test shape of the same
class: what a model would get that knows classes but does not look. The picture has a row for each of a few shapes: what the network was
given, its answer and the truth from the same side, and both from behind; `nir prepare` draws them, whose cameras depend on
seed and name alone.
"""
import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

SIDE = 150  # pixels of a picture in the strip


def run(command, may_fail=False):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode and not may_fail:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr.strip()}")
    return done


def render(a, meshes, folder, azimuth):
    """000.png of each CLASS/NAME of `meshes`, from where the data set has its first picture, turned by `azimuth`."""
    lo, hi = a.options["azimuth"]
    run([a.nir, "prepare", meshes, "-o", folder, "--views", 1, "--view-size", SIDE, "--azimuth",
         f"{lo + azimuth},{hi + azimuth}", "--seed", a.options["seed"], "--points", 1, "--samples", 1, "--voxels", 0,
         "--force", "-q"])


def evaluate(a, mesh, truth):
    figures = json.loads(run([a.nir, "evaluate", mesh, "--truth", truth, "--protocol", "onet", "--json", "-q"]).stdout)
    return {k: figures[k] for k in ("iou", "chamfer_l1", "normal_consistency")}


def asked_at_points(a, shapes):
    """IoU at the labelled points of points.npz, of the shape itself and of another one: no meshes. Wants numpy."""
    import numpy as np
    from PIL import Image
    a.out.mkdir(parents=True, exist_ok=True)
    names = {k: a.out / f"{k}.npy" for k in ("pictures", "points", "values")}
    seen = [np.asarray(Image.open(s["folder"] / "img_choy2016/000.png").convert("RGB"), np.float32) for s in shapes]
    np.save(names["pictures"], np.stack(seen).transpose(0, 3, 1, 2) / 255)
    for key in ("iou", "iou_of_another"):
        truths = []
        for s in shapes:
            same = [t for t in shapes if t["class"] == s["class"]]
            truth = s if key == "iou" else same[(same.index(s) + 1) % len(same)]
            truths.append(np.load(truth["folder"] / "points.npz"))
        np.save(names["points"], np.stack([t["points"].astype(np.float32) for t in truths]))
        start = time.time()
        run([a.nir, "query", a.run, "--input", names["pictures"], "--points", names["points"], "-o", names["values"],
             "--output", "probability", "-q"])
        for s, t, values in zip(shapes, truths, np.load(names["values"])):
            found = values >= (float(a.level) if a.level else 0.5)
            inside = np.unpackbits(t["occupancies"])[:len(found)] > 0
            s[key] = float((found & inside).sum() / max((found | inside).sum(), 1))
            s.update(seconds=(time.time() - start) / len(shapes), failed=False)


def extract(a, s):
    """The mesh that the model makes of a shape's picture; a failure leaves none."""
    s["mesh"] = a.out / "found" / s["class"] / f"{s['name']}.ply"
    s["mesh"].parent.mkdir(parents=True, exist_ok=True)
    seen = s["folder"] / "img_choy2016/000.png"
    command = ["extract", a.run, "--input", seen, *(["--level", a.level] if a.level else [])]
    if a.texture:
        command = ["texture", s["folder"] / "mesh.ply", "--photo", seen, "--model", a.run]
    done = run([a.nir, *command, "-o", s["mesh"], "-q"], True)
    s["failed"] = done.returncode != 0
    if s["failed"]:
        print(done.stderr.strip(), file=sys.stderr)


def measure(a, shapes):
    for s in shapes:
        start = time.time()
        extract(a, s)
        s["seconds"] = time.time() - start
        if s["failed"]:
            s.update(iou=0.0, chamfer_l1=3 ** 0.5, normal_consistency=-1.0)
        else:
            s.update(evaluate(a, s["mesh"], s["folder"] / "mesh.ply"))
    for i, s in enumerate(shapes):
        same = [t for t in shapes if t["class"] == s["class"]]
        other = same[(same.index(s) + 1) % len(same)]
        s["iou_of_another"] = 0.0 if s["failed"] else evaluate(a, s["mesh"], other["folder"] / "mesh.ply")["iou"]


def picture(a, shapes):
    """The first few shapes of each class that worked, in the order of the lists: not the best ones."""
    classes = sorted({s["class"] for s in shapes})
    chosen = [s for i in range(a.show) for c in classes
              for s in [t for t in shapes if t["class"] == c and not t["failed"]][i:i + 1]][:a.show]
    if a.points or a.texture:
        for s in chosen:
            extract(a, s)
        chosen = [s for s in chosen if not s["failed"]]
    if not chosen:
        sys.exit("no shape came out, there is nothing to show")
    for s in chosen:
        for kind, file in (("found", s["mesh"]), ("truth", s["folder"] / "mesh.ply")):
            to = a.out / "shown" / kind / s["class"] / f"{s['name']}.ply"
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, to)
    from PIL import Image
    columns = []
    for turn in (0, 180):
        for kind in ("found", "truth"):
            render(a, a.out / "shown" / kind, a.out / "drawn" / f"{kind}_{turn}", turn)
            columns.append(a.out / "drawn" / f"{kind}_{turn}")
    rows = []
    for s in chosen:
        # The nearest pixel shows how little the network sees.
        seen = Image.open(s["folder"] / "img_choy2016/000.png").convert("RGB").resize((SIDE, SIDE), Image.NEAREST)
        rows.append([seen] + [Image.open(c / s["class"] / s["name"] / "img_choy2016/000.png") for c in columns])
    strip = Image.new("RGB", (SIDE * len(rows[0]), SIDE * len(rows)))
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            strip.paste(image, (SIDE * x, SIDE * y))
    strip.save(a.picture, optimize=True)
    return [f"{s['class']}/{s['name']}" for s in chosen]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--nir", required=True)
    p.add_argument("--set", required=True, type=Path, help="made by nir prepare --generate, papers' layout")
    p.add_argument("--run", required=True)
    p.add_argument("--out", required=True, type=Path)
    p.add_argument("--level", help="probability of the surface; default: the model's")
    p.add_argument("--points", action="store_true", help="IoU at the labelled points of points.npz, without meshes")
    p.add_argument("--texture", action="store_true",
                   help="RUN is the file of a texture field: draws the true meshes in its colours, measures nothing")
    p.add_argument("--picture")
    p.add_argument("--show", type=int, default=6)
    p.add_argument("--record")
    a = p.parse_args()
    a.options = json.loads((a.set / "prepare.json").read_text())
    if a.out.exists():
        shutil.rmtree(a.out)
    shapes = [{"class": c.parent.name, "name": name, "folder": a.set / c.parent.name / name}
              for c in sorted(a.set.glob("*/test.lst")) for name in c.read_text().split()]
    if a.texture:
        a.out.mkdir(parents=True)
        picture(a, [{**s, "failed": False} for s in shapes])
        return
    if a.points:
        asked_at_points(a, shapes)
        print("| class | shapes | IoU | IoU with another shape of the class |\n|---|---|---|---|")
    else:
        measure(a, shapes)
        print("| class | shapes | IoU | IoU with another shape of the class | Chamfer-L1 × 10 | normal consistency | failed |")
        print("|---|---|---|---|---|---|---|")
    rows = {c: [s for s in shapes if s["class"] == c] for c in sorted({s["class"] for s in shapes})}
    for name, group in {**rows, "all": shapes}.items():
        def mean(key):
            return sum(s[key] for s in group) / len(group)
        meshes = "" if a.points else (f" {10 * mean('chamfer_l1'):.3f} | {mean('normal_consistency'):.3f} | "
                                      f"{sum(s['failed'] for s in group)} |")
        print(f"| {name} | {len(group)} | {mean('iou'):.3f} | {mean('iou_of_another'):.3f} |{meshes}")
    shown = picture(a, shapes) if a.picture else []
    if a.record:
        keep = ("class", "name", "iou", "iou_of_another", "chamfer_l1", "normal_consistency", "failed", "seconds")
        record = {"machine": platform.machine(), "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d"),
                  "prepare": a.options, "shown": shown,
                  "shapes": [{k: s[k] for k in keep if k in s} for s in shapes]}
        Path(a.record).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
