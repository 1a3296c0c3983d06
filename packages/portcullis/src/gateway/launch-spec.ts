/** From the words of the configuration to what a driver is asked for. Every key of `sandbox` has its effect here. */
import type { Environment } from '../config/environment.ts'
import type { Config, NetworkConfig, SandboxConfig, StdioConfig } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { Secret } from '../core/secret.ts'
import type { NetworkAccess, NetworkRule } from '../sandbox/access.ts'
import type { HostIdentity, LaunchSpec, Limits, VolumeSpec } from '../sandbox/driver.ts'

const MIB = 1_048_576

export interface LaunchFacts {
  readonly environment: Environment
  /** The account of the upstream's processes; undefined where the gateway cannot change it. */
  readonly runAs: HostIdentity | undefined
  /** Longest message in either direction. */
  readonly maxBodyBytes: Config['limits']['maxBodyBytes']
}

/** The volumes of one scope; `folder` is where that scope has them, absolute. */
export function volumeSpecs({ volumes }: SandboxConfig, folder: string): readonly VolumeSpec[] {
  return volumes.map(({ name, at, sizeMiB, files }) => ({ folder, name, at, bytes: sizeMiB * MIB, files }))
}

/** Reads the secrets that the upstream refers to. Throws SecretError. */
export function launchSpec(stdio: StdioConfig, facts: LaunchFacts): LaunchSpec {
  const env = Object.entries(stdio.env).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : readSecret(value, facts.environment),
  ])
  return {
    command: stdio.command,
    args: stdio.args,
    env: Object.fromEntries(env) as Record<string, string | Secret>,
    ...(stdio.cwd !== undefined && { cwd: stdio.cwd }),
    ...walls(stdio.sandbox, facts, { lifeMs: stdio.deadlines.lifeSeconds * 1_000 }),
  }
}

type Walls = Pick<LaunchSpec, 'readOnly' | 'readWrite' | 'limits' | 'runAs' | 'network'>

/** What `sandbox` alone decides, whatever runs inside. */
export function walls(sandbox: SandboxConfig, facts: LaunchFacts, times: Pick<Limits, 'lifeMs'>): Walls {
  return {
    readOnly: sandbox.read,
    readWrite: sandbox.write,
    ...(facts.runAs && { runAs: facts.runAs }),
    network: sandbox.network === undefined ? 'none' : networkAccess(sandbox.network, facts.environment),
    limits: { ...limits(sandbox, facts.maxBodyBytes), ...times },
  }
}

function limits(sandbox: SandboxConfig, maxLineBytes: number): Limits {
  const { cpus, diskMiB, diskFiles, totalOutputMiB } = sandbox
  return {
    memoryBytes: sandbox.memoryMiB * MIB,
    ...(cpus !== undefined && { cpus }),
    processes: sandbox.processes,
    openFiles: sandbox.openFiles,
    fileBytes: sandbox.fileMiB * MIB,
    tmpBytes: sandbox.tmpMiB * MIB,
    tmpFiles: sandbox.tmpFiles,
    ...(diskMiB !== undefined && { diskBytes: diskMiB * MIB }),
    ...(diskFiles !== undefined && { diskFiles }),
    maxLineBytes,
    maxStderrBytes: MIB,
    stdinBacklogBytes: 16 * MIB,
    outputBytesPerSecond: sandbox.outputMiB * MIB,
    ...(totalOutputMiB !== undefined && { outputBytes: totalOutputMiB * MIB }),
  }
}

function networkAccess(network: NetworkConfig, environment: Environment): NetworkAccess {
  return {
    mode: network.mode,
    allow: network.allow.map((rule) => networkRule(rule, environment)),
    maxBytes: network.maxMiB * MIB,
    maxConnections: network.connections,
    connectTimeoutMs: network.connectSeconds * 1_000,
    idleTimeoutMs: network.idleSeconds * 1_000,
  }
}

function networkRule(rule: NetworkConfig['allow'][number], environment: Environment): NetworkRule {
  const { credential } = rule
  return {
    host: rule.host,
    ports: rule.ports,
    ...(rule.methods && { methods: rule.methods }),
    ...(rule.private && { privateAddresses: true }),
    ...(credential && { inject: { name: credential.header, value: readSecret(credential.value, environment) } }),
    ...(rule.tls && { openTls: true }),
  }
}
