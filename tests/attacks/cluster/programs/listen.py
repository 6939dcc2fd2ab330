"""Listens on the node: TCP, UDP with an answer, and an abstract Unix socket. ``listen.py PORT``."""

import socket
import sys

port = int(sys.argv[1])
tcp = socket.create_server(("0.0.0.0", port))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("0.0.0.0", port))
local = socket.socket(socket.AF_UNIX)
local.bind(f"\0sealrun-{port}")
local.listen()
print("listening", flush=True)
udp.settimeout(90)
while True:
    _, sender = udp.recvfrom(100)
    udp.sendto(b"answer", sender)
