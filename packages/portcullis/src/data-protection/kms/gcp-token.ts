/** Access tokens for Google Cloud: from the metadata server of the machine, or for the key of a service account (RFC 7523). */
import type { Clock } from '../../core/clock.ts'
import type { Secret } from '../../core/secret.ts'
import { type Ask, refused } from './ask.ts'
import { type TokenSource, tokenOf, tokenSource } from './token.ts'

export interface GcpTokenParts {
  /** JSON of a service account; absent: the account of the machine. */
  readonly account?: Secret | undefined
  /** Host of the metadata server. */
  readonly metadataHost?: string | undefined
  readonly ask: Ask
  readonly clock: Clock
}

const SERVICE = 'gcp-kms'
const SCOPE = 'https://www.googleapis.com/auth/cloudkms'
const METADATA_HOST = 'metadata.google.internal'
const METADATA_PATH = '/computeMetadata/v1/instance/service-accounts/default/token'
const LIFE_SECONDS = 3_600

export function gcpTokens({ account, metadataHost, ask, clock }: GcpTokenParts): TokenSource {
  const ofMachine = async () => {
    const url = `http://${metadataHost ?? METADATA_HOST}${METADATA_PATH}`
    return tokenOf(SERVICE, await ask(() => ({ url, method: 'GET', headers: { 'metadata-flavor': 'Google' } })), clock)
  }
  const ofAccount = async (secret: Secret) => {
    const { email, key, tokenUri } = accountOf(secret)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const question = async () => {
      const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer' }
      const assertion = await assertionOf(email, key, tokenUri, clock)
      return {
        url: tokenUri,
        method: 'POST',
        headers,
        body: String(new URLSearchParams({ ...grant, assertion })),
      } as const
    }
    return tokenOf(SERVICE, await ask(question), clock)
  }
  return tokenSource(() => (account === undefined ? ofMachine() : ofAccount(account)), clock)
}

async function assertionOf(email: string, key: string, tokenUri: string, clock: Clock): Promise<string> {
  const { importPKCS8, SignJWT } = await import('jose')
  const now = Math.floor(clock.now() / 1_000)
  return new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(email)
    .setAudience(tokenUri)
    .setIssuedAt(now)
    .setExpirationTime(now + LIFE_SECONDS)
    .sign(await importPKCS8(key, 'RS256'))
}

function accountOf(secret: Secret) {
  const wrong = () => refused(SERVICE, 'needs the JSON of a service account: client_email, private_key, token_uri')
  let parsed: Readonly<Record<string, unknown>>
  try {
    parsed = JSON.parse(secret.reveal()) as Readonly<Record<string, unknown>>
  } catch {
    throw wrong()
  }
  const { client_email: email, private_key: key, token_uri: tokenUri } = parsed
  if (typeof email !== 'string' || typeof key !== 'string' || typeof tokenUri !== 'string') throw wrong()
  if (!tokenUri.startsWith('https://')) throw wrong()
  return { email, key, tokenUri }
}
