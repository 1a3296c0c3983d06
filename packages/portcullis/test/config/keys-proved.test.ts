// Every configuration key has a test through a running gateway that proves its effect, or a reason why there is none.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { configKeys } from '../../src/config/keys.ts'
import { proofs, withoutProof } from './proofs.ts'

const TESTS = join(import.meta.dirname, '..')
/** By which a test starts a gateway, in this process or in its own. */
const STARTS = /\bstart(?:Test)?Gateway\(|\bserveFrom\(|\bLAUNCHER\b/

const keys = new Set([...configKeys()].filter(({ holdsValue }) => holdsValue).map(({ path }) => path))
const rows = proofs()
const reasons = withoutProof()

test('every key has a proof, or a reason why it has none', () => {
  const proved = new Set(rows.map(({ key }) => key))
  assert.ok(keys.size > 500)
  assert.deepEqual(
    [...keys].filter((key) => !proved.has(key) && !reasons.has(key)),
    [],
    'these keys need a row in keys-proved.ts',
  )
  assert.deepEqual(
    [...reasons.keys()].filter((key) => proved.has(key)),
    [],
    'these keys have a proof, and a reason why they have none',
  )
})

test('every key that is named exists', () => {
  const named = [...rows.map(({ key }) => key), ...reasons.keys()]
  assert.deepEqual(
    [...new Set(named)].filter((key) => !keys.has(key)),
    [],
  )
})

test('every proof is a test that exists, starts a gateway and names its key', () => {
  const wrong = rows.flatMap(({ key, file, title }) => {
    const path = join(TESTS, `${file}.test.ts`)
    if (!existsSync(path)) return [`${file}: there is no such file`]
    const own = readFileSync(path, 'utf8')
    if (!titlesIn(own).has(title)) return [`${file}: no test is called “${title}”`]
    const all = withImports(path)
    if (!STARTS.test(all)) return [`${file} starts no gateway`]
    return lastWordOf(key).test(all) ? [] : [`${file} does not name ${key}`]
  })
  assert.deepEqual([...new Set(wrong)], [])
})

/** As they are written; of one that stands in a template, its text. */
function titlesIn(source: string): ReadonlySet<string> {
  const calls = source.matchAll(/\b(?:test|it)\(\s*(?:'((?:\\.|[^'\\])*)'|"([^"]*)"|`([^`]*)`|(\w+),)/g)
  return new Set([...calls].map(([, plain, double, template, name]) => plain ?? double ?? template ?? name ?? ''))
}

function lastWordOf(key: string): RegExp {
  const word = key
    .split('.')
    .filter((part) => part !== 'NAME')
    .at(-1)
  return new RegExp(`(?<![\\w-])${String(word).replace('[]', '')}(?![\\w-])`)
}

const texts = new Map<string, string>()

/** The text of a test with that of the fixtures that it stands on. */
function withImports(path: string, seen = new Set<string>()): string {
  const known = texts.get(path)
  if (known !== undefined) return known
  seen.add(path)
  const own = readFileSync(path, 'utf8')
  // By import, or by name for what runs in a process of its own.
  const imported = [...own.matchAll(/'([^'\s]+\.ts)'/g)]
    .map(([, to = '']) => resolve(dirname(path), to))
    .filter((to) => to.startsWith(TESTS) && !seen.has(to) && existsSync(to))
  const all = [own, ...imported.map((to) => withImports(to, seen))].join('\n')
  if (seen.size === 1) texts.set(path, all)
  return all
}
