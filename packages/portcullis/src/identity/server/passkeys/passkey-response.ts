/** Decides what counts as the answer of an authenticator, before anything is verified: small, of one shape, from our own page. */

/** `json` is for the library, which checks the rest. */
export interface PasskeyResponse {
  readonly id: string
  /** The challenge that was answered. It says so itself, so it proves nothing yet. */
  readonly challenge: string
  readonly transports: readonly string[]
  readonly userHandle?: string
  readonly json: object
}

const MAX_CHARS = 32_768
/** A credential id has at most 1023 bytes (WebAuthn §4). */
const ID = /^[A-Za-z0-9_-]{16,1364}$/
const TRANSPORT = /^[a-z-]{1,16}$/

/** Undefined for anything else, and for an answer that was asked for inside a frame of another site. */
export function passkeyResponse(text: string | undefined): PasskeyResponse | undefined {
  if (text === undefined || text.length > MAX_CHARS) return undefined
  const json = record(parsed(text))
  const response = record(json?.['response'])
  const client = record(parsed(decoded(response?.['clientDataJSON'])))
  if (json === undefined || response === undefined || client === undefined) return undefined
  const { id } = json
  const { challenge, crossOrigin } = client
  if (typeof id !== 'string' || !ID.test(id) || typeof challenge !== 'string') return undefined
  if (crossOrigin !== undefined && crossOrigin !== false) return undefined
  const { transports, userHandle } = response
  return {
    id,
    challenge,
    transports: Array.isArray(transports) ? transports.filter(isTransport).slice(0, 8) : [],
    ...(typeof userHandle === 'string' && { userHandle }),
    json: { ...json, clientExtensionResults: {} },
  }
}

const isTransport = (value: unknown): value is string => typeof value === 'string' && TRANSPORT.test(value)

const decoded = (value: unknown): string =>
  typeof value === 'string' ? Buffer.from(value, 'base64url').toString('utf8') : ''

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isRecord ? (value as Readonly<Record<string, unknown>>) : undefined
}
