/** Attacks by using something up. Each stops soon after its limit, so that nothing happens to a host without walls. */
import { type Attack, behind, numberOf, perl, shell } from '../attack.ts'
import type { ExitReason } from '../driver.ts'

const MIB = 1 << 20
const DEPENDS = { outside: 'depends' } as const

/** Opens 300 of something, where 256 descriptors are allowed. */
const flood = (open: string) =>
  `$^F = 1; my @open; for (1 .. 300) { my $f; my $fd = do { ${open} }; last if !defined $fd or $fd == -1; push @open, [$fd, $f] } @open == 300`

const descriptor = (name: string, args: string) => flood(`sc(${numberOf(name)}, ${args})`)

const FORKS = `
  my @born; while (@born < 200) { my $p = fork(); last unless defined $p; if (!$p) { sleep 10; exit } push @born, $p }
  kill 9, @born; waitpid $_, 0 for @born; @born == 200`

/** Memory is taken by a child, so that its end can be told when the kernel kills it alone. */
const inChild = (take: string) => `my $p = fork(); if (!$p) { ${take}; exit 0 } waitpid $p, 0; $? == 0`

const MEMORY_MIB = 128
const TAKEN_MIB = 160
const outOfMemory = { ends: ['out-of-memory'] as readonly ExitReason[], limits: { memoryBytes: MEMORY_MIB * MIB } }
const GROUP = { alone: outOfMemory, needs: { memory: 'cgroup' } } as const

const MANY_HEAPS = inChild(`
  my @born; for (1 .. 4) { my $p = fork(); if (!$p) { my $n = ${TAKEN_MIB / 4} << 20; my $x = "x" x $n; sleep 2; exit 0 } push @born, $p }
  for (@born) { waitpid $_, 0; exit 1 if $? }`)

const SEGMENTS = `
  my $n = ${TAKEN_MIB / 8} << 20; my $part = "x" x $n;
  my $p = fork();
  if (!$p) { my $id; for (1 .. 8) { $id = shmget(0x50430000 + $_, length $part, 01600); exit 1 unless defined $id; shmwrite($id, $part, 0, length $part) or exit 1 } exit 0 }
  waitpid $p, 0; my $done = $? == 0;
  for (1 .. 8) { my $id = shmget(0x50430000 + $_, 0, 0); shmctl($id, 0, 0) if defined $id } $done`

const NAMELESS_FILES = inChild(`
  my $n = 4 << 20; my $part = "x" x $n;
  for (1 .. ${TAKEN_MIB / 4}) { my $fd = sc(${numberOf('memfd_create')}, "x", 0); exit 1 if $fd == -1 or sc(${numberOf('write')}, $fd, $part, length $part) != length $part }`)

const PIPES = inChild(`
  use Fcntl; my @pipes; my $sum = 0; my $n = 1 << 20; my $part = "x" x $n;
  for (1 .. ${TAKEN_MIB}) {
    pipe(my $r, my $w) or exit 1; fcntl($w, 1031, 1 << 20); fcntl($w, F_SETFL, O_NONBLOCK);
    my $n = syswrite($w, $part); $sum += $n // 0; push @pipes, $r, $w }
  exit($sum >= ${TAKEN_MIB - 1} << 20 ? 0 : 1)`)

const locked = (how: string) =>
  `my $at = sc(${numberOf('mmap')}, 0, 8 << 20, 3, 0x22, -1, 0); $at != -1 and sc(${numberOf(how)}, $at, 8 << 20, 0) == 0`

/** Each takes memory of the kernel that nothing else counts. */
const TIMERS = `
  my $made = 0; for (1 .. 5000) { last if sc(${numberOf('timer_create')}, 1, pack("QiiQ x40", 0, 0, 1, 0), " " x 8) != 0; $made++ } $made == 5000`

/** A gateway that is not root shares its account, and so its share of these, with its sandboxes. */
const WATCHERS = `my @open; for (1 .. 200) { my $fd = sc(${numberOf('inotify_init1')}, 0); last if $fd == -1; push @open, $fd } @open >= 100`

/** Pages of one file, put into pipes again and again: each reference is held, and none is a descriptor. */
const SPLICED = inChild(`
  open(my $out, ">", "$ENV{SCRATCH}/page"); my $n = 1 << 20; print $out "x" x $n; close $out; my @pipes;
  for (1 .. 300) {
    pipe(my $r, my $w) or exit 1; fcntl($w, 1031, 1 << 20); open(my $in, "<", "$ENV{SCRATCH}/page") or exit 1;
    sc(${numberOf('splice')}, fileno($in), 0, fileno($w), 0, 1 << 20, 2) > 0 or exit 1; push @pipes, $r, $w }`)

/** Processor time of two spinning children against the time that passed, in ticks of a hundredth of a second. */
const SPIN = `
  use POSIX (); my ($start) = POSIX::times(); my @born;
  for (1 .. 2) { my $p = fork(); if (!$p) { 1 while (POSIX::times())[0] < $start + 200; POSIX::_exit(0) } push @born, $p }
  waitpid $_, 0 for @born; my ($end, undef, undef, $user, $system) = POSIX::times(); ($user + $system) / ($end - $start) > 0.6`

const files = (where: string, count: number) =>
  `my $made = 0; mkdir "${where}/many"; for my $n (1 .. ${count}) { open(my $f, ">", "${where}/many/$n") or last; $made++ } unlink "${where}/many/$_" for 1 .. $made; rmdir "${where}/many"; $made == ${count}`

const MANY_MEDIUM =
  'n=0; while [ $n -lt 40 ]; do head -c 1048576 /dev/zero > "$WORKSPACE/part-$n" || break; n=$((n + 1)); done; size=$(cat "$WORKSPACE"/part-* | wc -c); rm -f "$WORKSPACE"/part-*; [ "$size" = 41943040 ]'

const BOMB =
  'head -c 33554432 /dev/zero | gzip -1 > "$SCRATCH/bomb.gz" && gzip -dc "$SCRATCH/bomb.gz" > "$SCRATCH/bomb"; size=$(stat -c %s "$SCRATCH/bomb"); rm -f "$SCRATCH"/bomb*; [ "$size" = 33554432 ]'

const TEMPORARY = { alone: { ends: [], limits: { tmpFiles: 1000 } }, needs: { tmpFiles: 'hard' } } as const

const disk = (ends: readonly ExitReason[], limits: { readonly diskBytes?: number; readonly diskFiles?: number }) =>
  ({ alone: { ends, limits }, needs: { disk: 'hard' }, seconds: 20 }) as const

// biome-ignore format: one attack a row
export const QUOTA_ATTACKS: readonly Attack[] = behind('quotas', [
  shell('F17', 'fills the temporary files', 'head -c 6291456 /dev/zero > "$SCRATCH/fill"; size=$(stat -c %s "$SCRATCH/fill"); rm -f "$SCRATCH/fill"; [ "$size" = 6291456 ]'),
  shell('F18.shared-memory', 'fills the shared memory', 'for part in 1 2 3; do head -c 7340032 /dev/zero > "/dev/shm/portcullis-$part"; done; size=$(cat /dev/shm/portcullis-* | wc -c); rm -f /dev/shm/portcullis-*; [ "$size" = 22020096 ]', DEPENDS),
  shell('F18.root', 'fills the file systems of the root and the devices', '( : > /portcullis-fill ) && rm /portcullis-fill || ( : > /dev/portcullis-fill ) && rm /dev/portcullis-fill', DEPENDS),
  shell('F19', 'writes one file larger than allowed', 'head -c 9437184 /dev/zero > "$WORKSPACE/large"; [ "$(stat -c %s "$WORKSPACE/large")" = 9437184 ]'),
  shell('F20', 'fills the workspace with many files of medium size', MANY_MEDIUM, disk(['disk-quota'], { diskBytes: 16 * MIB })),
  perl('F23.temporary', 'makes temporary files without end', files('$ENV{SCRATCH}', 3000), { ...TEMPORARY, seconds: 20 }),
  perl('F23.home', 'makes files in its home without end', `my $h = $ENV{HOME}; $h eq "/home/sandbox" or die; ${files('$h', 3000)}`, { ...TEMPORARY, ...DEPENDS }),
  perl('F23.shared-memory', 'makes files in shared memory without end', files('/dev/shm', 20_000), { ...TEMPORARY, seconds: 20, ...DEPENDS }),
  shell('F24', 'unpacks a small archive into large files', BOMB),
  perl('P07', 'forks without end', FORKS, { alone: { ends: [] } }),
  perl('P08', 'opens files without end', flood('open($f, "<", "/dev/null") ? fileno($f) : undef')),

  perl('Q01', 'takes more memory than the limit', inChild(`my $n = ($ENV{TAKE_MIB} // ${TAKEN_MIB}) << 20; my $x = "x" x $n`), { alone: outOfMemory }),
  perl('Q02', 'takes more memory than the limit in several processes', MANY_HEAPS, { ...GROUP, seconds: 15 }),
  perl('Q03', 'takes memory in shared segments that outlive a process', SEGMENTS, GROUP),
  perl('Q04', 'takes memory in files without a name', NAMELESS_FILES, GROUP),
  perl('Q05', 'takes memory of the kernel in pipes', PIPES, { alone: outOfMemory, ...DEPENDS }),
  perl('Q06.timers', 'opens timers without end', descriptor('timerfd_create', '1, 0')),
  perl('Q06.events', 'opens event counters without end', descriptor('eventfd2', '0, 0')),
  perl('Q06.polls', 'opens poll sets without end', descriptor('epoll_create1', '0')),
  perl('Q06.signals', 'opens signal readers without end', descriptor('signalfd4', '-1, "\\0" x 8, 8, 0')),
  perl('Q06.watches', 'opens watchers of files without end', descriptor('inotify_init1', '0'), DEPENDS),
  perl('Q06.memory', 'opens files without a name without end', descriptor('memfd_create', '"x", 0')),
  perl('Q06.processes', 'opens its own process without end', descriptor('pidfd_open', '$$, 0')),
  perl('Q06.pipes', 'opens pipes without end', `my @p; for (1 .. 300) { pipe(my $r, my $w) or last; push @p, $r, $w } @p == 600`),
  perl('Q06.sockets', 'opens sockets without end', flood('use Socket; socket($f, AF_INET, SOCK_DGRAM, 0) ? fileno($f) : undef')),
  perl('Q06.terminals', 'opens terminals without end', flood('open($f, "+<", "/dev/ptmx") ? fileno($f) : undef'), DEPENDS),
  perl('Q07', 'makes a message queue', `my $q = sc(${numberOf('mq_open')}, "portcullis-$$", 0302, 0600, 0); sc(${numberOf('mq_unlink')}, "portcullis-$$") if $q != -1; $q != -1`, DEPENDS),
  perl('Q08.range', 'locks memory', locked('mlock')),
  perl('Q08.fault', 'locks memory as it is used', locked('mlock2')),
  perl('Q09', 'makes timers of signals without end', TIMERS),
  shell('Q10', 'makes a file that claims to be huge', 'truncate -s 1G "$WORKSPACE/sparse" && [ "$(stat -c %s "$WORKSPACE/sparse")" = 1073741824 ]'),
  perl('Q11', 'reserves room for a huge file', `open(my $f, ">", "$ENV{WORKSPACE}/reserved"); sc(${numberOf('fallocate')}, fileno($f), 0, 0, 9 << 20) == 0`),
  perl('Q12', 'fills the workspace with many small files', files('$ENV{WORKSPACE}', 3000), disk(['disk-quota'], { diskBytes: 16 * MIB, diskFiles: 1000 })),
  perl('Q13', 'uses more processor time than its share', SPIN, { alone: { ends: [], limits: { cpus: 0.25 } }, needs: { cpu: 'cgroup' }, ...DEPENDS }),
  shell('Q14', 'raises the limit of its own pipes', '( : >> /proc/sys/fs/pipe-max-size ) || ( : >> /proc/sys/fs/inotify/max_user_watches ) || ( : >> /proc/sys/user/max_user_namespaces )'),
  perl('Q15', 'takes all watchers of files of its account', WATCHERS, { ...TEMPORARY, ...DEPENDS }),
  perl('Q16', 'splices pages into pipes without end', SPLICED, DEPENDS),
])
