/** Where certificates of others are believed without knowing whether they are revoked. */
import type { Config } from './schema.ts'
import type { Weakness } from './weakness.ts'

const MEANINGS: Readonly<Record<string, string>> = {
  'soft-fail': 'Who can hold up the answers of an authority can use a revoked certificate.',
  off: 'A revoked certificate is good until it expires.',
}

/** Rules of private authorities for public ones: fewer, and nobody has to say where revocations are told. */
function profileWeaknesses({ upstreams }: Pick<Config, 'upstreams'>): readonly Weakness[] {
  const meaning = 'A public authority is held to fewer rules than those that it has agreed to.'
  return Object.entries(upstreams)
    .filter(([, { http }]) => http?.tls.profile === 'private' && http.tls.ca === undefined)
    .map(([name]) => ({ path: `upstreams.${name}.http.tls.profile`, word: 'private', meaning }))
}

/** Of listeners, upstreams, and what the gateway asks itself. */
export function validationWeaknesses({ listen, outbound, upstreams }: Config): readonly Weakness[] {
  const places = [
    ['listen.tls.clientCertificates.revocation', listen.tls?.clientCertificates?.revocation] as const,
    ['outbound.revocation', outbound.revocation] as const,
    ...Object.entries(upstreams).map(
      ([name, { http }]) => [`upstreams.${name}.http.tls.revocation`, http?.tls.revocation] as const,
    ),
  ]
  const revocation = places.flatMap(([path, word]) => {
    const meaning = word && MEANINGS[word]
    return word === undefined || meaning === undefined || meaning === '' ? [] : [{ path, word, meaning }]
  })
  return [...revocation, ...profileWeaknesses({ upstreams })]
}
