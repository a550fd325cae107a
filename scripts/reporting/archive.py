"""archive - the runs in an archive, unpacked as one unpacks what a stranger has sent.

Of a .zip or .tar (plain, gz, bz2, xz) only the files that a run is known to have are
taken, as regular files; everything else is left out and counted. What is read is
counted as it comes, whatever the archive says of itself, and the memory for it is
limited.
"""

import bz2
import contextlib
import errno
import fcntl
import filecmp
import gzip
import lzma
import os
import re
import resource
import shutil
import stat
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Callable, NamedTuple

from .render import printable
from .run import KNOWN_FILES, NEEDED_FILES, RunError

MAX_MEMBERS = 100_000
MAX_RUNS = 100
MAX_BYTES = 2 << 30  # unpacked, with what is left out
MAX_MEMORY = 160 << 20  # of the process; xz -9 takes 65 MiB
MAX_DIRECTORY = 2 << 20  # of a zip
BLOCK = 64 << 10

DRAFT = ".unpacking-"
# Between making a draft and locking it, it looks like an orphan: only older ones are.
ORPHAN_S = 10

TOO_MUCH = (
    f"more in it than is taken: {MAX_MEMBERS} files, {MAX_RUNS} runs, "
    f"{MAX_BYTES >> 30} GiB"
)
DAMAGED = "cut off or damaged: no zip and no tar can be read"
UNKNOWN = (
    "not a run folder, and no archive of one (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz)"
)


# ---- members of tar and zip ----


class Member(NamedTuple):
    name: str
    is_file: bool
    is_folder: bool
    size: int  # as the archive says
    open: Callable  # a file object on its contents


@contextlib.contextmanager
def _limited_memory():
    """What an archive says of itself may ask for any amount of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [MAX_MEMORY, *(one for one in (soft, hard) if one >= 0)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    except MemoryError:
        raise RunError(TOO_MUCH) from None
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _tar_members(file):
    with tarfile.TarFile(
        fileobj=file, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        while member := tar.next():
            yield Member(
                member.name,
                member.isreg(),
                member.isdir(),
                member.size,
                lambda member=member: tar.extractfile(member),
            )
            tar.members = []  # it would keep them all
            if tar.offset > MAX_BYTES:  # before it goes there
                raise RunError(TOO_MUCH)
        # tarfile takes a tar that is cut off between two members for whole.
        file.seek(tar.offset)
        end = file.read(tarfile.BLOCKSIZE)
        if len(end) < tarfile.BLOCKSIZE or any(end):
            raise RunError("cut off: its end is missing")
        while file.read(BLOCK):  # for the checksum at its end
            if file.tell() > MAX_BYTES:
                raise RunError(TOO_MUCH)


class _Directory:
    """What zipfile reads from: of a directory that is too large, nothing."""

    def __init__(self, file):
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size=-1):
        if size > MAX_DIRECTORY:
            raise RunError(TOO_MUCH)
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


# How a file begins, and its members; a plain tar begins with the name of the first.
FORMATS = {
    b"PK": _zip_members,
    b"\x1f\x8b": lambda file: _tar_members(gzip.GzipFile(fileobj=file)),
    b"BZh": lambda file: _tar_members(bz2.BZ2File(file)),
    b"\xfd7zXZ\0": lambda file: _tar_members(lzma.LZMAFile(file)),
    b"": _tar_members,
}


def _open_quietly(path, flags):
    fd = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise RunError("neither a folder nor a file")
    return fd


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
        self.left_out = self._members = self._bytes = 0

    def path(self, folder):
        return self._draft / str(list(self.folders).index(folder))

    def read(self, archive):
        """Takes what is known; whatever goes wrong on the way is said in words."""
        with open(archive, "rb", opener=_open_quietly) as file, _limited_memory():
            start = file.read(6)
            file.seek(0)
            magic = next(magic for magic in FORMATS if start.startswith(magic))
            is_known = bool(magic)
            # What the modules raise of damaged bytes is not listed anywhere.
            try:
                for member in FORMATS[magic](file):
                    is_known = True
                    self._take(member)
            except (RunError, MemoryError):
                raise
            except Exception as error:
                # But a place before a file's start is none that a disk has trouble with.
                if getattr(error, "errno", None) not in (None, errno.EINVAL):
                    raise
                raise RunError(DAMAGED if is_known else UNKNOWN) from error

    def _take(self, member):
        self._members += 1
        place = _split(member.name) if member.is_file else None
        if self._members > MAX_MEMBERS:
            raise RunError(TOO_MUCH)
        if not place:
            self.left_out += not member.is_folder
            return
        folder, name = place
        if folder not in self.folders:
            self.folders[folder] = set()
            if len(self.folders) > MAX_RUNS:
                raise RunError(TOO_MUCH)
            self.path(folder).mkdir()
        if member.size > MAX_BYTES - self._bytes:
            raise RunError(TOO_MUCH)
        if name in self.folders[folder]:
            raise RunError(f"member '{member.name[:200]}' is there twice")
        self.folders[folder].add(name)
        with member.open() as source, open(self.path(folder) / name, "xb") as file:
            while block := source.read(BLOCK):
                self._bytes += len(block)
                if self._bytes > MAX_BYTES:
                    raise RunError(TOO_MUCH)
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
    names = ("trials.csv", "metrics.csv")
    there = [
        name for name in names if any((run / name).exists() for run in (one, other))
    ]
    return filecmp.cmpfiles(one, other, there, shallow=False)[0] == there


def _remove_orphans(folder):
    """Drafts of processes that were killed: ours, and nobody holds their lock."""
    for path in folder.glob(DRAFT + "*"):
        with contextlib.suppress(OSError), _locked(path) as status:
            if status.st_uid == os.geteuid():
                if time.time() - status.st_mtime > ORPHAN_S:
                    shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder):
    """Its status while nobody else has it locked; OSError when somebody has."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield os.fstat(fd)
    finally:
        os.close(fd)


class Unpacked(NamedTuple):
    path: Path
    known: bool  # it was there already, with the same trials


def _place(unpacking, archive, folder):
    """Brings the runs to their places, if there is room for all."""
    top = _ENDING.sub("", Path(archive).name)
    placed = {}
    for run in unpacking.runs():
        target = folder / _folder_name(run[-1] if run else top)
        while target in placed:
            target = target.with_name(target.name + "_")
        source, known = unpacking.path(run), os.path.lexists(target)
        if known and not _is_same_run(source, target):
            raise RunError(
                f"a different run is in {target}; move that away, or unpack this one "
                "elsewhere with --output DIR"
            )
        placed[target] = source, known
    if not placed:
        raise unpacking.no_run()
    for target, (source, known) in placed.items():
        if not known:
            source.rename(target)
    return [Unpacked(target, known) for target, (_, known) in placed.items()]


def unpack(archive, folder):
    """Unpacks the runs into folders of their own: [Unpacked], and how much was left out.

    A run that is there already with other trials is left alone, and nothing is done.
    """
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    _remove_orphans(folder)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=folder))
    with _locked(draft):
        try:
            unpacking = _Unpacking(draft)
            unpacking.read(archive)
            return _place(unpacking, archive, folder), unpacking.left_out
        except RunError as error:
            raise RunError(f"{archive}: {error}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
