/** What an attack on the sandbox is, how one is written down, and how its outcome is read. */
import type { Enforcement, ExitReason, Limits } from './driver.ts'
import { isSupportedArchitecture } from './seccomp.ts'
import syscalls from './syscalls.json' with { type: 'json' }

export type Wall = 'files' | 'processes' | 'kernel' | 'network' | 'environment' | 'quotas'

export interface Attack {
  /** Stable name: a letter for the kind and a number, then `.` and a word where one number has several ways. */
  readonly id: string
  readonly wall: Wall
  /** What the attacker does, to follow "the upstream …". */
  readonly title: string
  readonly command: string
  readonly args: readonly string[]
  /**
   * What the same command does as root without a sandbox. `breach` proves that the attack can succeed at all; `depends`
   * is up to the kernel and the host.
   */
  readonly outside: 'breach' | 'depends'
  /** `egress`: needs a sandbox that may reach some hosts; `closed`: no network. */
  readonly place: 'closed' | 'egress'
  /** Needs a sandbox of its own, because it uses something up; `ends` are the ends of that sandbox that count as held. */
  readonly alone?: { readonly ends: readonly ExitReason[]; readonly limits?: Partial<Limits> }
  /** What a host must be able to limit before this wall is promised. */
  readonly needs?: Needs
  /** Killed, with what it started, after this. */
  readonly seconds: number
}

export type Needs = Partial<Pick<Enforcement, 'memory' | 'processes' | 'cpu' | 'disk' | 'tmpFiles'>>

/**
 * `inconclusive`: the attack itself did not run, which proves nothing. `not-promised`: it succeeded, and the host lacks
 * what the wall is built from; an upstream that requires it does not start.
 */
export type Verdict = 'held' | 'breach' | 'not-promised' | 'inconclusive'

/** Reads the last line of an attack's output. */
export function verdictOf(output: readonly string[]): Exclude<Verdict, 'not-promised'> {
  const last = output.at(-1) ?? ''
  if (last.startsWith('breach')) return 'breach'
  return last.startsWith('held') ? 'held' : 'inconclusive'
}

/** An attack before it is told which wall it belongs to. */
export type Row = Omit<Attack, 'wall' | 'place'>

export type Terms = Partial<Pick<Attack, 'outside' | 'alone' | 'needs' | 'seconds'>>

const SECONDS = 8

/** The rows of one wall. */
export function behind(
  wall: Wall,
  rows: ReadonlyArray<readonly Row[]>,
  place: Attack['place'] = 'closed',
): readonly Attack[] {
  return rows.flat().map((row) => ({ ...row, wall, place }))
}

/** An attack in shell: the wall is breached when `attempt` ends with status 0. A program that is missing proves nothing. */
export function shell(id: string, title: string, attempt: string, terms: Terms = {}): readonly Row[] {
  const judge = 'case $? in 0) echo breach;; 126 | 127) echo a program is missing;; *) echo held;; esac'
  const script = `{ ${attempt}\n} >/dev/null 2>&1; ${judge}`
  return [{ id, title, command: '/bin/sh', args: ['-c', script], outside: 'breach', seconds: SECONDS, ...terms }]
}

/**
 * `sc` makes a system call; it copies its arguments, because Perl lets the kernel write into strings. `$pid` is the
 * process to attack. `mine()` is true when that number belongs to a process of the attacker's own: numbers
 * are small inside, and an attack on oneself proves nothing. The name is cut in two, so that no attack finds itself.
 */
const PRELUDE = `
$SIG{XFSZ} = "IGNORE";
sub sc { my ($number, @args) = @_; syscall($number, @args) }
my $pid = ($ENV{GATEWAY_PID} // 0) + 0;
sub mine { open(my $f, "<", "/proc/$pid/cmdline") or return 0; local $/; index(<$f> // "", "portcullis-"."decoy") < 0 }
`

/** An attack in Perl, which Debian always has and which can make any system call: breached when `attempt` is true. */
export function perl(id: string, title: string, attempt: string, terms: Terms = {}): readonly Row[] {
  const script = `${PRELUDE} print((do { ${attempt} }) ? "breach\\n" : "held $!\\n")`
  const command = '/usr/bin/perl'
  return [{ id, title, command, args: ['-e', script], outside: 'breach', seconds: SECONDS, ...terms }]
}

/** EPERM and ENOSYS: the filter answered. */
const FILTERED: readonly number[] = [1, 38]

/**
 * A system call that must not reach the kernel's code: any answer but `errnos` is a breach. The arguments are chosen so
 * that the kernel refuses them without an effect. Gives nothing on an architecture without the call.
 */
export function call(
  id: string,
  title: string,
  name: string,
  args: string,
  { errnos = FILTERED, ...terms }: Terms & { readonly errnos?: readonly number[] } = {},
): readonly Row[] {
  const number = numberOf(name)
  if (number < 0) return []
  const refused = `grep { $! == $_ } (${errnos.join(', ')})`
  const guard = args.includes('$pid') ? '!mine() and ' : ''
  return perl(id, title, `${guard}(sc(${number}, ${args}) != -1 or !${refused})`, terms)
}

/** The number of a system call on this architecture; -1, which is none, where it has none. */
export function numberOf(name: string): number {
  if (!isSupportedArchitecture(process.arch)) return -1
  const { allowed, denied, filtered } = syscalls[process.arch]
  const numbers: Readonly<Record<string, number>> = { ...allowed, ...denied, ...filtered }
  return numbers[name] ?? -1
}
