"""archive - the runs in an archive, unpacked as one unpacks what a stranger has sent.

Of a .zip or .tar (plain, gz, bz2, xz) only the files that a run is known to have are
taken, as regular files; everything else is left out and counted. What is read is
counted as it comes, whatever the archive says of itself, and no more of it is in
memory than a few blocks.
"""

import bz2
import fcntl
import filecmp
import gzip
import io
import lzma
import math
import os
import re
import shutil
import stat
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

from .render import printable
from .run import KNOWN_FILES, NEEDED_FILES, RunError

MAX_MEMBERS = 100_000
MAX_RUNS = 100
MAX_BYTES = 2 << 30  # unpacked, with what is left out
MAX_HEADER = 256 << 10  # of what describes one member of a tar
MAX_DIRECTORY = 2 << 20  # of a zip
MAX_XZ_MEMORY = 96 << 20  # xz -9 takes 65 MiB
BLOCK = 64 << 10

DRAFT = ".unpacking-"
# Between making a draft and locking it, it looks like an orphan: only older ones are.
ORPHAN_S = 10


class Member(NamedTuple):
    name: str
    is_file: bool
    is_folder: bool
    size: int  # as the archive says
    open: object  # a function: a file object on its contents


def _too_much():
    return RunError(
        f"more in it than is taken: {MAX_MEMBERS} files, {MAX_RUNS} runs, "
        f"{MAX_BYTES >> 30} GiB"
    )


# ---- tar ----


class _Xz(io.RawIOBase):
    """The contents of an .xz file, with no more memory than is allowed."""

    def __init__(self, file):
        self._file = file
        self._unpacker = lzma.LZMADecompressor(memlimit=MAX_XZ_MEMORY)

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self._unpacker.eof:
            data = b""
            if self._unpacker.needs_input:
                data = self._file.read(BLOCK)
                if not data:
                    raise EOFError
            got = self._unpacker.decompress(data, len(buffer))
            if got:
                buffer[: len(got)] = got
                return len(got)
        return 0


class _Stream:
    """What tarfile reads from: forward only, and no more than is allowed.

    tarfile takes the headers of a member into memory, however large they say they are.
    """

    def __init__(self, file):
        self._file = file
        self._at = 0
        self.allowed = 0
        self.last = b""

    def tell(self):
        return self._at

    def read(self, size):
        if size > self.allowed:
            raise _too_much()
        data = self._file.read(size)
        self.allowed -= len(data)
        self._at += len(data)
        if self._at > MAX_BYTES:
            raise _too_much()
        self.last = data
        return data

    def seek(self, place):
        self.allowed = math.inf
        while self._at < place and self.read(min(BLOCK, place - self._at)):
            pass
        if self._at > place:
            raise tarfile.ReadError


def _tar_members(stream):
    stream.allowed = MAX_HEADER
    tar = tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape")
    while member := tar.next():
        yield Member(
            member.name,
            member.isreg(),
            member.isdir(),
            member.size,
            lambda member=member: tar.extractfile(member),
        )
        tar.members = []  # it would keep them all
        stream.seek(max(stream.tell(), tar.offset - 1))
        stream.allowed = MAX_HEADER
    if any(stream.last) or not stream.last:
        raise RunError("cut off: its end is missing")
    # The rest is read for the checksum at its end.
    stream.seek(math.inf)


_UNPACKERS = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lambda file: io.BufferedReader(_Xz(file), BLOCK),
}

# ---- zip ----


class _Directory:
    """What zipfile reads from: of a directory that is too large, nothing."""

    def __init__(self, file):
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size=-1):
        if size > MAX_DIRECTORY:
            raise _too_much()
        return self._file.read(size)


def _zip_name(info):
    """Its name in UTF-8, also where it is not marked as that, or else in CP437."""
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _open_zipped(archive, info):
    # Of others a few bytes may unpack to gigabytes at once.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RunError("packed by another method than zip's usual one (deflate)")
    if info.flag_bits & 1:
        raise RunError("locked with a password")
    return archive.open(info)


def _zip_members(file):
    archive = zipfile.ZipFile(_Directory(file))
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        yield Member(
            _zip_name(info),
            not info.is_dir() and kind in (0, stat.S_IFREG),
            info.is_dir(),
            info.file_size,
            lambda info=info: _open_zipped(archive, info),
        )


# ---- what is taken ----


def _split(name):
    """(folder, name) of a file that a run is known to have, or None."""
    parts = name.replace("\\", "/").split("/")
    # From a root, or a drive of another system.
    if parts[0] == "" or parts[0].endswith(":") or ".." in parts:
        return None
    folder = tuple(part for part in parts[:-1] if part not in ("", "."))
    return (folder, parts[-1]) if parts[-1] in KNOWN_FILES else None


class _Unpacking:
    """Runs on the way into a draft folder."""

    def __init__(self, draft):
        self._draft = draft
        self.folders = {}  # in the archive: names of the files that were taken
        self.left_out = 0
        self._members = 0
        self._bytes = 0

    def path(self, folder):
        return self._draft / str(list(self.folders).index(folder))

    def take(self, member):
        self._members += 1
        place = _split(member.name) if member.is_file else None
        if self._members > MAX_MEMBERS:
            raise _too_much()
        if not place:
            self.left_out += not member.is_folder
            return
        if member.size > MAX_BYTES - self._bytes:
            raise _too_much()
        folder, name = place
        if folder not in self.folders:
            if len(self.folders) == MAX_RUNS:
                raise _too_much()
            self.folders[folder] = set()
            self.path(folder).mkdir()
        if name in self.folders[folder]:
            raise RunError(f"member '{member.name[:200]}' is there twice")
        self.folders[folder].add(name)
        with member.open() as source, open(self.path(folder) / name, "xb") as file:
            self._copy(source, file)

    def _copy(self, source, file):
        while block := source.read(BLOCK):
            self._bytes += len(block)
            if self._bytes > MAX_BYTES:
                raise _too_much()
            file.write(block)
        file.flush()
        os.fsync(file.fileno())

    def runs(self):
        """Folders that are runs; what else was taken counts as left out."""
        runs = []
        for folder in sorted(self.folders, key=len):
            inside = any(folder[: len(run)] == run for run in runs)
            if not inside and self.folders[folder].issuperset(NEEDED_FILES):
                runs.append(folder)
            else:
                self.left_out += len(self.folders[folder])
        return runs

    def no_run(self):
        for files in self.folders.values():
            missing = [name for name in NEEDED_FILES if name not in files]
            if len(missing) < len(NEEDED_FILES):
                return RunError(f"the run in it has no {missing[-1]}")
        return RunError(f"no run is in it: a folder with {', '.join(NEEDED_FILES)}")


def _unpack_into(archive, unpacking):
    # What the modules raise of bytes that are no archive is not listed anywhere.
    with open(archive, "rb", opener=_open_quietly) as file:
        start = file.read(6)
        file.seek(0)
        unpacker = next(
            (made for magic, made in _UNPACKERS.items() if start.startswith(magic)),
            None,
        )
        is_known = unpacker or start.startswith(b"PK")
        try:
            if start.startswith(b"PK"):
                members = _zip_members(file)
            else:
                members = _tar_members(_Stream(unpacker(file) if unpacker else file))
            for member in members:
                is_known = True
                unpacking.take(member)
        except (RunError, KeyboardInterrupt):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno:
                raise
            words = "cut off or damaged: no zip and no tar can be read"
            if not is_known:
                words = (
                    "not a run folder, and no archive of one (.zip, .tar, .tar.gz, "
                    ".tar.bz2, .tar.xz)"
                )
            raise RunError(words) from error


def _open_quietly(path, flags):
    fd = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise RunError("neither a folder nor a file")
    return fd


# ---- where it goes ----

_ENDING = re.compile(r"\.(zip|tar|tgz|txz|tbz2?|tar\.(gz|xz|bz2))$", re.IGNORECASE)


def _folder_name(words):
    """A name that no shell, no program and no terminal reads more into."""
    name = re.sub(r"[^\w.+=,@-]", "_", printable(words))[:200]
    name = re.sub(r"^[.-]", "_", name) or "run"
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # the locale's file names have no such letters
        name = name.encode("ascii", "replace").decode().replace("?", "_")
    return name


def _is_same_run(one, other):
    for name in ("trials.csv", "metrics.csv"):
        paths = [folder / name for folder in (one, other)]
        there = [path.is_file() and not path.is_symlink() for path in paths]
        if there[0] != there[1]:
            return False
        if there[0] and not filecmp.cmp(*paths, shallow=False):
            return False
    return True


def _remove_orphans(folder):
    """Drafts of processes that were killed: ours, and nobody holds their lock."""
    for path in folder.glob(DRAFT + "*"):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            status = os.fstat(fd)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if status.st_uid == os.geteuid():
                if time.time() - status.st_mtime > ORPHAN_S:
                    shutil.rmtree(path, ignore_errors=True)
        except OSError:
            pass
        finally:
            os.close(fd)


class Unpacked(NamedTuple):
    path: Path
    known: bool  # it was there already, with the same trials


def _place(unpacking, archive, folder):
    """Brings the runs to their places, if there is room for all."""
    top = _ENDING.sub("", Path(archive).name)
    moves = []
    for run in unpacking.runs():
        name = _folder_name(run[-1] if run else top)
        while any(target.name == name for _, target, _ in moves):
            name += "_"
        source, target = unpacking.path(run), folder / name
        known = os.path.lexists(target)
        if known and not _is_same_run(source, target):
            raise RunError(
                f"a different run is in {target}; move that away, or unpack this one "
                "elsewhere with --output DIR"
            )
        moves.append((source, target, known))
    if not moves:
        raise unpacking.no_run()
    for source, target, known in moves:
        if not known:
            source.rename(target)
    return [Unpacked(target, known) for _, target, known in moves]


def unpack(archive, folder):
    """Unpacks the runs into folders of their own: [Unpacked], and how much was left out.

    A run that is there already with other trials is left alone, and nothing is done.
    """
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    _remove_orphans(folder)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=folder))
    lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unpacking = _Unpacking(draft)
        _unpack_into(archive, unpacking)
        placed = _place(unpacking, archive, folder)
    except RunError as error:
        raise RunError(f"{archive}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(lock)
    return placed, unpacking.left_out
