// What the tests of the relay share: upstreams whose links exist only in the test, and exchanges that every check let through.

import { Cancellation } from '../../../src/core/cancellation.ts'
import type { Answer, Outgoing } from '../../../src/core/exchange.ts'
import type { Principal } from '../../../src/core/principal.ts'
import type { Route } from '../../../src/core/route.ts'
import { Secret } from '../../../src/core/secret.ts'
import type { Era, Notification, Params, Request, Response } from '../../../src/mcp/message.ts'
import { META } from '../../../src/mcp/meta.ts'
import { methodOf, targetOf } from '../../../src/mcp/methods.ts'
import type { Connector, LinkWish } from '../../../src/upstream/connector.ts'
import type { LinkEvents, LinkRequest, ManagedLink } from '../../../src/upstream/link.ts'
import { Parking } from '../../../src/upstream/relay/parking.ts'
import type { RelayParts } from '../../../src/upstream/relay/parts.ts'
import { relay } from '../../../src/upstream/relay/relay.ts'
import { resolveTarget } from '../../../src/upstream/relay/resolve.ts'
import { StateSeal } from '../../../src/upstream/relay/seal-state.ts'
import type { Session } from '../../../src/upstream/relay/session.ts'
import { SessionListeners } from '../../../src/upstream/relay/session-listener.ts'
import { SessionTable } from '../../../src/upstream/relay/session-table.ts'
import { TaskTable } from '../../../src/upstream/relay/task-table.ts'
import { Upstream } from '../../../src/upstream/upstream.ts'

export const ALICE = person('alice')
export const BOB = person('bob')

export function person(id: string): Principal {
  return { id, tenant: 'default', roles: ['user'], credential: { kind: 'api-key', id } }
}

/** One request on a fake link, as the test's upstream sees it. */
export interface Turn {
  readonly request: LinkRequest
  readonly events: LinkEvents
  readonly cancellation: Cancellation
  /** For whom the link was opened. */
  readonly wish: LinkWish
}

/** What an upstream does with a request: a result, or a whole response. */
export type Behaviour = (turn: Turn) => Params | Response | Promise<Params | Response>

export interface FakeUpstream {
  readonly upstream: Upstream
  readonly turns: Turn[]
  readonly links: Array<{ readonly wish: LinkWish; closed: boolean }>
  /** Notifications that the upstream was sent. */
  readonly told: Notification[]
}

const now = { at: 1_000_000 }
export const clock = { now: () => now.at, pass: (ms: number) => void (now.at += ms) }

export const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  logging: {},
  completions: {},
}

export function fakeUpstream(
  name: string,
  era: Era,
  behaviour: Behaviour,
  capabilities: Params = CAPABILITIES,
): FakeUpstream {
  const turns: Turn[] = []
  const links: FakeUpstream['links'] = []
  const told: Notification[] = []
  const connector: Connector = {
    stateless: false,
    async open(wish) {
      const state = { wish, closed: false, running: 0 }
      links.push(state)
      const link: ManagedLink = {
        era,
        server: { protocolVersion: era === 'modern' ? '2026-07-28' : '2025-11-25', capabilities, serverInfo: { name } },
        get closed() {
          return state.closed
        },
        get inFlight() {
          return state.running
        },
        async request(request, events, cancellation) {
          const turn = { request, events, cancellation, wish }
          turns.push(turn)
          state.running++
          try {
            const value = await behaviour(turn)
            return 'jsonrpc' in value
              ? ({ ...value, id: request.id } as Response)
              : { jsonrpc: '2.0', id: request.id, result: value }
          } finally {
            state.running--
          }
        },
        notify: async (notification) => void told.push(notification),
        async close() {
          state.closed = true
        },
      }
      return link
    },
    close: async () => {},
  }
  const limits = {
    ttlSeconds: 60,
    maxStaleSeconds: 600,
    minRefreshSeconds: 0,
    maxPages: 5,
    maxTools: 100,
    maxBytes: 65_536,
  }
  const upstream = new Upstream({
    name,
    connector,
    era,
    clock,
    gateway: { name: 'gateway' },
    gatewayScope: 'gateway',
    owner: 'one',
    maxLinks: 50,
    idleSeconds: 600,
    ownTimeoutMs: 1_000,
    catalogue: limits,
  })
  return { upstream, turns, links, told }
}

export interface Bench {
  readonly parts: RelayParts
  readonly warnings: string[]
  /** Carries a message of this client; the answer, or a rejection with the fault. */
  send(client: Client, method: string, params?: Params): Sent
  session(principal?: Principal, capabilities?: Params, route?: Route): Session
  close(): Promise<void>
}

export interface Client {
  readonly era?: Era
  readonly principal?: Principal
  readonly route?: Route
  readonly session?: Session
  readonly capabilities?: Params
  readonly meta?: Params
  readonly id?: string | number
}

export interface Sent {
  readonly answer: Promise<Answer>
  /** What preceded the answer. */
  readonly messages: Outgoing[]
  readonly cancellation: Cancellation
}

export interface BenchOptions {
  readonly parkMs?: number
  readonly parkMax?: number
  readonly hidden?: readonly string[]
}

export function bench(
  upstreams: readonly FakeUpstream[],
  { parkMs = 60_000, parkMax = 10, hidden = [] }: BenchOptions = {},
): Bench {
  const table = new Map(upstreams.map(({ upstream }) => [upstream.name, upstream]))
  const warnings: string[] = []
  const seen = (...names: readonly string[]) => !names.some((name) => hidden.includes(name))
  const parts: RelayParts = {
    upstreams: table,
    sessions: new SessionTable({ perPrincipal: 3, total: 5, idleMs: 60_000 }, clock),
    listeners: new SessionListeners(),
    seal: new StateSeal(new Secret(Buffer.alloc(32, 7)), 60_000, clock),
    tasks: new TaskTable(),
    parking: new Parking(parkMs, parkMax),
    ending: new Cancellation(),
    visibility: {
      upstream: (_principal, upstream) => seen(upstream),
      tool: (_principal, tool) => seen(tool.name),
      prompt: (_principal, _upstream, name) => seen(name),
      resource: (_principal, _upstream, uri) => seen(uri),
      revision: '1',
      steady: true,
    },
    advertise: (tool) => tool.raw,
    paramHeaders: () => ({}),
    scopeOf: (principal) => principal.id,
    warn: (message) => void warnings.push(message),
  }
  const handle = relay(parts)
  const resolve = resolveTarget(table, parts.tasks, () => true)
  const only: Route = { kind: 'upstream', upstream: [...table.keys()][0] as string }
  return {
    parts,
    warnings,
    send(client, method, params = {}) {
      const messages: Outgoing[] = []
      const cancellation = new Cancellation()
      const exchange = exchangeOf(
        client,
        method,
        params,
        client.route ?? client.session?.route ?? only,
        messages,
        cancellation,
      )
      const run = async () => handle({ ...exchange, ...(await resolve.check(exchange)) })
      return { answer: run().then(whole), messages, cancellation }
    },
    session: (principal = ALICE, capabilities = {}, route = only) =>
      parts.sessions.open(principal, route, { info: { name: 'client' }, capabilities, version: '2025-11-25' }),
    async close() {
      parts.sessions.close()
      parts.parking.close()
      await Promise.all(upstreams.map(({ upstream }) => upstream.close()))
    },
  }
}

/** With a stream that lasts, what its end brings. */
function whole(answer: Answer): Answer | Promise<Answer> {
  const { lasting } = answer
  if (lasting === undefined) return answer
  return new Promise((resolve, reject) =>
    lasting.add({
      answered(last) {
        resolve(last)
        return last
      },
      failed(thrown) {
        reject(thrown)
        throw thrown
      },
    }),
  )
}

function exchangeOf(
  client: Client,
  method: string,
  given: Params,
  route: Route,
  messages: Outgoing[],
  cancellation: Cancellation,
) {
  const { era = client.session ? 'legacy' : 'modern', id = 1, capabilities = {}, meta = {} } = client
  const envelope = {
    [META.version]: '2026-07-28',
    [META.clientInfo]: { name: 'client' },
    [META.clientCapabilities]: capabilities,
    ...meta,
  }
  const params: Params = era === 'modern' ? { ...given, _meta: envelope } : given
  const known = methodOf(method, era)
  if (known === undefined) throw new Error(`${method} is no method of the ${era} era`)
  const isRequest = known.kind === 'request'
  return {
    incident: 'incident',
    receivedAt: clock.now(),
    peer: { address: '127.0.0.1', encrypted: true },
    head: { method: 'POST', path: '/mcp', query: '', headers: {} },
    body: { read: () => Buffer.alloc(0) },
    outlet: { send: (message: Outgoing) => void messages.push(message), open: () => {} },
    departure: new Cancellation(),
    route,
    resource: 'https://gateway.example/mcp',
    principal: client.session?.principal ?? client.principal ?? ALICE,
    cancellation,
    decision: { effect: 'allow', policies: ['p'], revision: '1' } as const,
    ...(client.session && { session: client.session }),
    call: {
      message: { jsonrpc: '2.0', method, params, ...(isRequest && { id }) } as Request,
      kind: known.kind,
      era,
      version: era === 'modern' ? '2026-07-28' : '2025-11-25',
      method,
      params,
      target: targetOf(known, params) ?? ({ kind: 'none' } as const),
    },
  }
}

export const resultIn = ({ message }: Answer): Params => (message?.['result'] ?? {}) as Params
export const errorIn = ({ message }: Answer) => (message?.['error'] ?? {}) as { code?: number; message?: string }
export const failed = (code: number, message = 'no', data?: unknown): Response => ({
  jsonrpc: '2.0',
  id: 0,
  error: { code, message, ...(data !== undefined && { data }) },
})
/** Lets everything happen that waits for nothing outside. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
