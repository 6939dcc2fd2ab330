"""The attacks that have to fail: what is tried, what stops it, and where that is shown.

A test says which row it is with ``@pytest.mark.attack(ROW)``; a row may have several.
"""

from dataclasses import dataclass

WHERE = ("cluster", "files", "web")

_TABLE = """
1  | cluster | A program opens TCP and UDP connections to the node it runs on | A network namespace of its own without any interface but lo
2  | cluster | A program smuggles data out in the names that it looks up | The same: no name server can be reached, and none is named
3  | cluster | A program connects to an abstract Unix socket of the node | The same: abstract names belong to the network namespace
4  | cluster | A program talks to MUNGE or to a daemon of Slurm through its socket | Nothing of the node's file system is mounted
5  | cluster | A program brings its own sbatch and submits a job | No MUNGE socket, no key, no network, no configuration
6  | cluster | Whoever starts the worker sets APPTAINER_BIND, so that jobs mount more | Jobs inherit nothing, and Apptainer starts in an empty environment
7  | cluster | A secret in the worker's environment is read in a job | Jobs are submitted with no environment, and run with a fixed one
8  | cluster | A program looks for the files of other people on the same storage | Only its own directories are mounted
9  | cluster | A program changes its input | Input is mounted read-only
10 | cluster | A program looks for the truth on the node that it runs on | Truth is mounted in the score job only, which runs no code of a participant
11 | cluster | A program prints private input into its log and its author reads that | Logs of private phases are for organisers
12 | cluster | A program puts private input into its predictions and its author loads them down | Predictions are shown to nobody but the scorer
13 | web     | Private labels are guessed from how the score changes | Rounding, the Ladder, limits of attempts
14 | cluster | A program runs for as long as a private value says, and its author reads the time | Run times are shown in steps; a phase can hold results back until a step is over
15 | cluster | A program fails in a way that a private value chooses, and its author reads the reason | One sentence for all failures of a sealed run
16 | cluster | A program looks for what an earlier job left in /tmp and /var/tmp | Each job has its own, which goes with it
17 | cluster | A program looks for what an earlier job left in /dev/shm, or in System V memory | Each job has its own /dev/shm and its own IPC namespace
18 | cluster | A program reads what an earlier job left in a GPU's memory | One job has the whole GPU; the site's epilog resets it
19 | cluster | A program opens a GPU that it was not given | Slurm's control group lets through only the job's devices
20 | cluster | A program starts processes without end | A limit on the processes and threads of each run
21 | cluster | A program takes memory without end | Slurm's control group, swap included; organisers are told that it was memory
22 | cluster | A program fills the disk | Limits on its files and its output, and on what it has in /tmp, watched while it runs
23 | cluster | A program makes files without end | Output is counted while it runs, and again before anything is taken over
24 | cluster | A program prints without end | What a log can hold is capped, and the rest is thrown away
25 | cluster | A program ignores its time limit and every signal that can be ignored | The script kills it to the second; behind that stands Slurm, after KillWait
26 | cluster | A program leaves a process behind that outlives its job | A PID namespace of its own, and Slurm's control group
27 | cluster | A program uses the GPU for something else | A time limit, and budgets of GPU hours after which nothing more starts
28 | cluster | An image brings programs with the set-user-ID bit | The image is mounted nosuid, and no process can gain privileges
29 | cluster | A program leaves symbolic links to files of the node where its output should be | Only regular files are taken over, none through a link
30 | cluster | A program leaves hard links, pipes and sockets where its output should be | Only regular files with one name are taken over, and nothing waits for a pipe
31 | cluster | A program swaps its output while it is taken over | Output is taken over once the job has ended, by a copy that is then looked at
32 | web     | A score is not a finite number | Only finite numbers are scores
33 | web     | A score is out of its bounds, or a bool, or a string | Each score has a type and bounds
34 | web     | A score file is deep or endless | A limit of size, read before anything is parsed; nothing nested
35 | web     | A score file has a key twice | A key that comes twice refuses the file
36 | web     | A score file or a log holds HTML or commands for terminals | Everything is escaped, and control characters are taken out
37 | cluster | A program leaves a score file of its own | Scores come from the score job only, with its attempt's token
38 | files   | An archive has paths that lead out, links or devices | Archives are read entry by entry; nothing is unpacked on the portal
39 | files   | A small archive or image unpacks to something huge | Sizes are counted while streaming; images are unpacked in a limited job
40 | files   | An upload is a definition file or Dockerfile, whose first part runs on the node | Neither is ever taken
41 | cluster | An image is exchanged after it was checked | Its digest is checked in the job, right before it runs
42 | cluster | A name in an upload or challenge looks like an option or a command | Lists of arguments, never a line; names never become arguments
43 | cluster | The controller hangs while a job is sent, so that it is sent twice | A token for each attempt, and a claim that only one job can take
44 | cluster | Slurm counts its jobs from the beginning again | A job is known by its token, never by its number alone
45 | web     | Many posts at the same moment get past a limit | Limits are counted in the transaction that creates the submission
46 | cluster | Somebody stands between the portal and the login node | The host key is pinned
47 | web     | A login is answered for another provider, or in another browser | State, nonce, issuer, and an address of its own for each provider
48 | web     | Somebody with the same e-mail address comes from another provider | An account is issuer and subject
49 | web     | A form on another site is posted with the visitor's cookie | Same-origin check before anything else
50 | web     | A text that people can write brings a script | Escaping, an allow-list for Markdown, a policy without inline script
51 | web     | Somebody opens what belongs to another team | Permissions in one place; what is not yours is not there
52 | web     | A session is planted, or goes on after the logout | Sessions are rows, new at login and gone at logout
53 | web     | Uploads never end, or have parts without number, or are too large | Limits while streaming, and limits of time
54 | web     | A token is used for more than it may, after its end, or after it was taken back | Tokens are hashed, scoped and dated
55 | web     | A challenge mounts data of another one | The site's settings name the challenges that may
56 | cluster | An image brings a hostile shell and hostile scripts of the environment | A probe of the site's own, an empty environment, sealed logs
57 | files   | An image archive has files or layers without number, paths that lead out, or devices | Limits before and in the build job
58 | web     | A submission comes after the end of its phase, by an upload that began before | One rule, at the creation of the submission
59 | cluster | A run on private data dictates it to a run beside it on the same node, whose log its team reads | What reads private data and what tells more than scores are never on a node at the same time; what can be hidden of neighbours is hidden
60 | cluster | A program goes over the limit of its output while it runs, which was told as the cluster's failure and tried again for free | Once the image has started, no word of the script is the site's: each has a row
61 | cluster | A program writes what Apptainer writes when an image does not start, after it has read the data | The same: told and counted like any failure after the data was read
62 | files   | A program leaves directories inside each other until no path leads to the last | Output is walked by descriptors within bounds of depth and length; what goes over them fails its run
63 | files   | A requirements.txt nests parentheses until its reader fails, in every pass of the worker | Bounds before any parser, and whatever a parser fails with refuses the upload
64 | files   | A program leaves tens of thousands of directories inside each other to whoever deletes its output | What lies deep is moved up before it goes: linear, without recursion, two open directories at most
65 | cluster | A program hides what it fills from those who look, and leaves more than can be removed in its time | File systems of fixed size and number of files, which end with their job
66 | web     | Where results are held back, another try, a place that becomes free or a cancellation tells when a run has really ended | A run keeps its places, its GPU-hours and its turn until the step; tries are not seen
67 | cluster | A requirements.txt hides options from the portal's reader, which pip obeys | pip is handed a file that the portal has written of what it understood
68 | cluster | A program starts so many threads that another team's on the same node can start none | A user namespace for each run, for which the kernel counts apart
69 | web     | Submit what has to be built, and take it back at once, again and again: every image is made, nothing counts | What nobody waits for any more is not made; from the opening of its build a submission counts; few are free a day; teams take turns
70 | web     | Whoever has the web process's account writes paths into rows, or puts links in the place of uploads, so that a run shows the truth | Rows become values that were looked at, uploads are copied and checked by digest when they are used, and what runs is approved in a file
71 | web     | A team takes a name that looks like another's, in letters of another script or with some that nobody sees | Names are compared by Unicode's skeletons, unique in a challenge
72 | web     | Whoever has the web process's account drops the audit log's triggers, cuts off its end, writes it anew or changes a result | The worker keeps the log's head where that account cannot write, and looks at triggers and chain
73 | web     | A request that a proxy cuts otherwise hides a second one; hundreds of connections never read; a text takes seconds to show | Read in one way or refused; a few requests of one client at a time, and unread answers are cut off; bounds before the Markdown parser
74 | web     | Whoever has the web process's account replaces the worker's keys, home, settings or code by writing to a directory above them | The database has a directory of its own, and nothing that the worker trusts can be replaced; the site's check walks the way to each
75 | cluster | An image is exchanged once a node has verified it, or somebody makes a node believe that it verified another | A node remembers the file by its time of change, where only root and the account can write; no run and no build gets there
"""

_CANNOT = {
    18: """\
No machine of these tests has a GPU, so nothing could be left in the memory of one. Shown is what the claim
rests on: a job opens its own GPU only, and while it runs no other job is given the same one. A site whose
GPUs are shared, or whose driver does not clear memory, has to clear it between jobs. Let the epilog
(`Epilog=` in slurm.conf) do it, and drain the node where that fails:

    [ -z "$SLURM_JOB_GPUS" ] || nvidia-smi --gpu-reset -i "$SLURM_JOB_GPUS" ||
        scontrol update nodename="$SLURMD_NODENAME" state=drain reason="GPU not reset"

To check it, compile a CUDA program that takes nearly all memory (`cudaMalloc`), fills it with one pattern
(`cudaMemset`) and ends without `cudaFree`; run it as a job; then, as a job on the same GPU
(`--nodelist`, `--gres`), one that takes as much memory and counts the words with the pattern without
having written any. It has to count none. `nvidia-smi --query-gpu=compute_mode --format=csv` tells whether a
GPU is exclusive (`Exclusive_Process`), and `scontrol show config | grep -i epilog` whether the epilog is in use.""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One row: ``cannot`` says what the tests cannot show here, and how a site checks it (Markdown)."""

    number: int
    where: str
    attack: str
    defence: str
    cannot: str = ""


def _attack(line: str) -> Attack:
    number, where, attack, defence = (cell.strip() for cell in line.split("|"))
    cannot = _CANNOT.get(int(number), "")
    return Attack(number=int(number), where=where, attack=attack, defence=defence, cannot=cannot)


ATTACKS = tuple(_attack(line) for line in _TABLE.strip().splitlines())
