"""Takes 3 GiB of memory, more than its job has, and touches every page of it."""

import answers

MEBIBYTE = 1024 * 1024
PAGE = 4096

blocks = []
for _ in range(48):
    block = bytearray(64 * MEBIBYTE)
    # Memory that is never written to costs nothing, so nothing would limit it.
    block[::PAGE] = b"x" * (len(block) // PAGE)
    blocks.append(block)
# Only reached where nothing limits the memory.
print(f"holds {sum(map(len, blocks)) // MEBIBYTE} MiB")
answers.write()
