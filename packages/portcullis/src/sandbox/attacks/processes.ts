/** Attacks on the wall around processes: to see, stop, trace or outlive others, or to become more than one is. */
import { type Attack, behind, call, numberOf, perl, shell } from '../attack.ts'

const DEPENDS = { outside: 'depends' } as const
/** No such process. */
const UNSEEN = { errnos: [3] }

const SIBLING = `
  my $child = fork(); if (!$child) { sleep 5; exit }
  sc(${numberOf('prctl')}, 4, 1, 0, 0, 0);
  my $traced = sc(${numberOf('ptrace')}, 0x4206, $child, 0, 0) != -1;
  kill 9, $child; $traced`

/** The program is written into memory that no path names; running it is allowed, and it must meet the same walls. */
const NAMELESS_PROGRAM = `
  $^F = 255; my $fd = sc(${numberOf('memfd_create')}, "x", 0);
  my $program = "#!/bin/sh\\ngrep -q PRIVATE \\"\\$SECRET_FILE\\"\\n";
  sc(${numberOf('write')}, $fd, $program, length $program);
  system("/proc/self/fd/$fd") == 0`

const SOCKETS_OF_A_PARENT = 'grep { defined readlink "/proc/self/fd/$_" } 3 .. 255'

const namespaces: ReadonlyArray<readonly [string, number]> = [
  ['mount', 0x20000],
  ['cgroup', 0x2000000],
  ['host-name', 0x4000000],
  ['ipc', 0x8000000],
  ['user', 0x10000000],
  ['process', 0x20000000],
  ['network', 0x40000000],
  ['time', 0x80],
]

// biome-ignore format: one attack a row
export const PROCESS_ATTACKS: readonly Attack[] = behind('processes', [
  call('P01', 'traces a process of the host', 'ptrace', '0x4206, $pid, 0, 0'),
  call('P02.read', 'reads the memory of a process of the host', 'process_vm_readv', '$pid, 0, 0, 0, 0, 0'),
  call('P02.write', 'writes the memory of a process of the host', 'process_vm_writev', '$pid, 0, 0, 0, 0, 0'),
  call('P03', 'traces process 1', 'ptrace', '0x4206, 1, 1, 0'), // an address here is refused before anything is traced
  perl('P04.write', 'opens the memory of process 1 for writing', 'use Fcntl; sysopen(my $m, "/proc/1/mem", O_RDWR)', DEPENDS),
  perl('P04.read', 'opens the memory of process 1 for reading', 'use Fcntl; sysopen(my $m, "/proc/1/mem", O_RDONLY)', DEPENDS),
  perl('P04.map', 'learns where the memory of process 1 lies', 'my $m; open($m, "<", "/proc/1/maps") and <$m>', DEPENDS),
  perl('P05.signal', 'signals a process of the host', '!mine() and kill 0, $pid'),
  perl('P05.group', 'signals a process group of the host', '!mine() and kill 0, -$pid'),
  call('P05.thread', 'signals a thread of the host', 'tgkill', '$pid, $pid, 0', UNSEEN),
  call('P05.pidfd', 'opens a process of the host as a descriptor', 'pidfd_open', '$pid, 0', UNSEEN),
  call('P06', 'takes a descriptor of another process', 'pidfd_getfd', '-1, 0, 0'),
  shell('P09', 'becomes root with a set-uid program', 'su -c id root </dev/null | grep -q uid=0'),
  ...namespaces.map(([name, flag]) => call(`P10.${name}`, `makes a ${name} namespace`, 'unshare', `${flag}`)),
  call('P11.clone', 'makes a namespace with clone', 'clone', '0x10000200, 0, 0, 0, 0'),
  call('P11.clone3', 'makes a process with flags that a filter cannot see', 'clone3', '0, 0'),
  call('P12', 'enters a namespace', 'setns', '-1, 0'),
  shell('P13.limit', 'allows itself to dump core', 'ulimit -H -c unlimited'),
  shell('P13.crash', 'leaves a core dump', '( cd "$WORKSPACE" && { sh -c "kill -SEGV \\$\\$" || true; } && ls core* )', DEPENDS),
  call('P14.nice', 'takes a higher priority', 'setpriority', '0, 0, -10', { errnos: [1, 13] }),
  call('P14.real-time', 'becomes a real-time process', 'sched_setscheduler', '0, 1, pack("i", 1)', { errnos: [1] }),
  call('P14.deadline', 'reserves processor time', 'sched_setattr', '0, pack("LLQlLQQQ", 48, 6, 0, 0, 0, 1000000, 10000000, 10000000), 0', { errnos: [1, 38], ...DEPENDS }),
  call('P14.disk', 'takes the disk before all others', 'ioprio_set', '1, 0, 0x2000', { errnos: [1] }),
  shell('P15.files', 'raises its limit of open files', 'ulimit -H -n 65536', DEPENDS),
  shell('P15.size', 'raises its limit of file sizes', 'ulimit -H -f unlimited && [ "$(ulimit -H -f)" = unlimited ]'),
  call('P15.other', 'reads the limits of a process of the host', 'prlimit64', '$pid, 7, 0, " " x 16', UNSEEN),
  shell('P16.capabilities', 'has a capability', 'grep -E "^Cap(Prm|Eff|Bnd|Amb)" /proc/self/status | grep -qv 0000000000000000'),
  shell('P16.privileges', 'may gain privileges by execve', 'grep -q "NoNewPrivs:.*0" /proc/self/status'),
  shell('P16.filter', 'runs without a system call filter', 'grep -q "^Seccomp:.*0" /proc/self/status'),
  call('P16.regain', 'gives itself a capability', 'capset', 'pack("Li", 0x20080522, 0), pack("L6", 0x200000, 0x200000, 0, 0, 0, 0)', { errnos: [1] }),
  perl('P17', 'finds a descriptor of the gateway', SOCKETS_OF_A_PARENT, DEPENDS),
  call('P18', 'turns address randomisation off', 'personality', '0x40000'),
  shell('P19', 'reads the secret with a shell that it starts', 'sh -c "exec sh -c \'grep -q PRIVATE \\"\\$SECRET_FILE\\"\'"'),

  perl('P20', 'reads the secret with a program that no path names', NAMELESS_PROGRAM),
  perl('P21', 'traces a process of its own, to make it do what it may not', SIBLING),
  call('P22.advise', 'gives advice about the memory of another process', 'process_madvise', '-1, 0, 0, 0, 0'),
  call('P22.compare', 'compares what processes share', 'kcmp', '$pid, $pid, 0, 0, 0', DEPENDS),
  call('P23.outlive', 'detaches itself from the death of the gateway', 'prctl', '1, 0, 0, 0, 0'),
  call('P23.memory-map', 'moves the borders of its memory', 'prctl', '35, 0, 0, 0, 0', DEPENDS),
  call('P23.tracer', 'lets any process trace it', 'prctl', '0x59616d61, -1, 0, 0, 0', DEPENDS),
  call('P23.secure-bits', 'changes how root gains capabilities', 'prctl', '28, 0, 0, 0, 0', { errnos: [1] }),
  call('P23.privileges', 'takes the bit back that forbids new privileges', 'prctl', '38, 0, 0, 0, 0', { errnos: [1, 22], ...DEPENDS }),
  call('P24.affinity', 'chooses the processors of a process of the host', 'sched_setaffinity', '$pid, 128, "\\xff" x 128', UNSEEN),
  call('P24.scheduler', 'reads how a process of the host is scheduled', 'sched_getscheduler', '$pid', UNSEEN),
  call('P24.disk', 'chooses when a process of the host gets the disk', 'ioprio_set', '1, $pid, 0x6000', UNSEEN),
  call('P24.locks', 'learns where a process of the host keeps its locks', 'get_robust_list', '$pid, " " x 8, " " x 8', UNSEEN),
  call('P24.pages', 'moves the memory of a process of the host', 'move_pages', '$pid, 0, 0, 0, 0, 0', DEPENDS),
  perl('P25', 'makes itself the last to be killed when memory runs out', 'my $f; open($f, "+<", "/proc/self/oom_score_adj") and syswrite($f, "-1000")', DEPENDS),
  call('P26.user', 'becomes root by its number', 'setresuid', '0, 0, 0', { errnos: [1, 22] }),
  call('P26.group', 'joins the group of root', 'setresgid', '0, 0, 0', { errnos: [1, 22] }),
  call('P26.groups', 'gives itself groups', 'setgroups', '1, pack("L", 0)', { errnos: [1, 22] }),
  perl('P26.map', 'maps root into its namespace', 'my $f; open($f, "+<", "/proc/self/uid_map") and syswrite($f, "0 0 1\\n")', DEPENDS),
])
