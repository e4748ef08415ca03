"""`python -m phasegate`."""

from phasegate.cli.main import main

if __name__ == "__main__":
    main()
