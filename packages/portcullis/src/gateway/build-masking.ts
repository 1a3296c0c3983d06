/** Configuration to what is done about secrets and personal data on the way of a message. */
import type { Config } from '../config/schema.ts'
import type { Authorized } from '../core/decision.ts'
import type { Check } from '../core/pipeline.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Params } from '../mcp/message.ts'
import type { ToolDefinition } from '../mcp/definition.ts'
import { maskArguments } from '../data-protection/masking/mask-arguments.ts'
import { maskResults } from '../data-protection/masking/mask-results.ts'
import { restoring } from '../data-protection/masking/restore-arguments.ts'
import { scrub } from '../audit/scrub.ts'
import { replaced } from '../core/replaced.ts'
import { MaskWalk } from '../data-protection/masking/mask-walk.ts'
import { maskRoots } from '../data-protection/masking/mask-message.ts'
import { LEAST_OF_ERRORS, type MaskRules, rulesOf } from '../data-protection/masking/rules.ts'
import { recogniserOf, TextMasker } from '../data-protection/masking/text-masker.ts'
import { UpwardMask } from '../data-protection/masking/upward.ts'
import type { MaskLevels, MaskSettings } from '../data-protection/masking/settings.ts'
import { RulesInForce } from '../data-protection/masking/settings.ts'
import type { TokenKeySource } from '../data-protection/masking/token-desk.ts'
import type { Claimed } from '../inspection/claim.ts'
import type { Inspected } from '../inspection/inspect-arguments.ts'
import { SchemaCompiler } from '../inspection/schema-compiler.ts'
import { UnusableSchema } from '../inspection/schema-bounds.ts'
import type { RelayParts } from '../upstream/relay/parts.ts'
import { upstreamParams } from '../upstream/relay/upstream-params.ts'
import type { Admitted, Entered, Stages, Understood } from './path.ts'

/** What the stages of the masking are made of. */
export interface Masking {
  readonly rules: RulesInForce
  /** Absent where nobody gets tokens, so that no key is made for them. */
  readonly keys?: TokenKeySource
}

export function buildMasking(
  config: Pick<Config, 'masking' | 'tenants' | 'upstreams'>,
  keyring: TokenKeySource,
): Masking {
  const rules = new RulesInForce(settingsOf(config))
  return rules.tokenises ? { rules, keys: keyring } : { rules }
}

function settingsOf({
  masking,
  tenants = {},
  upstreams,
}: Pick<Config, 'masking' | 'tenants' | 'upstreams'>): MaskSettings {
  const said = <T>(map: Readonly<Record<string, { readonly masking?: T }>>): Readonly<Record<string, T>> =>
    Object.fromEntries(
      Object.entries(map).flatMap(([name, { masking: own }]) => (own === undefined ? [] : [[name, own]])),
    )
  return { ...masking, upstreams: said(upstreams), tenants: said<MaskLevels>(tenants) }
}

export interface MaskingStageParts {
  readonly masking: Masking
  /** Checks changed arguments as if they had come like this. */
  readonly recheckArguments: (exchange: Understood & Authorized, args: Params) => Promise<void>
  /** Asks the policy about another resource. */
  readonly recheckUri: (exchange: Understood & Authorized, uri: string) => Promise<void>
  /** Holds a changed result against the tool's `outputSchema`. */
  readonly recheckResult: (tool: ToolDefinition, result: Params, by?: Claimed) => void | Promise<void>
}

/** `maskStream` is for the stream of a session, on which there is no call. */
export function maskingStages({
  masking,
  recheckArguments,
  recheckUri,
  recheckResult,
}: MaskingStageParts): Pick<Stages, 'maskArguments' | 'maskResults' | 'maskStream'> {
  const parts = { ...masking, recheck: recheckResult }
  return {
    maskArguments: maskArguments<Understood & Authorized & Inspected>({
      ...masking,
      recheck: recheckArguments,
      recheckUri,
      paramsOf: upstreamParams,
    }),
    maskResults: maskResults<Admitted>(parts),
    maskStream: maskResults<Entered>(parts),
  }
}

type Parse = Stages['parse']

/** The parser of messages, which exchanges tokens too where there are any. */
export const withTokens = (parse: Check<Parameters<Parse['check']>[0], Parsed>, { rules, keys }: Masking): Parse =>
  keys === undefined ? parse : restoring(parse, { rules, keys })

const LEAST = rulesOf([LEAST_OF_ERRORS]) as MaskRules

/** Even sealed, for those who look into records: no credential, and of personal data the shape. */
export const payloadMask = async (value: unknown): Promise<unknown> => {
  const roots = [{ value, path: ['value'], kind: 'data' }] as const
  return (await maskRoots(new TextMasker(LEAST, recogniserOf(LEAST)), { value }, roots)).value
}

/** Of what spans carry: first as in the log, which bounds it, then as what names and numbers say that it is. */
export const contentMask = (value: unknown): unknown => {
  const shown = scrub(value)
  const roots = [{ value: shown, path: ['value'], kind: 'data' }] as const
  const walk = new MaskWalk(new TextMasker(LEAST, recogniserOf(LEAST)), roots)
  walk.go(Number.POSITIVE_INFINITY)
  return replaced({ value: shown }, walk.replacements).value
}

/** For the relay, which hands on what clients answer; undefined where nothing is masked, so that no answer pays for it. */
export function answerMask({ rules, keys }: Masking): RelayParts['protect'] {
  return rules.has('arguments') ? new UpwardMask({ rules, keys, fits: formFits() }) : undefined
}

/** A form that nobody can read fits nothing: what was masked is not sent on a guess. */
function formFits(): (form: Params, content: Params) => boolean {
  const compiler = new SchemaCompiler()
  return (form, content) => {
    try {
      return compiler.compile(form)(content, true) === undefined
    } catch (thrown) {
      if (thrown instanceof UnusableSchema) return false
      throw thrown
    }
  }
}
