"""One file out of a zip archive from the network, which may hold anything."""

from __future__ import annotations

import errno
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

from bharnet_ros.errors import DownloadError

_BLOCK = 1 << 20
_ENCRYPTED = 1
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
)


def unpack_member(archive: Path, member: str, target: Path, max_bytes: int) -> None:
    """Write `member` of a zip archive to the file `target`.

    member: its path in the archive, or its bare name if only one file there has it. Nothing else is
    unpacked, and no path of the archive is ever used to write. max_bytes: more is refused.
    Raises DownloadError: no zip archive, damaged, encrypted, no such member or several, too large;
    OSError if `target` cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            info = _find(opened, member, archive)
            if info.file_size > max_bytes:
                raise _refused(archive, f"'{info.filename}' has {info.file_size} bytes")
            if info.flag_bits & _ENCRYPTED:
                raise _refused(archive, f"'{info.filename}' is encrypted")
            with opened.open(info) as source, target.open("wb") as sink:
                written = 0
                while block := source.read(_BLOCK):
                    written += len(block)
                    if written > max_bytes:
                        raise _refused(archive, f"'{info.filename}' is longer than it says")
                    sink.write(block)
    except (*_DAMAGED, OSError) as error:
        target.unlink(missing_ok=True)
        # Offsets below 0 are EINVAL, and damaged bz2 data an OSError without a number.
        if isinstance(error, OSError) and error.errno not in (errno.EINVAL, None):
            raise
        raise _refused(archive, f"it is no readable zip archive ({error})") from None
    except DownloadError:
        target.unlink(missing_ok=True)
        raise


def _find(opened: zipfile.ZipFile, member: str, archive: Path) -> zipfile.ZipInfo:
    def fits(info: zipfile.ZipInfo) -> bool:
        name = info.filename if "/" in member else info.filename.rsplit("/", 1)[-1]
        return name == member and not info.is_dir()

    found = [info for info in opened.infolist() if fits(info)]
    if len(found) != 1:
        raise _refused(archive, f"it holds {len(found) or 'no'} file(s) '{member}'")
    return found[0]


def _refused(archive: Path, why: str) -> DownloadError:
    return DownloadError(f"{archive} cannot be used: {why}. Delete it and fetch again.")
