/** Attacks on the kernel itself: the calls, socket families and entries that a server has no use for. */
import { type Attack, behind, call, numberOf, perl } from '../attack.ts'

const SOCKET = { errnos: [1, 93, 97] }
const SOCKET_IF_BUILT = { errnos: [1, 93, 97], outside: 'depends' } as const
const IF_BUILT = { outside: 'depends' } as const

/** Families of sockets whose code has been attacked before, and that no server needs. */
const FAMILIES: Readonly<Record<string, string>> = {
  'amateur-radio': '3, 2, 0',
  ipx: '4, 2, 0',
  appletalk: '5, 2, 0',
  x25: '9, 5, 0',
  'ipsec-keys': '15, 3, 2',
  reliable: '21, 5, 0',
  ppp: '24, 1, 0',
  'link-layer': '26, 2, 0',
  can: '29, 3, 1',
  cluster: '30, 4, 0',
  bluetooth: '31, 3, 0',
  'remote-calls': '33, 2, 2',
  'low-power-radio': '36, 2, 0',
  modem: '37, 5, 0',
  crypto: '38, 5, 0',
  'near-field': '39, 3, 0',
  hypervisor: '40, 1, 0',
  'message-streams': '41, 2, 0',
  'co-processor': '42, 2, 0',
  'direct-memory': '43, 1, 0',
  'express-path': '44, 3, 0',
  management: '45, 2, 0',
}

/** Each with arguments that no kernel accepts, so that it does nothing where it is not filtered. */
const FURTHER = [
  ...['uselib', 'ustat', '_sysctl', 'adjtimex', 'clock_adjtime', 'setdomainname', 'ioperm', 'delete_module'],
  ...['finit_module', 'query_module', 'kexec_file_load', 'nfsservctl', 'lookup_dcookie', 'swapoff', 'vmsplice'],
  ...['mbind', 'set_mempolicy', 'get_mempolicy', 'migrate_pages', 'set_mempolicy_home_node', 'fanotify_mark'],
  ...['io_pgetevents', 'io_uring_enter', 'io_uring_register', 'request_key'],
]

/** An x86-64 program of these bytes, started; true when it ended by itself with status 0. */
const assembled = (code: string) => `
  my $code = pack("H*", "${code}"); my $path = "$ENV{SCRATCH}/program";
  open(my $out, ">:raw", $path) or die;
  print $out "\\x7fELF\\2\\1\\1" . "\\0" x 9 . pack("SSLQQQLSSSSSS", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    . pack("LLQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 120 + length $code, 120 + length $code, 4096) . $code;
  close $out; chmod 0755, $path; system($path) == 0`

/** getpid by interrupt 0x80, with the number of the 32-bit table, then exit with 0. */
const OLD_ENTRY = 'b814000000cd8031ffb83c0000000f05'
/** ptrace(PTRACE_TRACEME) through the instruction inside the vsyscall page, then exit with whether it was refused. */
const FIXED_PAGE = 'b86500000031ff49c7c0070060ff41ffd04885c0400f95c7400fb6ffb83c0000000f05'

const x64Only = <Rows>(rows: readonly Rows[]): readonly Rows[] => (process.arch === 'x64' ? rows : [])

// biome-ignore format: one attack a row
export const KERNEL_ATTACKS: readonly Attack[] = behind('kernel', [
  call('K01', 'loads a program into the kernel', 'bpf', '0, 0, 0', IF_BUILT),
  call('K02', 'makes calls past the filter with io_uring', 'io_uring_setup', '0, 0', IF_BUILT),
  call('K03.keyctl', 'reads the keyring of the session', 'keyctl', '0, -3, 0', IF_BUILT),
  call('K03.add', 'adds a key', 'add_key', '0, 0, 0, 0, 0', IF_BUILT),
  call('K04', 'opens performance counters', 'perf_event_open', '0, 0, -1, -1, 0', IF_BUILT),
  call('K05', 'handles page faults', 'userfaultfd', '1', IF_BUILT),
  call('K06.unmount', 'unmounts what hides something', 'umount2', '0, 0'),
  call('K06.open', 'opens a file system', 'fsopen', '0, 0'),
  call('K06.copy', 'copies a mount tree', 'open_tree', '-1, 0, 1'),
  call('K06.move', 'moves a mount', 'move_mount', '-1, 0, -1, 0, 0'),
  call('K06.configure', 'sets up a file system', 'fsconfig', '-1, 0, 0, 0, 0'),
  call('K06.create', 'makes a mount', 'fsmount', '-1, 0, 0'),
  call('K06.pick', 'takes a mount up', 'fspick', '-1, 0, 0'),
  call('K06.change', 'changes a mount', 'mount_setattr', '-1, 0, 0, 0, 0'),
  call('K06.status', 'looks at mounts', 'statmount', '0, 0, 0, 0', IF_BUILT),
  call('K06.list', 'lists mounts', 'listmount', '0, 0, 0, 0', IF_BUILT),
  call('K07.module', 'loads a module', 'init_module', '0, 0, 0', IF_BUILT),
  call('K07.kexec', 'loads another kernel', 'kexec_load', '0, 100, 0, 0', IF_BUILT),
  call('K07.reboot', 'reboots', 'reboot', '0, 0, 0, 0'),
  call('K08.clock', 'sets the clock', 'clock_settime', '-1, 0'),
  call('K08.time', 'sets the time of day', 'settimeofday', '-1, -1'),
  call('K08.name', 'names the host', 'sethostname', '0, -1'),
  call('K09', 'reads the log of the kernel', 'syslog', '3, 0, 0'),
  call('K10.plain', 'types into the terminal', 'ioctl', '0, 0x5412, 0'),
  call('K10.high-bits', 'types into the terminal with a longer number', 'ioctl', '0, 0x100005412, 0'),
  call('K10.console', 'types into the console', 'ioctl', '0, 0x541c, 0'),
  call('K11.raw', 'opens a raw socket', 'socket', '2, 3, 1', SOCKET),
  call('K11.raw-6', 'opens a raw socket of version 6', 'socket', '10, 3, 58', SOCKET_IF_BUILT),
  call('K11.ping', 'opens a ping socket', 'socket', '2, 2, 1', SOCKET_IF_BUILT),
  call('K11.packet', 'opens a packet socket', 'socket', '17, 3, 0', SOCKET_IF_BUILT),
  call('K11.firewall', 'speaks to the firewall', 'socket', '16, 3, 12', SOCKET_IF_BUILT),
  call('K11.audit', 'speaks to the audit system', 'socket', '16, 3, 9', SOCKET_IF_BUILT),
  call('K11.events', 'hears of devices that are plugged in', 'socket', '16, 3, 15', SOCKET_IF_BUILT),
  call('K11.generic', 'speaks to any part of the kernel by netlink', 'socket', '16, 3, 16', SOCKET_IF_BUILT),
  call('K11.sctp', 'opens an SCTP socket', 'socket', '2, 1, 132', SOCKET_IF_BUILT),
  call('K11.dccp', 'opens a DCCP socket', 'socket', '2, 6, 33', SOCKET_IF_BUILT),
  call('K11.multipath', 'opens an MPTCP socket', 'socket', '2, 1, 262', SOCKET_IF_BUILT),
  ...Object.entries(FAMILIES).map(([name, args]) => call(`K11.${name}`, `opens a socket of the family ${name}`, 'socket', args, SOCKET_IF_BUILT)),
  call('K12.secret', 'hides memory from the kernel', 'memfd_secret', '-1', IF_BUILT),
  call('K12.watch', 'watches the files of everybody', 'fanotify_init', '-1, 0', IF_BUILT),
  call('K12.quota', 'changes quotas', 'quotactl', '-1, -1, -1, -1', IF_BUILT),
  call('K12.quota-descriptor', 'changes quotas by a descriptor', 'quotactl_fd', '-1, -1, -1, -1', IF_BUILT),
  call('K12.accounting', 'writes accounting records', 'acct', '-1', IF_BUILT),
  call('K12.swap', 'adds swap', 'swapon', '0, 0', IF_BUILT),
  ...x64Only([
    perl('K13', 'makes calls of the x32 ABI', 'sc(0x40000000 + 39) != -1', IF_BUILT),
    call('K14.segments', 'changes its segment table', 'modify_ldt', '0, 0, 0', IF_BUILT),
    call('K14.ports', 'reaches hardware ports', 'iopl', '4', IF_BUILT),
    perl('K15', 'makes calls of the 32-bit ABI', assembled(OLD_ENTRY), IF_BUILT),
    perl('K16', 'makes a denied call from the page at a fixed address', assembled(FIXED_PAGE), IF_BUILT),
  ]),
  ...FURTHER.map((name) => call(`K17.${name}`, `makes the call ${name}`, name, '-1, -1, -1, -1, -1', IF_BUILT)),
  perl('K18', 'loads a line discipline into the kernel', 'use Fcntl; my $t; my $n = pack("i", 21); sysopen($t, "/dev/ptmx", O_RDWR | O_NOCTTY) and defined ioctl($t, 0x5423, $n)', IF_BUILT),
  perl('K19', 'makes a pipe larger than a user may', `pipe(my $r, my $w); sc(${numberOf('fcntl')}, fileno($w), 1031, 4 << 20) != -1`, IF_BUILT),
  call('K20', 'takes asynchronous requests, of which the whole host has a number', 'io_setup', '1, pack("Q", 0)', IF_BUILT),
])
