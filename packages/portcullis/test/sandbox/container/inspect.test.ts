import assert from 'node:assert/strict'
import { it } from 'node:test'
import { confirmSettings, type Expected, type Inspected } from '../../../src/sandbox/container/inspect.ts'

const FOUND: Inspected = {
  State: { Status: 'created', Pid: 0, OOMKilled: false },
  Config: { Env: ['PATH=/bin', 'TOKEN=a=b "c"', 'HOSTNAME=sandbox'], User: '7:7' },
  HostConfig: {
    ReadonlyRootfs: true,
    Privileged: false,
    NetworkMode: 'none',
    Memory: 1 << 28,
    PidsLimit: 64,
    NanoCpus: 5e8,
    SecurityOpt: ['no-new-privileges', 'seccomp={}'],
    CapAdd: null,
    Devices: [],
  },
  Mounts: [{ Type: 'bind', Destination: '/a', RW: false }],
}

const EXPECTED: Expected = {
  variables: new Map([['TOKEN', 'a=b "c"']]),
  user: '7:7',
  network: 'none',
  mounts: new Map([
    ['/a', false],
    ['/b', true],
  ]),
  memoryBytes: 1 << 28,
  processes: 64,
  cpus: 0.5,
}

const withHost = (changes: Partial<Inspected['HostConfig']>): Inspected => ({
  ...FOUND,
  HostConfig: { ...FOUND.HostConfig, ...changes },
})
const withMount = (Type: string, Destination: string, RW: boolean): Inspected => ({
  ...FOUND,
  Mounts: [{ Type, Destination, RW }],
})

it('what was made as asked is accepted', () => {
  assert.doesNotThrow(() => confirmSettings(FOUND, EXPECTED))
  assert.doesNotThrow(() => confirmSettings(withHost({ SecurityOpt: ['no-new-privileges:true'] }), EXPECTED))
  assert.doesNotThrow(() => confirmSettings(withMount('bind', '/b', true), EXPECTED))
  assert.doesNotThrow(() => confirmSettings(withMount('tmpfs', '/tmp', true), EXPECTED))
  assert.doesNotThrow(() => confirmSettings(withHost({ Memory: 0 }), { ...EXPECTED, memoryBytes: undefined }))
})

// biome-ignore format: one difference a row
const ROWS: ReadonlyArray<readonly [what: string, found: Inspected]> = [
  ['the read-only root',    withHost({ ReadonlyRootfs: false })],
  ['no privileges',         withHost({ Privileged: true })],
  ['no privileges',         withHost({ CapAdd: ['CAP_SYS_ADMIN'] })],
  ['no privileges',         withHost({ Devices: [{}] })],
  ['no new privileges',     withHost({ SecurityOpt: null })],
  ['no new privileges',     withHost({ SecurityOpt: ['no-new-privileges=false'] })],
  ['the network',           withHost({ NetworkMode: 'bridge' })],
  ['the account',           { ...FOUND, Config: { ...FOUND.Config, User: '' } }],
  ['the memory limit',      withHost({ Memory: 0 })],
  ['the memory limit',      withHost({ Memory: 1 << 30 })],
  ['the process limit',     withHost({ PidsLimit: null })],
  ['the process limit',     withHost({ PidsLimit: -1 })],
  ['the processor limit',   withHost({ NanoCpus: 0 })],
  ['the variables',         { ...FOUND, Config: { ...FOUND.Config, Env: ['TOKEN=a=b c'] } }],
  ['the variables',         { ...FOUND, Config: { ...FOUND.Config, Env: null } }],
  ['the mounts',            withMount('bind', '/etc', false)],
  ['the mounts',            withMount('bind', '/a', true)],
  ['the mounts',            withMount('volume', '/a', false)],
]

for (const [what, found] of ROWS) {
  it(`a container without ${what} is refused: ${JSON.stringify(found.HostConfig)} ${JSON.stringify(found.Mounts)}`, () => {
    assert.throws(
      () => confirmSettings(found, EXPECTED),
      (fault: { detail: { reason: string } }) => {
        assert.equal(fault.detail.reason, `the engine did not take ${what}`)
        return true
      },
    )
  })
}
