/** What an attack on the sandbox is, and how its outcome is read. The catalogue is in `attacks.ts`. */
import syscalls from './syscalls.json' with { type: 'json' }
import { isSupportedArchitecture } from './seccomp.ts'

export type Wall = 'files' | 'processes' | 'kernel' | 'network' | 'environment' | 'quotas'

export interface Attack {
  /** Stable name, `wall.what`. */
  readonly id: string
  /** What the attacker does, to follow "the upstream …". */
  readonly title: string
  readonly command: string
  readonly args: readonly string[]
  /**
   * What the same command does as root without a sandbox. `breach` proves that the attack can succeed at all; `depends`
   * is up to the kernel and the host.
   */
  readonly outside: 'breach' | 'depends'
}

/** `inconclusive`: the attack itself did not run, which proves nothing. */
export type Verdict = 'held' | 'breach' | 'inconclusive'

/** Reads the last line of an attack's output. */
export function verdictOf(output: readonly string[]): Verdict {
  const last = output.at(-1) ?? ''
  if (last.startsWith('breach')) return 'breach'
  return last.startsWith('held') ? 'held' : 'inconclusive'
}

type Outside = Attack['outside']

/** An attack in shell: the wall is breached when `attempt` ends with status 0. */
export function shell(id: string, title: string, attempt: string, outside: Outside = 'breach'): readonly Attack[] {
  const script = `if { ${attempt}; } >/dev/null 2>&1; then echo breach; else echo held; fi`
  return [{ id, title, command: '/bin/sh', args: ['-c', script], outside }]
}

/** An attack in Perl, which Debian always has and which can make any system call: breached when `attempt` is true. */
export function perl(id: string, title: string, attempt: string, outside: Outside = 'breach'): readonly Attack[] {
  const script = `my $pid = $ENV{GATEWAY_PID}; print((do { ${attempt} }) ? "breach\\n" : "held $!\\n")`
  return [{ id, title, command: '/usr/bin/perl', args: ['-e', script], outside }]
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
  { outside = 'breach', errnos = FILTERED }: { readonly outside?: Outside; readonly errnos?: readonly number[] } = {},
): readonly Attack[] {
  const number = syscallNumber(name)
  if (number === undefined) return []
  const refused = `grep { $! == $_ } (${errnos.join(', ')})`
  return perl(id, title, `syscall(${number}, ${args}) != -1 or !${refused}`, outside)
}

function syscallNumber(name: string): number | undefined {
  if (!isSupportedArchitecture(process.arch)) return undefined
  const { allowed, denied, filtered } = syscalls[process.arch]
  const numbers: Readonly<Record<string, number>> = { ...allowed, ...denied, ...filtered }
  return numbers[name]
}
