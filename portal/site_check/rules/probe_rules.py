"""Rules that only jobs can show to hold."""

from portal.domain.site.findings import Level, Rule

SHARED = Rule(
    id="storage.shared",
    title="Portal and nodes see the storage under the same path",
    level=Level.FAILURE,
    meaning="Jobs find no input, and the portal finds no results.",
    change="site.yaml: clusters.NAME.storage; the mounts of portal and nodes",
)
NODE_ACCOUNT = Rule(
    id="storage.account",
    title="Jobs run as the account that owns the storage, with the same user id",
    level=Level.FAILURE,
    meaning="Jobs cannot write their results, or the portal cannot read them.",
    change="the account's user id on portal and nodes; on NFS the idmap settings",
)
NODE_GROUP = Rule(
    id="storage.group",
    title="Jobs read what the web process has uploaded, through the group of the storage",
    level=Level.FAILURE,
    meaning="No image can be built and nothing be run: every upload ends as a failure of the cluster.",
    change="the account's group id on portal and nodes: groupmod --gid GID sealrun",
)
DATA = Rule(
    id="storage.data",
    title="Private data can be read by jobs and not by everybody",
    level=Level.FAILURE,
    meaning="A challenge cannot run, or everybody on the nodes can read its private data.",
    change="site.yaml: data.NAME.path; chmod o= PATH",
)
STARTS = Rule(
    id="probe.starts",
    title="A job of the profile is accepted and runs",
    level=Level.FAILURE,
    meaning="No job of this profile can run.",
    change="site.yaml: profiles.NAME",
)
PROGRAMS = Rule(
    id="probe.programs",
    title="The nodes have the programs that the job scripts need",
    level=Level.FAILURE,
    meaning="Every job ends with node_unfit.",
    change="packages of the nodes: bash, coreutils, tar, util-linux, slurm-client",
)
ARCHITECTURE = Rule(
    id="probe.architecture",
    title="The nodes have the processors that the profile names",
    level=Level.FAILURE,
    meaning="Images for these nodes are refused, and images for others are taken and do not start.",
    change="site.yaml: profiles.NAME.architecture",
)
ENVIRONMENT = Rule(
    id="probe.environment",
    title="No variable that looks like a secret reaches a job",
    level=Level.FAILURE,
    meaning="A secret of the portal or of the site can be read on the nodes.",
    change="the TaskProlog of the nodes, and /etc/environment of the node and the login node",
)
FILES = Rule(
    id="probe.files",
    title="What a job leaves in /tmp, /var/tmp or /dev/shm is gone for the next one",
    level=Level.FAILURE,
    meaning="What a submission leaves there is read by the next one. Slurm before 23.02 knows no Dirs: "
    "there /var/tmp stays open.",
    change="job_container.conf: Dirs=/tmp,/var/tmp,/dev/shm",
)
PROCESSES = Rule(
    id="probe.processes",
    title="What a job has started ends with it",
    level=Level.FAILURE,
    meaning="A process that goes into the background outlives its job, beside the next one.",
    change="slurm.conf: ProctrackType=proctrack/cgroup",
)
MEMORY = Rule(
    id="probe.memory",
    title="A job that takes more memory than it asked for is ended",
    level=Level.FAILURE,
    meaning="A submission can take the whole node's memory.",
    change="cgroup.conf: ConstrainRAMSpace=yes",
)
TIME = Rule(
    id="probe.time",
    title="A job that ignores SIGTERM is ended at its time limit",
    level=Level.FAILURE,
    meaning="A submission keeps its GPU for as long as it likes.",
    change="slurm.conf: OverTimeLimit=0, KillWait=5",
)
DEVICES = Rule(
    id="probe.devices",
    title="A job opens the GPUs that it was given and no others",
    level=Level.FAILURE,
    meaning="Two jobs on one node can use each other's GPUs and read their memory.",
    change="cgroup.conf: ConstrainDevices=yes; gres.conf: File=/dev/nvidia[0-N]",
)
BUILDS = Rule(
    id="probe.builds",
    title="An image can be made in the build profile",
    level=Level.FAILURE,
    meaning="No submission gets as far as running.",
    change="Apptainer on the nodes of the build profile, see the findings on it",
)
SEALS = Rule(
    id="probe.seals",
    title="A sealed container starts and runs to its end",
    level=Level.FAILURE,
    meaning="No submission is run: every job ends before it begins.",
    change="Apptainer on the nodes, see the findings on it",
)
NETWORK = Rule(
    id="probe.network",
    title="A container has no network",
    level=Level.FAILURE,
    meaning="A submission could send private data away; the portal does not run it.",
    change="sysctl.conf of the nodes: user.max_net_namespaces=15000",
)
INPUT = Rule(
    id="probe.input",
    title="A container can read its input, not change it, and write its output",
    level=Level.FAILURE,
    meaning="A submission could change the private data; the portal does not run it.",
    change="no file system mounted below the storage or the data",
)
CAPABILITIES = Rule(
    id="probe.capabilities",
    title="A container has no capability",
    level=Level.FAILURE,
    meaning="A submission has powers of root; the portal does not run it.",
    change="apptainer.conf: root default capabilities; Apptainer on the nodes",
)
PRIVILEGES = Rule(
    id="probe.no_new_privileges",
    title="Nothing in a container can get more privileges",
    level=Level.FAILURE,
    meaning="A set-user-id program could make a submission root; the portal does not run it.",
    change="Apptainer on the nodes: no_new_privs is set by every release since 1.0",
)
SECCOMP = Rule(
    id="probe.seccomp",
    title="System calls are filtered",
    level=Level.FAILURE,
    meaning="Faults of the kernel are in reach of a submission; the portal does not run it.",
    change="Apptainer on the nodes: a build with libseccomp",
)
NAMESPACES = Rule(
    id="probe.namespaces",
    title="A container has processes, mounts, network and shared memory of its own",
    level=Level.FAILURE,
    meaning="A submission sees other jobs on its node; the portal does not run it.",
    change="sysctl.conf of the nodes: user.max_*_namespaces=15000",
)
SERVICES = Rule(
    id="probe.services",
    title="No socket of the node's services is in a container",
    level=Level.FAILURE,
    meaning="A submission could speak with Slurm as the portal's account; it is not run.",
    change="apptainer.conf: bind path",
)
INSIDE = Rule(
    id="probe.inside",
    title="Only the variables of the run are in a container",
    level=Level.FAILURE,
    meaning="A submission learns what the site keeps in variables.",
    change="the environment scripts of Apptainer on the nodes",
)
COUNTED = Rule(
    id="probe.counted_apart",
    title="Each run's processes and threads are counted apart",
    level=Level.WARNING,
    meaning="A submission with many threads keeps others on its node from starting any: they fail and count.",
    change="Linux 5.14 and an unshare with --map-current-user on the nodes; else slurm.conf: "
    "OverSubscribe=EXCLUSIVE for the partition",
)
SPACE = Rule(
    id="probe.space",
    title="What a run writes has file systems of fixed size",
    level=Level.WARNING,
    meaning="A submission can fill the node for seconds before it is seen, and what it leaves takes long to remove.",
    change="packages e2fsprogs and fuse2fs, Linux 4.18, and /dev/fuse with mode 0666 on the nodes; "
    "site.yaml: limits.disk",
)
ROOM = Rule(
    id="probe.room",
    title="A job's scratch directory has room for what the limits allow",
    level=Level.FAILURE,
    meaning="Runs end for want of room below their limit, and large images cannot be built: failures of the cluster.",
    change="job_container.conf: BasePath= on a larger disk of the nodes, or site.yaml: limits",
)
EXECUTABLE = Rule(
    id="probe.executable",
    title="What lies in a job's scratch directory can be run",
    level=Level.FAILURE,
    meaning="Images with programs cannot be built, and what a submission compiles does not run.",
    change="fstab of the nodes: no noexec where /tmp of jobs lies (job_container.conf: BasePath=)",
)
VERIFIED = Rule(
    id="probe.verified",
    title="A node verifies each image once, not in each job",
    level=Level.WARNING,
    meaning="Each job reads its images whole before it begins: seconds for each gigabyte, and its time limit pays.",
    change="on each node, in /etc/tmpfiles.d: d /run/sealrun 0700 ACCOUNT ACCOUNT -",
)
GPU_DRIVER = Rule(
    id="probe.gpu_driver",
    title="The driver answers for each GPU that a job was given",
    level=Level.FAILURE,
    meaning="Programs find no GPU: they fail, or take hours on the processor.",
    change="the GPU driver of the nodes: nvidia-smi on the node; site.yaml: probe.gpu_driver where GPUs are pretended",
)
TASKS = Rule(
    id="probe.tasks",
    title="The account may have the processes and threads of all runs that a node takes",
    level=Level.WARNING,
    meaning="Together, runs on a node meet the limit of the account before each meets its own, and fail.",
    change="limits.conf of the nodes: hard nproc of the account, or site.yaml: limits.processes",
)
CLEAN = Rule(
    id="probe.clean",
    title="The check has left nothing behind",
    level=Level.WARNING,
    meaning="A job still runs, or files of it are in the storage.",
    change="scancel --name=JOB; rm -r STORAGE/checks",
)
RULES = (
    SHARED, NODE_ACCOUNT, NODE_GROUP, DATA, STARTS, PROGRAMS, ARCHITECTURE, ENVIRONMENT, DEVICES, FILES, PROCESSES, MEMORY, TIME,
    ROOM, EXECUTABLE, VERIFIED, GPU_DRIVER, BUILDS, SEALS, NETWORK, INPUT, CAPABILITIES, PRIVILEGES, SECCOMP, NAMESPACES, SERVICES, INSIDE, COUNTED,
    TASKS, SPACE, CLEAN,
)  # fmt: skip
