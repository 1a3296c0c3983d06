/** Decides how much a signature has to cover and how long it is good, so that none is worth more than was signed. */
import type { NamedKey } from './algorithms.ts'
import { type Component, component } from './component.ts'
import type { HttpView } from './http-view.ts'
import { SignatureProblem } from './problem.ts'
import type { SignatureInput } from './signature-input.ts'

export interface TimeRules {
  /** From `created` on. */
  readonly maxAgeSeconds: number
  /** How far the clock of the other side may be ahead. */
  readonly skewSeconds: number
}

export interface SignatureRules extends TimeRules {
  /** `tag` of the signatures that are meant for us. */
  readonly tag: string
}

const MIN_NONCE_LENGTH = 16
const MAX_NONCE_LENGTH = 256

/** Headers that change what a request does; each is covered where it is there. */
const WEIGHTY = ['authorization', 'dpop', 'content-type', 'content-encoding', 'last-event-id', 'if-match'] as const

/** What a signature of this request has to cover. `names` are those of its headers, in lower case. */
export function demandedOf(names: readonly string[], hasBody: boolean): readonly Component[] {
  return [
    '@method',
    '@target-uri',
    ...(hasBody ? ['content-digest'] : []),
    ...WEIGHTY.filter((name) => names.includes(name)),
    ...names.filter((name) => name.startsWith('mcp-')),
  ].map((name) => component(name))
}

/** Throws SignatureProblem for the first that is not covered. The parts of `@target-uri` together are as good as itself. */
export function checkCoverage(input: SignatureInput, demanded: readonly Component[], { query }: HttpView): void {
  const covered = new Set(input.components.map(({ text }) => text))
  const parts = ['"@authority"', '"@path"', ...(query === '' ? [] : ['"@query"'])]
  const hasTarget = parts.every((part) => covered.has(part))
  for (const { name, text } of demanded) {
    if (covered.has(text) || (name === '@target-uri' && hasTarget)) continue
    throw new SignatureProblem(`does not cover ${text}`)
  }
}

/** When it was made. Throws SignatureProblem for one that is not good now; `now` in milliseconds since the epoch. */
export function checkTime({ parameters }: SignatureInput, now: number, rules: TimeRules): number {
  const created = whole(parameters.get('created'), 'created')
  if (created === undefined) throw new SignatureProblem('no created')
  const expires = whole(parameters.get('expires'), 'expires')
  const seconds = now / 1_000
  if (created > seconds + rules.skewSeconds) throw new SignatureProblem('created in the future')
  if (created + rules.maxAgeSeconds < seconds) throw new SignatureProblem('too old')
  if (expires !== undefined && (expires < created || expires < seconds)) throw new SignatureProblem('expired')
  return created
}

/** Throws SignatureProblem when the parameters name another key, algorithm or purpose than the ones that count here. */
export function checkParameters({ parameters }: SignatureInput, key: NamedKey, tag: string): void {
  if (parameters.get('keyid') !== key.id) throw new SignatureProblem('another key')
  if (parameters.get('tag') !== tag) throw new SignatureProblem('another tag')
  const algorithm = parameters.get('alg')
  if (algorithm !== undefined && algorithm !== key.algorithm) throw new SignatureProblem('another algorithm')
}

/** Throws SignatureProblem without a nonce, and for one that could be guessed or is very long. */
export function nonceOf({ parameters }: SignatureInput): string {
  const nonce = parameters.get('nonce')
  if (typeof nonce !== 'string') throw new SignatureProblem('no nonce')
  if (nonce.length < MIN_NONCE_LENGTH || nonce.length > MAX_NONCE_LENGTH) throw new SignatureProblem('length of nonce')
  return nonce
}

function whole(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new SignatureProblem(`no time in ${name}`)
  return value
}
