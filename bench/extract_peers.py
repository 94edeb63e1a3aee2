#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the nir developers
"""Marching Cubes of scikit-image and VTK (Flying Edges, contour) on the field of bench/extract_bench.cpp, one thread,
CPU milliseconds, median of some runs, as JSON. Needs python3-skimage and python3-vtk9 (by hand; nir does not).

  bench/extract_peers.py [--sizes 256,512] [--runs 5]
"""
import argparse
import json
import statistics
import time

import numpy as np


def shape(n):
    """shape() of extract_bench.cpp on n cells, border closed as by its pad_value."""
    a = (1.1 * (np.arange(n + 1, dtype=np.float32) / n - 0.5)).astype(np.float32)
    x, y, z = a[:, None, None], a[None, :, None], a[None, None, :]
    one = 0.36 - np.sqrt(x * x + y * y + z * z)
    two = 0.22 - np.sqrt((x - 0.25) ** 2 + (y - 0.2) ** 2 + (z - 0.1) ** 2)
    ripple = 0.4 * np.sin(40 * x) * np.sin(37 * y) * np.sin(43 * z)
    return np.ascontiguousarray((20 * np.maximum(one, two) + ripple).astype(np.float32))


def timed(run, runs):
    seconds, result = [], None
    for _ in range(runs):
        start = time.process_time()
        result = run()
        seconds.append(time.process_time() - start)
    return 1e3 * statistics.median(seconds), result


def scikit(volume, runs):
    from skimage.measure import marching_cubes
    ms, (vertices, faces, _, _) = timed(lambda: marching_cubes(volume, 0.0), runs)
    return {"ms": ms, "vertices": len(vertices), "faces": len(faces)}


def vtk(volume, runs, name):
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkSMPTools
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules import vtkFiltersCore
    vtkSMPTools.SetBackend("Sequential")
    image = vtkImageData()
    image.SetDimensions(*volume.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(volume.ravel(), deep=False))

    def run():
        contour = getattr(vtkFiltersCore, name)()
        contour.SetInputData(image)
        contour.SetValue(0, 0.0)
        contour.ComputeNormalsOff()
        contour.ComputeGradientsOff()
        contour.ComputeScalarsOff()
        contour.Update()
        return contour.GetOutput()
    ms, mesh = timed(run, runs)
    return {"ms": ms, "vertices": mesh.GetNumberOfPoints(), "faces": mesh.GetNumberOfCells()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="256,512")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    out = {}
    for n in map(int, args.sizes.split(",")):
        volume = shape(n)
        out[n] = {"scikit-image": scikit(volume, args.runs),
                  "vtkFlyingEdges3D": vtk(volume, args.runs, "vtkFlyingEdges3D")}
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
