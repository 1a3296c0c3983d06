/** Asks OCSP responders, and keeps what they said for as long as they said it. */
import { randomBytes } from 'node:crypto'
import type { Certificate } from '../validation/certificate.ts'
import { CertificateRefused } from '../validation/refused.ts'
import type { Link } from './check-list.ts'
import type { FetchBytes } from './lists.ts'
import { NONCE_OCTETS, ocspRequest } from './ocsp-request.ts'
import { type OcspAnswer, readOcspResponse } from './ocsp-response.ts'
import { Remembered } from './remembered.ts'

const MAX_ANSWERS = 2_000
/** A responder is asked again after this, so that a revocation counts within the hour. */
const REFRESH_MS = 3_600_000
const RETRY_MS = 10_000
const MAX_RESPONDERS = 2

/** One for the whole gateway. */
export class Responders {
  readonly #answers = new Remembered<OcspAnswer>({
    max: MAX_ANSWERS,
    freshUntil: ({ until }, now) => Math.min(until, now + REFRESH_MS),
    retryMs: RETRY_MS,
  })

  /** Throws CertificateRefused `ocsp_…`: the problem of the last responder. */
  async ask(link: Link, fetch: FetchBytes, now: number): Promise<OcspAnswer> {
    let problem = new CertificateRefused('ocsp_unreachable', { what: 'no responder that can be asked' })
    for (const url of respondersOf(link.certificate)) {
      try {
        const name = `${url} ${link.certificate.digest} ${link.issuer.digest}`
        return await this.#answers.get(name, now, () => askOne(url, link, fetch, now))
      } catch (thrown) {
        problem =
          thrown instanceof CertificateRefused ? thrown : new CertificateRefused('ocsp_malformed', { url }, thrown)
      }
    }
    throw problem
  }
}

export const respondersOf = ({ ocspUrls }: Certificate): readonly string[] =>
  ocspUrls.filter((url) => /^https?:\/\//i.test(url)).slice(0, MAX_RESPONDERS)

/** The bytes of the response beside what they say; for whoever staples them. Throws CertificateRefused `ocsp_…`. */
export async function fetchResponse(url: string, link: Link, fetch: FetchBytes, now: number) {
  const nonce = randomBytes(NONCE_OCTETS)
  let bytes: Buffer
  try {
    bytes = await fetch(url, { type: 'application/ocsp-request', bytes: ocspRequest(link, nonce) })
  } catch (cause) {
    throw new CertificateRefused('ocsp_unreachable', { url }, cause)
  }
  return { bytes, answer: await readOcspResponse(bytes, link, now, nonce) }
}

async function askOne(url: string, link: Link, fetch: FetchBytes, now: number): Promise<OcspAnswer> {
  const { answer } = await fetchResponse(url, link, fetch, now)
  return answer
}
