"""Folders that need not be on this machine: object stores and servers, read as local ones are."""
