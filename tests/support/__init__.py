"""What suites share. No module here holds tests, and none knows a suite (``tests/unit/test_suites.py``).

What is used by one suite only lies in that suite's own folder.

- ``factories``, ``scenes``: rows for a database, and whole sites in the middle of something
- ``databases``, ``web_role``, ``statements``, ``same_moment``: databases of both makes, as whom, what they are asked,
  and two transactions at once
- ``web``: a site with people and their browsers, and Chromium
- ``worker``: a site on a pretended cluster, and what happens to its worker
- ``cluster``: practice sites, with real Slurm and Apptainer, and what is done and run on them
- ``servers``, ``providers``: what tests talk to on this machine, and identity providers to log in at
- ``uploads``: archives and images, good and bad
- ``recordings``: real answers of Slurm
- ``deep_trees``, ``documents``: hostile folders, and what pages of the documentation say to type
- ``required``: what happens where something is missing that a test needs
"""
