/**
 * How many attacks are run against one driver in seconds: most of them one after the other in a few sandboxes, those
 * that use something up in one of their own. A runner inside starts each, ends it, and tells what it said last.
 */
import type { Attack, Verdict } from './attack.ts'
import { verdictOf } from './attack.ts'
import { ATTACK_LIMITS } from './attacks.ts'
import type { Decoys } from './decoys.ts'
import type { Enforcement, ExitReport, HostIdentity, LaunchSpec, SandboxDriver } from './driver.ts'

export interface Finding {
  readonly attack: Attack
  readonly verdict: Verdict
  /** What the attack said last, or why it has no verdict. */
  readonly told: string
}

export interface AssaultOptions {
  readonly driver: SandboxDriver
  /** What the driver has promised on this host. */
  readonly enforces: Enforcement
  readonly decoys: Decoys
  readonly runAs?: HostIdentity | undefined
  readonly network?: LaunchSpec['network']
  /** Sandboxes at the same time. */
  readonly concurrency?: number
}

/** Of one sandbox: enough that its start costs little, and few enough that several run at once. */
const TOGETHER = 60
const CONCURRENCY = 3
const LIFE_MS = 120_000

/**
 * Reads a line for each attack: its name, its seconds, and its command, in hexadecimal. Answers with a line each. What
 * an attack leaves running is killed by its process group: a signal to "all" would be one to the host where no wall is.
 */
const RUNNER = `
$| = 1;
while (my $line = <STDIN>) {
  chomp $line; my ($id, $seconds, @argv) = split / /, $line; @argv = map { pack "H*", $_ } @argv;
  my $scratch = "/tmp/portcullis-$$-$id"; mkdir $scratch, 0700; $ENV{SCRATCH} = $scratch;
  pipe(my $read, my $write); my $child = fork();
  if (!defined $child) { print "$id cannot fork\\n"; next }
  if (!$child) {
    setpgrp(0, 0); open(STDIN, "<", "/dev/null"); open(STDOUT, ">&", $write); open(STDERR, ">", "/dev/null");
    exec { $argv[0] } @argv; exit 127 }
  close $write; my $last = "said nothing";
  eval { local $SIG{ALRM} = sub { die "took too long\\n" }; alarm $seconds; while (<$read>) { chomp; $last = $_ } alarm 0; 1 } or $last = $@;
  alarm 0; kill "KILL", -$child; waitpid $child, 0; close $read; system("rm", "-rf", "--", $scratch);
  $last =~ s/[^ -~]/?/g; print "$id $last\\n" }
`

/** Runs all of them. Throws what the driver throws when it cannot start a sandbox. */
export async function assault(attacks: readonly Attack[], options: AssaultOptions): Promise<readonly Finding[]> {
  const together = attacks.filter(({ alone }) => alone === undefined)
  const size = Math.max(1, Math.ceil(together.length / Math.ceil(together.length / TOGETHER)))
  const batches = Array.from({ length: Math.ceil(together.length / size) }, (_, index) =>
    together.slice(index * size, (index + 1) * size),
  )
  const alone = attacks.filter((attack) => attack.alone !== undefined)
  const waiting = [...batches, ...alone.filter((attack) => !usesDisk(attack)).map((attack) => [attack])]
  const found = new Map<Attack, Finding>()
  const run = async (batch: readonly Attack[]) => {
    for (const finding of await runBatch(batch, options)) found.set(finding.attack, finding)
  }
  const work = async () => {
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) await run(batch)
  }
  await Promise.all(Array.from({ length: options.concurrency ?? CONCURRENCY }, work))
  for (const attack of alone.filter(usesDisk)) {
    options.decoys.tidy() // the workspace is shared: what another one has left in it counts
    await run([attack])
  }
  options.decoys.tidy()
  return attacks.flatMap((attack) => found.get(attack) ?? [])
}

const usesDisk = ({ alone }: Attack) => alone?.limits?.diskBytes !== undefined

async function runBatch(batch: readonly Attack[], options: AssaultOptions): Promise<readonly Finding[]> {
  const confined = await options.driver.launch(specOf(batch, options))
  const told = new Map<string, string>()
  confined.onLine((line) => {
    const [id = '', ...rest] = line.toString('utf8').split(' ')
    told.set(id, rest.join(' '))
    if (told.size === batch.length) void confined.stop()
  })
  for (const attack of batch) confined.send(orderFor(attack))
  const report = await confined.exited
  return batch.map((attack) => findingOf(attack, told.get(attack.id), report, options.enforces))
}

function specOf(batch: readonly Attack[], { decoys, runAs, network }: AssaultOptions): LaunchSpec {
  return {
    command: '/usr/bin/perl',
    args: ['-e', RUNNER],
    env: decoys.environment,
    readOnly: [decoys.library],
    readWrite: [decoys.workspace],
    network: network ?? 'none',
    ...(runAs !== undefined && { runAs }),
    limits: { ...ATTACK_LIMITS, ...batch[0]?.alone?.limits, lifeMs: LIFE_MS },
  }
}

const hexadecimal = (text: string) => Buffer.from(text, 'utf8').toString('hex')

/** One line for the runner, which has the same form wherever the runner is. */
function orderFor({ id, seconds, command, args }: Attack): string {
  return [id, seconds, ...[command, ...args].map(hexadecimal)].join(' ')
}

function findingOf(attack: Attack, told: string | undefined, report: ExitReport, enforces: Enforcement): Finding {
  if (told === undefined) {
    const ended = attack.alone?.ends.includes(report.reason) === true
    return { attack, verdict: ended ? 'held' : 'inconclusive', told: `${report.reason} ${report.stderrTail}`.trim() }
  }
  const verdict = verdictOf([told])
  return { attack, verdict: verdict === 'breach' && !isPromised(attack, enforces) ? 'not-promised' : verdict, told }
}

/** False when this host lacks what the wall is built from. */
export function isPromised({ needs = {} }: Attack, enforces: Enforcement): boolean {
  return Object.entries(needs).every(([quantity, how]) => enforces[quantity as keyof typeof needs] === how)
}
