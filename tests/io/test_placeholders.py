"""Pointers of Git LFS and saved web pages are told from the files they stand for."""

import pytest

from vostool.io.placeholders import placeholder

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 86443776\n"


def test_a_pointer_of_lfs():
    assert "git lfs pull" in placeholder(POINTER)


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
    assert "web page" in placeholder(start)


@pytest.mark.parametrize(
    "start", [b"", b"PK\x03\x04", b"\x89PNG\r\n", b"bear\ncamel\n", b"\xff\xd8\xff", b'{"a": 1}']
)
def test_anything_else_may_be_itself(start):
    assert placeholder(start) is None
