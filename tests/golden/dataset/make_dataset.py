#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the small data set of this folder with numpy, exactly as the published preparation scripts name and type it.

    tests/golden/dataset/make_dataset.py [FOLDER]

Every coordinate is a multiple of 1/64 and so the same in float16; inside means |p| < 0.4. Model i of a class is
shifted by i/64 along x.
"""
import sys
from pathlib import Path

import numpy as np

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)


def points(n, shift):
    i = np.arange(n)
    grid = np.stack([i * 7 % 64, i * 11 % 61, i * 13 % 59], 1) / 64 - 0.5
    grid[:, 0] += shift / 64
    return grid


def write_binvox(path, values):
    """values [x][y][z]; the file runs x, z, y, in runs of at most 255."""
    flat = values.transpose(0, 2, 1).flatten().astype(np.uint8)
    runs = bytearray()
    at = 0
    while at < len(flat):
        end = at
        while end < len(flat) and flat[end] == flat[at] and end - at < 255:
            end += 1
        runs += bytes([flat[at], end - at])
        at = end
    header = "#binvox 1\ndim %d %d %d\ntranslate 0.0 0.0 0.0\nscale 1.0\ndata\n" % values.shape
    path.write_bytes(header.encode() + bytes(runs))


def write_model(folder, shift, dtype, packed):
    folder.mkdir(parents=True, exist_ok=True)
    p = points(1003, shift)
    inside = np.linalg.norm(p, axis=1) < 0.4
    occupancies = np.packbits(inside) if packed else inside
    loc, scale = np.array([1.0, 2.0, 3.0 + shift]), np.float64(2.5)
    np.savez(folder / "points.npz", points=p.astype(dtype), occupancies=occupancies, loc=loc, scale=scale)
    s = points(700, shift)
    normals = np.tile(np.array([[0, 0, 1], [0, 1, 0]]), (350, 1))
    np.savez(folder / "pointcloud.npz", points=s.astype(dtype), normals=normals.astype(dtype), loc=loc, scale=scale)
    x, y, z = np.meshgrid(*[np.arange(32)] * 3, indexing="ij")
    write_binvox(folder / "model.binvox", (x < 10 + shift) & (y < 20) & (z < 5))


for name, shift in (("a", 0), ("b", 1), ("c", 2)):
    write_model(ROOT / "02691156" / name, shift, np.float16, True)
write_model(ROOT / "my_class" / "single", 3, np.float32, False)
(ROOT / "02691156" / "train.lst").write_text("a\nb\n")  # with the line end that the published lists have
(ROOT / "02691156" / "val.lst").write_text("c")
(ROOT / "02691156" / "test.lst").write_text("c\nnot_there")
(ROOT / "my_class" / "train.lst").write_text("single")
(ROOT / "my_class" / "val.lst").write_text("")
(ROOT / "metadata.yaml").write_text('"02691156":\n  id: "02691156"\n  name: airplane\n"my_class":\n  id: my_class\n  name: mine\n')
