/**
 * The catalogue of attacks that the sandbox must hold against, run by the tests and by whoever doubts this host.
 *
 * Attacks find in their environment: SECRET_FILE outside of all listed paths, WORKSPACE read-write, LIBRARY read-only
 * with a file `book`, GATEWAY_PID, LOOPBACK_PORT of a listener of the host. WORKSPACE holds a Unix socket `daemon.sock`.
 * The limits are those of `ATTACK_LIMITS`.
 */
import { type Attack, call, perl, shell } from './attack.ts'
import type { Limits } from './driver.ts'

/** Small enough that the attacks on quotas are quick. */
export const ATTACK_LIMITS: Limits = {
  memoryBytes: 256 << 20,
  processes: 64,
  openFiles: 256,
  fileBytes: 8 << 20,
  tmpBytes: 4 << 20,
  maxLineBytes: 64 << 10,
  maxStderrBytes: 64 << 10,
  stdinBacklogBytes: 1 << 20,
  outputBytesPerSecond: 1 << 20,
  lifeMs: 20_000,
}

/** What the environment of an attack may hold; anything else came from the gateway. */
const KNOWN_VARIABLES = 'PATH|HOME|TMPDIR|LANG|USER|PWD|SECRET_FILE|WORKSPACE|LIBRARY|GATEWAY_PID|LOOPBACK_PORT'

const connectTo = (address: string, port: string) =>
  `use IO::Socket::INET; IO::Socket::INET->new(PeerAddr => ${address}, PeerPort => ${port}, Timeout => 3)`

const SOCKET = { errnos: [1, 93, 97] }
const SOCKET_IF_BUILT = { errnos: [1, 93, 97], outside: 'depends' } as const
const IF_BUILT = { outside: 'depends' } as const

// biome-ignore format: one attack a row
export const ATTACKS: readonly Attack[] = [
  ...shell('files.outside', 'reads a file outside of the listed paths', 'cat "$SECRET_FILE"'),
  ...shell('files.shadow', 'reads the password hashes', 'grep -q . /etc/shadow'),
  ...shell('files.listing', 'lists the directories of the host', 'ls -A /root /srv /var /run /mnt /opt /boot /sys | grep -v : | grep -q .'),
  ...shell('files.symlink', 'follows a link out of the workspace', 'ln -sf "$SECRET_FILE" "$WORKSPACE/link" && cat "$WORKSPACE/link"'),
  ...shell('files.parent', 'climbs out of the workspace with ..', 'cat "$WORKSPACE/../secret/key" || cat "$WORKSPACE/../../../../../../../..$SECRET_FILE"'),
  ...shell('files.proc-root', 'goes through the roots in /proc', '( for link in /proc/self/root /proc/1/root /proc/1/cwd/../../../.. /proc/self/cwd/../../../..; do cat "$link$SECRET_FILE" && exit 0; done; exit 1 )'),
  ...shell('files.read-only', 'writes into a read-only path', 'touch "$LIBRARY/new" || echo x >> "$LIBRARY/book"'),
  ...shell('files.hard-link', 'links a read-only file into the workspace', 'ln "$LIBRARY/book" "$WORKSPACE/book"'),
  ...shell('files.system', 'writes into the system', '[ -w / ] || [ -w /usr ] || [ -w /etc ] || [ -w /dev ]'),
  ...shell('files.device', 'makes a device node', 'mknod "$WORKSPACE/disk" b 254 0'),
  ...shell('files.devices', 'opens devices of the host', '[ -e /dev/kmsg ] || [ -e /dev/mem ] || [ -e /dev/kvm ] || [ -e /dev/fuse ]', 'depends'),
  ...shell('files.set-uid', 'leaves a set-uid program in the workspace', 'cp /bin/true "$WORKSPACE/tool" && chmod 4755 "$WORKSPACE/tool" && [ -u "$WORKSPACE/tool" ]'),
  ...perl('files.set-uid-open', 'creates a set-uid file with open', 'use Fcntl; umask 0; my $f; sysopen($f, "$ENV{WORKSPACE}/opened", O_CREAT | O_WRONLY, 04755) and -u $f'),
  ...shell('files.sysctl', 'opens a setting of the kernel for writing', '( : >> /proc/sys/kernel/core_pattern ) || ( : >> /proc/sys/vm/overcommit_memory )'),
  ...shell('files.sysrq', 'opens the trigger that reboots', '[ -f /proc/sysrq-trigger ] && ( : >> /proc/sysrq-trigger )', 'depends'),
  ...shell('files.kernel-facts', 'reads how the kernel was started and where it lies', 'head -c 1 /proc/cmdline | grep -q . || head -c 1 /proc/kallsyms | grep -q .'),

  ...shell('processes.visible', 'sees the gateway in /proc', '[ -e "/proc/$GATEWAY_PID" ]'),
  ...shell('processes.environ', 'reads the environment of the gateway', 'tr "\\0" "\\n" < "/proc/$GATEWAY_PID/environ" | grep -q .'),
  ...perl('processes.signal', 'signals the gateway', 'kill 0, $pid'),
  ...call('processes.ptrace', 'traces the gateway', 'ptrace', '0x4206, $pid + 0, 0, 0'),
  ...call('processes.vm-read', 'reads the memory of the gateway', 'process_vm_readv', '$pid + 0, 0, 0, 0, 0, 0'),
  ...call('processes.pidfd', 'opens the gateway as a descriptor', 'pidfd_open', '$pid + 0, 0', { errnos: [3] }),
  ...call('processes.pidfd-getfd', 'takes a descriptor of another process', 'pidfd_getfd', '-1, 0, 0'),
  ...call('processes.outlive', 'detaches itself from the death of the gateway', 'prctl', '1, 0, 0, 0, 0'),
  ...call('processes.priority', 'takes a higher priority', 'setpriority', '0, 0, -10', { errnos: [1, 13] }),
  ...shell('processes.capabilities', 'has a capability', 'grep -E "^Cap(Prm|Eff|Bnd|Amb)" /proc/self/status | grep -qv 0000000000000000'),
  ...shell('processes.privileges', 'may gain privileges by execve', 'grep -q "NoNewPrivs:.*0" /proc/self/status'),
  ...perl('processes.descriptors', 'finds a descriptor of the gateway', 'grep { defined readlink "/proc/self/fd/$_" } 3 .. 255'),

  ...call('kernel.user-namespace', 'makes a user namespace', 'unshare', '0x10000000'),
  ...call('kernel.mount-namespace', 'makes a mount namespace', 'unshare', '0x20000'),
  ...call('kernel.clone-namespace', 'makes a namespace with clone', 'clone', '0x10000200, 0, 0, 0, 0'),
  ...call('kernel.clone3', 'makes a process with flags that a filter cannot see', 'clone3', '0, 0'),
  ...call('kernel.setns', 'enters a namespace', 'setns', '-1, 0'),
  ...call('kernel.mount', 'mounts', 'mount', '0, 0, 0, 0, 0'),
  ...call('kernel.umount', 'unmounts what hides something', 'umount2', '0, 0'),
  ...call('kernel.fsopen', 'opens a file system', 'fsopen', '0, 0'),
  ...call('kernel.open-tree', 'copies a mount tree', 'open_tree', '-1, 0, 1'),
  ...call('kernel.chroot', 'changes its root', 'chroot', '0'),
  ...call('kernel.pivot-root', 'swaps its root', 'pivot_root', '0, 0'),
  ...call('kernel.file-handle', 'opens files by handle', 'open_by_handle_at', '-1, 0, 0'),
  ...call('kernel.keyring', 'reads the keyring of the session', 'keyctl', '0, -3, 0', IF_BUILT),
  ...call('kernel.add-key', 'adds a key', 'add_key', '0, 0, 0, 0, 0', IF_BUILT),
  ...call('kernel.bpf', 'loads a program into the kernel', 'bpf', '0, 0, 0', IF_BUILT),
  ...call('kernel.perf', 'opens performance counters', 'perf_event_open', '0, 0, -1, -1, 0', IF_BUILT),
  ...call('kernel.userfaultfd', 'handles page faults', 'userfaultfd', '1', IF_BUILT),
  ...call('kernel.io-uring', 'makes calls past the filter with io_uring', 'io_uring_setup', '0, 0', IF_BUILT),
  ...call('kernel.module', 'loads a module', 'init_module', '0, 0, 0', IF_BUILT),
  ...call('kernel.kexec', 'loads another kernel', 'kexec_load', '0, 100, 0, 0', IF_BUILT),
  ...call('kernel.reboot', 'reboots', 'reboot', '0, 0, 0, 0'),
  ...call('kernel.clock', 'sets the clock', 'clock_settime', '-1, 0'),
  ...call('kernel.hostname', 'names the host', 'sethostname', '0, -1'),
  ...call('kernel.log', 'reads the log of the kernel', 'syslog', '3, 0, 0'),
  ...call('kernel.swap', 'adds swap', 'swapon', '0, 0', IF_BUILT),
  ...call('kernel.memfd-secret', 'hides memory from the kernel', 'memfd_secret', '-1', IF_BUILT),
  ...call('kernel.fanotify', 'watches the files of everybody', 'fanotify_init', '-1, 0', IF_BUILT),
  ...call('kernel.personality', 'turns address randomisation off', 'personality', '0x40000'),
  ...call('kernel.ldt', 'changes its segment table', 'modify_ldt', '0, 0, 0', IF_BUILT),
  ...call('kernel.ports', 'reaches hardware ports', 'iopl', '4', IF_BUILT),
  ...call('kernel.terminal', 'types into the terminal', 'ioctl', '0, 0x5412, 0'),
  ...call('kernel.terminal-high-bits', 'types into the terminal with a longer number', 'ioctl', '0, 0x100005412, 0'),

  ...call('network.raw', 'opens a raw socket', 'socket', '2, 3, 1', SOCKET),
  ...call('network.packet', 'opens a packet socket', 'socket', '17, 3, 0', SOCKET_IF_BUILT),
  ...call('network.unix', 'opens a Unix socket', 'socket', '1, 1, 0', SOCKET),
  ...call('network.netlink', 'speaks to the firewall', 'socket', '16, 3, 12', SOCKET_IF_BUILT),
  ...call('network.audit', 'speaks to the audit system', 'socket', '16, 3, 9', SOCKET_IF_BUILT),
  ...call('network.vsock', 'speaks to the hypervisor', 'socket', '40, 1, 0', SOCKET_IF_BUILT),
  ...call('network.crypto', 'speaks to the cryptography of the kernel', 'socket', '38, 5, 0', SOCKET_IF_BUILT),
  ...call('network.sctp', 'opens an SCTP socket', 'socket', '2, 1, 132', SOCKET_IF_BUILT),
  ...perl('network.loopback', 'connects to a listener of the host', connectTo('"127.0.0.1"', '$ENV{LOOPBACK_PORT}')),
  ...perl('network.metadata', 'asks the metadata service of a cloud', connectTo('"169.254.169.254"', '80'), 'depends'),
  ...perl('network.route', 'has a route to the Internet', 'use Socket; my $s; socket($s, AF_INET, SOCK_DGRAM, 0) and connect($s, sockaddr_in(53, inet_aton("192.0.2.53")))', 'depends'),
  ...perl('network.daemon', 'connects to a daemon through the workspace', 'use Socket; my $s; socket($s, AF_UNIX, SOCK_STREAM, 0) and connect($s, sockaddr_un("$ENV{WORKSPACE}/daemon.sock"))'),

  ...shell('environment.variables', 'finds a variable of the gateway', `env | cut -d= -f1 | grep -qvE "^(${KNOWN_VARIABLES})$"`),
  ...shell('environment.hostname', 'learns the name of the host', '[ "$(uname -n)" != sandbox ]'),
  ...shell('environment.identity', 'learns which machine this is', '[ -s /etc/machine-id ] || grep -q "^root:" /etc/passwd'),

  ...perl('quotas.processes', 'forks without end', 'my @born; while (@born < 200) { my $p = fork(); last unless defined $p; if (!$p) { sleep 10; exit } push @born, $p } kill 9, @born; @born == 200'),
  ...perl('quotas.descriptors', 'opens files without end', 'my @open; for (1 .. 300) { open(my $f, "<", "/dev/null") or last; push @open, $f } @open == 300'),
  ...shell('quotas.core', 'allows itself to dump core', 'ulimit -H -c unlimited'),
  ...shell('quotas.file', 'writes one file larger than allowed', 'head -c 9437184 /dev/zero > "$WORKSPACE/large"; [ "$(stat -c %s "$WORKSPACE/large")" = 9437184 ]'),
  ...shell('quotas.temporary', 'fills the temporary files', 'head -c 6291456 /dev/zero > "/tmp/fill-$GATEWAY_PID"; size=$(stat -c %s "/tmp/fill-$GATEWAY_PID"); rm -f "/tmp/fill-$GATEWAY_PID"; [ "$size" = 6291456 ]'),
  ...shell('quotas.shared-memory', 'fills the shared memory', 'for part in 1 2 3; do head -c 7340032 /dev/zero > "/dev/shm/fill-$part"; done; size=$(cat /dev/shm/fill-* | wc -c); rm -f /dev/shm/fill-*; [ "$size" = 22020096 ]', 'depends'),
]
