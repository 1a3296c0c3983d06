/** Decides whether a body is the one that `Content-Digest` names, and names ours (RFC 9530). */
import { hash, timingSafeEqual } from 'node:crypto'
import { dictionaryOf } from './signature-input.ts'
import { SignatureProblem } from './problem.ts'

/** The other algorithms of the registry are deprecated (RFC 9530 §7.2). */
const ALGORITHMS = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const

/** The field for a body of ours; a text counts in UTF-8. */
export const contentDigest = (body: string | Buffer): string => `sha-256=:${hash('sha256', body, 'base64')}:`

/** Every digest that we know has to be right, and one has to be there. Throws SignatureProblem. */
export function checkContentDigest(field: string, body: Buffer): void {
  let known = 0
  for (const [name, [value]] of dictionaryOf(field)) {
    if (!isKnown(name)) continue
    if (!(value instanceof ArrayBuffer)) throw new SignatureProblem('no content digest')
    const [claimed, own] = [Buffer.from(value), hash(ALGORITHMS[name], body, 'buffer')]
    if (claimed.length !== own.length || !timingSafeEqual(claimed, own)) throw new SignatureProblem('another body')
    known++
  }
  if (known === 0) throw new SignatureProblem('no content digest that is known here')
}

const isKnown = (name: string): name is keyof typeof ALGORITHMS => Object.hasOwn(ALGORITHMS, name)
