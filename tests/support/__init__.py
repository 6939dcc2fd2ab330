"""What suites share: no module here holds tests, and no module of tests is imported.

What is used by one suite only lies in that suite's own folder.

- ``factories``, ``scenes``: rows for a database, and whole sites in the middle of something
- ``databases``, ``web_role``, ``statements``: databases of both makes, as whom, and what they are asked
- ``servers``, ``providers``: what tests talk to on this machine, and identity providers to log in at
- ``recordings``: real answers of Slurm
- ``required``: what happens where something is missing that a test needs
"""
