"""Runs past its time and ignores every polite request to end."""

import signal
import time

import answers

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCONT):
    signal.signal(number, signal.SIG_IGN)
# Valid predictions are there all the time: a job that did not end by itself must not be scored.
answers.write()
while True:
    time.sleep(3600)
