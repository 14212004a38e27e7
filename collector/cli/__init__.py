"""The command line: verbs and exit codes. Each verb is one file; what it prints goes through `sinks`.

stdout carries data only; progress and messages go to stderr. No traceback reaches a user.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

from collector.cli.signals import TerminatedError, held_back, raise_on_sigterm
from collector.errors import CollectorError, Exit

# What a disk says that takes no more: full, over quota, larger than the limit, broken.
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})


def main() -> None:
    """Entry point of `spi-collector`: runs one verb and leaves with its exit code."""
    os.umask(0o077)
    raise_on_sigterm()
    code = _run(sys.argv[1:])
    _forget_where_nobody_reads()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        with held_back():
            from collector.cli.app import application  # noqa: PLC0415 - loads what a command line needs

            app = application(arguments[0] if arguments else None)
        result = app(args=arguments, standalone_mode=False, prog_name="spi-collector")
        sys.stdout.flush()
    except CollectorError as error:
        return _complain(error, error.exit_code)
    except (BrokenPipeError, SystemExit):  # `| head` has seen enough; typer makes an exit with code 1 of it
        _forget_stdout()
        return Exit.DONE
    except KeyboardInterrupt:
        return _complain("interrupted", Exit.INTERRUPTED)
    except TerminatedError:
        return _complain("terminated", Exit.TERMINATED)
    except OSError as error:
        if error.errno not in _DISK:
            return _last(error)
        _forget_stdout()
        where = f" {error.filename}" if error.filename else ""
        return _complain(f"cannot write{where}: {error.strerror}; what stood there before is untouched", Exit.USAGE)
    except Exception as error:  # noqa: BLE001 - the last border: a person gets one line, never a traceback
        return _last(error)
    return int(result or 0)


def _forget_where_nobody_reads() -> None:
    """What nobody takes any more goes nowhere: else the interpreter would end with 120 for it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _forget_stdout() -> None:
    """What is still in the buffer goes nowhere: the interpreter would try it again, and complain, when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _last(error: Exception) -> int:
    """Typer's own errors (usage, abort, exit) and what nobody foresaw."""
    code = getattr(error, "exit_code", None)
    if code is not None and hasattr(error, "format_message"):  # a usage error of click's family
        context = getattr(error, "ctx", None)
        hint = f"\nTry `{context.command_path} --help`." if context is not None else ""
        return _complain(f"{error.format_message()}{hint}", Exit.USAGE)
    if code is not None:  # typer.Exit
        return int(code)
    if type(error).__name__ == "Abort":
        return _complain("interrupted", Exit.INTERRUPTED)
    if os.environ.get("SPI_DEBUG"):
        raise error
    return _complain(
        f"a defect of this program: {type(error).__name__}: {error} - set SPI_DEBUG=1 for the place, and please report it",
        Exit.USAGE,
    )


def _complain(message: object, code: int) -> int:
    from collector.sinks.render import safe  # noqa: PLC0415 - only where something went wrong

    text = "\n".join(f"spi-collector: {line}" for line in safe(str(message)).splitlines() or [""])
    sys.stderr.write(text + "\n")
    return int(code)
