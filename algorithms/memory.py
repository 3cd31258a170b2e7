"""How the C library handles freed memory, which decides a large part of an update's time on a CPU."""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h
_NEVER = -1


def keep_freed_memory() -> None:
    """Lets this process keep the memory that it frees, for its next update, instead of giving it back to the system.

    An update at paper size allocates gigabytes in pieces of a hundred megabytes. glibc returns each as it is freed, and
    the system fills the next with zeros, page by page. Elsewhere than on glibc nothing happens.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
