"""Bring ONNX Runtime Web (MIT) from the npm registry into `runtime/`, each file checked.

Run by `make web`. Version and digests stand in package.json; see
docs/decisions/0009-the-browsers-runtime.md.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNTIME = HERE / "runtime"


def main() -> int:
    """Fetch what is missing or wrong; return an exit code."""
    package = json.loads((HERE / "package.json").read_text())
    version = package["dependencies"]["onnxruntime-web"]
    digests: dict[str, str] = package["maskworks"]["runtime"]
    if all(_is_right(RUNTIME / name, digest) for name, digest in digests.items()):
        print(f"onnxruntime-web {version} is in {RUNTIME}")
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print(
            "npm is not here (Debian: apt-get install npm); it fetches the runtime", file=sys.stderr
        )
        return 1
    with tempfile.TemporaryDirectory() as folder:
        asked = [npm, "pack", "--silent", f"onnxruntime-web@{version}"]
        subprocess.run(asked, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (packed,) = Path(folder).glob("*.tgz")
        RUNTIME.mkdir(exist_ok=True)
        with tarfile.open(packed) as archive:
            for name, digest in digests.items():
                content = archive.extractfile(f"package/dist/{name}")
                data = b"" if content is None else content.read()
                found = hashlib.sha256(data).hexdigest()
                if found != digest:
                    print(f"{name}: SHA-256 {found}, expected {digest}", file=sys.stderr)
                    return 1
                (RUNTIME / name).write_bytes(data)
    print(f"onnxruntime-web {version}: {len(digests)} files in {RUNTIME}")
    return 0


def _is_right(path: Path, digest: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


if __name__ == "__main__":
    sys.exit(main())
