#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes legacy.pt (the stream that torch.save made before 1.6) and zip.pt (since then), without needing torch.

    make_checkpoints.py FOLDER

Both hold {"model": OrderedDict of tensors (one a transposed view, two sharing a storage), "it": 1234,
"loss_val_best": a NumPy float64} in the layout of torch/serialization.py, as described in occupancy networks' releases.
"""
import collections
import io
import pickle
import struct
import sys
import types
import zipfile


def module(name):
    m = types.ModuleType(name)
    sys.modules[name] = m
    return m


torch, utils = module("torch"), module("torch._utils")
module("numpy"), module("numpy.core")
multiarray = module("numpy.core.multiarray")
numpy = sys.modules["numpy"]


def add(mod, name, kind):
    kind.__module__, kind.__qualname__, kind.__name__ = mod.__name__, name, name
    setattr(mod, name, kind)
    return kind


FloatStorage = add(torch, "FloatStorage", type("FloatStorage", (), {}))
LongStorage = add(torch, "LongStorage", type("LongStorage", (), {}))
rebuild = add(utils, "_rebuild_tensor_v2", lambda *a: None)
np_dtype = add(numpy, "dtype", lambda *a: None)
np_scalar = add(multiarray, "scalar", lambda *a: None)


class Storage:
    def __init__(self, kind, key, code, values):
        self.kind, self.key, self.code, self.values = kind, key, code, values


class Tensor:
    def __init__(self, storage, offset, size, stride):
        self.args = (storage, offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return rebuild, self.args


class Dtype:
    def __reduce__(self):
        return np_dtype, ("f8", 0, 1), (3, "<", None, None, None, -1, -1, 0)


class Scalar:
    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return np_scalar, (Dtype(), struct.pack("<d", self.value))


class Pickler(pickle._Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            return ("storage", obj.kind, obj.key, "cuda:0", len(obj.values), None)
        return None


def main(folder):
    a = Storage(FloatStorage, "94001", "f", [0.5 * i for i in range(8)])
    n = Storage(LongStorage, "94002", "q", [7])
    state = collections.OrderedDict()
    state["fc.weight"] = Tensor(a, 0, (2, 3), (1, 2))  # transposed: [[0, 1, 2], [.5, 1.5, 2.5]]
    state["fc.bias"] = Tensor(a, 6, (2,), (1,))
    state["bn.num_batches_tracked"] = Tensor(n, 0, (), ())
    state._metadata = collections.OrderedDict([("", {"version": 1})])
    whole = {"model": state, "it": 1234, "loss_val_best": Scalar(0.25)}
    with open(folder + "/legacy.pt", "wb") as f:
        for obj in (0x1950A86A20F9469CFC6C, 1001,
                    {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}):
            pickle.dump(obj, f, protocol=2)
        Pickler(f, protocol=2).dump(whole)
        pickle.dump([a.key, n.key], f, protocol=2)
        for s in (a, n):
            f.write(struct.pack("<q", len(s.values)) + struct.pack("<%d%s" % (len(s.values), s.code), *s.values))
    pickled = io.BytesIO()
    Pickler(pickled, protocol=2).dump(whole)
    with zipfile.ZipFile(folder + "/zip.pt", "w") as z:
        z.writestr(zipfile.ZipInfo("archive/data.pkl"), pickled.getvalue())
        for s in (a, n):
            z.writestr(zipfile.ZipInfo("archive/data/" + s.key), struct.pack("<%d%s" % (len(s.values), s.code), *s.values))


main(sys.argv[1])
