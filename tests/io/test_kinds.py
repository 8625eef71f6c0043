"""What stands in place of a file: pointers and saved web pages, told from the file itself."""

import pytest

from vostool.io.kinds import stand_in

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 86443776\n"


def test_a_pointer_of_lfs():
    assert "git lfs pull" in stand_in(POINTER)


@pytest.mark.parametrize(
    "start",
    [
        b"<!DOCTYPE html><title>Sign in</title>",
        b"\n\n  <html lang=en>",
        b"\xef\xbb\xbf<!doctype html>",
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
        b"<!-- saved from url --><html>",
    ],
)
def test_a_web_page(start):
    assert "web page" in stand_in(start)


@pytest.mark.parametrize(
    "start", [b"", b"PK\x03\x04", b"\x89PNG\r\n", b"bear\ncamel\n", b"\xff\xd8\xff", b'{"a": 1}']
)
def test_anything_else_may_be_itself(start):
    assert stand_in(start) == ""
