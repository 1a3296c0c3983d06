/** Decides what follows from what an upstream's answer holds: each block of it passes, is replaced, or nothing passes. */
import type { Outgoing } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Filter } from '../core/pipeline.ts'
import type { Parsed } from '../mcp/call.ts'
import type { Resolved } from '../mcp/definition.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import type { InspectionSettings } from './argument-settings.ts'
import type { Sighting } from './finding.ts'
import type { Inspected } from './inspect-arguments.ts'
import { MASKED } from './mask-text.ts'
import { type Found, recorded, worst } from './recorded-finding.ts'
import { isShadow, type VerdictRules, verdictsFor } from './verdict.ts'

/** What one inspector saw in a block, and what it would put in its place. */
export interface InspectedBlock {
  readonly sightings: readonly Sighting[]
  /** The block without what was seen; absent when nothing of it can stay. */
  readonly replaced?: Params
}

/**
 * Looks at one content block of a result: an element of `content`, of a prompt's `messages`, of a resource's `contents`, or
 * `{ type: 'structured', structuredContent }`. Must not change it.
 */
export type ResultInspect = (block: Params) => InspectedBlock | Promise<InspectedBlock>

type Known = Parsed & Resolved & Inspected

/** Filter `inspection.inspect-results`. Throws `inspection.result_refused`. Without inspectors it costs nothing. */
export function inspectResults(settings: InspectionSettings, inspectors: readonly ResultInspect[]): Filter<Known> {
  return {
    name: 'inspection.inspect-results',
    filter(message, exchange) {
      if (inspectors.length === 0 || 'method' in message || !isRecord(message['result'])) return message
      const places = blocksOf(message['result'])
      return places.length === 0 ? message : inspected(settings, inspectors, message, places, exchange)
    },
  }
}

/** A block and how to put another one there. */
interface BlockPlace {
  readonly at: string
  readonly block: Params
  readonly path: readonly (string | number)[]
}

/** The parts of a result that a model reads. */
function blocksOf(result: Params): readonly BlockPlace[] {
  const lists = ['content', 'contents', 'messages'].flatMap((name) => {
    const list = result[name]
    return Array.isArray(list) ? list.map((block: unknown, index) => ({ name, index, block })) : []
  })
  const blocks = lists.flatMap(({ name, index, block }) =>
    isRecord(block) ? [{ at: `/${name}/${index}`, block, path: [name, index] }] : [],
  )
  const { structuredContent } = result
  if (structuredContent === undefined) return blocks
  const block = { type: 'structured', structuredContent }
  return [...blocks, { at: '/structuredContent', block, path: ['structuredContent'] }]
}

async function inspected(
  settings: InspectionSettings,
  inspectors: readonly ResultInspect[],
  message: Outgoing,
  places: readonly BlockPlace[],
  { tool, upstream = '', inspected: inspection }: Known,
): Promise<Outgoing> {
  const own = settings.upstreams[upstream]
  const levels: readonly VerdictRules[] = [own?.tools?.[tool?.name ?? ''], own, settings].filter(
    (one) => one !== undefined,
  )
  const judge = verdictsFor(levels, 'result')
  const all: Found[] = []
  let result = message['result'] as Params
  for (const { at, block, path } of places) {
    let current = block
    for (const inspect of inspectors) {
      const { sightings, replaced } = await inspect(current)
      const found = sightings.map((sighting) => ({ at, place: 'result' as const, sighting, verdict: judge(sighting) }))
      all.push(...found.filter(({ verdict }) => verdict !== 'allow'))
      if (found.some(({ verdict }) => verdict === 'mask')) current = replaced ?? { type: 'text', text: MASKED }
    }
    if (current !== block && !isShadow(levels)) result = withBlock(result, path, current)
  }
  return concluded(inspection, all, isShadow(levels), message, result)
}

function concluded(
  inspection: Inspected['inspected'],
  found: readonly Found[],
  shadow: boolean,
  message: Outgoing,
  result: Params,
): Outgoing {
  if (found.length === 0) return message
  inspection.resultFindings = [...(inspection.resultFindings ?? []), ...recorded(found, shadow)].slice(0, MAX_FINDINGS)
  if (shadow) return message
  // Nobody can be asked about an answer before reading it.
  const verdict = worst(found)
  if (verdict === 'refuse' || verdict === 'ask')
    throw new Fault('inspection.result_refused', { findings: inspection.resultFindings })
  return { ...message, result }
}

const MAX_FINDINGS = 16

function withBlock(result: Params, path: BlockPlace['path'], block: Params): Params {
  const [name, index] = path as [string, number | undefined]
  if (index === undefined) return { ...result, [name]: block['structuredContent'] }
  return { ...result, [name]: (result[name] as readonly unknown[]).with(index, block) }
}
