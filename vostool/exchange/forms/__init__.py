"""Masks in the forms that other programs write, as label maps: one module per form."""
