/** What a configuration may say about the arguments of tools, and whether what it names exists. */
import type { ArgumentRule } from './role-inspectors.ts'
import { type ArgumentSurvey, pointerToken, type ProposedTool, surveyArguments } from './propose-roles.ts'
import type { ResultRules, ToolResultRules } from './results/result-settings.ts'
import type { VerdictRules } from './verdict.ts'

/** One tool. Names of arguments are JSON pointers (RFC 6901, `*` for any element or member) or names of the outermost level. */
export interface ToolSettings extends VerdictRules {
  readonly results?: ToolResultRules
  readonly arguments?: Readonly<Record<string, ArgumentRule>>
}

/** One upstream. */
export interface UpstreamSettings extends VerdictRules {
  readonly results?: ResultRules
  readonly tools?: Readonly<Record<string, ToolSettings>>
}

/** All upstreams; what an upstream says comes before what is said for all. */
export interface InspectionSettings extends VerdictRules {
  readonly results?: ResultRules
  readonly upstreams: Readonly<Record<string, UpstreamSettings | undefined>>
}

/** Something that the configuration names and that is not there. */
export interface SettingsProblem {
  readonly upstream: string
  readonly tool: string
  /** As configured; absent when the tool itself is not there. */
  readonly argument?: string
}

/** What is configured for `tool` of `upstream` and fits none of its arguments. */
export function unknownArguments(settings: ToolSettings | undefined, survey: ArgumentSurvey): readonly string[] {
  return Object.keys(settings?.arguments ?? {}).filter((name) => !isKnown(pointerOf(name), survey))
}

/** Everything that is named for an upstream and that the tools it has do not know. */
export function settingsProblems(
  upstream: string,
  settings: UpstreamSettings | undefined,
  tools: readonly ProposedTool[],
): readonly SettingsProblem[] {
  return Object.entries(settings?.tools ?? {}).flatMap(([tool, own]) => {
    const found = tools.find(({ name }) => name === tool)
    if (found === undefined) return [{ upstream, tool }]
    return unknownArguments(own, surveyArguments(found)).map((argument) => ({ upstream, tool, argument }))
  })
}

/** `path` is the pointer `/path`; what begins with a slash is one already. */
export const pointerOf = (name: string): string => (name.startsWith('/') ? name : `/${pointerToken(name)}`)

/** Every step is declared, or leads into an object that takes any name. Elements of a list have no names. */
function isKnown(pointer: string, { declared, open }: ArgumentSurvey): boolean {
  let here = ''
  for (const token of pointer.split('/').slice(1)) {
    const next = [`${here}/${token}`, `${here}/*`].find((pattern) => declared.has(pattern))
    if (next === undefined) return open.has(here)
    if (next !== `${here}/${token}` && !open.has(here)) return false
    here = next
  }
  return true
}
