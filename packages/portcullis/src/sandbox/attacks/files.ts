/** Attacks on the wall around files: to read, list, change or leave behind what the sandbox does not show. */
import { type Attack, behind, call, numberOf, perl, shell } from '../attack.ts'

const DEPENDS = { outside: 'depends' } as const

/** Directories of the host that hold nothing of the sandbox, unless a shown path lies in one. */
const LISTING =
  '( for d in /root /srv /var /run /mnt /opt /boot /media; do case ":$VISIBLE" in *":$d/"*) continue;; esac; ls -A "$d" | grep -q . && exit 0; done; exit 1 )'

const ROOTS =
  '( for link in /proc/self/root /proc/1/root /proc/1/cwd/../../../.. /proc/self/cwd/../../../..; do grep -q PRIVATE "$link$SECRET_FILE" && exit 0; done; exit 1 )'

const DESCRIPTORS =
  '( for link in /proc/self/fd/* /proc/1/fd/*; do grep -q PRIVATE "$link/../../../../../../../..$SECRET_FILE" && exit 0; done; exit 1 )'

/** Not one of a process, which is the attacker's own to change. */
const SETTINGS_OF_THE_KERNEL =
  'find /proc -maxdepth 3 -path "/proc/[0-9]*" -prune -o -path "/proc/*self" -prune -o -type f -writable -exec test -f {} \\; -print | grep -q .'

const MEMORY_WRITE = `
  open(my $b, "<", "$ENV{LIBRARY}/book") or die;
  my $at = sc(${numberOf('mmap')}, 0, 4096, 1, 2, fileno($b), 0);
  open(my $m, "+<:unix", "/proc/self/mem") or die;
  sysseek($m, $at, 0) and syswrite($m, "EVIL");
  open(my $again, "<", "$ENV{LIBRARY}/book") or die;
  <$again> =~ /^EVIL/`

// biome-ignore format: one attack a row
export const FILE_ATTACKS: readonly Attack[] = behind('files', [
  shell('F01', 'reads a private key outside of the listed paths', 'grep -q PRIVATE "$SECRET_FILE"'),
  shell('F02', 'reads the password hashes', 'grep -q . /etc/shadow'),
  shell('F03.directories', 'lists the directories of the host', LISTING),
  shell('F03.homes', 'lists the homes of the host', 'ls -A /home | grep -qvx sandbox', DEPENDS),
  shell('F03.sysfs', 'lists the devices and control groups of the host', 'ls -A /sys | grep -q .'),
  shell('F04', 'reads secrets in the environments of all processes', 'cat /proc/[0-9]*/environ | tr "\\0" "\\n" | grep -q "^PORTCULLIS_DECO[Y]="'),
  shell('F05', 'sees a process of the host in /proc', 'grep -qa "portcullis-deco[y]" "/proc/$GATEWAY_PID/cmdline"'),
  shell('F06.roots', 'goes through the roots in /proc', ROOTS),
  shell('F06.descriptors', 'climbs out of the descriptors in /proc', DESCRIPTORS, DEPENDS),
  shell('F07', 'follows a link of its own out of the workspace', 'ln -sf "$SECRET_FILE" "$WORKSPACE/link" && grep -q PRIVATE "$WORKSPACE/link"'),
  shell('F08', 'follows a link that the host left in the workspace', 'grep -q PRIVATE "$WORKSPACE/hostlink"'),
  shell('F09', 'climbs out of the workspace by its parents', 'grep -q PRIVATE "$WORKSPACE/../secret/key" || grep -q PRIVATE "$WORKSPACE/../../../../../../../..$SECRET_FILE"'),
  shell('F10', 'links a read-only file into the workspace', 'ln "$LIBRARY/book" "$WORKSPACE/book"'),
  shell('F11.library', 'writes into a read-only path', 'touch "$LIBRARY/new" || ( : >> "$LIBRARY/book" )'),
  shell('F11.system', 'writes into the system', '[ -w / ] || [ -w /usr ] || [ -w /etc ] || [ -w /dev ]'),
  shell('F12.command', 'makes a read-only path writable with mount', 'mount -o remount,bind,rw "$LIBRARY"', DEPENDS),
  call('F12.call', 'mounts', 'mount', '0, 0, 0, 0, 0'),
  call('F13.open', 'opens files by handle', 'open_by_handle_at', '-1, 0, 0'),
  call('F13.name', 'makes a handle of a file', 'name_to_handle_at', '-100, 0, 0, 0, 0'),
  shell('F14.block', 'makes a device node of a disk', 'mknod "$WORKSPACE/disk" b 254 0'),
  shell('F14.memory', 'makes a device node of the memory', 'mknod "$WORKSPACE/memory" c 1 1'),
  call('F15.chroot', 'changes its root', 'chroot', '0'),
  call('F15.pivot', 'swaps its root', 'pivot_root', '0, 0'),
  shell('F16.chmod', 'leaves a set-uid program in the workspace', 'cp /bin/true "$WORKSPACE/tool" && chmod 4755 "$WORKSPACE/tool" && [ -u "$WORKSPACE/tool" ]'),
  shell('F16.group', 'leaves a set-gid program in the workspace', 'cp /bin/true "$WORKSPACE/group" && chmod 2755 "$WORKSPACE/group" && [ -g "$WORKSPACE/group" ]'),
  perl('F16.open', 'creates a set-uid file with open', 'use Fcntl; umask 0; my $f; sysopen($f, "$ENV{WORKSPACE}/opened", O_CREAT | O_WRONLY, 04755) and -u $f'),
  perl('F16.nameless', 'creates a set-uid file without a name', 'use Fcntl; umask 0; my $f; sysopen($f, $ENV{WORKSPACE}, O_WRONLY | 020200000, 04755) and -u $f', DEPENDS),
  perl('F16.mknod', 'creates a set-uid file with mknod', `umask 0; sc(${numberOf('mknodat')}, -100, "$ENV{WORKSPACE}/made", 0104755, 0) == 0 and -u "$ENV{WORKSPACE}/made"`),
  call('F16.openat2', 'opens files with arguments that a filter cannot see', 'openat2', '-100, 0, 0, 24'),
  perl('F16.capability', 'leaves a program with a capability in the workspace', `open(my $f, ">", "$ENV{WORKSPACE}/capable"); sc(${numberOf('setxattr')}, "$ENV{WORKSPACE}/capable", "security.capability", pack("L5", 0x02000001, 0x200000, 0, 0, 0), 20, 0) == 0`, DEPENDS),
  shell('F21', 'opens devices of the host', '( for d in mem kmem kvm vda sda fuse kmsg vsock userfaultfd loop0 loop-control net/tun uinput snapshot; do [ -e "/dev/$d" ] && exit 0; done; exit 1 )', DEPENDS),
  shell('F22.sysctl', 'opens a setting of the kernel for writing', '( : >> /proc/sys/kernel/core_pattern ) || ( : >> /proc/sys/vm/overcommit_memory ) || ( : >> /proc/sys/kernel/modprobe )'),
  shell('F22.sysrq', 'opens the trigger that reboots', '[ -f /proc/sysrq-trigger ] && ( : >> /proc/sysrq-trigger )', DEPENDS),
  shell('F22.start', 'reads how the kernel was started', 'head -c 1 /proc/cmdline | grep -q .'),
  shell('F22.addresses', 'reads where the kernel lies', 'head -c 1 /proc/kallsyms | grep -q . || head -c 1 /proc/kcore | grep -qa .', DEPENDS),
  shell('F22.memory', 'reads how the kernel uses its memory', '( for f in slabinfo vmallocinfo kpageflags pagetypeinfo timer_list sched_debug; do head -c 1 "/proc/$f" | grep -qa . && exit 0; done; exit 1 )', DEPENDS),

  perl('F25', 'opens a read-only descriptor again for writing', 'my $r; open($r, "<", "$ENV{LIBRARY}/book") and open(my $w, "+<", "/proc/self/fd/" . fileno($r))'),
  perl('F26', 'cuts a read-only file by its name', 'truncate("$ENV{LIBRARY}/book", 5)'),
  perl('F27.mode', 'changes the mode of a read-only file', 'chmod(0644, "$ENV{LIBRARY}/book") or utime(1, 1, "$ENV{LIBRARY}/book")'),
  perl('F27.name', 'renames a read-only file', 'rename("$ENV{LIBRARY}/book", "$ENV{LIBRARY}/other") and rename("$ENV{LIBRARY}/other", "$ENV{LIBRARY}/book")'),
  perl('F27.owner', 'changes the owner of a file', 'open(my $f, ">", "$ENV{WORKSPACE}/owned"); chown(12345, 12345, "$ENV{WORKSPACE}/owned")'),
  perl('F28', 'links a read-only file into the workspace by its descriptor', `open(my $r, "<", "$ENV{LIBRARY}/book"); sc(${numberOf('linkat')}, fileno($r), "", -100, "$ENV{WORKSPACE}/linked", 0x1000) == 0 or sc(${numberOf('linkat')}, -100, "/proc/self/fd/" . fileno($r), -100, "$ENV{WORKSPACE}/linked", 0x400) == 0`),
  perl('F29', 'writes through its own memory into a read-only file', MEMORY_WRITE, DEPENDS),
  shell('F30', 'finds any setting of the kernel that it may write', SETTINGS_OF_THE_KERNEL),
  shell('F31', 'writes into the control groups', '[ -w /sys/fs/cgroup ] || find /sys/fs/cgroup -maxdepth 3 -writable | grep -q . || mount | grep -q "type cgroup.*rw"', DEPENDS),
  shell('F32', 'mounts an image through the desktop', '[ -e /run/udisks2 ] || [ -e /run/systemd ] || [ -e /run/dbus ]', DEPENDS),
  perl('F33', 'reads the secret with a call that opens nothing', `my $buffer = " " x 256; sc(${numberOf('readlinkat')}, -100, $ENV{SECRET_FILE}, $buffer, 256) != -1 or $! != 2`),
  perl('F34', 'learns from an error whether a path exists', `my $there = -e $ENV{SECRET_FILE}; $there or $! != 2`),
])
