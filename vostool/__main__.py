"""`python -m vostool`."""

from vostool.cli import main

if __name__ == "__main__":
    main()
