/** `audit.witness` and `audit.receipts`: what refers to nothing, or promises what cannot be, is told before the gateway starts. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { ownPaths, trustedFiles } from '../../src/config/own-paths.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-witness-config-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'access.cedar'), 'permit (principal, action, resource);')
writeFileSync(join(folder, 'tsa.pem'), '')

const load = (audit: object) =>
  parseConfig(
    stringify({ version: 1, state: 'state', policy: { files: ['access.cedar'] }, audit }),
    join(folder, 'portcullis.yaml'),
    { W: 'x' },
  )
const one = (witness: object) => ({ witness: { w: witness } })
const https = { url: 'https://w.example/', headers: { authorization: { env: 'W' } } }

for (const [what, audit, says] of [
  ['no kind', one({}), /exactly one of file, git, https, timestamp/],
  ['two kinds', one({ https, file: { path: 'w' } }), /exactly one of/],
  ['a folder that is not there', one({ file: { path: 'nowhere/w' } }), /nowhere does not exist/],
  ['a repository that is not there', one({ git: { repository: 'nowhere' } }), /nowhere does not exist/],
  ['a branch that git could take for an option', one({ git: { repository: '.', branch: '--x' } }), /not valid here/],
  ['a remote that git could take for an option', one({ git: { repository: '.', remote: '-x' } }), /not valid here/],
  ['plain http', one({ https: { ...https, url: 'http://w.example/' } }), /has to be https/],
  [
    'plain http to another machine',
    one({ https: { url: 'http://w.example/', plaintext: 'loopback-only' } }),
    /has to be https/,
  ],
  [
    'a secret that is not there',
    one({ https: { ...https, headers: { authorization: { env: 'NONE' } } } }),
    /NONE is not set/,
  ],
  [
    'authorities that are not there',
    one({ timestamp: { url: 'http://t', authorities: 'none', path: 'w' } }),
    /none does not exist/,
  ],
  [
    'a lag below the time between checkpoints',
    one({ https, required: true, maxLagSeconds: 10 }),
    /only every 10 seconds/,
  ],
  [
    'receipts of records that a crash can lose',
    { receipts: 'every-answer', durability: 'eventual' },
    /a receipt for a record/,
  ],
] as const)
  test(`${what} is told`, () => assert.throws(() => load(audit), says))

test('what is kept is hidden from programs, and what is believed is not theirs to change', () => {
  const stamps = { url: 'http://t.example', authorities: 'tsa.pem', path: 'stamps' }
  const config = load({
    witness: { a: { file: { path: 'w' } }, b: { timestamp: stamps }, c: { git: { repository: '.' } } },
  })
  const own = ownPaths(config, join(folder, 'portcullis.yaml'))
  for (const path of ['w', 'stamps', '']) assert(own.includes(join(folder, path)), path)
  assert(trustedFiles(config).includes(join(folder, 'tsa.pem')))
})

test('nothing is witnessed and nothing receipted unless it is asked for', () => {
  const { audit } = load({})
  assert.deepEqual([audit.witness, audit.receipts], [{}, 'off'])
})
