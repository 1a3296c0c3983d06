/** What a host does not hold is said, once for each limit that is set. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema, type SandboxConfig } from '../../src/config/schema.ts'
import { unheld } from '../../src/gateway/build-sandbox.ts'
import type { Enforcement } from '../../src/sandbox/driver.ts'

const NOTHING: Enforcement = { memory: 'none', processes: 'none', cpu: 'none', disk: 'none', network: [] }
const ALL: Enforcement = {
  ...{ memory: 'cgroup', processes: 'cgroup', cpu: 'cgroup', disk: 'hard', tmpFiles: 'hard' },
  network: ['explicit', 'transparent'],
}

function walls(sandbox: object): SandboxConfig {
  const config = configSchema.parse({
    version: 1,
    state: '/state',
    upstreams: { up: { stdio: { command: '/bin/true', sandbox } } },
  })
  return config.upstreams['up']?.stdio?.sandbox as SandboxConfig
}

const keysOf = (sandbox: object, enforces: Enforcement) => [...unheld(walls(sandbox), enforces)].map(([key]) => key)

test('every limit that is set and does not hold is said', () => {
  const all = { cpus: 1, write: ['/data'], diskMiB: 1 }
  const keys = ['memoryMiB', 'processes', 'cpus', 'tmpFiles', 'diskMiB']
  assert.deepEqual(
    keysOf(all, { ...NOTHING, tmpFiles: 'none' }),
    keys.map((key) => `sandbox.${key}`),
  )
  assert.deepEqual(keysOf(all, ALL), [])
})

test('of a limit that is not set nothing is said, but for those that have a default', () => {
  assert.deepEqual(keysOf({}, NOTHING), ['sandbox.memoryMiB', 'sandbox.processes'])
})

test('without walls nothing is said here, because that is a weakness already', () => {
  assert.deepEqual(keysOf({ driver: 'none' }, NOTHING), [])
})
