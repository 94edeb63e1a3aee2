#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Rooms and buildings: nir and Screened Poisson (Open3D, estimated normals, trimmed by density) on the same scans, and
time and memory of nir against the number of points and against --max-memory.

  bench/scenes.py --nir build/release/bin/nir --evaluator ../shared/tools/evaluate.py --truth DIR SCAN...
                  [--record FILE.json] [--plot FILE.png] [--growth SCAN] [--memory SCAN] [--methods nir,sensors,poisson]

DIR holds KIND_SET.gt.ply (points of the exposed surface) and KIND_SET.solids.ply (the mesh of what stands there) for scans
named KIND_SET_MODE_N.ply (../shared/tools/make_scene.py --mesh writes all). Distances are in the unit of the scan and to
surfaces: of the mesh to the solids, of the points to the mesh; F-scores at 1, 2 and 5 cm; normals at nearest samples.
Method sensors is nir with --sensors where the scan has KIND_SET_MODE_N.origins.npz. --growth takes random parts of a scan (1/64 to all); --memory
runs a scan with 1, 2 and 4 GB. Seconds are those of the clock and of the processor, with reading, normals and writing;
memory is the peak of the process. Wants Debian's python3-numpy and python3-scipy; python3-open3d for poisson,
python3-matplotlib for the plot. Prints Markdown.
"""
import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time

SAMPLES = 400000

POISSON = """
import os
os.environ["OMP_WAIT_POLICY"] = "passive"  # threads that spin take the processor from each other on a busy machine
import sys, numpy as np, open3d as o3d
pc = o3d.io.read_point_cloud(sys.argv[1])
pc.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(30))
pc.orient_normals_consistent_tangent_plane(30)
mesh, density = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(pc, depth=int(sys.argv[3]), n_threads=2)
density = np.asarray(density)
mesh.remove_vertices_by_mask(density < np.quantile(density, 0.05))
o3d.io.write_triangle_mesh(sys.argv[2], mesh)
"""


def measured(command):
    """In a process of its own, since getrusage() adds up all children. @return dict, output"""
    code = ("import json,resource,subprocess,sys,time;t=time.time();"
            "d=subprocess.run(sys.argv[1:],capture_output=True,text=True);u=resource.getrusage(resource.RUSAGE_CHILDREN);"
            "print(json.dumps({'code':d.returncode,'seconds':time.time()-t,'processor_seconds':u.ru_utime+u.ru_stime,"
            "'peak_bytes':u.ru_maxrss*1024,'out':d.stdout,'err':d.stderr[-500:]}))")
    done = subprocess.run([sys.executable, "-c", code, *map(str, command)], capture_output=True, text=True, check=True)
    r = json.loads(done.stdout)
    out = r.pop("out")
    if r["code"]:
        print(" ".join(map(str, command)), r["err"], file=sys.stderr)
    return r, out


def nir(program, scan, mesh, *options):
    r, out = measured([program, "reconstruct", scan, "-o", mesh, "--json", "-q", *options])
    if not r["code"]:
        report = json.loads(out)
        r.update({k: report[k] for k in ("points", "vertices", "faces", "windows", "watertight", "residual")},
                 phases=report["seconds"])
    return r


def poisson_depth(evaluator, scan):
    """The depth whose cells are about a point spacing, as a careful user would take it."""
    points = evaluator.M.read_ply(scan)[0]
    side = float((points.max(0) - points.min(0)).max())
    tree = evaluator.cKDTree(points)
    sample = points[:: max(1, len(points) // 2000)]
    spacing = float(evaluator.np.median(tree.query(sample, 9)[0][:, 8])) * math.sqrt(math.pi / 8)
    return max(8, min(11, round(math.log2(1.1 * side / spacing))))


def part_of(evaluator, scan, share, path):
    """A random part of the points of a scan, as binary PLY."""
    points = evaluator.M.read_ply(scan)[0].astype("<f4")
    keep = evaluator.np.random.default_rng(0).random(len(points)) < share
    with open(path, "wb") as f:
        f.write(b"ply\nformat binary_little_endian 1.0\nelement vertex %d\nproperty float x\nproperty float y\n"
                b"property float z\nend_header\n" % keep.sum())
        f.write(points[keep].tobytes())
    return int(keep.sum())


def slope(rows, key):
    """Of log(key) against log(points), by least squares."""
    x = [math.log(r["points"]) for r in rows]
    y = [math.log(r[key]) for r in rows]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)


def plot(growth, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    for axis, key, unit in ((axes[0], "seconds", 1), (axes[1], "peak_bytes", 1e9)):
        axis.loglog([r["points"] for r in growth], [r[key] / unit for r in growth], "o-", color="tab:red")
        last = growth[-1]
        axis.loglog([r["points"] for r in growth], [last[key] / unit * r["points"] / last["points"] for r in growth],
                    ":", color="gray", label="in proportion to the points")
        axis.set_xlabel("points")
        axis.set_ylabel("seconds" if unit == 1 else "peak memory, GB")
        axis.grid(True, which="both", alpha=0.2)
        axis.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def save(path, record):
    """What there is so far."""
    if path:
        with open(path, "w", encoding="utf-8") as f:
            json.dump(record, f, indent=1)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--nir", required=True)
    a.add_argument("--evaluator", required=True)
    a.add_argument("--truth", required=True)
    a.add_argument("--methods", default="nir,sensors,poisson")
    a.add_argument("--record")
    a.add_argument("--plot")
    a.add_argument("--growth")
    a.add_argument("--memory")
    a.add_argument("--meshes", help="keep the meshes in this folder")
    a.add_argument("scans", nargs="*")
    a = a.parse_args()
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from evaluate_scans import load_evaluator
    ev = load_evaluator(a.evaluator)
    folder = a.meshes or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    record = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(),
              "date": time.strftime("%Y-%m-%d"), "scenes": [], "growth": [], "memory": []}
    if a.scans:
        print("| scan | method | accuracy, mm | completeness, mm | F 1 cm | F 2 cm | F 5 cm | normal consistency | "
              "with its sign | seconds | processor seconds | peak GB | faces |")
        print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for scan in a.scans:
        name = os.path.basename(scan)[:-4]
        truth = f"{a.truth}/{'_'.join(name.split('_')[:2])}"
        for method in a.methods.split(","):
            mesh = f"{folder}/{name}.{method}.ply"
            sensors = scan[:-4] + ".origins.npz"
            if method == "sensors" and not os.path.exists(sensors):
                continue
            if method == "poisson":
                depth = poisson_depth(ev, scan)
                r, _ = measured([sys.executable, "-c", POISSON, scan, mesh, depth])
                r["depth"] = depth
            else:
                r = nir(a.nir, scan, mesh, "--trim", "auto", *(["--sensors", sensors] if method == "sensors" else []))
            done = subprocess.run([sys.executable, a.evaluator, mesh, truth + ".gt.ply", "--surface",
                                   truth + ".solids.ply", "--n", str(SAMPLES), "--unit", "10", "--tau", "0.01,0.02,0.05",
                                   "--crop"], capture_output=True, text=True)
            r["figures"] = json.loads(done.stdout) if done.returncode == 0 else {}
            for key in ("pred", "gt"):  # names of files of this machine
                r["figures"].pop(key, None)
            f = r["figures"]
            r.update(scan=name, method=method)
            record["scenes"].append(r)
            print(f"| {name} | {method} | {1000 * f.get('accuracy_p2s', 0):.1f} | {1000 * f.get('completeness_p2s', 0):.1f} | "
                  f"{f.get('f1_p2s_tau_0.01', 0):.3f} | {f.get('f1_p2s_tau_0.02', 0):.3f} | "
                  f"{f.get('f1_p2s_tau_0.05', 0):.3f} | {f.get('normal_consistency', 0):.3f} | "
                  f"{f.get('normal_consistency_signed', 0):.3f} | {r['seconds']:.1f} | {r['processor_seconds']:.0f} | "
                  f"{r['peak_bytes'] / 1e9:.2f} | {f.get('faces', 0)} |", flush=True)
            save(a.record, record)
    if a.growth:
        print("\n| points | seconds | processor seconds | peak GB |\n|---|---|---|---|")
        for k in (64, 32, 16, 8, 4, 2, 1):
            part = f"{folder}/part.ply"
            part_of(ev, a.growth, 1 / k, part)
            r = nir(a.nir, part, f"{folder}/part.nir.ply", "--trim", "auto")
            record["growth"].append(r)
            print(f"| {r['points']} | {r['seconds']:.1f} | {r['processor_seconds']:.0f} | {r['peak_bytes'] / 1e9:.2f} |",
                  flush=True)
        rows = record["growth"]
        print(f"\nslope over all sizes: seconds {slope(rows, 'seconds'):.2f}, processor seconds "
              f"{slope(rows, 'processor_seconds'):.2f}, memory {slope(rows, 'peak_bytes'):.2f}")
        if a.plot:
            plot(rows, a.plot)
    if a.memory:
        print("\n| --max-memory | peak GB | seconds | processor seconds |\n|---|---|---|---|")
        for size in ("1G", "2G", "4G"):
            r = nir(a.nir, a.memory, f"{folder}/memory.nir.ply", "--trim", "auto", "--max-memory", size)
            r["max_memory"] = size
            record["memory"].append(r)
            if r["code"]:
                print(f"| {size} | refused: {r['err'].strip()} | | |", flush=True)
                continue
            print(f"| {size} | {r['peak_bytes'] / 1e9:.2f} | {r['seconds']:.1f} | {r['processor_seconds']:.0f} |", flush=True)
    save(a.record, record)


if __name__ == "__main__":
    main()
