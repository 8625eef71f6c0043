"""Masks that come from other programs or go to evaluation servers, checked on the way."""
