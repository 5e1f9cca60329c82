"""The Lambdas' code: the locked dependencies for their platform, Tarry, and the user's app.

It is built without Docker, because wheels for another platform only need unpacking. The CDK keeps the result in cdk.out
under the hash of its inputs, and builds again only when the hash changes.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, ILocalBundling
from aws_cdk import aws_lambda as lambda_

import tarry_backend
from tarry_backend.deploy.manifest import FILE
from tarry_infra import bytecode, requirements, wheels
from tarry_infra.user_app import sources_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_infra.user_app import UserApp
    from tarry_infra.wheels import Target

__all__ = ["LOCK", "Bundle"]

_PACKED, _CHECKED_OUT = (Path(each).with_name("requirements.lock") for each in (__file__, tarry_backend.__path__[0]))
LOCK = _PACKED if _PACKED.exists() else _CHECKED_OUT
"""What the Lambdas need beside their own code: the lock of an installed Tarry, or of its repository."""

_RECIPE = tuple(Path(str(module.__file__)) for module in (sys.modules[__name__], bytecode, requirements, wheels))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The contents of the asset.

    Attributes:
        target: The Lambdas' platform.
        sources: Source files and folders.
        requirements: The user's own requirements file.
        lock: The locked dependencies.
        manifest: What the app declares, for the Lambdas that do not import it.
    """

    target: Target
    sources: tuple[Path, ...]
    requirements: Path | None = None
    lock: Path = LOCK
    manifest: str = ""

    @classmethod
    def of(cls, app: UserApp, target: Target) -> Bundle:
        """Return the bundle of Tarry's own packages and an app."""
        sources = (*sources_of("tarry"), *sources_of("tarry_backend"), *app.sources)
        return cls(target, sources, app.requirements, manifest=app.manifest)

    @property
    def hash(self) -> str:
        """A hash of what the asset is made of, and how."""
        kind = "source" if bytecode.compiler(self.target.python) is None else "bytecode"
        digest = hashlib.sha256(f"{self.target.python} {self.target.machine} {kind} {self.manifest}".encode())
        asked = () if self.requirements is None else requirements.files_of(self.requirements)
        inputs = ((path.name, path) for path in (*_RECIPE, self.lock, *asked))
        for name, path in (*inputs, *self._files()):
            content = path.read_bytes()
            digest.update(f"\n{name} {len(content)}\n".encode() + content)
        return digest.hexdigest()

    def code(self) -> lambda_.Code:
        """Return the asset. It is built at once, unless cdk.out has it or the stack skips bundling."""
        options = BundlingOptions(image=self.target.runtime.bundling_image, local=_WithoutDocker(self))
        return lambda_.Code.from_asset(
            str(self.lock.parent),
            asset_hash_type=AssetHashType.CUSTOM,
            asset_hash=self.hash,
            bundling=options,
        )

    def build(self, directory: Path) -> None:
        """Fill a directory; raise ``BundleError`` if dependencies are missing, or clash with a source."""
        wheels.install(self.lock, self.requirements, self.target, directory)
        self._check_apart(directory)
        for name, path in self._files():
            copy = directory / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        if self.manifest:
            (directory / FILE).write_text(self.manifest, encoding="utf-8")
        bytecode.compile_all(directory, self.target.python)

    def _check_apart(self, installed: Path) -> None:
        for source in self.sources:
            if (installed / source.name).exists():
                raise wheels.BundleError(
                    f"{source.name!r} would be in the Lambdas twice: from {source}, and from a package in "
                    f"{self.requirements or self.lock}; rename yours, or remove that package"
                )

    def _files(self) -> Iterator[tuple[str, Path]]:
        """Yield every source file with its name in the asset, in a fixed order."""
        for source in self.sources:
            for path in _files_of(source, frozenset()):
                yield path.relative_to(source.parent).as_posix(), path


@jsii.implements(ILocalBundling)
class _WithoutDocker:
    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def try_bundle(self, output_dir: str, *_: Any, **options: Any) -> bool:
        """Build for the CDK. If this returned false, the CDK would use Docker; so a failure raises."""
        self._bundle.build(Path(output_dir))
        return True


_OTHERS = {"__pycache__", "cdk.out", "node_modules"}
"""Folders beside your code that are no part of it. Node's packages alone can be larger than what a Lambda takes."""


def _files_of(path: Path, above: frozenset[Path]) -> Iterator[Path]:
    """Yield the files of a folder, or a file itself. What stays out is not even looked into: it may be large.

    Links are followed, but not into a folder that is ``above``: there they would go round for ever.
    """
    if path.name in _OTHERS or path.name.startswith("."):  # hidden ones may hold secrets
        return
    if path.is_file():
        yield path
    elif path.is_dir() and (real := path.resolve()) not in above:
        for each in sorted(path.iterdir()):
            yield from _files_of(each, above | {real})
