/**
 * Decides how answers are signed: bound to their request and to its signature (RFC 9421 §2.4), so that none of them passes
 * for the answer to another request. Messages of a stream carry their signature in `_meta`, because no header can follow them.
 */
import { isInnerList } from 'structured-headers'
import type { Clock } from '../core/clock.ts'
import type { Outgoing, Seal } from '../core/exchange.ts'
import { type NamedKey, signBytes } from './algorithms.ts'
import { type Component, component, identityOf } from './component.ts'
import { contentDigest } from './content-digest.ts'
import type { HttpView } from './http-view.ts'
import { signMessage } from './message-signature.ts'
import { dictionaryOf, inputOf, newInput, signatureBase, signatureFields } from './signature-input.ts'

export interface AnswerRules {
  readonly key: NamedKey
  readonly tag: string
  readonly clock: Clock
}

/** What a caller wants of the signature of its answer. */
export interface Asked {
  readonly label: string
  /** To be repeated, so that the answer is known to be fresh. */
  readonly nonce: string | undefined
}

/** Of a request that is signed: its label, and the signature itself. */
export interface Bound {
  readonly label: string
  readonly signature: Buffer
}

/** Headers that say what an answer is, and to which session it leads; each is covered where it is there. */
export const OF_HEAD = ['content-type', 'mcp-session-id'] as const

/** `tag` stands for the label, too, where nobody asks for another. */
export function answerSeal(rules: AnswerRules, view: HttpView, bound: Bound | undefined, asked?: Asked): Seal {
  const { key, tag, clock } = rules
  const { label = 'mcp', nonce } = asked ?? {}
  const stamp = () => ({ created: Math.floor(clock.now() / 1_000), nonce, keyid: key.id, alg: key.algorithm, tag })
  const ofRequest = requestComponents(view, bound)
  return {
    headers(status, headers, body) {
      const digest = contentDigest(body)
      const given: Readonly<Record<string, unknown>> = { ...headers, 'content-digest': digest }
      const names = ['@status', 'content-digest', ...OF_HEAD.filter((name) => headers[name] !== undefined)]
      const input = newInput([...names.map((name) => component(name)), ...ofRequest], stamp())
      const answer: HttpView = {
        ...view,
        ...{ status, request: view },
        header: (name) => (given[name] === undefined ? undefined : String(given[name])),
      }
      const signature = signBytes(key, signatureBase(input, answer))
      return { 'content-digest': digest, ...signatureFields(label, input, signature) }
    },
    message: (message: Outgoing) =>
      signMessage(message, key, { ...stamp(), request: bound?.signature }) as Outgoing | Promise<Outgoing>,
  }
}

/** What of the request every answer to it covers. */
function requestComponents(view: HttpView, bound: Bound | undefined): readonly Component[] {
  return [
    component('@method', true),
    component('@target-uri', true),
    ...(view.header('content-digest') === undefined ? [] : [component('content-digest', true)]),
    ...(bound === undefined ? [] : [component('signature', true, bound.label)]),
  ]
}

/** What is asked of us, or undefined for what we cannot do: then the answer comes as it would without being asked. */
export function askedOf(
  field: string,
  view: HttpView,
  bound: Bound | undefined,
  rules: AnswerRules,
): Asked | undefined {
  try {
    for (const [label, member] of dictionaryOf(field)) {
      if (!isInnerList(member)) continue
      const { components, parameters } = inputOf(member)
      const [keyId, algorithm, tag, nonce] = ['keyid', 'alg', 'tag', 'nonce'].map((name) => parameters.get(name))
      if (keyId !== undefined && keyId !== rules.key.id) continue
      if (algorithm !== undefined && algorithm !== rules.key.algorithm) continue
      if (tag !== undefined && tag !== rules.tag) continue
      if (nonce !== undefined && typeof nonce !== 'string') continue
      if (components.every((one) => covers(one, view, bound))) return { label, nonce }
    }
  } catch {
    return undefined
  }
  return undefined
}

const OF_ANSWER: ReadonlySet<string> = new Set(['@status', 'content-digest', ...OF_HEAD])

function covers(asked: Component, view: HttpView, bound: Bound | undefined): boolean {
  if (!asked.ofRequest) return asked.member === undefined && OF_ANSWER.has(asked.name)
  return requestComponents(view, bound).some((one) => identityOf(one) === identityOf(asked))
}
