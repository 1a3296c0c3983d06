/** `store`: what a configuration may say of PostgreSQL, and what is refused before anything is opened. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { weaknesses } from '../../src/config/weaknesses.ts'

const URL = 'postgresql://db.example.com/portcullis'
const ENVIRONMENT = { PASSWORD: 'secret' }
const base = { kind: 'postgres', url: URL, username: 'portcullis' }

const parse = (store: object) =>
  parseConfig(
    stringify({ version: 1, state: 'state', policy: { files: [] }, store }),
    '/x/portcullis.yaml',
    ENVIRONMENT,
  )

describe('a store in PostgreSQL', () => {
  it('is asked over TLS, with few connections and for a few seconds, unless told otherwise', () => {
    const { store } = parse({ ...base, password: { env: 'PASSWORD' } })
    assert.deepEqual(store, { ...base, password: { env: 'PASSWORD' }, connections: 10, timeoutMs: 5_000 })
  })

  const wrong: readonly (readonly [what: string, store: object, why: RegExp])[] = [
    ['without a url', { kind: 'postgres', username: 'x' }, /needs url and username/],
    ['without a username', { kind: 'postgres', url: URL }, /needs url and username/],
    [
      'with a password in its url',
      { ...base, url: 'postgresql://a:b@db.example.com/portcullis' },
      /without user and password/,
    ],
    ['with parameters in its url', { ...base, url: `${URL}?sslmode=disable` }, /without user and password/],
    ['with another scheme', { ...base, url: 'http://db.example.com/portcullis' }, /without user and password/],
    ['without a database', { ...base, url: 'postgresql://db.example.com' }, /without user and password/],
    ['without TLS elsewhere', { ...base, plaintext: 'loopback-only' }, /loopback address only/],
    ['without TLS by another word', { ...base, plaintext: true }, /plaintext/],
    [
      'by socket and without TLS',
      { ...base, socket: '/tmp', url: 'postgresql://localhost/x', plaintext: 'loopback-only' },
      /at most one of/,
    ],
    ['with a password that is not there', { ...base, password: { env: 'NOT_THERE' } }, /NOT_THERE is not set/],
    ['with a password in the file', { ...base, password: 'secret' }, /env: NAME/],
    ['with authorities that are not there', { ...base, ca: 'no-such.pem' }, /no-such\.pem/],
    ['of another kind', { ...base, kind: 'sqlite' }, /for a store of the kind postgres/],
    ['with a word that nobody knows', { ...base, ssl: false }, /ssl/],
  ]
  for (const [what, store, why] of wrong) it(`is refused ${what}`, () => assert.throws(() => parse(store), why))

  it('says where it is weak', () => {
    const plain = { ...base, url: 'postgresql://127.0.0.1:5433/portcullis', plaintext: 'loopback-only' }
    const found = weaknesses(parse(plain)).map(({ path, word }) => `${path}: ${word}`)
    assert.deepEqual(
      found.filter((one) => one.startsWith('store')),
      ['store.plaintext: loopback-only'],
    )
  })
})
