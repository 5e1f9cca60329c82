"""The example in TypeScript: checked by its compiler, and bundled as its user would."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples/typescript"
MODULES = Path(__file__).parent / "node/node_modules"


def bundle(entry: str, target: Path) -> Path:
    """Write the program in one file, with the SDK in it."""
    command = [str(MODULES / ".bin/esbuild"), str(EXAMPLE / entry), "--bundle", "--platform=node", "--format=cjs"]
    subprocess.run(
        [*command, "--alias:inngest=inngest-v4", "--log-level=error", f"--outfile={target}"],
        env={**os.environ, "NODE_PATH": str(MODULES)},
        check=True,
    )
    return target


def complaints(folder: Path) -> str:
    """What the compiler says, with all of its strictness."""
    options = {
        "strict": True,
        "noEmit": True,
        "target": "es2022",
        "module": "nodenext",
        "moduleResolution": "nodenext",
        "allowImportingTsExtensions": True,
        "skipLibCheck": True,
        "types": ["node"],
        "typeRoots": [str(MODULES / "@types")],
        "paths": {"inngest": [str(MODULES / "inngest-v4")], "inngest/*": [str(MODULES / "inngest-v4/*")]},
    }
    project = folder / "tsconfig.json"
    files = [str(file) for file in sorted(EXAMPLE.glob("*.ts"))]
    project.write_text(json.dumps({"compilerOptions": options, "files": files}))
    run = subprocess.run([str(MODULES / ".bin/tsc"), "-p", str(project)], capture_output=True, text=True, check=False)
    return run.stdout
