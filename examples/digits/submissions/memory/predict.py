"""Takes 3 GiB of memory, more than its job has, and touches every page of it."""

import answers

MEBIBYTE = 1024 * 1024

blocks = [bytearray(b"x") * (64 * MEBIBYTE) for _ in range(48)]
# Only reached where nothing limits the memory.
print(f"holds {sum(map(len, blocks)) // MEBIBYTE} MiB")
answers.write()
