"""A real git repository to be read, made by the git of this machine."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SETTINGS = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "A Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.com",
    "GIT_AUTHOR_DATE": "2026-03-02T09:00:00+01:00",
    "GIT_COMMITTER_NAME": "A Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.com",
    "GIT_COMMITTER_DATE": "2026-03-02T09:00:00+01:00",
    "PATH": os.environ.get("PATH", os.defpath),
}


class Repository:
    """A working tree at `folder`; its commits have the same ids whenever they are made."""

    def __init__(self, folder: Path, *made_by: str) -> None:
        """Make it, by `git init` unless *made_by* says otherwise."""
        self.folder = folder
        git(folder.parent, *(made_by or ("init", "-q", "-b", "main", str(folder))))

    def git(self, *arguments: str, told: str = "") -> str:
        """What one git command prints, which is *told* something."""
        return git(self.folder, *arguments, told=told)

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "x") -> str:
        """The id of a commit in which *files* are as given, None: gone."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()


def git(folder: Path, *arguments: str, told: str = "") -> str:
    """What one git command prints, run in *folder* without anybody's settings."""
    done = subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments],  # noqa: S607 - this machine's git
        cwd=folder,
        env=_SETTINGS,
        input=told,
        capture_output=True,
        check=True,
        text=True,
        errors="surrogateescape",
    )
    return done.stdout
