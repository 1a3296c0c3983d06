/** CO-4: one signature for many receipts, each of which can be checked without the others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkpointSigner } from '../../src/audit/checkpoint.ts'
import { giveReceipt } from '../../src/audit/give-receipt.ts'
import { leafHash, merkleTree, rootOf } from '../../src/audit/merkle.ts'
import { isReceiptSigned, RECEIPT, type Receipt, Receipts, withoutReceipt } from '../../src/audit/receipt.ts'
import { verifyReceipt } from '../../src/audit/verify-receipt.ts'
import { markBulk } from '../../src/core/bulk.ts'
import { clock, keys, knownFacts, newExchange, privateKey, publicKey, signer } from './fixtures.ts'

const placed = { sequence: 8, hash: 'b'.repeat(64), at: clock.now() }
const exchange = () => newExchange(knownFacts) as unknown as Parameters<typeof giveReceipt>[1]
const answerWith = (result: unknown) => ({ status: 200, message: { jsonrpc: '2.0', id: 1, result } }) as const

test('each leaf leads to the root, and no other text does', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 40 }), fc.nat(), (texts, pick) => {
      const leaves = texts.map((text) => leafHash(Buffer.from(text)))
      const { root, paths } = merkleTree(leaves)
      for (const [at, leaf] of leaves.entries()) assert.equal(rootOf(leaf, paths[at] ?? []), root)
      const at = pick % leaves.length
      if (leaves.length > 1) assert.notEqual(rootOf(leaves[(at + 1) % leaves.length] as string, paths[at] ?? []), root)
      assert.equal(rootOf(root, []), root)
    }),
  )
})

test('all receipts of a turn share one signature', async () => {
  let signatures = 0
  const counting = { ...signer, sign: (bytes: Buffer) => (signatures++, signer.sign(bytes)) }
  const receipts = new Receipts(() => counting)
  const answers = await Promise.all(
    Array.from({ length: 9 }, (_, n) =>
      giveReceipt(receipts, exchange(), answerWith({ n }), { ...placed, sequence: n + 1 }),
    ),
  )
  assert.equal(signatures, 1)
  for (const { message } of answers) assert(verifyReceipt({ value: message, keys }).valid)
  const [one, other] = answers.map(
    ({ message }) =>
      (message as unknown as { result: { _meta: Record<string, Receipt> } }).result._meta[RECEIPT] as Receipt,
  )
  assert.equal(isReceiptSigned({ ...one, statement: other?.statement } as Receipt, publicKey), false)
})

test('a result keeps what it had, and a receipt that an upstream has put there is replaced', async () => {
  const receipts = new Receipts(() => signer)
  const forged = { content: [], _meta: { [RECEIPT]: { forged: true }, other: 1 } }
  const { message } = await giveReceipt(receipts, exchange(), answerWith(forged), placed)
  const result = message?.result as { _meta: Record<string, unknown> }
  assert.equal(result._meta['other'], 1)
  assert.deepEqual(withoutReceipt(result), { content: [], _meta: { other: 1 } })
  assert(verifyReceipt({ value: result, keys }).valid)
})

test('errors and results with a great many members have none', async () => {
  const receipts = new Receipts(() => signer)
  const wide = { a: 1 }
  markBulk(wide, { members: 2_000, own: 2_000, bytes: 0 })
  const error = { status: 200, message: { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } } } as const
  for (const answer of [error, answerWith(wide), answerWith('text'), { status: 202 }])
    assert.equal(await giveReceipt(receipts, exchange(), answer, placed), answer)
})

test('the key that is in force signs', async () => {
  let now = signer
  const receipts = new Receipts(() => now)
  now = checkpointSigner(privateKey)
  const { message } = await giveReceipt(receipts, exchange(), answerWith({}), placed)
  assert(verifyReceipt({ value: message, keys }).valid)
})

test('what is no receipt is not valid, and no error', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const one of [
        value,
        { _meta: { [RECEIPT]: value } },
        { result: { _meta: { [RECEIPT]: { statement: value, path: [], key: '', signature: '' } } } },
      ])
        assert.equal(verifyReceipt({ value: one, keys }).valid, false)
    }),
  )
})
