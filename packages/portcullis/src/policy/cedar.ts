/** The only door to cedar-wasm. It parses and validates when policies are loaded; it decides nothing. */
import type * as Wasm from '@cedar-policy/cedar-wasm/nodejs'
import type { DetailedError, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A mistake as Cedar tells it. `at` counts UTF-8 bytes from the beginning of the policy. */
export interface CedarMistake {
  readonly message: string
  readonly help: string | undefined
  readonly at: number
}

/** What the validator says of one policy under one schema. */
export interface Verdict {
  readonly mistakes: readonly CedarMistake[]
  /** True when no request of this schema can satisfy the policy. */
  readonly impossible: boolean
}

export interface Cedar {
  /** The policy in Cedar's JSON form, or what is wrong with its text. */
  parse(text: string): PolicyJson | readonly CedarMistake[]
  /** One verdict for each text, in the same order. Throws TypeError when the schema is not one. */
  validate(schema: string, texts: readonly string[]): readonly Verdict[]
  /** The text of a policy in JSON form. */
  print(policy: PolicyJson): string
}

const MODULE = '@cedar-policy/cedar-wasm/nodejs'
const require = createRequire(import.meta.url)

/** Answers of one version of Cedar hold for no other. */
export function cedarVersion(): string {
  const manifest = join(dirname(require.resolve(MODULE)), '..', 'package.json')
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

/** Loads the WebAssembly module with the first question: that takes 130 ms, and 40 MB which are never given back. */
export function openCedar(): Cedar {
  let loaded: typeof Wasm | undefined
  const load = (): typeof Wasm => (loaded ??= require(MODULE) as typeof Wasm)
  return {
    parse(text) {
      const answer = load().policyToJson(text)
      return answer.type === 'success' ? answer.json : answer.errors.map(mistake)
    },
    validate(schema, texts) {
      const staticPolicies = Object.fromEntries(texts.map((text, index) => [String(index), text]))
      const answer = load().validate({ schema, policies: { staticPolicies } })
      if (answer.type === 'failure') throw new TypeError(answer.errors.map(({ message }) => message).join('; '))
      return texts.map((_, index) => ({
        mistakes: answer.validationErrors
          .filter(({ policyId }) => policyId === String(index))
          .map((entry) => mistake(entry.error)),
        impossible: answer.validationWarnings.some(
          ({ policyId, error }) => policyId === String(index) && error.message.includes('policy is impossible'),
        ),
      }))
    },
    print(policy) {
      const answer = load().policyToText(policy)
      return answer.type === 'success' ? answer.text : JSON.stringify(policy)
    },
  }
}

/** Cedar repeats the policy's id, which the place already tells, and hides the cause of a parse error in `related`. */
function mistake(error: DetailedError): CedarMistake {
  const cause = error.related?.[0] ?? error
  const [place] = cause.sourceLocations ?? []
  const help = cause.help ?? place?.label ?? undefined
  return { message: plain(cause.message), help: help === undefined ? undefined : plain(help), at: place?.start ?? 0 }
}

const plain = (text: string) =>
  text.replace(/^for policy `[^`]*`[:,] ?/, '').replace(/^failed to parse policy from string: /, '')
