/** What keeps a gateway from starting is one clear sentence and an exit status, and nothing is left running. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

const LAUNCHER = join(import.meta.dirname, '../../bin/portcullis.cjs')
const SANDBOXED = 'upstreams: { echo: { stdio: { command: cat } } }\n'

interface Site {
  readonly folder: string
  readonly config: string
  serve(prefix?: readonly string[]): { readonly status: number | null; readonly said: string }
}

/** An initialised folder. `extra` is added to its configuration, whose `upstreams` are taken away. */
function site(context: TestContext, extra = ''): Site {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-start-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const config = join(folder, 'portcullis.yaml')
  const made = spawnSync(process.execPath, [LAUNCHER, 'init', '--dir', folder], { encoding: 'utf8' })
  assert.equal(made.status, 0, made.stderr)
  writeFileSync(config, `version: 1\nstate: state\nlisten: { port: 0 }\naudit: { log: { level: silent } }\n${extra}`)
  return {
    folder,
    config,
    serve(prefix = []) {
      const [command, ...args] = [...prefix, process.execPath, LAUNCHER, 'serve', '--config', config]
      const ran = spawnSync(command, args, { encoding: 'utf8', timeout: 30_000 })
      return { status: ran.status, said: `${ran.stdout}${ran.stderr}`.trim() }
    },
  }
}

test('a taken port is named', async (context) => {
  const { config, serve } = site(context)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  writeFileSync(config, `version: 1\nstate: state\nlisten: { port: ${port} }\n`)
  const { status, said } = serve()
  assert.equal(status, 69)
  assert.match(said, new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is taken; .*$`))
})

test('a state folder that cannot be made is named', (context) => {
  const { config, serve } = site(context)
  writeFileSync(config, 'version: 1\nstate: portcullis.yaml/state\nlisten: { port: 0 }\n')
  const { status, said } = serve()
  assert.equal(status, 69)
  assert.match(
    said,
    /^the folder .*portcullis\.yaml\/state cannot be made \(ENOTDIR\); let the user of the gateway write there$/,
  )
})

test('a state folder that others can read is not used', (context) => {
  const { folder, serve } = site(context)
  chmodSync(join(folder, 'state'), 0o755)
  const { status, said } = serve()
  assert.equal(status, 69)
  assert.match(said, /state is open to others; run: chmod 700 /)
})

test('a store of a newer version is left alone', (context) => {
  const { folder, serve } = site(context)
  const file = join(folder, 'state', 'store.sqlite')
  const before = new DatabaseSync(file)
  before.exec('pragma user_version = 999')
  before.close()
  const { status, said } = serve()
  assert.equal(status, 69)
  assert.match(said, /newer/)
  assert.equal(said.split('\n').length, 1)
  const after = new DatabaseSync(file, { readOnly: true })
  assert.deepEqual({ ...after.prepare('pragma user_version').get() }, { user_version: 999 })
  after.close()
})

test('without bubblewrap nothing is started, and the remedy is told', (context) => {
  const { serve } = site(context, SANDBOXED)
  // A view of this machine in which bubblewrap cannot be executed.
  const { status, said } = serve(['bwrap', '--dev-bind', '/', '/', '--ro-bind', '/dev/null', '/usr/bin/bwrap', '--'])
  assert.equal(status, 69)
  assert.match(said, /bwrap was not found; run: /)
  assert.equal(said.split('\n').length, 1)
})

test('mistakes of configuration and of policies are told with status 3', (context) => {
  const { folder, config, serve } = site(context)
  writeFileSync(join(folder, 'policies', 'access.cedar'), 'permit (principal in Role::"admni", action, resource);\n')
  const policies = serve()
  assert.equal(policies.status, 3)
  assert.match(policies.said, /access\.cedar:1:\d+: .*admni.*; did you mean "admin"\?/)
  writeFileSync(config, 'version: 1\nlisten: { prot: 1 }\n')
  const mistakes = serve()
  assert.equal(mistakes.status, 3)
  assert.equal(mistakes.said.split('\n').length, 2)
})

for (const [signal, expected] of [
  ['SIGTERM', 0],
  ['SIGINT', 130],
] as const) {
  test(`after ${signal} the gateway ends with status ${expected}`, async (context) => {
    const { config } = site(context)
    const gateway = spawn(process.execPath, [LAUNCHER, 'serve', '--config', config], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    context.after(() => gateway.kill('SIGKILL'))
    await new Promise<void>((resolve) => gateway.stdout.once('data', () => resolve()))
    const ended = new Promise((resolve) => gateway.once('exit', resolve))
    gateway.kill(signal)
    assert.equal(await ended, expected)
  })
}
