/** Configuration to the OCSP response that is sent with our own certificate. */
import { X509Certificate } from 'node:crypto'
import type { Logger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { OwnStaple } from '../pki/revocation/own-staple.ts'
import type { Validation } from './build-validation.ts'

export interface OwnStapleParts {
  readonly validation: Pick<Validation, 'fetchWithin'>
  readonly clock: Clock
  readonly log: Logger
}

/** Undefined when the certificate (PEM) names no responder, or when nothing is to be stapled. Waits for the first response, for some seconds. */
export async function ownStaple(
  { listen }: Config,
  certificate: string,
  { validation, clock, log }: OwnStapleParts,
): Promise<OwnStaple | undefined> {
  const { tls } = listen
  // OpenSSL looks first: most certificates name none, and then nothing is loaded.
  const namesResponder = new X509Certificate(certificate).infoAccess?.includes('OCSP - URI:') === true
  if (tls?.staple === 'off' || !namesResponder) return undefined
  const { OwnStaple: Staple } = await import('../pki/revocation/own-staple.ts')
  const staple = new Staple({
    fetch: validation.fetchWithin(tls?.revocationNetworks ?? []),
    clock,
    onFailure: (error) => log.error('no OCSP response for our own certificate', { error }),
    onRevoked: (since) => log.error('our own certificate is revoked', { since: new Date(since).toISOString() }),
  })
  await staple.use(certificate)
  return staple
}
