/** Decides what becomes of one message of an upstream: each of its texts stays, is replaced, or the message does not pass. */
import { ownTurn } from '../../core/turns.ts'
import type { Outgoing } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import type { ToolDefinition } from '../../mcp/definition.ts'
import { isRecord, type Params } from '../../mcp/message.ts'
import type { Claimed } from '../claim.ts'
import type { Sighting, Weight } from '../finding.ts'
import { MASKED } from '../mask-text.ts'
import { type Found, recorded, type RecordedFinding, worst } from '../recorded-finding.ts'
import { stricter, type Verdict, type VerdictRules, verdictsFor } from '../verdict.ts'
import { withMirrors } from './mirror.ts'
import { pointerOfPath, replaced, type Replacement } from '../../core/replaced.ts'
import type { ResultSettings } from './result-settings.ts'
import type { TextInspect, TextKind } from './result-text.ts'
import type { TextPlace } from './result-walk.ts'
import { SLICE_LENGTH } from './slices.ts'
import { spotlit } from './spotlight.ts'

/** What the configuration says about one tool. */
export interface ToolRules {
  /** From the nearest to the farthest. */
  readonly levels: readonly VerdictRules[]
  readonly settings: ResultSettings
  readonly inspectors: readonly TextInspect[]
  /** Nobody outside is asked, and texts without a finding stay as they are. */
  readonly isPlain: boolean
  readonly shadow: boolean
}

export interface CaseParts {
  readonly rules: ToolRules
  /** Of the exchange; told to the caller where it is configured. */
  readonly incident: string
  readonly tool?: ToolDefinition
  /** Whose exchange it is. */
  readonly by?: Claimed
  /** Takes down what was found, before anything is refused; returns all of the exchange. */
  readonly record: (findings: readonly RecordedFinding[]) => readonly RecordedFinding[]
  /** Holds a result that was changed against the tool's `outputSchema`; throws when it does not fit any more. */
  readonly recheck: (tool: ToolDefinition, result: Params, by?: Claimed) => void | Promise<void>
}

/** What it takes to look at a text at all, in characters of a longer one. */
const LEAST_WORK = 96

/** What is looked at here and now, in characters of all texts together. */
const MAX_QUICK_LENGTH = 16_384
const SLOW_KINDS: ReadonlySet<TextKind> = new Set(['html', 'svg', 'xml', 'ui'])

/**
 * Whether texts that are few and short have nothing in them, so that their message passes without a promise. False when in
 * doubt: `inspectMessage` decides then.
 */
export function isClean({ inspectors, isPlain }: ToolRules, places: readonly TextPlace[]): boolean {
  if (!isPlain) return false
  let room = MAX_QUICK_LENGTH
  for (const place of places) {
    room -= LEAST_WORK + place.text.length
    if (room < 0 || SLOW_KINDS.has(place.kind)) return false
    for (const inspect of inspectors) {
      const findings = inspect(place)
      if (findings instanceof Promise) {
        findings.catch(() => {})
        return false
      }
      if (findings.sightings.length > 0) return false
    }
  }
  return true
}

/** The message as it may pass. Throws `inspection.result_refused` for answers. Nothing passes before all was looked at. */
export async function inspectMessage(
  parts: CaseParts,
  message: Outgoing,
  places: readonly TextPlace[],
): Promise<Outgoing> {
  const structured = places.filter(isStructured)
  const first = await looked(parts, message, structured)
  // The text that repeats the structured content repeats what is left of it, and is then looked at like any other.
  const base = first.changes.length === 0 ? message : replaced(withMirrors(message, first.changes), first.changes)
  const others = places.filter((place) => !isStructured(place))
  const texts = base === message ? others : others.map((place) => renewed(place, base))
  const second = await looked(parts, message, texts)
  const found = [...first.found, ...second.found]
  const all = found.length === 0 ? undefined : parts.record(recorded(found, parts.rules.shadow))
  if (parts.rules.shadow) return message
  if (!('method' in message) && isRefused(found)) throw new Fault('inspection.result_refused', { findings: all })
  const wanted = configured(parts.rules.settings, texts, second.changes)
  const changed = replaced(base, [...second.changes, ...wanted])
  if (base !== message) await recheckStructured(parts, changed)
  return all === undefined ? changed : marked(parts, changed, worst(found))
}

const isStructured = ({ path }: TextPlace): boolean => path[1] === 'structuredContent'

function renewed(place: TextPlace, base: Outgoing): TextPlace {
  if (place.isBlob || place.kind === 'name') return place
  const text = place.path.reduce<unknown>((value, step) => (value as Readonly<Record<string, unknown>>)[step], base)
  return typeof text === 'string' ? { ...place, text } : place
}

interface Looked {
  readonly found: readonly Found[]
  readonly changes: readonly Replacement[]
}

async function looked({ rules, by }: CaseParts, message: Outgoing, places: readonly TextPlace[]): Promise<Looked> {
  const found: Found[] = []
  const changes: Replacement[] = []
  const judge = verdictsFor(rules.levels, 'result')
  let read = 0
  for (const place of places) {
    const { text, found: own } = await judged(rules, judge, place, by)
    found.push(...own)
    // A notification is none of the caller's doing, and who sends it waits for nothing: only its text is refused.
    const left = 'method' in message && isRefused(own) ? MASKED : text
    if (left !== place.text) changes.push(changeOf(place, left))
    // Between two slices everybody else has a turn; long texts see to it themselves, and a short one is work of its own.
    read += Math.min(LEAST_WORK + place.text.length, SLICE_LENGTH)
    if (read < SLICE_LENGTH) continue
    read = 0
    await ownTurn()
  }
  return { found, changes }
}

interface Judged {
  readonly text: string
  readonly found: readonly Found[]
}

/** Everybody who looks at a text, one after the other; each sees what the one before has left. */
async function judged(
  { inspectors }: ToolRules,
  judge: (sighting: Sighting) => Verdict,
  place: TextPlace,
  by?: Claimed,
): Promise<Judged> {
  const found: Found[] = []
  let { text } = place
  for (const inspect of inspectors) {
    const findings = inspect({ text, kind: place.kind, ...(by && { by }) })
    const { sightings, least = 'allow', clean } = findings instanceof Promise ? await findings : findings
    if (sightings.length === 0) continue
    const at = pointerOfPath(place.path)
    const own = sightings.map((sighting) => {
      const verdict = settled(stricter(judge(sighting), least), place)
      return { at, place: 'result' as const, sighting, verdict }
    })
    found.push(...own.filter(({ verdict }) => verdict !== 'allow'))
    const masked = new Set<Weight>(
      own.filter(({ verdict }) => verdict === 'mask').map(({ sighting }) => sighting.weight),
    )
    if (masked.size > 0) text = clean === undefined ? MASKED : await clean(masked)
  }
  return { text, found }
}

/** The name of a member cannot be replaced: another member may have the new one. */
const settled = (verdict: Verdict, { kind }: TextPlace): Verdict =>
  verdict === 'mask' && kind === 'name' ? 'refuse' : verdict

/** Nobody can be asked about an answer before reading it. */
const isRefused = (found: readonly Found[]): boolean => ['refuse', 'ask'].includes(worst(found))

function changeOf({ path, isBlob }: TextPlace, text: string): Replacement {
  return { path, value: isBlob ? Buffer.from(text, 'utf8').toString('base64') : text }
}

/** Tells a caller that something was found, and by which incident its administrator can look it up. */
const MARK = 'dev.portcullis/inspection'

function marked({ rules, incident }: CaseParts, message: Outgoing, verdict: Verdict): Outgoing {
  if (!rules.settings.mark || !isRecord(message['result'])) return message
  return replaced(message, [{ path: ['result', '_meta', MARK], value: { verdict, incident } }])
}

/** What the configuration asks for, found or not: other types for programs, marks in the texts of tools. */
function configured(
  { ui, spotlight }: ResultSettings,
  places: readonly TextPlace[],
  changes: readonly Replacement[],
): readonly Replacement[] {
  return places.flatMap((place) => {
    const { path, kind, text } = place
    if (kind === 'ui' && ui === 'source') return [{ path: [...path.slice(0, -1), 'mimeType'], value: 'text/plain' }]
    const isText = path[0] === 'result' && path[1] === 'content' && path.length === 4 && path[3] === 'text'
    if (spotlight === 'none' || !isText) return []
    const change = changes.find((one) => one.path === path)
    return [{ path, value: spotlit(change === undefined ? text : String(change.value), spotlight) }]
  })
}

async function recheckStructured({ tool, recheck, record, by }: CaseParts, message: Outgoing): Promise<void> {
  if (tool === undefined) return
  try {
    await recheck(tool, message['result'] as Params, by)
  } catch (cause) {
    const reason = 'what is left does not match the outputSchema'
    throw new Fault('inspection.result_refused', { reason, findings: record([]) }, { cause })
  }
}
