#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checkers must see what they are there for: a small tree with one breach of each kind."""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(sys.argv[1])
FILES = {
    "src/base/up.cpp": '#include "nir/geom/vec.h"\n',
    "src/geom/sideways.cpp": '#include "nir/kernels/x.h"\n',
    "include/nir/io/leak.h": "#include <nlohmann/json.hpp>\n",
    "include/nir/geom/private.h": '#include "geom/hidden.h"\n',
    "src/extract/torch.cpp": "\n#include <torch/torch.h>\n",
    "src/io/fine.cpp": '#include "nir/base/error.h"\n#include <nlohmann/json.hpp>\n#include <vector>\n',
    "src/io/fine_test.cpp": "#include <gtest/gtest.h>\n",
    "src/io/gtest.cpp": "#include <gtest/gtest.h>\n",
    "src/nowhere/x.cpp": "",
}
EXPECTED = {
    'include/nir/geom/private.h:1: a public header includes the private "geom/hidden.h"',
    "include/nir/io/leak.h:1: a public header of io may not include nlohmann (<nlohmann/json.hpp>)",
    'src/base/up.cpp:1: base may not include geom ("nir/geom/vec.h")',
    "src/extract/torch.cpp:2: extract may not include torch (<torch/torch.h>)",
    'src/geom/sideways.cpp:1: geom may not include kernels ("nir/kernels/x.h")',
    "src/io/gtest.cpp:1: io may not include test (<gtest/gtest.h>)",
    "src/nowhere/x.cpp: the layer nowhere is not in docs/layers.toml",
}
STYLE = {
    "src/base/dead.cpp": "// SPDX-License-Identifier: MIT\n// a = 1;\n// b();\n// }\n",
    "src/base/zero.h": "// SPDX-License-Identifier: MIT\n#pragma once\n#if 0\n#endif\nusing namespace std;\n",
    "src/base/end.cpp": "// SPDX-License-Identifier: MIT\nint a; \nint* b = new int(3);",
    "src/base/bare.cpp": "int a;\n",
}
STYLE_EXPECTED = {
    "src/base/dead.cpp:4: commented-out code",
    "src/base/zero.h:3: #if 0: remove the code, git keeps it",
    "src/base/zero.h:5: using namespace in a header",
    "src/base/end.cpp:2: white space at the end of the line",
    "src/base/end.cpp:3: raw new: use a value or std::make_unique",
    "src/base/end.cpp:3: the last line has no end",
    "src/base/bare.cpp:1: the licence line is missing",
}


def run(script, files, expected):
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        for name, text in files.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text)
        (top / "docs").mkdir()
        shutil.copy(ROOT / "docs" / "layers.toml", top / "docs")
        done = subprocess.run([sys.executable, ROOT / "scripts" / script, top], capture_output=True, text=True)
    found = set(done.stdout.splitlines())
    if found != expected or done.returncode != 1:
        sys.exit(f"{script}: missing {expected - found}, unexpected {found - expected}, {done.stderr}")


run("check_layers.py", FILES, EXPECTED)
run("check_style.py", STYLE, STYLE_EXPECTED)
