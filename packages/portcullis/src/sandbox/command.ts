/**
 * The command line of one sandbox: [nsenter →] [stage →] [cell →] bwrap → prlimit → gate → command.
 *
 * Everything that configuration has a say in goes to bwrap through descriptors, so that no process list shows a secret
 * and no LD_PRELOAD reaches a program outside.
 */
import { Fault } from '../core/fault.ts'
import { isWithin, masksFor, type PinnedPath, pin, pinAll, realPaths } from './bind.ts'
import { cellCommand, type CellTools, PLACES } from './cell.ts'
import type { DescriptorTable } from './descriptors.ts'
import type { HostIdentity, LaunchSpec } from './driver.ts'
import { buildEnvironment, HOME } from './environment.ts'
import { largestFile } from './folders/largest-file.ts'
import type { PreparedVolume } from './folders/volumes.ts'
import type { WritablePath } from './folders/writable-folders.ts'
import { gate } from './gate.ts'
import { insideLimits } from './limits.ts'
import type { ConfinedNetwork } from './network/networks.ts'
import { buildProfile, type ProfileDescriptors } from './profile.ts'
import type { RootLayout } from './root.ts'
import { type Runtime, resolveRuntime } from './runtime.ts'
import { buildStage, changingAccount, type Stage, type StageTools } from './stage.ts'

export interface CommandParts {
  readonly tools: StageTools & CellTools & { readonly bwrap: string; readonly prlimit: string }
  readonly layout: RootLayout
  readonly searchPath: readonly string[]
  readonly hidden: readonly string[]
  readonly identity: HostIdentity | undefined
  readonly control: ProfileDescriptors
  /** Descriptors as the child sees them, of one digit each; see `cell.ts`. */
  readonly cell: { readonly doors: readonly number[]; readonly table: number | undefined }
  /** Undefined: none. */
  readonly network?: ConfinedNetwork | undefined
  readonly volumes?: readonly PreparedVolume[]
}

export interface SandboxCommand {
  readonly argv: readonly string[]
  /** The account to start it with; undefined when the command changes it itself, or when it stays. */
  readonly startAs: HostIdentity | undefined
  /** The writable paths of the host, with descriptors of the table. */
  readonly writable: readonly WritablePath[]
}

/** Pins the paths and lends them to `table`. Throws `sandbox.start_failed`; the caller then closes the table. */
export function buildCommand(spec: LaunchSpec, parts: CommandParts, table: DescriptorTable): SandboxCommand {
  const { tools, identity, network } = parts
  const runtime = resolveRuntime(spec.command, parts.searchPath)
  const hidden = realPaths(parts.hidden)
  const pinned = pinAll(requestedPaths(spec, runtime), hidden)
  const lent = pinned.map((bind) => ({ ...bind, from: table.lend(bind.descriptor) }))
  for (const bind of volumeFolders(parts)) lent.push({ ...bind, from: table.lend(bind.descriptor) })
  const images = (parts.volumes ?? []).filter((volume) => volume.kind === 'image')
  const stage = buildStage(lent, identity, tools, images)
  const profile = buildProfile({
    layout: parts.layout,
    environment: buildEnvironment(
      { ...network?.variables, ...spec.env },
      { home: HOME, pathDirectories: runtime.pathDirectories },
    ),
    binds: [
      ...lent.map((bind, index) => ({ ...bind, from: stage?.paths[index] ?? bind.from })),
      ...images.map(({ at }, index) => volumeBind(at, stage?.volumes[index])),
    ],
    masks: masksFor(pinned, hidden),
    cwd: spec.cwd ?? HOME,
    places: parts.cell.table === undefined ? undefined : PLACES,
    tmpBytes: spec.limits.tmpBytes,
    descriptors: parts.control,
    network,
    file: (content) => table.content(content),
    constant: (content) => table.constant(content),
  })
  const argv = [
    ...wrappers(parts, stage),
    ...cellCommand({ ...parts.cell, tools }),
    ...[tools.bwrap, '--args', `${table.content(nulTerminated(profile))}`, '--'],
    ...[tools.prlimit, ...insideLimits({ ...spec.limits, fileBytes: largestFile(spec) }), '--', ...gate()],
    ...[runtime.program, ...runtime.leading, ...spec.args],
  ]
  const startAs = stage === undefined && network === undefined ? identity : undefined
  return { argv, startAs, writable: writablePaths(lent, spec, parts) }
}

/** Joining a network namespace takes root's rights, so the account changes only after it. */
function wrappers({ tools, identity, network }: CommandParts, stage: Stage | undefined): readonly string[] {
  if (network === undefined) return stage?.argv ?? []
  if (stage !== undefined || identity === undefined) return [...network.entry, ...(stage?.argv ?? [])]
  return [...network.entry, ...changingAccount(tools.setpriv, identity)]
}

/** The runtime's own files come first, so that a listed path of the same name decides its access. */
function requestedPaths(spec: LaunchSpec, runtime: Runtime) {
  const readOnly = [...runtime.readOnly, ...spec.readOnly].map((path) => ({ path, access: 'read-only' as const }))
  return [...readOnly, ...spec.readWrite.map((path) => ({ path, access: 'read-write' as const }))]
}

/** Pinned one by one, so that what is open is lent before the next one can fail. They are the gateway's own. */
function* volumeFolders({ volumes = [] }: CommandParts): Generator<PinnedPath> {
  for (const volume of volumes) {
    if (volume.kind === 'folder') yield { ...pin(volume.source, 'read-write', []), destination: volume.at }
  }
}

function volumeBind(destination: string, from: string | undefined) {
  if (from === undefined) throw new Fault('sandbox.start_failed', { reason: 'only root can mount a volume' })
  return { destination, access: 'read-write' as const, from }
}

/** A path inside another one is a part of it, and is not counted and reported twice. */
function writablePaths(
  binds: readonly PinnedPath[],
  { limits }: LaunchSpec,
  { volumes = [] }: CommandParts,
): readonly WritablePath[] {
  const writable = binds.filter(({ access }) => access === 'read-write')
  return writable
    .filter(({ source }) => !writable.some((other) => other.source !== source && isWithin(source, other.source)))
    .map(({ descriptor, destination }) => {
      const volume = volumes.find(({ at }) => at === destination)
      const own = volume?.kind === 'folder' ? volume : { bytes: limits.diskBytes, files: limits.diskFiles }
      return { descriptor, shown: destination, limits: { bytes: own.bytes, files: own.files } }
    })
}

/** A NUL inside would be the end of one argument and the start of another one, such as `--bind / /`. */
function nulTerminated(args: readonly string[]): string {
  if (args.some((argument) => argument.includes('\0'))) {
    throw new Fault('sandbox.start_failed', { reason: 'NUL in a path' })
  }
  return args.map((argument) => `${argument}\0`).join('')
}
