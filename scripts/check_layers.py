#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds every #include of src/, include/ and apps/ against docs/layers.toml.

    scripts/check_layers.py [ROOT]     exit code 1 and one line per breach
"""
import re
import sys
import tomllib
from pathlib import Path

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
OWN = re.compile(r"^(?:nir/)?(\w+)/")
# How the headers of a foreign package are recognised. Tests may use the test packages anywhere.
PACKAGES = {
    "fmt": r"fmt/", "toml++": r"toml\+\+/", "nanoflann": r"nanoflann", "hwy": r"hwy/", "nlohmann": r"nlohmann/",
    "jpeg": r"jpeglib\.h", "png": r"png\.h", "zlib": r"zlib\.h", "torch": r"(torch|ATen|c10|caffe2)/", "CLI11": r"CLI/",
    "test": r"(gtest|gmock|benchmark)/",
}


def below(layers, name):
    """Every layer that `name` may use."""
    seen, todo = set(), list(layers[name]["uses"])
    while todo:
        layer = todo.pop()
        if layer not in seen:
            seen.add(layer)
            todo += layers[layer]["uses"]
    return seen


def files(root):
    """(path, layer, is_public) of every source."""
    for folder, is_public in ((root / "include" / "nir", True), (root / "src", False)):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".h", ".cpp", ".inl"):
                yield path, path.relative_to(folder).parts[0], is_public
    for path in sorted((root / "apps").rglob("*")):
        if path.suffix in (".h", ".cpp"):
            yield path, "app", False


def allowed_packages(layers, name, is_public):
    """Own packages, and the public ones of every layer below."""
    out = set(layers[name].get("public", []))
    if not is_public:
        out |= set(layers[name].get("private", []))
    for layer in below(layers, name):
        out |= set(layers[layer].get("public", []))
    return out


def check(root):
    layers = tomllib.loads((root / "docs" / "layers.toml").read_text())
    problems = []
    for name in layers:
        if name in below(layers, name):
            problems.append(f"docs/layers.toml: {name} stands below itself")
    for path, layer, is_public in files(root):
        place = path.relative_to(root)
        if layer not in layers:
            problems.append(f"{place}: the layer {layer} is not in docs/layers.toml")
            continue
        is_test = path.stem.endswith(("_test", "_fuzz", "_bench")) or path.stem.startswith("test_")
        for match in INCLUDE.finditer(path.read_text()):
            line = path.read_text()[: match.start()].count("\n") + 1
            kind, header = match.groups()
            own = OWN.match(header)
            if kind == '"' and own and own.group(1) in layers:
                if is_public and not header.startswith("nir/"):
                    problems.append(f"{place}:{line}: a public header includes the private \"{header}\"")
                used = own.group(1)
                if used != layer and used not in below(layers, layer):
                    problems.append(f"{place}:{line}: {layer} may not include {used} (\"{header}\")")
                continue
            for package, pattern in PACKAGES.items():
                if not re.match(pattern, header):
                    continue
                if package == "test" and is_test:
                    continue
                if is_test and package in allowed_packages(layers, layer, False):
                    continue
                if package not in allowed_packages(layers, layer, is_public):
                    what = "a public header of " if is_public else ""
                    problems.append(f"{place}:{line}: {what}{layer} may not include {package} (<{header}>)")
    return problems


if __name__ == "__main__":
    found = check(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
    for problem in found:
        print(problem)
    sys.exit(1 if found else 0)
