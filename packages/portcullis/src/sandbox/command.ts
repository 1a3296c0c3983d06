/**
 * The command line of one sandbox: [stage →] prlimit → bwrap → prlimit → gate → command.
 *
 * Everything that configuration has a say in goes to bwrap through descriptors, so that no process list shows a secret
 * and no LD_PRELOAD reaches a program outside.
 */
import { Fault } from '../core/fault.ts'
import { masksFor, pinAll, realPaths } from './bind.ts'
import type { DescriptorTable } from './descriptors.ts'
import type { HostIdentity, LaunchSpec } from './driver.ts'
import { buildEnvironment, HOME } from './environment.ts'
import { gate } from './gate.ts'
import { innerLimits, outerLimits } from './limits.ts'
import { buildProfile, type ProfileDescriptors } from './profile.ts'
import type { RootLayout } from './root.ts'
import { type Runtime, resolveRuntime } from './runtime.ts'
import { buildStage, type StageTools } from './stage.ts'

export interface CommandParts {
  readonly tools: StageTools & { readonly bwrap: string; readonly prlimit: string }
  readonly layout: RootLayout
  readonly searchPath: readonly string[]
  readonly hidden: readonly string[]
  readonly identity: HostIdentity | undefined
  readonly control: ProfileDescriptors
}

export interface SandboxCommand {
  readonly argv: readonly string[]
  /** The account to start it with; undefined when the command changes it itself, or when it stays. */
  readonly startAs: HostIdentity | undefined
}

/** Pins the paths and lends them to `table`. Throws `sandbox.start_failed`; the caller then closes the table. */
export function buildCommand(spec: LaunchSpec, parts: CommandParts, table: DescriptorTable): SandboxCommand {
  const { tools, identity } = parts
  const runtime = resolveRuntime(spec.command, parts.searchPath)
  const hidden = realPaths(parts.hidden)
  const pinned = pinAll(requestedPaths(spec, runtime), hidden)
  const lent = pinned.map((bind) => ({ ...bind, from: table.lend(bind.descriptor) }))
  const stage = buildStage(pinned, identity, tools)
  const profile = buildProfile({
    layout: parts.layout,
    environment: buildEnvironment(spec.env, { home: HOME, pathDirectories: runtime.pathDirectories }),
    binds: lent.map((bind, index) => ({ ...bind, from: stage?.paths[index] ?? bind.from })),
    masks: masksFor(pinned, hidden),
    cwd: spec.cwd ?? HOME,
    tmpBytes: spec.limits.tmpBytes,
    descriptors: parts.control,
    file: (content) => table.content(content),
  })
  const argv = [
    ...(stage?.argv ?? []),
    ...[tools.prlimit, ...outerLimits(spec.limits), '--'],
    ...[tools.bwrap, '--args', `${table.content(nulTerminated(profile))}`, '--'],
    ...[tools.prlimit, ...innerLimits(spec.limits), '--', ...gate()],
    ...[runtime.program, ...runtime.leading, ...spec.args],
  ]
  return { argv, startAs: stage === undefined ? identity : undefined }
}

/** The runtime's own files come first, so that a listed path of the same name decides its access. */
function requestedPaths(spec: LaunchSpec, runtime: Runtime) {
  const readOnly = [...runtime.readOnly, ...spec.readOnly].map((path) => ({ path, access: 'read-only' as const }))
  return [...readOnly, ...spec.readWrite.map((path) => ({ path, access: 'read-write' as const }))]
}

/** A NUL inside would be the end of one argument and the start of another one, such as `--bind / /`. */
function nulTerminated(args: readonly string[]): string {
  if (args.some((argument) => argument.includes('\0'))) {
    throw new Fault('sandbox.start_failed', { reason: 'NUL in a path' })
  }
  return args.map((argument) => `${argument}\0`).join('')
}
