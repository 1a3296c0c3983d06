/** What is said in the open about the certificates of the local authority. */
import type { Config } from './schema.ts'
import type { Weakness } from './weakness.ts'

const MEANINGS = {
  'loopback-only': 'Programs on this machine see about which certificates others ask.',
  'signed-answers': 'Who watches the network sees about which certificates others ask, and can hold up the answers.',
} as const

export function revocationWeaknesses({ listen }: Config): readonly Weakness[] {
  const word = listen.revocation?.plaintext
  return word === undefined ? [] : [{ path: 'listen.revocation.plaintext', word, meaning: MEANINGS[word] }]
}
