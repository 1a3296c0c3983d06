/** Keeps an access token until shortly before its end. */
import type { Clock } from '../../core/clock.ts'
import { Secret } from '../../core/secret.ts'
import { type Ask, type IsBusy, objectOf, type Question, refused, type Reply, textOf } from './ask.ts'

export interface Token {
  readonly value: Secret
  /** Milliseconds since the epoch. */
  readonly endsAt: number
}

/** Where there is a token; `drop` when the service does not take it any more. */
export interface TokenSource {
  get(): Promise<Secret>
  drop(): void
}

const MARGIN_MS = 60_000

/** Many that ask at once are one question. */
export function tokenSource(fetchToken: () => Promise<Token>, clock: Clock): TokenSource {
  let known: Token | undefined
  let asked: Promise<Token> | undefined
  return {
    async get() {
      if (known !== undefined && clock.now() < known.endsAt) return known.value
      asked ??= fetchToken().finally(() => {
        asked = undefined
      })
      known = await asked
      return known.value
    },
    drop() {
      known = undefined
    },
  }
}

/** Of an answer as RFC 6749 §5.1 has it; the metadata services of clouds answer alike. Throws KeyServiceError. */
export function tokenOf(service: string, reply: Reply, clock: Clock): Token {
  if (reply.status !== 200) throw refused(service, `gave no token (${reply.status})`)
  const { access_token: value, expires_in: seconds } = objectOf(service, reply)
  return { value: new Secret(textOf(service, value, 'a token')), endsAt: endOf(clock, seconds) }
}

/** A short life at least, so that a strange answer cannot make us ask for each call. */
export function endOf(clock: Clock, seconds: unknown): number {
  const lifeMs = Math.max(0, Number(seconds) || 0) * 1_000
  return clock.now() + Math.max(lifeMs - MARGIN_MS, Math.min(lifeMs, 10_000))
}

/** Asks with the token; once more with a new one when that is not taken. */
export async function askWith(
  ask: Ask,
  tokens: TokenSource,
  question: (token: Secret) => Question,
  isRejected: (reply: Reply) => boolean = ({ status }) => status === 401,
  isBusy?: IsBusy,
): Promise<Reply> {
  const reply = await ask(async () => question(await tokens.get()), isBusy)
  if (!isRejected(reply)) return reply
  tokens.drop()
  return ask(async () => question(await tokens.get()), isBusy)
}
