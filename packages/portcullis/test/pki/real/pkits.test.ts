/** PKITS through our verifier, with lists in files as an operator keeps them, and revocation `strict`. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PKITS_DIFFERENCES, pkitsCases, type PkitsWorld, publishedPkits, strongPkits } from '../../fixtures/pkits.ts'
import { verifyPkits } from '../../fixtures/verify-pkits.ts'

async function verdicts(world: PkitsWorld, cases = pkitsCases) {
  const folder = mkdtempSync(join(tmpdir(), 'pkits-'))
  const found = new Map<string, string>()
  try {
    for (const one of cases) found.set(one.id, await verifyPkits(world, one.leaf, folder))
  } finally {
    rmSync(folder, { recursive: true })
  }
  return found
}

const strong = verdicts(strongPkits())

test('with keys of today every invalid path is refused, and of the valid ones all but those that we explain', async () => {
  const found = await strong
  const accepted = pkitsCases.filter(({ id }) => found.get(id) === 'accepted')
  assert.deepEqual(
    accepted.filter(({ isValid }) => !isValid).map(({ id }) => id),
    [],
  )
  const refused = pkitsCases.filter(({ id, isValid }) => isValid && found.get(id) !== 'accepted')
  assert.deepEqual(Object.fromEntries(refused.map(({ id }) => [id, found.get(id)])), reasons())
  assert.equal(accepted.length, 86)
})

test('revocation sections are refused for what is wrong with them', async () => {
  const found = await strong
  assert.deepEqual(Object.fromEntries(Object.keys(REVOCATION).map((id) => [id, found.get(id)])), REVOCATION)
})

test('with the keys that they were published with, RSA-1024 and SHA-1, none is accepted', async () => {
  const some = pkitsCases.filter(({ id }) => id.endsWith('.1') || id.endsWith('.2'))
  const found = await verdicts(publishedPkits, some)
  assert.deepEqual(
    [...found].filter(([, verdict]) => verdict === 'accepted'),
    [],
  )
})

/** Sections of 4.4, 4.14 and 4.15 by what is said of them, with those that stop a gateway from starting: the operator gave the list. */
const REVOCATION: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    accepted:
      '4.4.7 4.4.13 4.4.16 4.4.17 4.14.1 4.14.4 4.14.5 4.14.7 4.14.10 4.14.18 4.14.19 4.15.2 4.15.5 4.15.7 4.15.8',
    revoked: '4.4.2 4.4.3 4.4.18 4.5.2 4.14.2 4.14.6 4.14.15 4.14.16 4.14.20 4.14.21 4.15.3 4.15.4 4.15.6 4.15.9',
    crl_signature: '4.4.4 4.7.4 4.7.5',
    crl_scope: '4.14.3 4.14.8 4.14.9 4.14.12 4.14.14 4.14.17',
    unnamed: '4.4.1 4.4.5 4.4.6',
    start: '4.4.8 4.4.9 4.4.10 4.4.11 4.4.12 4.15.1 4.15.10',
  }).flatMap(([verdict, ids]) => ids.split(' ').map((id) => [id, verdict])),
)

const reasons = () => Object.fromEntries(PKITS_DIFFERENCES.flatMap(({ ids, reason }) => ids.map((id) => [id, reason])))
