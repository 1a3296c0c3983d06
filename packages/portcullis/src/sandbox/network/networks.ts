/** Gives each launch a network of its own: a namespace that only it is in, and an egress that serves only that namespace. */
import { readlinkSync } from 'node:fs'
import { Fault } from '../../core/fault.ts'
import type { OnAccess } from '../access.ts'
import type { LaunchSpec } from '../driver.ts'
import type { Egress, EgressOptions } from '../egress/egress.ts'
import { readHostFacts } from '../host-facts.ts'
import { suggestMend } from '../mend.ts'
import type { Meter } from '../process.ts'
import { type NetworkAbility, type NetworkTools, probeNetwork } from './ability.ts'
import { serveNames } from './names.ts'
import { makeNamespace, type NetworkNamespace } from './namespace.ts'
import { NamespacePool } from './pool.ts'
import { shapeOf } from './shape.ts'
import { proxyVariables, trustIn } from './variables.ts'

/** What a launch needs of its network. */
export interface ConfinedNetwork {
  /** What goes before the command line, to join the namespace. It must be started with the rights of the gateway. */
  readonly entry: readonly string[]
  /** Below what the configuration lists. */
  readonly variables: Readonly<Record<string, string>>
  /** Path inside → content of a small read-only file. */
  readonly files: Readonly<Record<string, string>>
  /** `sentBytes` and `receivedBytes` from start to now, also after the end. */
  readonly meter: Meter
  /** Throws `sandbox.start_failed` unless the process is in this network and in no other. Call it before its command runs. */
  confirm(pid: number): void
  /** Ends every connection and the listeners. Idempotent. */
  close(): void
}

/** What every egress of a gateway has in common. */
export type EgressGround = Omit<EgressOptions, 'onAccess' | 'authority'>

type NetworkSpec = Pick<LaunchSpec, 'network' | 'env' | 'onAccess'>

export class Networks {
  readonly #tools: NetworkTools
  readonly #privileged: boolean
  readonly #egress: EgressGround
  readonly #pool: NamespacePool

  /** `privileged`: the gateway is root. */
  constructor(tools: NetworkTools, privileged: boolean, egress: EgressGround = {}) {
    this.#egress = egress
    this.#tools = tools
    this.#privileged = privileged
    this.#pool = new NamespacePool((shape) => makeNamespace(shape, tools, privileged))
  }

  async ability(): Promise<NetworkAbility> {
    return probeNetwork(this.#tools, this.#privileged)
  }

  /** Undefined when the launch asks for no network. Throws `sandbox.start_failed`; nothing is left then. */
  async open({ network: access, env, onAccess = () => {} }: NetworkSpec): Promise<ConfinedNetwork | undefined> {
    if (access === 'none') return undefined
    const nsenter = this.#tools.nsenter ?? lacks('nsenter')
    if (access.mode === 'transparent' && this.#tools.ip === undefined) lacks('ip')
    const namespace = await this.#pool.take(shapeOf(access))
    try {
      const { Egress } = await import('../egress/egress.ts') // loaded by gateways with such an upstream only
      const { authority } = access
      const egress = new Egress(access, { ...this.#egress, ...(authority && { authority }), onAccess })
      return connect(namespace, egress, { nsenter, listed: Object.keys(env), onAccess })
    } catch (problem) {
      namespace.close()
      throw problem
    }
  }

  /** Makes the next launch of this kind quick. Call it when a launch has succeeded. Never throws. */
  prepare({ network }: NetworkSpec): void {
    if (network !== 'none') this.#pool.refill(shapeOf(network))
  }

  /** Closes what waits for a launch; a later launch still works, only slower. */
  close(): void {
    this.#pool.close()
  }
}

interface Connection {
  readonly nsenter: string
  readonly listed: readonly string[]
  readonly onAccess: OnAccess
}

/** Serves before anything can connect: the command does not run yet. */
function connect(
  namespace: NetworkNamespace,
  egress: Egress,
  { nsenter, listed, onAccess }: Connection,
): ConfinedNetwork {
  egress.serveProxy(namespace.proxy)
  for (const server of namespace.transparent) egress.serveTransparent(server)
  if (namespace.names !== undefined) {
    const tellFlood = () =>
      onAccess({ kind: 'egress', allowed: false, host: '', port: 53, protocol: 'dns', reason: 'flood' })
    serveNames(namespace.names, (query) => egress.answerDns(query), tellFlood)
  }
  const trust = egress.authority === undefined ? undefined : trustIn(egress.authority, listed)
  return {
    entry: joining(nsenter, namespace.paths),
    variables: { ...proxyVariables(namespace.shape.proxyPort, listed), ...trust?.variables },
    files: { ...resolver(namespace), ...trust?.files },
    meter: () => {
      const { sentBytes, receivedBytes } = egress.counters()
      return { sentBytes, receivedBytes }
    },
    confirm: (pid) => confirmMember(pid, namespace.paths.network),
    close: () => {
      egress.close()
      namespace.close()
    },
  }
}

/** Without root, the namespace belongs to a user namespace that only its maker may enter, with the rights to join. */
function joining(nsenter: string, { network, user }: NetworkNamespace['paths']): readonly string[] {
  const rights = user === undefined ? [] : [`--user=${user}`, '--preserve-credentials']
  return [nsenter, ...rights, `--net=${network}`, '--']
}

function resolver({ names }: NetworkNamespace): Readonly<Record<string, string>> {
  const text = names === undefined ? '# Names are resolved by the proxy.\n' : 'nameserver 127.0.0.1\n'
  return { '/etc/resolv.conf': text }
}

/** A command line that lost its first words would run in the network of the host. */
function confirmMember(pid: number, path: string): void {
  if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync(path)) return
  throw new Fault('sandbox.start_failed', { reason: 'the sandbox is not in the network that was made for it' })
}

function lacks(tool: string): never {
  const reason = `${tool} was not found`
  throw new Fault('sandbox.start_failed', { reason, mend: suggestMend(reason, readHostFacts()) })
}
