"""What goes wrong with object stores and servers, in sentences.

The packages that speak to stores raise exceptions of many kinds, most of which are no `OSError`.
They are known by their names here, so that nothing is imported to tell them apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vostool.errors import StoreError, VostoolError

_PACKAGES = (
    *("botocore", "aiobotocore", "s3fs", "aiohttp", "fsspec", "gcsfs", "google", "adlfs", "azure"),
    *("paramiko", "requests", "urllib3"),
)
_CREDENTIALS = (
    *("NoCredentials", "PartialCredentials", "DefaultCredentials", "TokenRetrieval"),
    *("CredentialRetrieval", "SSOToken", "UnauthorizedSSO", "ProfileNotFound"),
)
_UNREACHABLE = (
    *("EndpointConnection", "ClientConnector", "ConnectionClosed", "ServerDisconnected"),
    *("gaierror", "ProxyError"),
)
_TIME_OUT = ("Timeout", "TimedOut")
_REFUSED = ("Forbidden", "Denied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "401", "403")
_AGAIN = "What is finished is kept; run the same command again to go on."


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn what a store's packages raise into StoreError; what is absent stays an OSError.

    Args:
        path: of the store, named in the sentence.

    Raises:
        StoreError: the store cannot be reached, or refuses.
    """
    try:
        yield
    except (VostoolError, FileExistsError, NotADirectoryError, IsADirectoryError):
        raise
    except Exception as error:
        if isinstance(error, FileNotFoundError) and not _no_bucket(error):
            raise
        if not isinstance(error, OSError) and not of_store(error):
            raise
        raise StoreError(_sentence(error, str(path))) from error


def store_error(error: BaseException) -> StoreError | None:
    """Return the sentence for an exception of a store's packages, None for any other."""
    return StoreError(_sentence(error, "The store")) if of_store(error) else None


def of_store(error: BaseException) -> bool:
    """Return True if an exception is one of a store's packages, or was made of one."""
    return any(type(each).__module__.partition(".")[0] in _PACKAGES for each in _chain(error))


def _sentence(error: BaseException, where: str) -> str:
    chain = _chain(error)
    names = " ".join(base.__name__ for each in chain for base in type(each).__mro__[:-3])
    said = _said(error)
    if _any(_CREDENTIALS, names):
        return (
            f"{where}: there are no credentials ({said}). For s3:// set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a public bucket FSSPEC_S3_ANON=true."
        )
    if _no_bucket(error):
        return f"{where}: there is no such bucket. Correct the URL, or make the bucket first."
    if any(isinstance(each, TimeoutError) for each in chain) or _any(_TIME_OUT, names):
        return f"{where}: the store did not answer in time. {_AGAIN}"
    if any(isinstance(each, PermissionError) for each in chain) or _any(_REFUSED, said):
        return (
            f"{where}: the store refuses ({said}). Check the credentials, and that they may list, "
            "read and, for results, write and delete there."
        )
    if any(isinstance(each, ConnectionError) for each in chain) or _any(_UNREACHABLE, names):
        return (
            f"{where} cannot be reached ({said}). Check the address, the network, and, for a store "
            f"of your own, AWS_ENDPOINT_URL. {_AGAIN}"
        )
    return f"{where}: {said}. {_AGAIN}"


def _any(marks: tuple[str, ...], text: str) -> bool:
    return any(mark in text for mark in marks)


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and what it was made of."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


def _no_bucket(error: BaseException) -> bool:
    said = " ".join(map(str, _chain(error)))
    return "NoSuchBucket" in said or "bucket does not exist" in said


def _said(error: BaseException) -> str:
    """Return what an exception says, or its name, in one line without the full stop."""
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return " ".join(text.split()).rstrip(".")[:300]
