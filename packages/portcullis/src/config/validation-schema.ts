/** How certificates of others are judged beside what the platform asks: rules, revocation, pins. */
import { z } from 'zod'
import { address, path } from './fields.ts'

export const revocationNetworks = z
  .array(address)
  .max(50)
  .default([])
  .describe('Networks of this house in which revocation lists and OCSP responders may be asked, such as `10.1.0.0/16`.')

const shared = {
  revocation: z
    .enum(['strict', 'hard-fail', 'soft-fail', 'off'])
    .default('hard-fail')
    .describe(
      'Whether certificates of the chain may be revoked. `hard-fail`: each that names a list or an OCSP responder has to be shown good; of public authorities each has to name one, or end within ten days. `strict`: every one has to name one. Weakness: `soft-fail` lets through what nobody could say, `off` asks nobody.',
    ),
  crls: z
    .array(path)
    .max(50)
    .default([])
    .describe(
      'Revocation lists in files, PEM or DER, beside those that certificates name. A file that changes counts without a restart.',
    ),
  revocationNetworks,
}

export const clientValidation = shared

export const outbound = z.strictObject(shared)

export const upstreamValidation = {
  ...shared,
  profile: z
    .enum(['auto', 'webpki', 'private'])
    .default('auto')
    .describe(
      'Rules of certificates. `webpki`: RFC 5280 and the Baseline Requirements of the CA/Browser Forum; `private`: RFC 5280 alone. `auto`: `private` for authorities of your own, from `ca` or the environment, `webpki` for all others. Weakness: `private` without `ca`.',
    ),
  pins: z
    .array(
      z
        .string()
        .regex(/^sha256\/[A-Za-z0-9+/]{43}=$/)
        .meta({ title: 'sha256/ and the digest of a public key (SubjectPublicKeyInfo) in base64' }),
    )
    .max(20)
    .default([])
    .describe('Keys of which one has to be in the chain. Default: any. Pin two, or a change of keys locks you out.'),
}
