"""ktls-init as process 1 of OCI containers, by whatever runtimes are installed:
a handshake within the container, both ends of it."""

import glob
import json
import os
import re
import shutil
import subprocess

import pki
import proc
import service
import tap
from peers import free_port

RUNTIMES = [path for path in map(shutil.which, ("runc", "crun")) if path]
PROGRAMS = ("ktls-init", "ktls-connect", "ktls-accept", "ktls-relay")
APPLETS = ("sh", "cat", "sleep")
SOMEBODY = 12345
# Where there are cgroups of both versions crun refuses, even when it is told to use none.
ONE_VERSION = "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"
WITH_CGROUPS_2 = ("unshare", "--mount", "sh", "-c", ONE_VERSION + '; exec "$@"', "sh")
LESS = "handshakes are protected by less: "

# What common runtimes give: with Docker SYS_CHROOT is one of them, by CRI-O it is not.
CRI = """CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_SETGID CAP_SETUID CAP_SETPCAP
CAP_NET_BIND_SERVICE CAP_KILL""".split()
DOCKER = [*CRI, "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_NET_RAW", "CAP_AUDIT_WRITE", "CAP_SETFCAP"]

# Calls that administer the machine or widen the kernel's attack surface.
REFUSED = """acct add_key bpf clock_adjtime clock_settime clone3 create_module delete_module finit_module
fsconfig fsmount fsopen fspick get_kernel_syms get_mempolicy init_module io_uring_enter io_uring_register
io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind migrate_pages mount
mount_setattr move_mount move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open
pivot_root process_vm_readv process_vm_writev ptrace query_module quotactl quotactl_fd reboot request_key
set_mempolicy setdomainname sethostname setns settimeofday swapoff swapon sysfs _sysctl syslog umount umount2
unshare uselib userfaultfd ustat vhangup""".split()
RECENT = "close_range openat2 faccessat2 epoll_pwait2 pidfd_open pidfd_getfd".split()

SCRIPT = """
ktls-accept -1 "$1" sh -c 'read line; echo "got $line"; sleep 0.2' &
until ktls-connect "$2" sh -c 'echo hello >&7; cat <&6'; do sleep 0.1; done
wait
"""


def known_calls():
    names = set()
    for header in glob.glob("/usr/include/*/asm/unistd*.h") + glob.glob("/usr/include/asm-generic/unistd.h"):
        with open(header) as f:
            names.update(re.findall(r"#define __NR_(\w+)", f.read()))
    return names


def profile(*refused):
    """An allow-list: everything else is refused with EPERM, clone3 with ENOSYS."""
    allowed = sorted(known_calls() - set(REFUSED) - set(refused))
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "syscalls": [
            {"names": allowed, "action": "SCMP_ACT_ALLOW"},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
        ],
    }


def fill_root(root):
    for folder in ("bin", "dev", "pki", "proc", "tmp"):
        os.makedirs(os.path.join(root, folder))
    for program in PROGRAMS:
        shutil.copy(os.path.join(proc.BIN, program), os.path.join(root, "bin"))
    shutil.copy(shutil.which("busybox"), os.path.join(root, "bin"))
    for applet in APPLETS:
        os.symlink("busybox", os.path.join(root, "bin", applet))
    for source in (pki.crt("ec256"), pki.key("ec256"), pki.ca()):
        target = shutil.copy(source, os.path.join(root, "pki"))
        os.chmod(target, 0o644)


def inside(path):
    return "/pki/" + os.path.basename(path)


def words():
    port = free_port()
    server = service.url(f"tls://127.0.0.1:{port}", cert=inside(pki.crt("ec256")), key=inside(pki.key("ec256")))
    client = service.url(f"tls://127.0.0.1:{port}", ca=inside(pki.ca()), sni="localhost")
    return ["ktls-init", "-v", "sh", "-c", SCRIPT, "sh", server, client]


class Container:
    """What is allowed, as config.json says it."""

    def __init__(
        self, name, capabilities=DOCKER, rootless=False, has_proc=True, read_only=False, pids=None, refused=()
    ):
        self.name, self.rootless = name, rootless
        mounts = [{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]}]
        if has_proc:
            mounts.append({"destination": "/proc", "type": "proc", "source": "proc"})
        if not read_only:
            mounts.append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]})
        sets = ("bounding", "effective", "permitted")
        self.config = {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": 0, "gid": 0},
                "args": words(),
                "env": ["PATH=/bin"],
                "cwd": "/",
                "capabilities": {each: capabilities for each in sets},
                "noNewPrivileges": True,
            },
            "root": {"path": "rootfs", "readonly": read_only},
            "mounts": mounts,
            "linux": {
                "namespaces": [{"type": each} for each in ("pid", "mount", "ipc", "uts")],
                "seccomp": profile(*refused),
            },
        }
        if pids:
            self.config["linux"]["resources"] = {"pids": {"limit": pids}}
        if rootless:
            self._map_users()

    def _map_users(self):
        linux = self.config["linux"]
        linux["namespaces"].append({"type": "user"})
        for kind in ("uidMappings", "gidMappings"):
            linux[kind] = [{"containerID": 0, "hostID": SOMEBODY, "size": 1}]

    def run(self, runtime):
        """Exit code, output, standard error."""
        bundle = proc.temp("bundle")
        fill_root(os.path.join(bundle, "rootfs"))
        with open(os.path.join(bundle, "config.json"), "w") as f:
            json.dump(self.config, f)
        state = proc.temp("state")
        os.mkdir(state)
        wrapper = []
        if self.rootless:
            os.chmod(proc.TMP, 0o711)
            for path in (bundle, state, os.path.join(bundle, "rootfs")):
                os.chown(path, SOMEBODY, SOMEBODY)
            wrapper = ["setpriv", "--reuid", str(SOMEBODY), "--regid", str(SOMEBODY), "--clear-groups"]
            wrapper += ["env", f"XDG_RUNTIME_DIR={state}"]
        name = f"ktls-test-{os.getpid()}-{os.path.basename(bundle)}"
        options = ["--root", state]
        if os.path.basename(runtime) == "crun" and not self.config["linux"].get("resources"):
            options.append("--cgroup-manager=disabled")
            wrapper = [*WITH_CGROUPS_2, *wrapper]
        argv = [*wrapper, runtime, *options, "run", "-b", bundle, name]
        ended = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=proc.LIMIT / 4)
        return ended.returncode, ended.stdout, ended.stderr


def containers():
    yield Container("Docker's capabilities and an allow-list of calls"), ""
    yield Container("an allow-list without recent calls", refused=RECENT), ""
    yield Container("capabilities without SYS_CHROOT", CRI), "empty root directory"
    yield Container("no capability", []), "change of uid and gid"
    yield Container("rootless", rootless=True), "change of uid and gid"
    yield Container("a read-only root", read_only=True), ""
    yield Container("no /proc", has_proc=False), ""
    yield Container("no /proc, read-only, without SYS_CHROOT", CRI, has_proc=False, read_only=True), "empty root"
    yield Container("at most 8 processes", pids=8), ""


def starts(runtime):
    """Whether a container of it can run here at all."""
    container = Container("the plainest", DOCKER)
    container.config["process"]["args"] = ["busybox", "true"]
    code, _, errors = container.run(runtime)
    return None if code == 0 else errors.strip().splitlines()[-1] if errors.strip() else f"exit {code}"


def matrix():
    for runtime in RUNTIMES:
        short = os.path.basename(runtime)
        why = starts(runtime)
        if why:
            tap.skip(short, f"runs no container here: {why}")
            continue
        for container, missing in containers():
            check(runtime, f"{short}, {container.name}", container, missing)


def check(runtime, name, container, missing):
    code, output, errors = container.run(runtime)
    if "ktls-init: info: " not in errors:
        tap.skip(name, f"{errors.strip().splitlines()[-1:]}")
        return
    tap.ok(code == 0 and "got hello" in output, f"{name}: a handshake, both ends in it", (code, output, errors))
    lines = [line for line in errors.splitlines() if LESS in line]
    told = lines[0].split(LESS)[1] if lines else ""
    is_right = len(lines) == int(bool(missing)) and missing in told
    tap.ok(is_right, f"{name}: what is missing: {told or 'nothing'}", errors)
