#!/bin/sh
# Prints a Python of at least 3.11. The system's own comes first: other accounts can run it too.
for candidate in /usr/bin/python3 python3.14 python3.13 python3.12 python3.11 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        command -v "$candidate"
        exit 0
    fi
done
echo "Sealrun needs Python 3.11 or newer, and none was found." >&2
exit 1
