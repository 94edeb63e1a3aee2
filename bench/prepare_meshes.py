#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""How long `nir prepare` takes for meshes of about 50,000 faces, and whether its labels are right.

  bench/prepare_meshes.py --nir build/release/bin/nir [--meshes FOLDER] [--record bench/records/prepare_meshes.json]

Makes shapes of every family with `nir prepare --generate`, takes the 100 whose number of faces is nearest to 12,500 and
splits every triangle in four (kept in FOLDER for the next time). Prepares them with 100,000 labelled points, without
pictures: once with all that a data set has (surface points, voxel grid), once with labels alone. Where Open3D is
installed (Debian: python3-open3d), its ray casting labels the same points, as an independent judge and for the time.
Prints seconds a mesh and Markdown rows. Wants numpy.
"""
import argparse
import datetime
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FACES = 50000


def run(command, threads):
    """Seconds (wall, processor) and the JSON that the program prints."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    done = subprocess.run([*command, "--json", "-q", "--threads", str(threads)], capture_output=True, text=True)
    wall, after = time.time() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, json.loads(done.stdout)


def faces_of(ply):
    with open(ply, "rb") as f:
        for line in f:
            if line.startswith(b"element face"):
                return int(line.split()[2])
            if line.startswith(b"end_header"):
                break
    sys.exit(f"{ply}: no faces")


def subdivide(source, target):
    """Four triangles for each; source as nir writes it: float x y z, faces of three."""
    data = source.read_bytes()
    header, body = data.split(b"end_header\n", 1)
    n_vertices, n_faces = (int(line.split()[2]) for line in header.split(b"\n") if line.startswith(b"element"))
    if header.count(b"property float") != 3 or b"property list uchar int" not in header:
        sys.exit(f"{source}: another header than nir writes")
    vertices = np.frombuffer(body, "<f4", 3 * n_vertices).reshape(-1, 3)
    faces = np.frombuffer(body, np.dtype([("n", "u1"), ("v", "<i4", 3)]), n_faces, 12 * n_vertices)["v"]
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, number = np.unique(edges, axis=0, return_inverse=True)
    middle = n_vertices + number.reshape(3, -1).T
    vertices = np.concatenate([vertices, (vertices[unique[:, 0]] + vertices[unique[:, 1]]) / 2]).astype("<f4")
    a, b, c = faces.T
    ab, bc, ca = middle.T
    small = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    rows = np.empty(len(small), np.dtype([("n", "u1"), ("v", "<i4", 3)]))
    rows["n"], rows["v"] = 3, small
    with open(target, "wb") as f:
        f.write(b"ply\nformat binary_little_endian 1.0\nelement vertex %d\nproperty float x\nproperty float y\n"
                b"property float z\nelement face %d\nproperty list uchar int vertex_indices\nend_header\n"
                % (len(vertices), len(small)))
        f.write(vertices.tobytes() + rows.tobytes())


def choose_meshes(a, folder):
    """FOLDER/CLASS/NAME.ply with the meshes nearest to FACES faces."""
    chosen = folder / "chosen"
    if not chosen.is_dir():
        pool = folder / "pool"
        run([a.nir, "prepare", "--generate", str(a.pool), "--cells", str(a.cells), "-o", str(pool), "--views", "0",
             "--points", "1000", "--samples", "1000", "--voxels", "0", "--force"], a.threads)
        meshes = sorted(pool.glob("*/*/mesh.ply"), key=lambda p: abs(4 * faces_of(p) - FACES))[:a.count]
        for p in meshes:
            to = chosen / p.parts[-3] / f"{p.parts[-2]}.ply"
            to.parent.mkdir(parents=True, exist_ok=True)
            subdivide(p, to)
        shutil.rmtree(pool)
    return sorted(chosen.glob("*/*.ply"))


def judge(meshes, dataset, threads):
    """Open3D's labels of the same points: its seconds, and how often they agree."""
    try:
        import open3d as o3d
    except ImportError:
        return None
    wall = cpu = 0.0
    same = total = 0
    worst = (1.0, "")
    for file in meshes:
        name = f"{file.parent.name}/{file.stem}"
        stored = np.load(dataset / name / "points.npz")
        points = (stored["points"].astype(np.float64) * stored["scale"] + stored["loc"]).astype(np.float32)
        labels = np.unpackbits(stored["occupancies"])[:len(points)]
        start, start_cpu = time.time(), time.process_time()
        mesh = o3d.t.geometry.TriangleMesh.from_legacy(o3d.io.read_triangle_mesh(str(file)))
        scene = o3d.t.geometry.RaycastingScene(nthreads=threads)
        scene.add_triangles(mesh)
        found = scene.compute_occupancy(o3d.core.Tensor(points), nthreads=threads).numpy()
        wall, cpu = wall + time.time() - start, cpu + time.process_time() - start_cpu
        agree = float((found == labels).mean())
        same, total = same + int((found == labels).sum()), total + len(points)
        worst = min(worst, (agree, name))
    n = len(meshes)
    return {"version": o3d.__version__, "wall_s": wall / n, "cpu_s": cpu / n, "agreement": same / total,
            "worst_agreement": worst[0], "worst": worst[1]}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--nir", required=True)
    a.add_argument("--meshes", help="keep the meshes here and use those that are there")
    a.add_argument("--record", help="write all figures as JSON")
    a.add_argument("--count", type=int, default=100)
    a.add_argument("--pool", type=int, default=16, help="shapes of each family to choose from")
    a.add_argument("--cells", type=int, default=52, help="in which they are meshed")
    a.add_argument("--points", type=int, default=100000)
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a = a.parse_args()
    folder = Path(a.meshes or tempfile.mkdtemp())
    meshes = choose_meshes(a, folder)
    faces = sorted(faces_of(p) for p in meshes)
    load_before = os.getloadavg()
    common = [a.nir, "prepare", str(folder / "chosen"), "--views", "0", "--points", str(a.points), "--force"]
    # Labels come with the report: winding number and ray parity of every point.
    runs = {"whole": common + ["-o", str(folder / "whole")],
            "labels": common + ["-o", str(folder / "labels"), "--samples", "1", "--voxels", "0"]}
    n = len(meshes)
    record = {"machine": platform.machine(), "cores": os.cpu_count(), "threads": a.threads,
              "date": datetime.date.today().isoformat(), "cells": a.cells, "pool": a.pool, "meshes": n, "points": a.points,
              "faces": {"smallest": faces[0], "median": faces[n // 2], "largest": faces[-1], "mean": sum(faces) / n}}
    for name, command in runs.items():
        wall, cpu, result = run(command, a.threads)
        quality = result["quality"]
        closed = [m for m in quality if m["closed"]]
        record[name] = {"wall_s": wall / n, "cpu_s": cpu / n, "closed": len(closed), "good": result["good"],
                        "parity_agreement_closed": sum(m["parity_agreement"] for m in closed) / len(closed),
                        "worst_parity_agreement": min(m["parity_agreement"] for m in closed),
                        "doubtful": sum(m["doubtful"] for m in quality) / n}
    record["open3d"] = judge(meshes, folder / "labels", a.threads)
    record["load_before"], record["load_after"] = load_before, os.getloadavg()

    print(f"{n} meshes, {faces[0]:,} to {faces[-1]:,} faces (median {faces[n // 2]:,}), {a.points:,} labelled points, "
          f"{a.threads} threads; load before {load_before[0]:.2f}, after {record['load_after'][0]:.2f}\n")
    print("| run | seconds a mesh | processor seconds a mesh | agreement |\n|---|---|---|---|")
    for name, text in (("whole", "`nir prepare --views 0`"), ("labels", "labels and report alone")):
        r = record[name]
        print(f"| {text} | {r['wall_s']:.3f} | {r['cpu_s']:.3f} | {100 * r['parity_agreement_closed']:.4f} % ray parity "
              f"(worst mesh {100 * r['worst_parity_agreement']:.4f} %) |")
    if (o := record["open3d"]) is not None:
        print(f"| Open3D {o['version']}, ray casting, labels alone | {o['wall_s']:.3f} | {o['cpu_s']:.3f} | "
              f"{100 * o['agreement']:.4f} % (worst mesh {100 * o['worst_agreement']:.4f} %, {o['worst']}) |")
    if a.record:
        Path(a.record).write_text(json.dumps(record, indent=1) + "\n")
    if not a.meshes:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
