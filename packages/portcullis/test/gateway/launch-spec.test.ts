/** No key of the walls is without effect: each changes what a driver is asked for, or which host is good enough. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeAt, type SchemaNode } from '../../src/config/schema-node.ts'
import { configSchema } from '../../src/config/schema.ts'
import type { Config, StdioConfig } from '../../src/config/schema.ts'
import { driverKey, requirements } from '../../src/gateway/build-sandbox.ts'
import { launchSpec, volumeSpecs } from '../../src/gateway/launch-spec.ts'

const FACTS = { environment: { TOKEN: 'Bearer secret' }, runAs: { uid: 200_003, gid: 200_003 }, maxBodyBytes: 1_000 }
const IMAGE = `node@sha256:${'a'.repeat(64)}`
const rule = (more: object) => ({ network: { allow: [{ host: 'a.b', ports: [80], ...more }] } })
const network = (more: object) => ({ network: { allow: [{ host: 'a.b' }], ...more } })
const volume = (more: object) => ({ volumes: [{ name: 'v', at: '/v', sizeMiB: 1, ...more }] })
const container = (more: object) => ({ driver: 'container', container: { image: IMAGE, ...more } })

/** For each key two settings that differ in nothing else. */
const CHANGES: Readonly<Record<string, readonly [object, object]>> = {
  driver: [{}, { driver: 'none' }],
  read: [{}, { read: ['/a'] }],
  write: [{}, { write: ['/a'] }],
  'volumes[].name': [volume({}), volume({ name: 'w' })],
  'volumes[].at': [volume({}), volume({ at: '/w' })],
  'volumes[].sizeMiB': [volume({}), volume({ sizeMiB: 2 })],
  'volumes[].files': [volume({}), volume({ files: 100 })],
  'network.mode': [network({}), network({ mode: 'explicit' })],
  'network.allow[].host': [rule({}), rule({ host: 'c.d' })],
  'network.allow[].ports': [rule({}), rule({ ports: [81] })],
  'network.allow[].methods': [rule({}), rule({ methods: ['GET'] })],
  'network.allow[].private': [rule({}), rule({ private: 'allowed' })],
  'network.allow[].credential.header': [
    rule({ credential: { header: 'authorization', value: { env: 'TOKEN' } } }),
    rule({ credential: { header: 'x-key', value: { env: 'TOKEN' } } }),
  ],
  'network.allow[].credential.value': [rule({}), rule({ credential: { header: 'x-key', value: { env: 'TOKEN' } } })],
  'network.allow[].tls': [rule({}), rule({ tls: 'opened' })],
  'network.maxMiB': [network({}), network({ maxMiB: 5 })],
  'network.connections': [network({}), network({ connections: 5 })],
  'network.connectSeconds': [network({}), network({ connectSeconds: 5 })],
  'network.idleSeconds': [network({}), network({ idleSeconds: 5 })],
  memoryMiB: [{}, { memoryMiB: 20 }],
  cpus: [{}, { cpus: 0.5 }],
  processes: [{}, { processes: 20 }],
  openFiles: [{}, { openFiles: 20 }],
  fileMiB: [{}, { fileMiB: 20 }],
  tmpMiB: [{}, { tmpMiB: 20 }],
  tmpFiles: [{}, { tmpFiles: 20 }],
  diskMiB: [{ write: ['/a'] }, { write: ['/a'], diskMiB: 20 }],
  diskFiles: [{ write: ['/a'] }, { write: ['/a'], diskFiles: 20 }],
  outputMiB: [{}, { outputMiB: 20 }],
  totalOutputMiB: [{}, { totalOutputMiB: 20 }],
  require: [{}, { require: ['cpu'] }],
  'container.engine': [container({}), container({ engine: 'docker' })],
  'container.image': [container({}), container({ image: IMAGE.replace('node', 'deno') })],
  'container.runtime': [container({}), container({ runtime: 'runsc' })],
}

test('every key of the walls is one that this test changes', () => {
  const keys = leaves('', nodeAt(['upstreams', 'a', 'stdio', 'sandbox']) as SchemaNode)
  assert.deepEqual(keys.toSorted(), Object.keys(CHANGES).toSorted())
})

for (const [key, [before, after]] of Object.entries(CHANGES)) {
  test(`${key} has an effect`, () => {
    assert.deepEqual(asked(before), asked(before))
    assert.notDeepEqual(asked(after), asked(before))
  })
}

test('each requirement demands its own of the host', () => {
  const demanded = (...require: string[]) => requirements(stdioOf({ require }).sandbox)
  assert.deepEqual(demanded(), {})
  assert.deepEqual(demanded('memory', 'processes', 'cpu', 'disk'), {
    ...{ memory: 'cgroup', processes: 'cgroup', cpu: 'cgroup', disk: 'hard' },
  })
  assert.deepEqual(requirements(stdioOf(network({ mode: 'explicit' })).sandbox), { network: 'explicit' })
})

test('what is not listed is not asked for', () => {
  const { network: reach, readOnly, readWrite, env, runAs } = launchSpec(stdioOf({}), FACTS)
  assert.deepEqual({ reach, readOnly, readWrite, env }, { reach: 'none', readOnly: [], readWrite: [], env: {} })
  assert.deepEqual(runAs, FACTS.runAs)
})

test('a credential of the network is in no environment, and prints as nothing', () => {
  const value = { header: 'authorization', value: { env: 'TOKEN' } }
  const spec = launchSpec(stdioOf(rule({ credential: value })), FACTS)
  assert.ok(!JSON.stringify(spec).includes('Bearer secret'))
  assert.deepEqual(spec.env, {})
  assert.ok(spec.network !== 'none')
  assert.equal(spec.network.allow[0]?.inject?.value.reveal(), 'Bearer secret')
})

function stdioOf(sandbox: object): StdioConfig {
  const upstreams = { up: { stdio: { command: 'x', sandbox } } }
  const config = configSchema.parse({ version: 1, state: 's', upstreams }) as Config
  return config.upstreams['up']?.stdio as StdioConfig
}

/** All that leaves the configuration; secrets by what they hold, as they print as nothing. */
function asked(sandbox: object): unknown {
  const stdio = stdioOf(sandbox)
  const spec = launchSpec(stdio, FACTS)
  const injected = spec.network === 'none' ? [] : spec.network.allow.map(({ inject }) => inject?.value.reveal())
  return {
    spec,
    injected,
    volumes: volumeSpecs(stdio.sandbox, '/state/volumes'),
    key: driverKey(stdio.sandbox),
    requirements: requirements(stdio.sandbox),
  }
}

function leaves(path: string, node: SchemaNode): readonly string[] {
  const inner = node.items?.properties === undefined ? node : node.items
  const prefix = node.items?.properties === undefined ? path : `${path}[]`
  const isSecret = Object.keys(inner.properties ?? {}).join() === 'env,file'
  if (inner.properties === undefined || isSecret) return [path.slice(1)]
  return Object.entries(inner.properties).flatMap(([key, child]) => leaves(`${prefix}.${key}`, child))
}
