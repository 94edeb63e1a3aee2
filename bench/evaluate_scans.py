#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Reconstructs every input of a folder of shapes with nir and with Screened Poisson (Open3D, estimated normals), and
measures both with an independent evaluator.

  evaluate_scans.py --data DIR --evaluator evaluate.py --nir build/release/bin/nir [--record FILE.json] [--model M]

DIR holds NAME.ply (ground truth, unit box) and inputs/NAME.K.ply. Poisson: PCA normals of 30 neighbours, oriented along
the tangent planes of 30 neighbours, depth 8, as most people call it. Wants Debian's python3-numpy, python3-scipy and,
for poisson, python3-open3d. Prints a Markdown table of means; the record holds every figure.
"""
import argparse, importlib.util, json, os, platform, subprocess, sys, tempfile, time

LEAVE_OUT = {"cheese"}
FIGURES = ("chamfer_l1_p2s", "chamfer_l1", "normal_consistency", "f1_010", "f1_005_p2s", "iou", "watertight", "seconds")


def load_evaluator(path):
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("evaluate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def poisson(points_file, mesh_file):
    """In a process of its own, so that time is what a user pays."""
    code = """
import sys, open3d as o3d
pc = o3d.io.read_point_cloud(sys.argv[1])
pc.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(30))
pc.orient_normals_consistent_tangent_plane(30)
mesh, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(pc, depth=8, n_threads=2)
o3d.io.write_triangle_mesh(sys.argv[2], mesh)
"""
    start = time.time()
    subprocess.run([sys.executable, "-c", code, points_file, mesh_file], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.time() - start


def nir(program, model, points_file, mesh_file):
    command = [program, "reconstruct", points_file, "-o", mesh_file, "--json", "-q"] + (["--model", model] if model else [])
    start = time.time()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(points_file, done.stderr.strip(), file=sys.stderr)
        return time.time() - start, None
    return time.time() - start, json.loads(done.stdout)


def mean(rows, key):
    values = [float(r[key]) if r.get(key) is not None else None for r in rows]
    if key.startswith("chamfer"):  # an empty mesh counts as if it were one unit away
        values = [1.0 if v is None else v for v in values]
    return sum(v or 0.0 for v in values) / len(values)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", required=True)
    a.add_argument("--evaluator", required=True)
    a.add_argument("--nir", required=True)
    a.add_argument("--model")
    a.add_argument("--inputs", default="a,b,c,d")
    a.add_argument("--names")
    a.add_argument("--record")
    a.add_argument("--methods", default="nir,poisson")
    a.add_argument("--reuse", help="a record whose rows stand for the methods that are not run now")
    a.add_argument("--meshes", help="keep the meshes in this folder")
    a = a.parse_args()
    ev = load_evaluator(a.evaluator)
    names = a.names.split(",") if a.names else sorted(f[:-4] for f in os.listdir(a.data) if f.endswith(".ply"))
    names = [n for n in names if n not in LEAVE_OUT]
    folder = a.meshes or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    rows = []
    for name in names:
        vertices, faces, normals = ev.M.read_ply(f"{a.data}/{name}.ply")
        truth = ev.GT(vertices, faces, normals)
        for k in a.inputs.split(","):
            scan = f"{a.data}/inputs/{name}.{k}.ply"
            for method in a.methods.split(","):
                mesh = f"{folder}/{name}.{k}.{method}.ply"
                if os.path.exists(mesh): os.remove(mesh)
                report = None
                if method == "nir": seconds, report = nir(a.nir, a.model, scan, mesh)
                else: seconds = poisson(scan, mesh)
                v, f = ev.M.read_ply(mesh)[:2] if os.path.exists(mesh) else (ev.np.zeros((0, 3)), ev.np.zeros((0, 3), int))
                r = ev.evaluate(v, f, truth)
                r.update(name=name, input=k, method=method, seconds=seconds, report=report)
                rows.append(r)
                print(f"{name:14s} {k} {method:8s}", " ".join(f"{q} {float(r[q] or 0):.4f}" for q in FIGURES), f"comp {r['components']}", file=sys.stderr, flush=True)
    if a.reuse:
        with open(a.reuse) as f:
            rows += [r for r in json.load(f)["rows"] if r["method"] not in a.methods.split(",") and r["name"] in names]
    print("| input | method | Chamfer-L1 × 100 (to the surface) | normal consistency | F-score 1 % | F-score 0.5 % (to the surface) | IoU | watertight | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    for k in a.inputs.split(","):
        for method in ("nir", "poisson"):
            part = [r for r in rows if r["input"] == k and r["method"] == method]
            if not part: continue
            print(f"| {k} | {method} | {100 * mean(part, 'chamfer_l1_p2s'):.3f} | {mean(part, 'normal_consistency'):.3f} | {mean(part, 'f1_010'):.3f} | {mean(part, 'f1_005_p2s'):.3f} | "
                  f"{mean(part, 'iou'):.3f} | {sum(bool(r['watertight']) for r in part)}/{len(part)} | {mean(part, 'seconds'):.2f} |")
    if a.record:
        with open(a.record, "w") as f:
            json.dump({"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d"), "rows": rows}, f, indent=1)


if __name__ == "__main__":
    main()
