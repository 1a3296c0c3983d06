import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { Answer, Exchange } from '../../src/core/exchange.ts'
import type { Fault } from '../../src/core/fault.ts'
import { FAULTS } from '../../src/core/fault.ts'
import { diskFileSystem, type FileSystem } from '../../src/audit/append-file.ts'
import { CHAIN_RULES, Chain, type ChainOptions } from '../../src/audit/chain.ts'
import { checkpointKeyId, checkpointSigner } from '../../src/audit/checkpoint.ts'
import type { CallBody } from '../../src/audit/record.ts'

/** What the tests of this room share: a key, a clock that stands, folders that go away, an exchange. */
export const { privateKey } = generateKeyPairSync('ed25519')
export const publicKey = createPublicKey(privateKey)
export const signer = checkpointSigner(privateKey)
export const keys = new Map([[checkpointKeyId(publicKey), publicKey]])
export const clock = { now: () => 1_700_000_000_000 }

/** The disk without its slowness, for tests in which nothing is killed. */
export const quickFiles: FileSystem = {
  ...diskFileSystem,
  open: (path, flags, mode) => diskFileSystem.open(path, flags & ~(constants.O_DSYNC ?? 0), mode),
  fsync: async () => {},
  fdatasync: async () => {},
}

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-audit-'))
  folders.push(folder)
  return folder
}

export function openChain(directory: string, options: Partial<ChainOptions> = {}): Chain {
  return Chain.open({ directory, tenant: 'acme', signer, clock, rules: CHAIN_RULES, ...options })
}

export const callNumber = (n: number): CallBody => ({
  kind: 'call',
  incident: `incident-${n}`,
  principal: n % 2 === 0 ? 'key:even' : 'key:odd',
  credential: { kind: 'api-key', id: 'k1' },
  address: '127.0.0.1',
  upstream: 'files',
  method: 'tools/call',
  target: { kind: 'tool', name: 'read' },
  arguments: 'a'.repeat(64),
  era: 'modern',
  version: '2026-07-28',
  decision: { effect: 'allow', policies: ['p1'], revision: 'r1' },
})

/** An exchange as it comes in, with what is sent on its stream. */
export function newExchange(facts: object = {}): Exchange & { readonly sent: unknown[] } {
  const sent: unknown[] = []
  return {
    incident: 'incident-1',
    receivedAt: clock.now() - 5,
    peer: { address: '192.0.2.7', encrypted: true },
    head: { method: 'POST', path: '/files', query: '', headers: {} },
    body: { read: () => Buffer.alloc(0) },
    outlet: { send: (message) => void sent.push(message), open: () => void sent.push('open') },
    departure: new Cancellation(),
    sent,
    ...facts,
  }
}

export const knownFacts = {
  route: { kind: 'upstream', upstream: 'files' },
  resource: 'https://gateway.example/files',
  principal: {
    id: 'key:ab',
    tenant: 'acme',
    roles: ['reader'],
    credential: { kind: 'api-key', id: 'ab', expiresAt: 5 },
  },
  call: {
    message: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read', arguments: { path: '/secret' } } },
    kind: 'request',
    era: 'modern',
    version: '2026-07-28',
    method: 'tools/call',
    params: { name: 'read', arguments: { path: '/secret' } },
    target: { kind: 'tool', name: 'read' },
  },
  decision: { effect: 'allow', policies: ['p1'], revision: 'r1' },
} as const

export const answerOf = (fault: Fault): Answer => ({
  status: FAULTS[fault.code].status,
  message: { jsonrpc: '2.0', id: null, error: { code: FAULTS[fault.code].rpc, message: fault.says } },
})
