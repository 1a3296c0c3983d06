// Our driver, with the limits that the configuration has by default, and the pool of processes that upstreams use.
import { setTimeout as sleep } from 'node:timers/promises'
import { sandbox } from '../../../packages/portcullis/src/config/sandbox-schema.ts'
import { Cancellation } from '../../../packages/portcullis/src/core/cancellation.ts'
import { walls } from '../../../packages/portcullis/src/gateway/launch-spec.ts'
import { parseUpstream } from '../../../packages/portcullis/src/inspection/strict-json.ts'
import { createBubblewrapDriver } from '../../../packages/portcullis/src/sandbox/bubblewrap.ts'
import { upstreamIdentity } from '../../../packages/portcullis/src/sandbox/identity.ts'
import { NO_EVENTS } from '../../../packages/portcullis/src/upstream/link.ts'
import { StdioConnector } from '../../../packages/portcullis/src/upstream/stdio-connector.ts'

const LINE_BYTES = 4 << 20
const LIFE_MS = 86_400_000
const GATEWAY = { name: 'bench', version: '1' }
/** The pool waits a moment before it starts the next process, and the next namespace is made after a launch. */
const REFILL_MS = 400
const RULE = { mode: 'transparent', allow: [{ host: 'example.com' }] }

export async function load(server) {
  const driver = createBubblewrapDriver()
  const probe = await driver.probe()
  const failed = probe.ok ? undefined : probe.reason
  const closed = specIn(server, {})
  const connected = specIn(server, { network: RULE })
  const launch = (spec) => async (args) => sessionOf(await driver.launch({ ...spec, args }))
  const ready = () => sleep(REFILL_MS)
  return [
    { name: 'Portcullis, no network', roles: ['ours'], failed, open: launch(closed) },
    {
      name: 'Portcullis, network from the pool',
      roles: ['ours-network'],
      failed,
      prepare: ready,
      open: launch(connected),
    },
    { name: 'Portcullis, no network, one waiting', roles: ['ours-warm'], failed, ...warm(driver, closed) },
  ]
}

function specIn({ program }, settings) {
  const runAs = process.getuid() === 0 ? upstreamIdentity(60_000) : undefined
  const facts = { environment: {}, runAs, maxBodyBytes: LINE_BYTES }
  const asked = walls(sandbox.parse(settings), facts, { lifeMs: LIFE_MS })
  return { ...asked, command: program, args: [], env: {}, onAccess: () => {} }
}

function sessionOf(confined) {
  return {
    pid: confined.pid,
    send: (line) => confined.send(line),
    onLine: (listener) => confined.onLine(listener),
    onEnd: (listener) => void confined.exited.then(({ stderrTail }) => listener(stderrTail)),
    async close() {
      await confined.stop()
    },
  }
}

/** `firstCall` resolves when the call of a new principal is answered; its process was waiting. */
function warm(driver, spec) {
  const connector = createConnector((args) => driver.launch({ ...spec, args }))
  const open = () => connector.open({ era: 'modern', client: {}, unsolicited: NO_EVENTS, scope: 'bench', owner: 'one' })
  const call = { id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text: 'x' }, _meta: META } }
  return {
    prepare: () => sleep(REFILL_MS),
    async firstCall() {
      const link = await open()
      await link.request(call, NO_EVENTS, new Cancellation())
      return { close: () => link.close() }
    },
    close: () => connector.close(),
  }
}

const META = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
const JSON_LIMITS = { maxDepth: 64, maxMembers: 100_000 }

function createConnector(launch) {
  return new StdioConnector({
    spawn: () => launch(['100', '1']),
    parse: (bytes) => parseUpstream(bytes, JSON_LIMITS),
    gateway: GATEWAY,
    probeTimeoutMs: 10_000,
    startTimeoutMs: 30_000,
    maxWaitingBytes: 16 << 20,
    maxWaitingMessages: 1_024,
    warm: { clock: { now: () => Date.now() }, processes: 1, idleMs: 600_000 },
  })
}
