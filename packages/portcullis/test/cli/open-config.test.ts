/** A configuration that was found says what is run and to whom a key is sent, so it must be the operator's own. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isOwnFile } from '../../src/cli/own-file.ts'
import { runCommand } from '../../src/cli/main.ts'

const CONFIG = 'version: 1\nstate: state\npolicy: { files: [none.cedar] }\nupstreams: {}\n'
const before = process.cwd()
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-found-'))
  process.chdir(folder)
  writeFileSync('none.cedar', '')
  writeFileSync('portcullis.yaml', CONFIG, { mode: 0o644 })
})
afterEach(() => {
  process.chdir(before)
  rmSync(folder, { recursive: true, force: true })
})

async function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const [out, err]: [string[], string[]] = [[], []]
  const status = await runCommand(args, {
    ...{ out: (line) => out.push(line), err: (line) => err.push(line), environment },
    ...{ clock: { now: () => Date.now() }, interrupted: new AbortController().signal },
  })
  return { status, out, err: err.join('\n') }
}

const WAYS: readonly (readonly [what: string, open: () => void])[] = [
  ['everybody can write', () => chmodSync('portcullis.yaml', 0o646)],
  ['a group can write', () => chmodSync('portcullis.yaml', 0o664)],
  ['is in a folder that everybody can write', () => chmodSync('.', 0o777)],
]

describe('a configuration in the current folder', () => {
  it('is used when it is the own one', async () => {
    assert.equal((await run(['config', 'validate'])).status, 0)
    mkdirSync('.portcullis', { mode: 0o755 })
    writeFileSync('.portcullis/portcullis.yaml', CONFIG, { mode: 0o644 })
    writeFileSync('.portcullis/none.cedar', '')
    rmSync('portcullis.yaml')
    assert.equal((await run(['config', 'validate'])).status, 0)
  })

  for (const [what, open] of WAYS) {
    it(`that ${what} is used only when it is named`, async () => {
      open()
      const refused = await run(['config', 'validate'])
      assert.equal(refused.status, 2)
      assert.match(refused.err, /name it: --config portcullis\.yaml/)
      assert.equal((await run(['config', 'validate', '--config', 'portcullis.yaml'])).status, 0)
      assert.equal((await run(['config', 'validate'], { PORTCULLIS_CONFIG: 'portcullis.yaml' })).status, 0)
    })
  }

  it('of somebody else gets no key, whatever the environment names', async (t) => {
    const heard: string[] = []
    const thief = createServer((request, response) => {
      heard.push(String(request.headers.authorization))
      response.end('{"keys":[]}')
    })
    await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve))
    t.after(() => thief.close())
    writeFileSync('my.key', 'secret', { mode: 0o600 })
    chmodSync('portcullis.yaml', 0o666)
    const url = `http://127.0.0.1:${(thief.address() as AddressInfo).port}`
    for (const environment of [
      { PORTCULLIS_KEY_FILE: 'my.key', PORTCULLIS_URL: url },
      { PORTCULLIS_KEY_FILE: 'my.key' },
    ] as readonly Readonly<Record<string, string>>[])
      assert.equal((await run(['key', 'list'], environment)).status, 2)
    assert.deepEqual(heard, [])
  })
})

describe('an own file', () => {
  const me = process.getuid?.() ?? 0
  // Who is root can make somebody else's files; who is not is somebody else to its own.
  const given = (path: string) => (me === 0 ? chownSync(path, 12_345, 12_345) : undefined)
  const reader = me === 0 ? 0 : me + 1

  it('belongs to this user', () => assert.equal(isOwnFile('portcullis.yaml', me), true))

  it('does not belong to another, nor does its folder, nor a link to it', () => {
    given('portcullis.yaml')
    assert.equal(isOwnFile('portcullis.yaml', reader), false)
    mkdirSync('theirs')
    writeFileSync('theirs/portcullis.yaml', CONFIG)
    given('theirs')
    assert.equal(isOwnFile('theirs/portcullis.yaml', reader), false)
    writeFileSync('mine.yaml', CONFIG, { mode: 0o644 })
    symlinkSync('mine.yaml', 'link.yaml')
    assert.equal(isOwnFile('link.yaml', me), true)
    symlinkSync('portcullis.yaml', 'theirs.yaml')
    if (me === 0) assert.equal(isOwnFile('theirs.yaml', me), false)
  })
})
